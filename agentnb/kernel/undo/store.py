"""The checkpoints of a kernel: what can be taken back, of all runs, within a budget of memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from agentnb.kernel.undo.delta import Delta

LARGEST_DEFAULT = 4 << 30


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The way back over one action: the run and step it belongs to, and the bytes held for it."""

    run: str
    step: str
    delta: Delta
    size: int
    on_drop: Callable[[list[Checkpoint]], None]


class Checkpoints:
    """All checkpoints of this kernel, the oldest first. Used on the event loop and in cells, that is on one thread."""

    def __init__(self, budget: int | None = None) -> None:
        self._kept: list[Checkpoint] = []
        self.budget = default_budget() if budget is None else budget

    @property
    def size(self) -> int:
        """Bytes held by all of them, about."""
        return sum(checkpoint.size for checkpoint in self._kept)

    def of(self, run: str) -> list[Checkpoint]:
        """Return the checkpoints of a run, the oldest first."""
        return [checkpoint for checkpoint in self._kept if checkpoint.run == run]

    def keep(self, run: str, step: str, delta: Delta, on_drop: Callable[[list[Checkpoint]], None]) -> None:
        """Keep the way back over a step; the oldest are dropped where the budget is used up.

        ``on_drop`` is told of those of its run.
        """
        if not delta:
            return
        self._kept.append(Checkpoint(run, step, delta, delta.size, on_drop))
        dropped: list[Checkpoint] = []
        while self._kept and self.size > self.budget:
            dropped.append(self._kept.pop(0))
        for name in dict.fromkeys(checkpoint.run for checkpoint in dropped):
            gone = [checkpoint for checkpoint in dropped if checkpoint.run == name]
            gone[0].on_drop(gone)
        for checkpoint in dropped:
            checkpoint.delta.close()

    def take(self, checkpoints: list[Checkpoint]) -> None:
        """Let go of checkpoints that were used."""
        gone = set(map(id, checkpoints))
        self._kept = [checkpoint for checkpoint in self._kept if id(checkpoint) not in gone]
        for checkpoint in checkpoints:
            checkpoint.delta.close()


_the_kernels: list[Checkpoints] = []


def kernel_checkpoints(budget: int | None = None) -> Checkpoints:
    """Return the checkpoints of this kernel; ``budget`` in bytes is set where one is given."""
    if not _the_kernels:
        _the_kernels.append(Checkpoints())
    if budget is not None:
        _the_kernels[0].budget = budget
    return _the_kernels[0]


def default_budget() -> int:
    """Return an eighth of the machine's memory, at most 4 GB."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 1 << 30
    return min(memory // 8, LARGEST_DEFAULT)


def show_size(size: float) -> str:
    """Return bytes as a person reads them: ``1.2 GB``."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} GB"
