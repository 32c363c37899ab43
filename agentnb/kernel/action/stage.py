"""The stage: what the process looks like while an agent's code is on the stack, and only then.

A coroutine runs in segments, from one suspension to the next. At the start of each the agent's world is put in place
(its streams, display publisher, builtins, namespace, pyplot figures), at the end the former one is put back. So two
suspended actions never mix, and the user's cells between them find everything as they left it.
"""

from __future__ import annotations

import asyncio
import ctypes
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from agentnb.kernel.action import guard, interrupt
from agentnb.kernel.action.capture import Outlet, Publisher, bundle_of, claim, stream_pair
from agentnb.kernel.action.ceiling import ceiling
from agentnb.kernel.action.children import Children
from agentnb.kernel.action.descriptors import descriptors
from agentnb.kernel.action.surroundings import Surroundings
from agentnb.kernel.port import Sink
from agentnb.kernel.shell import Namespace, kernel_of, scope_module
from agentnb.kernel.turn import Turn

current_stage: ContextVar[Stage | None] = ContextVar("agentnb_stage", default=None)
"""The stage of the action that the current task belongs to; tasks that an action starts inherit it."""

_MISSING: Any = object()


class Stage:
    """The world of one action."""

    def __init__(
        self,
        shell: InteractiveShell,
        namespace: Namespace,
        names: dict[str, Any],
        sink: Sink,
        *,
        turn: Turn,
        timeout: float | None = None,
    ) -> None:
        self.shell, self.namespace, self.names, self.turn = shell, namespace, names, turn
        self.sink = Outlet(sink)
        self.clock = interrupt.Clock(timeout, lambda: turn.closed, self.sink.note)
        self._streams = stream_pair(self.sink)
        self._publisher: Any = Publisher(self.sink, self._streams, shell.display_pub)
        self._module = scope_module(namespace) if shell.user_ns is not namespace else None
        self._own: tuple[Any, Any] = self._streams
        self._figures: OrderedDict[int, Any] = OrderedDict()
        self._depth = 0
        self._effects: Callable[[], AbstractContextManager[None]] = guard.enforced if guard.is_wanted() else nullcontext
        self.pending: list[Any] = []  # calls that must be awaited
        self.tasks: set[asyncio.Task[Any]] = set()  # that the action started
        self.answer: Any = None  # the FinalAnswer it gave
        self.code: tuple[Any, ...] = ()  # compiled
        self.surroundings, self.children = Surroundings(namespace), Children()

    @contextmanager
    def set(self) -> Iterator[None]:
        """Put the agent's world in place for one segment."""
        if self._depth:  # a segment within a segment of the same action: the world is there already
            yield
            return
        self._depth = 1
        restore = self._enter()
        try:
            with descriptors.lead_to(self._streams), self.clock.running(), ceiling(), self._effects():
                yield
        finally:
            restore()
            self._depth = 0

    def _enter(self) -> Any:
        shell, namespace = self.shell, self.namespace
        streams, publisher = (sys.stdout, sys.stderr), shell.display_pub
        scope = shell.user_ns, shell.user_module, sys.modules["__main__"]
        builtins_before = namespace.get("__builtins__", _MISSING)
        figures = _swap_figures(self._figures)
        kernel = kernel_of(shell)
        stdin_before = getattr(kernel, "_allow_stdin", None)
        self.surroundings.enter()
        self.children.enter()
        threads = set(threading.enumerate())

        sys.stdout, sys.stderr = self._own
        shell.display_pub = self._publisher
        namespace["__builtins__"] = self.names
        if self._module is not None:
            shell.user_module, shell.user_ns = self._module, namespace
            sys.modules["__main__"] = self._module  # where pickle and dataclasses look the scope's classes up
        ours = {  # methods of the shell that would act on the user's session
            "ask_exit": _refuse_exit,
            "_showtraceback": self._show_traceback,
            "set_next_input": self._show_input,
        }
        methods = {name: shell.__dict__.get(name, _MISSING) for name in ours}
        shell.__dict__.update(ours)
        hooks = shell.hooks
        pager, hooks["show_in_pager"] = hooks["show_in_pager"], self._show_page
        if stdin_before is not None:
            kernel._allow_stdin = False  # type: ignore[union-attr]  # whatever asks for input fails at once

        def restore() -> None:
            if self.children.leave():
                descriptors.leave_to_children()
            if fresh := _started_since(threads):
                claim(fresh, self._streams[0])
            self.surroundings.leave()
            if stdin_before is not None:
                kernel._allow_stdin = stdin_before  # type: ignore[union-attr]
            hooks["show_in_pager"] = pager
            _put_back(shell.__dict__, methods)
            if self._module is not None:
                shell.user_ns, shell.user_module, sys.modules["__main__"] = scope
            _put_back(namespace, {"__builtins__": builtins_before})
            shell.display_pub = publisher
            # What the code made of the streams (redirect_stdout around an await) is its own until its end.
            self._own, (sys.stdout, sys.stderr) = (sys.stdout, sys.stderr), streams
            self._figures = _swap_figures(figures)

        return restore

    def _show_traceback(self, etype: Any, value: Any, stb: list[str]) -> None:
        """IPython shows some errors itself (in magics, in a repr): they belong to the action's outputs."""
        self._streams[1].write("\n".join(stb) + "\n")

    def _show_page(self, data: Any, *_: Any, **__: Any) -> None:
        """What would open a pager (``len?``) is an output like others."""
        self._publisher.publish(data if isinstance(data, dict) else {"text/plain": str(data)})

    def _show_input(self, text: str, replace: bool = False) -> None:
        """What would become the user's next cell (``%load``) is shown."""
        self._streams[0].write(f"{text}\n")

    def flush(self) -> None:
        """Pass on what is printed so far."""
        descriptors.drain()
        for stream in self._streams:
            stream.flush()

    def finish(self) -> None:
        """Pass on all that is printed; the code has ended."""
        descriptors.drain()
        for stream in self._streams:
            stream.finish()

    def show_figures(self) -> None:
        """Show and close the pyplot figures that the action left open. Called on the stage."""
        helpers = sys.modules.get("matplotlib._pylab_helpers")
        if helpers is None or not helpers.Gcf.figs:
            return
        import matplotlib.pyplot as plt

        self.flush()
        try:
            for manager in helpers.Gcf.get_all_fig_managers():
                self._publisher.publish(*_figure_bundle(self.shell, manager.canvas.figure))
        finally:
            plt.close("all")

    def drive(self, coroutine: Coroutine[Any, Any, Any]) -> Driven:
        """Return a coroutine that runs ``coroutine`` on this stage, segment by segment."""
        return Driven(self, coroutine)


