"""The branch's side: runs the actions that the kernel sends, one after the other, in the forked namespace."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Container, Mapping
from types import FunctionType, ModuleType
from typing import Any

from agentnb.errors import Correction
from agentnb.kernel.action import guard, interrupt
from agentnb.kernel.action.children import marked
from agentnb.kernel.action.names import cell_names
from agentnb.kernel.action.report import report
from agentnb.kernel.action.stage import Stage, current_stage, tasks_on_stage
from agentnb.kernel.branch import post
from agentnb.kernel.branch.post import Letter
from agentnb.kernel.branch.remote import Kernel, placed
from agentnb.kernel.branch.travel import Ground, Parcel, StandIn, pack, unpack
from agentnb.kernel.fork import Connection
from agentnb.kernel.fork.seeds import free_generators
from agentnb.kernel.live import run_cell
from agentnb.kernel.merge import MISSING, Brought, Bundle, can_change, merge, print_of
from agentnb.kernel.namespace.changes import Snapshot, Watch
from agentnb.kernel.namespace.fingerprint import Fingerprint, fingerprint
from agentnb.kernel.namespace.kinds import is_a, is_variable
from agentnb.kernel.port import Outcome
from agentnb.kernel.shell import Shell
from agentnb.kernel.turn import Gate, Turn
from agentnb.record.document import ChangeKind

_RAW_LIMIT = 1 << 20
_LOOK = 1.0
"""Seconds at most to look at variables before an action that may change them; those left are compared by samples."""
_BY_NAME = (type, FunctionType, ModuleType)
_INSIDE = "what was changed inside a class, function or module does not leave a branch; define it anew instead"
CONSTANTS = frozenset({int, float, complex, bool, str, bytes})


def serve(
    connection: Connection,
    shell: Shell,
    ground: Ground,
    handed: Mapping[str, Any],
    owner: str,
    kind: type[Server] | None = None,
) -> None:
    """Be a branch: run what comes until the kernel closes the connection. ``handed`` are the arguments of the task."""
    current_stage.set(None)
    interrupt.forget()
    free_generators(ground.namespace.values())
    _leave_the_session(shell)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete((kind or Server)(connection, shell, ground, handed, owner).run())


def _leave_the_session(shell: Shell) -> None:
    """Keep nothing of the user's session: neither its history nor its channels to the page."""
    history: Any = shell.history_manager
    if history is not None:
        history.enabled = False
    sys.stdin = open(os.devnull)  # noqa: SIM115  # for the life of the process
    sys.stdout, sys.stderr = (open(fd, "w", closefd=False, buffering=1) for fd in (1, 2))  # noqa: SIM115
    streams: Any = sys.modules.get("ipykernel.iostream")
    if streams is not None:  # logging handlers hold these
        streams.OutStream.write = _write_to_current
        streams.OutStream.flush = lambda stream: None


def _write_to_current(stream: Any, text: str) -> int:
    current = sys.stderr if stream.name == "stderr" else sys.stdout
    return current.write(text) if current is not stream else len(text)


