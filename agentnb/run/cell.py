"""One ``%%agents`` cell: start the run, wait for it, bind what came of it."""

from __future__ import annotations

from typing import Any

from agentnb.errors import RunNotDone, UserError
from agentnb.record.document import FINAL, RunRecord
from agentnb.run.notebook import Notebook
from agentnb.run.options import CellOptions
from agentnb.run.run import Run


async def run_cell(notebook: Notebook, variables: dict[str, Any], options: CellOptions, task: str) -> Any:
    """Run a cell and return its value: the result, or None where ``-o`` binds it or ``--bg`` leaves it to go on.

    None too, and a line that says so, where to show the object would tell a secret or never end.

    Raises ``RunNotDone`` where the run did not end ``done``, so that "Run all" stops, and ``UserError`` for a mistake
    in the cell.
    """
    if options.bg and not can_go_on(variables):
        raise UserError("--bg needs a Jupyter kernel: a terminal does nothing between two inputs; leave it out")
    run = notebook.start(task, options, variables)
    variables["agents_run"] = run
    if options.bg:
        if options.out is not None:
            bind_at_end(run, variables, options.out)
        return None
    await run
    variables["agents_run"] = run  # an agent's `%reset` takes it away
    check_done(run)
    if options.out is not None:
        run.bind(options.out, variables)
        return None
    if not run.presentable:
        print(
            "The result is shown in the run above only as far as it can be; the object itself is `agents_run.result`."
        )
        return None
    return run.result


def check_done(run: Run) -> None:
    """Raise ``RunNotDone`` with the reason where the run ended in another way."""
    if run.status != "done":
        reason = (run.record.reason or "no reason is known").rstrip(".")
        where = f"`agents_run.partial` ({', '.join(run.partial)})" if run.partial else "`agents_run`"
        raise RunNotDone(f"the run ended as {run.status}: {reason}. What was reached is in {where}.")


def bind_at_end(run: Run, variables: dict[str, Any], name: str) -> None:
    """Bind the result to ``name`` when a background run is done."""

    def on_event(event: Any, record: RunRecord) -> None:
        if record.status in FINAL and run.status == "done":
            run.bind(name, variables)

    run.subscribe(on_event)


def can_go_on(variables: dict[str, Any]) -> bool:
    """Whether there is a kernel whose loop goes on between cells."""
    from agentnb.kernel.shell import current_shell, kernel_of

    return kernel_of(current_shell()) is not None