class Driven(Coroutine[Any, Any, Any]):
    """A coroutine whose every segment runs on a stage."""

    def __init__(self, stage: Stage, inner: Coroutine[Any, Any, Any]) -> None:
        self._stage, self._inner = stage, inner
        self._blows = 0
        self._struck_at = 0.0
        self.__name__ = getattr(inner, "__name__", "action")
        self.__qualname__ = getattr(inner, "__qualname__", "action")

    def send(self, value: Any) -> Any:
        """Run the next segment; where the code is to end, with what ends it: it might never be asked otherwise."""
        verdict = self._stage.clock.verdict()
        if verdict is not None and time.perf_counter() - self._struck_at > interrupt.AGAIN:
            return self.throw(verdict)
        with self._stage.set():
            return self._inner.send(value)

    def throw(self, *exception: Any) -> Any:
        """Run the next segment, which starts with an exception.

        Code that has swallowed what was to end it some times is not resumed any more.
        """
        if (verdict := self._stage.clock.verdict()) is not None:
            self._blows, self._struck_at = self._blows + 1, time.perf_counter()
            if self._blows > interrupt.POLITE:
                _keep_for_ever(self._inner)
                raise verdict
        with self._stage.set():
            return self._inner.throw(*exception)

    def close(self) -> None:
        """End the coroutine."""
        with self._stage.set():
            self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[..., Any] = self.send
        argument: Any = None
        while True:
            try:
                future = step(argument)
            except StopIteration as stop:
                return stop.value
            try:
                step, argument = self.send, (yield future)
            except BaseException as error:
                step, argument = self.throw, error


def _keep_for_ever(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Let a coroutine outlive even the interpreter's end: the end of its life would resume it once more."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(coroutine))


@contextmanager
def tasks_on_stage(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let tasks that an action starts (``gather``, ``create_task``) run on the action's stage too.

    Installs a task factory on the loop and puts the former one back; nested use counts.
    """
    before = loop.get_task_factory()
    if isinstance(before, _TaskFactory):
        before.users += 1
        factory = before
    else:
        factory = _TaskFactory(before)
        loop.set_task_factory(factory)
    try:
        yield
    finally:
        factory.users -= 1
        if not factory.users and loop.get_task_factory() is factory:
            loop.set_task_factory(factory.before)


class _TaskFactory:
    def __init__(self, before: Any) -> None:
        self.before, self.users = before, 1

    def __call__(self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> Any:
        context = options.get("context")
        stage = current_stage.get() if context is None else context.get(current_stage)
        if stage is not None and asyncio.iscoroutine(coro) and not isinstance(coro, Driven):
            coro = stage.drive(coro)
        make = self.before or _plain_task
        task = make(loop, coro, **options)
        if stage is not None:
            stage.tasks.add(task)
        return task


def _started_since(before: set[threading.Thread]) -> list[threading.Thread]:
    """Return the new threads, but for those that work for whoever asks, as IPython's does for ``%%bash``."""
    return [thread for thread in threading.enumerate() if thread not in before and not _serves_all(thread)]


def _serves_all(thread: threading.Thread) -> bool:
    target = getattr(thread, "_target", None)
    return thread.name.startswith("agentnb-") or getattr(target, "__name__", "") == "run_forever"


def _plain_task(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
    return asyncio.Task(coro, loop=loop, **options)


def _put_back(namespace: Namespace, before: dict[str, Any]) -> None:
    for name, value in before.items():
        if value is _MISSING:
            namespace.pop(name, None)
        else:
            namespace[name] = value


def _refuse_exit() -> None:
    raise SystemExit("exit() would end the user's kernel and is refused here; end the task with final_answer(...)")


def _swap_figures(figures: OrderedDict[int, Any]) -> OrderedDict[int, Any]:
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    if helpers is None:
        return OrderedDict()
    before: OrderedDict[int, Any] = helpers.Gcf.figs
    helpers.Gcf.figs = figures
    return before


def _figure_bundle(shell: InteractiveShell, figure: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The figure in the formats the user set for the notebook, else as a PNG."""
    data, metadata = bundle_of(shell, figure)
    if not any(mime.startswith(("image/", "application/pdf")) for mime in data):
        from io import BytesIO

        buffer = BytesIO()
        figure.savefig(buffer, format="png", bbox_inches="tight")
        data = {**data, "image/png": buffer.getvalue()}
    return data, metadata
