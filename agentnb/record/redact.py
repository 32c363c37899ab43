"""Keeps secrets out of prompts, records and pages.

What can be known to be secret is replaced by ``[redacted NAME]``: the values of credentials in the environment, in
``.env`` files of the working folder and in variables, in plain, base64, hex, URL, JSON, HTML and ``repr`` form, and
what has the known shape of a key.
What code has encrypted, split up or spelt backwards is not caught.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Literal, TypeVar, get_origin, get_type_hints
from urllib.parse import quote, quote_plus

import msgspec

from agentnb.record.codec import to_plain
from agentnb.record.dotenv_files import DotenvFiles
from agentnb.record.environ import held
from agentnb.record.needles import Needles
from agentnb.record.secrets import SHAPES, SHORTEST, Shape, in_code, in_environ, in_namespace, looks_random

_S = TypeVar("_S", bound=msgspec.Struct)
_RUN = re.compile(r"[!-~]+")
_NEEDLES = Needles(needle for shape in SHAPES for needle in shape.needles)


class Redactor:
    """Knows the secrets of one session and takes them out of text.

    ``environ`` is read anew on each ``refresh``; ``namespace`` is the user's variables, if there are any yet. What was
    once a secret stays one: it may still stand in an output after its variable is gone.
    """

    def __init__(self, environ: Mapping[str, str] | None = None, namespace: Mapping[str, Any] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._looked_at: dict[Any, Any] = {}  # the environment at the last refresh
        self._names: dict[str, str] = {}  # secret -> name
        self._literals: dict[str, str] = {}  # every form of every secret -> name
        self.spaced: list[str] = []  # those of the forms that are not one run of printable ASCII
        self._files = DotenvFiles()
        self.refresh(namespace)

    def refresh(self, *namespaces: Mapping[str, Any] | None) -> None:
        """Look for new secrets in the environment, ``.env`` files and ``namespaces``; cheap where there are none."""
        environ, before = dict(held(self._environ)), self._looked_at
        fresh = {os.fsdecode(name): os.fsdecode(value) for name, value in environ.items() if before.get(name) != value}
        self._learn(in_environ(fresh))
        self._looked_at = environ  # after that: another thread may ask meanwhile
        self._learn(in_environ(dict(self._files.values())))
        for namespace in namespaces:
            if namespace is not None:
                self._learn(in_namespace(namespace))

    def read_code(self, code: str) -> None:
        """Look for secrets that a model's code has as literals, before its variables exist."""
        self._learn(in_code(code))

    def _learn(self, found: Iterable[tuple[str, str]]) -> None:
        for name, value in found:
            if value not in self._names:
                self._names[value] = name
                fresh = [form for form in forms(value) if form not in self._literals]
                self._literals.update(dict.fromkeys(fresh, name))
                self.spaced += [form for form in fresh if not _RUN.fullmatch(form)]

    def redact(self, text: str) -> str:
        """Return ``text`` with every secret replaced by ``[redacted NAME]``."""
        # A substring search is far faster than an alternation, and nearly always finds nothing.
        present = [literal for literal in self._literals if literal in text]
        if present:
            text = _alternation(present).sub(lambda match: f"[redacted {self._literals[match[0]]}]", text)
        held = _NEEDLES.within(text)
        for shape in SHAPES if held else ():
            if not held.isdisjoint(shape.needles):
                text = shape.pattern.sub(_replacement(shape), text)
        return text

    def redact_value(self, value: Any) -> Any:
        """Return JSON-like data with the secrets in its strings replaced, keys of dicts included.

        What JSON cannot hold becomes what ``to_plain`` makes of it, for its ``repr`` may tell a secret too.
        """
        try:
            return self._walk(value)
        except RecursionError:
            return self._walk(to_plain(value))

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.redact(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {self._walk(key): self._walk(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._walk(item) for item in value]
        if isinstance(value, msgspec.Struct):
            return self.redact_event(value)
        return self._walk(to_plain(value))

    def redact_event(self, event: _S) -> _S:
        """Return a copy of an event (or any part of a record) with the secrets in its texts replaced."""
        fields = {name: self.redact_value(getattr(event, name)) for name in _free_fields(type(event))}
        return msgspec.structs.replace(event, **fields)


def forms(secret: str) -> Iterator[str]:
    """Yield the ways in which a secret may be written, itself first; only those long enough to be told from words."""
    data = secret.encode("utf-8", "surrogatepass")
    quoted = json.dumps(secret)[1:-1]
    candidates = [
        secret,
        quoted,
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(quoted)[1:-1],
        repr(secret)[1:-1],
        html.escape(secret),
        html.escape(secret, quote=False),
        quote(data),
        quote(data, safe=""),
        quote_plus(data),
        data.hex(),
        data.hex().upper(),
        *_base64_forms(data),
    ]
    yield from (form for form in dict.fromkeys(candidates) if len(form) >= SHORTEST)


def _base64_forms(data: bytes) -> Iterator[str]:
    """Yield the characters that ``data`` alone determines, for each of the three places it can have among others."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + data).decode("ascii")
        own = encoded[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]
        yield own
        yield own.translate({ord("+"): "-", ord("/"): "_"})


def _alternation(literals: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(literal) for literal in sorted(literals, key=len, reverse=True)))


def _replacement(shape: Shape) -> Any:
    group = "secret" if "secret" in shape.pattern.groupindex else 0

    def replace(match: re.Match[str]) -> str:
        secret = match[group]
        if secret.startswith("[redacted") or (shape.random and not looks_random(secret, long=shape.random)):
            return match[0]
        start, end = match.start(group) - match.start(), match.end(group) - match.start()
        return f"{match[0][:start]}[redacted {shape.name}]{match[0][end:]}"

    return replace


@cache
def _free_fields(kind: Any) -> tuple[str, ...]:
    """Return the fields that can hold any text, which those of fixed words cannot."""
    hints = get_type_hints(kind)
    return tuple(name for name in kind.__struct_fields__ if get_origin(hints[name]) is not Literal)