class Server:
    """Takes the kernel's letters."""

    def __init__(
        self, connection: Connection, shell: Shell, ground: Ground, handed: Mapping[str, Any], owner: str
    ) -> None:
        self._connection, self._shell, self._ground, self._owner = connection, shell, ground, owner
        self._loop = asyncio.get_event_loop()
        self._kernel: Kernel
        self._over: asyncio.Future[None]
        self._acting: asyncio.Task[None] | None = None
        self._lent: Parcel | None = None  # the kernel reads there before it asks for anything else
        self._log = _Log(ground, handed, owner)
        self._notes: list[str] = []  # on what was merged while an action waited

    async def run(self) -> None:
        """Serve until the connection's end, which ends the process."""
        loop = asyncio.get_running_loop()
        self._over = loop.create_future()
        self._kernel = Kernel(self._connection, self._ground, self._log, self._take)
        interrupt.listen(lambda: None, watched=False)  # for the handler of time limits
        loop.add_reader(self._connection.fileno(), self._read)
        with tasks_on_stage(loop):
            await self._over

    def _read(self) -> None:
        try:
            self._kernel.read()
        except EOFError:
            os._exit(0)

    def _take(self, letter: Letter) -> None:
        if letter.kind == "act":
            self._acting = self._loop.create_task(self._act(letter))
        elif letter.kind == "bring" and letter.parcel is not None:
            self._receive(Bundle(*unpack(letter.parcel, self._ground)))

    def _receive(self, bundle: Bundle) -> None:
        merged = merge(bundle, self._ground.namespace)
        self._ground.namespace.update(merged.bind)
        for name in merged.delete:
            del self._ground.namespace[name]
        self._notes += merged.notes

    async def _act(self, letter: Letter) -> None:
        self._lent = None
        given = placed(self._kernel, letter["names"])
        names = self._kernel.names = cell_names(given)
        self._shadow(given)
        sink = _Sink(self._connection)
        os.ftruncate(1, 0)
        os.lseek(1, 0, os.SEEK_SET)
        try:
            before = self._log.begin(letter["code"])
            with guard.read_only(letter["read_only"]), marked(letter["mark"]):
                stage = Stage(
                    self._shell, self._ground.namespace, names, sink, turn=Turn(Gate(None)), timeout=letter["timeout"]
                )
                outcome = await run_cell(stage, letter["code"], letter["label"])
            self._pass_raw(sink)
            self._log.end(before, outcome)
        except BaseException as error:  # a fault of ours, but the kernel waits for an answer
            outcome = Outcome(error=error, report=report(error))
        self._lent = self._answer(outcome, lend=letter["lend"]) if outcome.final else None
        post.send(
            self._connection,
            "done",
            self._lent,
            final=outcome.final,
            report=outcome.report,
            changes=outcome.changes,
            notes=[*outcome.notes, *self._notes],
        )
        self._notes.clear()

    def _shadow(self, given: Mapping[str, Any]) -> None:
        """A tool that is a function of the notebook runs in the kernel too, though its name stands for it here."""
        namespace, base = self._ground.namespace, self._ground.base
        for name, value in given.items():
            if name in base and (namespace.get(name) is base[name] or isinstance(namespace.get(name), StandIn)):
                namespace[name] = value

    def _pass_raw(self, sink: _Sink) -> None:
        """What libraries and commands wrote past Python to the process' descriptors, is output too."""
        for stream in (sys.__stdout__, sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()  # type: ignore[union-attr]
        text = os.pread(1, _RAW_LIMIT, 0).decode(errors="replace")
        if text:
            sink.add({"output_type": "stream", "name": "stdout", "text": text})

    def _answer(self, outcome: Outcome, *, lend: bool) -> Parcel | None:
        """Pack the answer and the variables in one, so that what is the same object stays so."""
        try:
            return self._log.pack(outcome.value, lend=lend)
        except Exception as error:
            advice = Correction(
                f"the answer cannot leave the branch ({type(error).__name__}: {error}); give final_answer data instead"
            )
            outcome.final, outcome.error, outcome.report = False, advice, report(advice)
            return None


class _Sink:
    """Sends outputs to the kernel's sink as they come; counts them itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._count = 0

    def add(self, output: dict[str, Any], index: int | None = None) -> int:
        with interrupt.masked:
            place, self._count = self._count, self._count + 1
            post.send(self._connection, "output", output=output, place=place, index=index)
            return place if index is None else index

    def clear(self) -> None:
        with interrupt.masked:
            post.send(self._connection, "clear")

    def note(self, text: str) -> None:
        with interrupt.masked:
            post.send(self._connection, "note", text=text)

    def late(self, output: dict[str, Any]) -> str:
        with interrupt.masked:
            post.send(self._connection, "late", output=output)
        return ""


class _Log(Container[int]):
    """What the actions so far did to the variables, and what it takes to bring that back.

    As a container it holds the addresses of the variables that are as they were at the fork.
    """

    def __init__(self, ground: Ground, handed: Mapping[str, Any], owner: str) -> None:
        self._ground = ground
        # an argument that is a variable of the user's under its own name is that variable, any other the agent's own
        self._own = {name for name, value in handed.items() if ground.base.get(name, MISSING) is not value}
        ground.namespace.update(handed)
        self._watch = Watch(ground.namespace, scope=owner, undo=False)
        self._mutated: set[str] = set()
        self._prints: dict[str, Fingerprint] = {}
        self._reached: set[str] = set()  # by the action under way, which may change them

    def __contains__(self, key: object) -> bool:
        name = self._ground.names.get(key) if isinstance(key, int) else None
        if name is None:
            return False
        value = self._ground.base[name]
        if any(self._ground.base[other] is value for other in self._mutated):
            return False
        if name not in self._reached:
            return True
        known = self._prints[name]
        return print_of(value, exact=known.exact) == known

    def lay(self, name: str, value: Any, *, own: bool) -> None:
        """Take in a variable of the user's, or an argument of the task's, that comes later than the fork."""
        if own:
            self._own.add(name)
        else:
            self._ground.add(name, value)
        self._ground.namespace.setdefault(name, value)

    def begin(self, code: str) -> Snapshot:
        """Note the state before an action."""
        before = self._watch.snapshot(code)
        base = self._ground.base
        deadline = time.perf_counter() + _LOOK
        for name in before.summaries:
            value = before.values[name]
            if name not in self._prints and base.get(name, MISSING) is value:
                self._prints[name] = before.prints.get(name) or fingerprint(value, deadline=deadline)
        self._reached = before.summaries.keys() & self._prints.keys()
        return before

    def end(self, before: Snapshot, outcome: Outcome) -> None:
        """Tell in the outcome what the action changed."""
        outcome.changes = self._watch.compare(before)
        self._reached = set()
        if self._watch.note is not None:
            outcome.notes.append(self._watch.note)
        self._mutated |= {
            change.name
            for change in outcome.changes
            if change.kind == "mutated"
            and before.values.get(change.name) is self._ground.base.get(change.name, MISSING)
        }

    def pack(self, value: Any, *, lend: bool) -> Parcel:
        """Pack an answer with the variables; raises where the answer itself cannot be pickled."""
        found = self._brought()
        stays = {
            each.name: _INSIDE for each in found if each.kind == "mutated" and issubclass(type(each.value), _BY_NAME)
        }
        brought = [each for each in found if each.name not in stays]
        try:
            return pack((value, brought, stays), self._ground, same=self, lend=lend)
        except Exception:
            pack(value, self._ground, same=self, lend=True)  # where it is the answer that cannot, this raises
        good: list[Brought] = []
        for each in brought:
            try:
                pack(each, self._ground, same=self, lend=True)
                good.append(each)
            except Exception as error:
                stays[each.name] = f"{type(error).__name__}: {error}"
        return pack((value, good, stays), self._ground, same=self, lend=lend)

    def _brought(self) -> list[Brought]:
        namespace, base = self._ground.namespace, self._ground.base
        names = [name for name in (*namespace, *base) if is_variable(name) and name not in self._own]
        found = [
            self._look(name, base.get(name, MISSING), namespace.get(name, MISSING)) for name in dict.fromkeys(names)
        ]
        return [each for each in found if each is not None]

    def _look(self, name: str, was: Any, value: Any) -> Brought | None:
        if is_a(value, StandIn):
            return None
        if was is value:
            kind: ChangeKind = "mutated"
            if name not in self._mutated:
                return None
        elif was is MISSING:
            return Brought(name, "added", value)
        elif type(was) is type(value) and type(was) in CONSTANTS and was == value:
            return None
        else:
            kind = "deleted" if value is MISSING else "rebound"
        if not can_change(was):
            return Brought(name, kind, value, id(was))
        return Brought(name, kind, value, id(was), self._prints.get(name) or print_of(was))
