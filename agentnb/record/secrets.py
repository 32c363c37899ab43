"""What counts as a secret: names that promise one, values that look like one, the known shapes of keys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

SHORTEST = 8  # characters; anything shorter would blot out ordinary text
_LONGEST = 100_000
_WIDEST_DICT = 1000  # entries of a dict that are looked at

Promise = Literal["strong", "weak"] | None


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STRONG = _words("secret secrets password passwords passwd passphrase pw credential credentials cred creds bearer")
_ENDINGS = ("apikey", "secretkey", "accesskey", "privatekey", "token", "secret", "password", "passwd", "passphrase")
_WEAK = _words("key keys token tokens auth authorization cookie pass pwd")
_KEY_KINDS = _words(
    "api access secret private auth encryption signing signature master account app service session ssh gpg openai "
    "anthropic hf huggingface azure aws google gemini groq mistral deepseek openrouter cohere stripe"
)
_WORD_TOKENS = _words(  # what the tokens of a text or a tokenizer are called
    "pad eos bos sep cls unk mask first last next prev previous special start end stop current text word"
)
_HARMLESS_ENDS = _words(  # where or how a credential is kept, not the credential
    "path paths file dir directory sock socket url uri host port endpoint name type method mode backend provider "
    "algorithm length len size count limit header prefix env var column columns col field style"
)
_SHELLS = ("_oh", "Out", "__builtins__")  # dicts that IPython puts into the namespace
_TABLES = frozenset({"pandas", "polars"})
_LONGEST_COLUMN = 1000
_ASSIGNED = re.compile(
    r"(?P<name>[A-Za-z_][A-Za-z0-9_]{0,80})[\"']?\]?\s{0,4}[=:]\s{0,4}[bfru]{0,2}(?P<quote>[\"'])(?P<value>[^\"'\n]{8,400})(?P=quote)"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@lru_cache(maxsize=20_000)
def promise(name: str) -> Promise:
    """Tell how surely a variable of this name holds a secret.

    ``"weak"`` is a name that other things have as well: what a loop over a dict calls ``key``.
    """
    if not _mentions(name.lower()):
        return None
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _HARMLESS_ENDS:
        return None
    if _STRONG.intersection(words) or any(word.endswith(_ENDINGS) and word != "token" for word in words):
        return "strong"
    return _promise_of_weak(words)


def _promise_of_weak(words: list[str]) -> Promise:
    for before, word in zip(["", *words], words, strict=False):
        if word in ("key", "keys") and before in _KEY_KINDS:
            return "strong"
        if word in ("token", "auth") and before and before not in _WORD_TOKENS:
            return "strong"
    return "weak" if _WEAK.intersection(words) else None


@lru_cache(maxsize=20_000)
def _mentions(name: str) -> bool:
    return any(part in name for part in ("key", "token", "secret", "pass", "pw", "cred", "auth", "bearer", "cookie"))


def looks_random(text: str, *, long: int = 20) -> bool:
    """Tell whether ``text`` looks like a key rather than words.

    It has no spaces, and some part of it, between punctuation, mixes letters and digits or has ``long`` characters.
    """
    if any(character.isspace() for character in text):
        return False
    parts = re.split(r"[^A-Za-z0-9]+", text)
    return any(
        len(part) >= long
        or (len(part) >= SHORTEST - 2 and not part.isdigit() and not part.isalpha() and _alternates(part))
        for part in parts
    )


def _alternates(part: str) -> bool:
    """Tell whether letters and digits mix more than in ``week42`` or ``2022q4x``."""
    return len(part) >= 12 or len(re.findall(r"[A-Za-z]+|[0-9]+", part)) >= 3


def in_environ(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (name, value) of the secrets in the environment variables, passwords in URLs included.

    Nobody loops over these, so any promise of a name is believed; but ``PWD`` is a folder.
    """
    for name, value in list(environ.items()):
        if promise(name) and name != "PWD" and _fits(value):
            yield name, value
        elif (match := PASSWORD_IN_URL.search(value)) and _fits(match["secret"]):
            yield name, match["secret"]


