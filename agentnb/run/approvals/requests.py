"""What waits for the person in a run: questions, actions, plans, merges. The first answer counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from agentnb.errors import UserError
from agentnb.kernel.namespace.reach import parse
from agentnb.record.document import PlanItem, Request, RequestKind, RequestStatus
from agentnb.record.events import Answered, Asked
from agentnb.run.recorder import Recorder

TIMEOUT = 600.0
"""Seconds after which nobody's answer is a denial, unless it is set otherwise."""
CheckEdit = Callable[[str, str], None]
"""Takes code as it was shown and as the person edited it; raises ``UserError`` where it cannot run in its place."""
_ANSWERS: dict[RequestKind, frozenset[str]] = {
    "question": frozenset({"answered", "denied"}),
    "action": frozenset({"allowed", "denied"}),
    "plan": frozenset({"allowed", "denied"}),
    "merge": frozenset({"allowed", "denied"}),
}


@dataclass(frozen=True)
class Answer:
    """How a request ended. ``code`` and ``plan`` are what was allowed where the person edited it, else None.

    ``text`` is the answer to a question or the reason of a denial. ``expired`` means that nobody answered, or that
    nobody is there to answer.
    """

    status: RequestStatus
    text: str = ""
    code: str | None = None
    plan: list[PlanItem] | None = None
    for_run: bool = False
    by: str = ""

    @property
    def allowed(self) -> bool:
        """Whether the person said yes."""
        return self.status == "allowed"


class Requests:
    """One run's open requests. Used on the event loop only; ``Run`` brings answers from elsewhere there."""

    def __init__(self, recorder: Recorder, *, timeout: float = TIMEOUT, attended: bool = False) -> None:
        self._recorder, self.timeout = recorder, timeout
        self._prompt = attended
        self._views = 0
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._checks: dict[str, CheckEdit] = {}
        self._opened = asyncio.Event()
        self._seen = asyncio.Event()

    # --- who can answer -----------------------------------------------------------------------------------------------

    @property
    def attended(self) -> bool:
        """Whether somebody can answer: at a prompt, or in a view."""
        return self._prompt or self._views > 0

    @property
    def viewed(self) -> bool:
        """Whether there is a view with buttons."""
        return self._views > 0

    def attend(self) -> Callable[[], None]:
        """Count a view in which the person can answer; return the function that ends this, to be called once or more.

        Without a view and without a prompt, requests are denied at once.
        """
        self._views += 1
        self._seen.set()
        left = [1]

        def leave() -> None:
            self._views -= left.pop() if left else 0

        return leave

    # --- asking -------------------------------------------------------------------------------------------------------

    async def ask(self, request: Request, check: CheckEdit | None = None) -> Answer:
        """Record ``request`` under an id of its own and wait for its end; ``check`` is for edits of its code.

        It expires after ``timeout`` seconds, and at once where nobody can answer; it is withdrawn where the waiting
        task is cancelled. Raises only ``CancelledError``.
        """
        recorder = self._recorder
        name = f"r{len(recorder.record.requests) + 1}"
        request = msgspec.structs.replace(request, id=name, expires_at=recorder.now + self.timeout)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting[name] = future
        if check is not None:
            self._checks[name] = check
        recorder.emit(Asked(request=request))
        timer = loop.call_later(self.timeout if self.attended else 0, self.answer, name, Answer("expired"))
        self._opened.set()
        try:
            return await future
        except asyncio.CancelledError:
            self.answer(name, Answer("withdrawn"))
            raise
        finally:
            timer.cancel()

    @property
    def open(self) -> list[Request]:
        """The requests that wait, in the order they came."""
        return [request for request in self._recorder.record.requests if request.id in self._waiting]

    def is_open(self, request: str) -> bool:
        """Whether the request still waits."""
        return request in self._waiting

    async def opened(self) -> list[Request]:
        """Wait until there are open requests, and return them."""
        while not (waiting := self.open):
            self._opened.clear()
            await self._opened.wait()
        return waiting

    async def seen(self, patience: float) -> None:
        """Wait until there has been a view with buttons, at most ``patience`` seconds."""
        if patience > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._seen.wait(), patience)

    async def ended(self, request: str) -> None:
        """Wait for the end of an open request."""
        future = self._waiting.get(request)
        if future is not None:
            await asyncio.wait({future})

    # --- answering ----------------------------------------------------------------------------------------------------

    def check_edit(self, request: str, code: str) -> None:
        """Raise ``UserError`` where the edited ``code`` cannot be allowed for the open request."""
        check_syntax(code)
        if request in self._checks:
            shown = next((each.code for each in self.open if each.id == request), None)
            self._checks[request](shown or "", code)

    def answer(self, request: str, answer: Answer) -> bool:
        """Give an open request its end; False where it has one already."""
        future = self._waiting.pop(request, None)
        self._checks.pop(request, None)
        if future is None:
            return False
        self._recorder.emit(
            Answered(
                request=request,
                status=answer.status,
                text=answer.text,
                code=answer.code,
                plan=answer.plan,
                for_run=answer.for_run,
                by=answer.by,
            )
        )
        if not future.done():
            future.set_result(answer)
        return True


def check_syntax(code: str) -> None:
    """Raise ``UserError`` where edited code is no Python."""
    if parse(code) is None:
        raise UserError("the edited code has a syntax error; mend it, or deny the request and say what to do instead")


def check_answer(
    requests: Sequence[Request],
    request_id: str,
    status: str,
    *,
    text: str = "",
    code: str | None = None,
    plan: Sequence[Any] | None = None,
    for_run: bool = False,
    by: str = "user",
) -> Answer:
    """Return the answer to one of a record's ``requests``; raises ``UserError`` where it does not fit."""
    request = next((each for each in requests if each.id == request_id), None)
    if request is None:
        known = ", ".join(each.id for each in requests if each.status == "open") or "none"
        raise UserError(f"there is no request {request_id!r}; waiting: {known}")
    if request.status != "open":
        raise UserError(f"{request_id} is {request.status} already; `%agents` shows what waits")
    if status not in _ANSWERS[request.kind]:
        known = " or ".join(sorted(_ANSWERS[request.kind]))
        raise UserError(f"{request_id} is of kind {request.kind}; answer it {known}")
    allowed = status == "allowed"
    return Answer(
        status=status,  # type: ignore[arg-type]  # it is in _ANSWERS
        text=text,
        code=_edited_code(request, code) if allowed else None,
        plan=_edited_plan(request, plan) if allowed else None,
        for_run=for_run and allowed and request.kind == "action",
        by=by,
    )


def _edited_code(request: Request, code: str | None) -> str | None:
    """Return the code where it was edited; an unchanged one is run as the agent wrote it, not as the record has it."""
    if code is None or code.strip() == (request.code or "").strip():
        return None
    if request.kind != "action" or not code.strip():
        raise UserError(f"{request.id} cannot be allowed with other code; deny it and say what to do instead")
    return code


def _edited_plan(request: Request, plan: Sequence[Any] | None) -> list[PlanItem] | None:
    if plan is None or request.kind != "plan":
        return None
    try:
        items = msgspec.convert(msgspec.to_builtins(list(plan)), list[PlanItem])
    except msgspec.ValidationError as error:
        raise UserError(f"this is no plan ({error}); each line has an agent and a brief") from None
    return None if items == request.plan else items
