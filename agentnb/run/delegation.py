"""What a coordinator's code can call: its specialists, ``hire``, ``dismiss``, ``change`` and ``ask_user``."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from agentnb.errors import Correction, DelegationError, ModelError, UserError
from agentnb.kernel.action.interrupt import masked
from agentnb.kernel.action.pending import Pending
from agentnb.kernel.branch.away import BranchLost
from agentnb.record.document import Error, Mode, Request
from agentnb.run import prompts
from agentnb.run.branches import merge_into
from agentnb.run.budget import LimitReached
from agentnb.run.context import RunContext
from agentnb.run.speculation.choice import JUDGE, AskJudge, choose, question, tell
from agentnb.run.staffing import Staffing
from agentnb.run.worker import TaskLimit, Worker
from agentnb.team.agent import MODES, Agent
from agentnb.team.roster import Roster, RosterChange


class Perform(Protocol):
    """Puts a member of the team to work on a task and returns its result."""

    def __call__(
        self, member: Agent | Roster, brief: str, objects: dict[str, Any], *, task: str, asked_by: str, lane: str | None
    ) -> Awaitable[Any]:
        """Return the object that the member gave to ``final_answer``."""


class Delegation:
    """A coordinator's hands: keeps its names up to date and carries its calls out."""

    def __init__(
        self, run: RunContext, roster: Roster, staffing: Staffing, perform: Perform, *, coordinator: str, task: str
    ) -> None:
        self._run, self._roster, self._staffing, self._perform = run, roster, staffing, perform
        self._coordinator, self._task = coordinator, task
        self.worker: Worker | None = None
        self.names: dict[str, Any] = {}
        self._begun: list[tuple[asyncio.Task[Any], str, str, str | None]] = []  # work, specialist, task, step
        self._calls: dict[Pending, str] = {}
        self._news: list[str] = []

    def open(self) -> Callable[[], None]:
        """Fill ``names`` and follow the roster; return the function that ends this."""
        names = self.names
        names.update({member.name: self._specialist(member.name) for member in self._roster})
        names["hire"], names["dismiss"], names["change"] = self._hire, self._dismiss, self._change
        names["best_of"] = self._best_of
        names["ask_user"], names["results"] = self._ask_user, self._run.results
        return self._roster.subscribe(self._on_change)

    def news(self) -> list[str]:
        """Return what changed on the team by others' hands since it was last asked."""
        news, self._news = self._news, []
        return news

    async def settle(self) -> list[str]:
        """After a failed action: let the specialists still at work come to their end, and say what they brought."""
        step = self.worker.step if self.worker else None
        begun = [(work, name, task) for work, name, task, of in self._begun if of == step]
        if begun:
            await asyncio.wait([work for work, _, _ in begun])
        done = [(name, task) for work, name, task in begun if not work.cancelled() and work.exception() is None]
        often = Counter(name for name, _ in done)
        keys = [(name, name if often[name] == 1 else task) for name, task in done]
        return [f"`{name}` finished; its result is kept in `results[{key!r}]`" for name, key in keys]

    # --- calls --------------------------------------------------------------------------------------------------------

    def _specialist(self, name: str) -> Callable[..., Pending]:
        def call(brief: str = "", /, *more: Any, **objects: Any) -> Pending:
            if more or not isinstance(brief, str) or not brief.strip():
                raise DelegationError(f'call it as `await {name}("what to do and what to return", data=x)`')
            if wrong := [key for key in objects if key.startswith("__")]:
                raise DelegationError(f"{wrong[0]} cannot be a variable of `{name}`; give it a plain name")
            mode = _mode_of(name, objects)
            step = self.worker.step if self.worker else None
            pending = Pending(name, lambda: self._delegate(pending, brief.strip(), objects, step, mode))
            return pending

        call.__name__ = call.__qualname__ = name
        return call

    async def _delegate(
        self,
        call: Pending,
        brief: str,
        objects: dict[str, Any],
        step: str | None,
        mode: Mode | None,
        *,
        take: bool = True,
    ) -> Any:
        run, name = self._run, call.name
        member = self._member(name)
        if mode is not None:
            if not isinstance(member, Agent):
                raise DelegationError(f"`{name}` is a team, whose members have modes of their own; leave mode= out")
            member = member.changed(mode=mode)
        run.ledger.wait(self._task)
        try:
            objects, origins = await self._resolved(objects)
            task = run.ledger.add(name, brief, parent=self._task, step=step, depends_on=origins)
            self._calls[call] = task
            work = run.spawn(self._carry_out(member, brief, objects, task))
            self._begun.append((work, name, task, step))
            result = await work
            return await self._take(task, name, result) if take else result
        finally:
            run.ledger.go_on(self._task)

    def _best_of(
        self, specialist: Any, brief: str = "", /, *, n: int = 3, judge: Any = None, **objects: Any
    ) -> Pending:
        named = getattr(specialist, "__name__", getattr(specialist, "name", ""))  # the person's variable has the latter
        name = specialist if isinstance(specialist, str) else named
        member = self._member(name)
        if not isinstance(member, Agent) or not isinstance(brief, str) or not brief.strip():
            raise DelegationError('call it as `await best_of(specialist, "what to do", n=3, judge=score)`')
        step = self.worker.step if self.worker else None
        mode: Mode = "dask" if member.mode == "dask" else "branch"

        async def attempt() -> tuple[Any, str]:
            call = Pending(name, lambda: self._delegate(call, brief.strip(), objects, step, mode, take=False))
            call.detach()
            result = await call
            return result, self._calls[call]

        async def best() -> Any:
            score, asked = self._judge(name, brief, judge, step)
            choice = await choose(attempt, n, score, asked)
            for other in choice.dropped:
                self._run.bundles.pop(other, None)
            tell(self._run.recorder, name, choice)
            return await self._take(choice.kept, name, choice.answer)

        return Pending("best_of", best)

    def _judge(self, name: str, brief: str, judge: Any, step: str | None) -> tuple[Any, tuple[str, AskJudge] | None]:
        """A judge is a function, another specialist, or a brief for one more task of the same."""
        by = getattr(judge, "__name__", getattr(judge, "name", ""))
        if not isinstance(judge, str) and by not in (member.name for member in self._roster):
            return judge, None
        said = judge if isinstance(judge, str) else JUDGE
        if isinstance(judge, str) and judge in (member.name for member in self._roster):
            by, said = judge, JUDGE

        async def ask(asked: str, candidates: list[Any]) -> Any:
            call = Pending(
                by or name,
                lambda: self._delegate(call, asked, {"candidates": candidates}, step, "scratch"),
            )
            call.detach()
            return await call

        return None, (question(said, brief), ask)

    async def _take(self, task: str, name: str, result: Any) -> Any:
        """With the result the coordinator takes what a branch brings back; returns the result as it then is."""
        bundle = self._run.bundles.pop(task, None)
        if bundle is None or self.worker is None:
            return result
        self._news += await merge_into(self._run, self.worker.job.place, bundle, task)
        if bundle.answer is not result:
            self._keep(task, name, bundle.answer)
        return bundle.answer

    async def _resolved(self, objects: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Return the arguments, calls among them replaced by their results, and the tasks they came from."""
        calls = [value for value in objects.values() if isinstance(value, Pending)]
        origins = self._run.ledger.origins(objects.values())
        if not calls:
            return objects, origins
        done = dict(zip(calls, await asyncio.gather(*calls), strict=True))
        origins += [self._calls[call] for call in calls if call in self._calls]
        return {key: done[value] if isinstance(value, Pending) else value for key, value in objects.items()}, origins

    async def _carry_out(self, member: Agent | Roster, brief: str, objects: dict[str, Any], task: str) -> Any:
        name, ledger = member.name, self._run.ledger
        try:
            self._run.meter.admit(name)
            ledger.move(task, "in_progress")
            result = await self._perform(
                member,
                brief,
                objects,
                task=task,
                asked_by=self._coordinator,
                lane=self.worker.job.lane if self.worker else None,
            )
        except LimitReached as limit:
            self._run.end("limit", str(limit))
            ledger.move(task, "cancelled")
            raise asyncio.CancelledError(str(limit)) from None
        except asyncio.CancelledError:
            ledger.move(task, "cancelled")
            raise
        except Exception as error:
            ledger.move(task, "failed", error=Error(name=type(error).__name__, message=str(error)))
            if isinstance(error, TaskLimit | ModelError | UserError | DelegationError | BranchLost):
                reason = str(error).rstrip(".")
                raise DelegationError(
                    f"`{name}` could not do its task: {reason}. Do it another way or yourself."
                ) from None
            raise
        ledger.move(task, "completed", result=self._staffing.bundle(result))
        self._keep(task, name, result)  # not where it is awaited: what failed beside it may have ended the waiting
        return result

    def _keep(self, task: str, name: str, result: Any) -> None:
        self._run.ledger.keep_result(task, result)
        self._run.results[name] = self._run.results[task] = result

    def _member(self, name: str) -> Agent | Roster:
        try:
            return self._roster[name]
        except UserError as error:
            raise DelegationError(str(error)) from None

    # --- the team -----------------------------------------------------------------------------------------------------

    def _hire(self, name: str, /, role: str = "", *, tools: Sequence[Any] = (), **settings: Any) -> None:
        with masked:
            self._as_correction(
                lambda: self._staffing.hire(name, role, settings | {"tools": tools}, by=self._coordinator)
            )

    def _dismiss(self, name: str, /) -> None:
        with masked:
            self._as_correction(lambda: self._roster.dismiss(name, by=self._coordinator))

    def _change(self, name: str, /, **settings: Any) -> None:
        with masked:
            self._as_correction(lambda: self._staffing.change(name, settings, by=self._coordinator))

    @staticmethod
    def _as_correction(act: Callable[[], Any]) -> None:
        try:
            act()
        except UserError as error:
            raise Correction(str(error)) from None

    def _on_change(self, change: RosterChange) -> None:
        name = change.member.name
        if change.kind == "dismissed":
            self.names.pop(name, None)
        elif change.kind == "hired":
            self.names[name] = self._specialist(name)
        if change.by != self._coordinator:
            self._news.append(f"The team changed: {describe(change)}")

    def _ask_user(self, question: str) -> Pending:
        async def ask() -> str:
            step = self.worker.step if self.worker else None
            answer = await self._run.ask(
                Request(id="", kind="question", agent=self._coordinator, task=self._task, step=step, text=str(question))
            )
            if answer.status == "answered":
                return answer.text
            raise Correction(prompts.unanswered(answer.status, answer.text))

        return Pending("ask_user", ask)


def _mode_of(name: str, objects: dict[str, Any]) -> Mode | None:
    """Take ``mode=`` out of a call's arguments: it says where the task runs."""
    mode: Mode | None = objects.pop("mode", None)
    if mode is not None and mode not in MODES:
        raise DelegationError(
            f"mode= of `{name}` is where the task runs: one of {', '.join(MODES)}; give the variable another name"
        )
    return mode


def describe(change: RosterChange) -> str:
    """Return a line about a change of the roster."""
    member = change.member
    if change.kind == "hired":
        return f"{change.by} hired `{member.name}` ({member.role}); call `await {member.name}(brief, **objects)`."
    if change.kind == "dismissed":
        return f"{change.by} dismissed `{member.name}`; it cannot be called any more."
    what = ", ".join(f"{key}={value!r}" for key, value in change.settings.items())
    return f"{change.by} changed `{member.name}`: {what}."