def in_namespace(namespace: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (name, value) of the variables that hold secrets.

    Those are texts and bytes, texts in dicts one level deep, and the columns of tables by their names.
    """
    for name, value in list(namespace.items()):
        if type(name) is not str:
            continue
        if type(value) is str or type(value) is bytes:
            text = value if isinstance(value, str) else value.decode("utf-8", "replace")
            if _believed(promise(name), text):
                yield name, text
        elif issubclass(type(value), dict) and name not in _SHELLS:
            yield from _in_dict(promise(name), value)
        elif str(type(value).__module__).partition(".")[0] in _TABLES:  # a class may say anything, also None
            yield from _in_table(value)


def _in_table(table: Any) -> Iterator[tuple[str, str]]:
    try:
        names = [name for name in table.columns if type(name) is str and promise(name)]
        for name in names:
            for value in list(table[name][:_LONGEST_COLUMN]):
                if type(value) is str and _believed(promise(name), value):
                    yield name, value
    except Exception:  # a module, an index, a broken table: nothing to look into
        return


def in_code(code: str) -> Iterator[tuple[str, str]]:
    """Yield (name, value) of the literals that code assigns to names of secrets, where they look like keys."""
    for found in _ASSIGNED.finditer(code):
        if promise(found["name"]) and _fits(found["value"]) and looks_random(found["value"]):
            yield found["name"], found["value"]


def _in_dict(around: Promise, value: dict[Any, Any]) -> Iterator[tuple[str, str]]:
    if len(value) > _WIDEST_DICT:
        return
    for key, item in list(dict.items(value)):
        if (
            type(key) is str
            and type(item) is str
            and (_believed(promise(key), item) or (around and _believed("weak", item)))
        ):
            yield key, item


def _believed(promised: Promise, value: str) -> bool:
    if promised is None or not _fits(value):
        return False
    return promised == "strong" or looks_random(value)


def _fits(value: str) -> bool:
    return SHORTEST <= len(value) <= _LONGEST and not value.isspace()


class Shape(NamedTuple):
    """The known form of some kind of key.

    ``needles``: a text without any of them holds no such key. Group ``secret`` of ``pattern``, or else the whole match,
    is what goes. ``random`` asks for a value that looks random, with that many characters counting as long.
    """

    name: str
    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    random: int = 0


def _shape(name: str, needles: str, pattern: str, random: int = 0) -> Shape:
    return Shape(name, tuple(needles.split()), re.compile(pattern), random)


def _key(name: str, needles: str, prefix: str, rest: str, random: int = 0) -> Shape:
    """Return the shape of a key with a prefix of a fixed length that is not the end of a word.

    The check comes after the prefix: a pattern that begins with plain characters is found fast.
    """
    return _shape(name, needles, f"{prefix}(?<![A-Za-z0-9]{prefix}){rest}", random)


PASSWORD_IN_URL = re.compile(r"://[^\s/:@?#\"'<>]{0,256}:(?P<secret>[^\s/@?#\"'<>]{1,256})@")

SHAPES: tuple[Shape, ...] = (
    _shape(
        "PRIVATE_KEY",
        "-----BEGIN",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[\s\S]{0,20000}?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\s\\]{0,20000})",
    ),
    _key("API_KEY", "sk-", "sk-", r"(?:proj|ant|or|svcacct|admin|live|test|lf)-[A-Za-z0-9_-]{8,400}"),
    # scikit-learn's HTML is full of classes such as sk-estimator-doc-link, hence the look at what follows
    _key("API_KEY", "sk-", "sk-", r"[A-Za-z0-9_-]{12,400}", random=16),
    _key("STRIPE_KEY", "k_live_ k_test_", "[sr]k_(?:live|test)_", r"[A-Za-z0-9]{10,200}"),
    _key("HF_TOKEN", "hf_", "hf_", r"[A-Za-z0-9]{16,200}"),
    _key("GROQ_KEY", "gsk_", "gsk_", r"[A-Za-z0-9]{16,200}"),
    _key("GITHUB_TOKEN", "ghp_ gho_ ghu_ ghs_ ghr_", "gh[pousr]_", r"[A-Za-z0-9]{16,300}"),
    _key("GITHUB_TOKEN", "github_pat_", "github_pat_", r"[A-Za-z0-9_]{16,300}"),
    _key("GITLAB_TOKEN", "glpat-", "glpat-", r"[A-Za-z0-9_-]{16,200}"),
    _key("AWS_KEY", "AKIA ASIA", "A[KS]IA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _key("SLACK_TOKEN", "xox", "xox[abeoprs]-", r"[A-Za-z0-9-]{10,300}"),
    _key("GOOGLE_KEY", "AIza", "AIza", r"[A-Za-z0-9_-]{30,60}"),
    _key("TOKEN", "eyJ", "eyJ", r"[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{5,8000}\.[A-Za-z0-9_-]{5,2000}"),
    _shape("TOKEN", "earer", r"earer[ \t]{1,4}(?P<secret>[A-Za-z0-9._~+/=-]{12,4000})", random=20),
    _shape(
        "CREDENTIAL",
        "uthorization",
        r"uthorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?Basic[ \t]{1,4}(?P<secret>[A-Za-z0-9+/=]{8,2000})",
    ),
    Shape("PASSWORD", ("://",), PASSWORD_IN_URL),
    _shape(
        "TOKEN",
        "key= token= signature= password= secret=",
        r"[?&;](?:api_?-?key|key|access_token|auth_token|token|signature|password|client_secret|secret)="
        r"(?P<secret>[A-Za-z0-9._~+/%=-]{8,2000})",
    ),
)
