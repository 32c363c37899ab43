"""What a cell printed and showed: the outputs of one execution, put together as a notebook page does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

OUTPUT_FIELDS = {
    "stream": ("name", "text"),
    "display_data": ("data", "metadata"),
    "execute_result": ("data", "metadata", "execution_count"),
    "error": ("ename", "evalue", "traceback"),
}

Output = dict[str, Any]


@dataclass(frozen=True)
class CellError:
    """What a cell raised: the exception's class, its message, and the traceback as shown (with ANSI colours)."""

    name: str
    message: str
    traceback: list[str]


@dataclass(frozen=True)
class CellResult:
    """A cell that has run. ``outputs`` are in nbformat's form; updates that come after its end still change them."""

    status: Literal["ok", "error", "aborted"]
    outputs: list[Output]
    error: CellError | None
    execution_count: int | None
    prompts: list[str]
    reply: dict[str, Any]

    @property
    def result(self) -> dict[str, Any] | None:
        """The MIME bundle of the cell's value, None where it has none."""
        bundles = [output["data"] for output in self.outputs if output["output_type"] == "execute_result"]
        return bundles[-1] if bundles else None

    @property
    def displays(self) -> list[dict[str, Any]]:
        """The MIME bundles of everything displayed, the cell's value included."""
        return [output["data"] for output in self.outputs if "data" in output]

    @property
    def text(self) -> str:
        """Everything as plain text, in order: streams, displays, the value, the error's traceback."""
        return "".join(map(_as_text, self.outputs))

    def stream(self, name: Literal["stdout", "stderr"]) -> str:
        """All that went to stdout or stderr."""
        return "".join(output["text"] for output in self.outputs if output.get("name") == name)


@dataclass
class Cell:
    """A cell that was sent; ``outputs`` grows whenever the driver waits. ``displays`` is shared by a kernel's cells."""

    code: str
    message_id: str
    answers: list[str]
    displays: dict[str, list[Output]]
    outputs: list[Output] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    reply: dict[str, Any] = field(default_factory=dict)
    idle: bool = False
    _clear_next: bool = False

    @property
    def done(self) -> bool:
        """Whether both the reply and the idle status have come."""
        return self.idle and bool(self.reply)

    @property
    def text(self) -> str:
        """The text so far, see ``CellResult.text``."""
        return "".join(map(_as_text, self.outputs))

    def result(self) -> CellResult:
        """The cell as run; only once it is ``done``."""
        assert self.done, "the cell is still running"
        error = None
        if self.reply["status"] == "error":
            error = CellError(self.reply["ename"], self.reply["evalue"], self.reply["traceback"])
        count = self.reply.get("execution_count")
        return CellResult(self.reply["status"], self.outputs, error, count, self.prompts, self.reply)

    def answer(self, prompt: str) -> str:
        """The next answer to ``input()``."""
        self.prompts.append(prompt)
        assert self.answers, f"the cell asked {prompt!r} and the test has no answer left"
        return self.answers.pop(0)

    def take(self, message: dict[str, Any]) -> None:
        """Take in one message of the iopub channel."""
        kind, content = message["msg_type"], message["content"]
        if kind == "status":
            self.idle = self.idle or content["execution_state"] == "idle"
        elif kind == "clear_output":
            self._clear(wait=content["wait"])
        elif kind == "update_display_data":
            self._update(content)
        elif kind in OUTPUT_FIELDS:
            self._add(kind, content)

    def _clear(self, *, wait: bool) -> None:
        self._clear_next = wait
        if not wait:
            self.outputs.clear()

    def _update(self, content: dict[str, Any]) -> None:
        for output in self.displays.get(content["transient"]["display_id"], ()):
            output.update(data=content["data"], metadata=content["metadata"])

    def _add(self, kind: str, content: dict[str, Any]) -> None:
        if self._clear_next:
            self._clear_next = False
            self.outputs.clear()
        last = self.outputs[-1] if self.outputs else {}
        if kind == "stream" and last.get("name") == content["name"]:
            last["text"] += content["text"]
            return
        output = {"output_type": kind} | {name: content[name] for name in OUTPUT_FIELDS[kind]}
        self.outputs.append(output)
        display_id = content.get("transient", {}).get("display_id")
        if display_id is not None:
            self.displays.setdefault(display_id, []).append(output)


def _as_text(output: Output) -> str:
    if output["output_type"] == "stream":
        return str(output["text"])
    if output["output_type"] == "error":
        return "\n".join(output["traceback"]) + "\n"
    return str(output["data"].get("text/plain", "")) + "\n"
