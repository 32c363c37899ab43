"""What ``%agents resume`` does for a run whose kernel died: show where it stood, ask, go on."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentnb.errors import OptionError, RecordError, UserError
from agentnb.kernel.ask import can_prompt, read_line
from agentnb.kernel.shell import current_shell, notebook_name
from agentnb.record.journals import CrashedRun, crashed_runs, find_journal
from agentnb.run.budget import Budget
from agentnb.run.cell import check_done
from agentnb.run.notebook import Notebook
from agentnb.run.recovery.crash import Crash, Rerun, how_to_try_on, is_finished, listing, summary
from agentnb.run.recovery.rehire import lost_tools
from agentnb.run.team import Team
from agentnb.views.words import count, one_line, plural

SHOWN = 5
"""Crashed runs that are listed; of more, the count."""
OPTIONS = ("--rerun", "--as-is", "--budget")
_USAGE = "write %agents resume [RUN] [--rerun [all] | --as-is] [-b BUDGET]"
_QUESTION = (
    "run it again? y: yes; all: the interrupted code too; n: no, go on with the variables as they are; "
    "anything else: leave it:"
)
_NONE = "(none was finished)"
_ANSWERS: dict[str, Rerun] = {"y": "finished", "yes": "finished", "all": "all", "n": "no", "no": "no"}


@dataclass(frozen=True)
class Options:
    """What the line asks for; ``rerun`` is None where the person is to be asked."""

    run: str = ""
    rerun: Rerun | None = None
    budget: Budget | None = None


def parse_options(words: Sequence[str]) -> Options:
    """Read the words after ``%agents resume``; raises ``OptionError``."""
    run, budget = "", None
    rerun: Rerun | None = None
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--rerun":
            rerun = "all" if left[:1] == ["all"] and left.pop(0) else "finished"
        elif word == "--as-is":
            rerun = "no"
        elif word in ("-b", "--budget") and left:
            budget = Budget.parse(left.pop(0))
        elif run or word.startswith("-"):
            raise OptionError(f"%agents resume does not know {word!r}; {_USAGE}")
        else:
            run = word
    return Options(run, rerun, budget)


def crash_lines(notebook: Notebook) -> list[str]:
    """Return a line for each run of this notebook that crashed, the newest first, and how to go on from it."""
    found = crashed(notebook)
    lines = [line for run in found[:SHOWN] if (line := _line(run))]
    if len(found) > SHOWN:
        lines.append(f"and {plural(len(found) - SHOWN, 'older run')} that crashed")
    return lines


def _line(run: CrashedRun) -> str:
    try:
        crash = Crash.load(run.path)
    except RecordError:
        return ""
    record = crash.record
    steps = sum(map(is_finished, record.steps))
    stood = f"{plural(steps, 'step')}, {count(record.usage.tokens)} tokens"
    how = how_to_try_on(crash) if crash.tried else f"`%agents resume {record.run_id}`"
    return f"run {record.run_id}  crashed    {stood}  {one_line(record.task, 60)}; {how}"


def resume(notebook: Notebook, variables: dict[str, Any], words: Sequence[str]) -> Awaitable[Any]:
    """Go on from the crashed run that is named, else from the newest; what is returned gives its result when awaited.

    What would run again is shown first. Where the line does not say whether it may, the person is asked, and where
    nobody can be asked, told the two ways. Raises ``UserError`` where there is no such run.
    """
    options = parse_options(words)
    crash = Crash.load(find_journal(options.run)) if options.run else _newest(notebook)
    if any(run.id == crash.id for run in notebook.runs):
        raise UserError(f"run {crash.id} is one of this kernel's; `%agents` shows how it stands")
    return _resume(notebook, variables, crash, options)


async def _resume(notebook: Notebook, variables: dict[str, Any], crash: Crash, options: Options) -> Any:
    crash.check_plain()
    team = _team_of(notebook, crash, variables)
    print(summary(crash))
    for sentence in lost_tools(team, crash, options.rerun or "no", variables):
        print(sentence)
    rerun = options.rerun
    if rerun is None:
        rerun = await _agreed(crash)
    elif rerun != "no":
        print(f"\nThis code runs again:\n\n{listing(crash.played(rerun)) or _NONE}")
    if rerun is None:
        return None
    run = team.resume(crash.path, rerun=rerun, budget=options.budget, foreground=True)
    notebook.team = team
    variables["agents_run"] = run
    await run
    check_done(run)
    if crash.record.result_name != "agents_run":
        variables[crash.record.result_name] = run.result
        return None
    return run.result


def crashed(notebook: Notebook) -> list[CrashedRun]:
    """Return the runs of this notebook whose journals have no end, the newest first.

    This kernel's own runs are none of them: a full disk may have cut their journals short.
    """
    own = {run.id for run in notebook.runs}
    found = crashed_runs(notebook=notebook_name(current_shell()))
    return [run for run in found if run.start.run_id not in own]


def _newest(notebook: Notebook) -> Crash:
    for run in crashed(notebook):
        try:
            return Crash.load(run.path)
        except RecordError:
            continue
    raise UserError(
        "there is no run to go on with: none is paused, and no run of this notebook crashed in this folder; "
        "start one with a %%agents cell"
    )


def _team_of(notebook: Notebook, crash: Crash, variables: Mapping[str, Any]) -> Team:
    """The team of the run's name; for a run of a team without one, the current team, which may be a new one."""
    if not crash.record.team:
        return notebook.current()
    return notebook.find_team(crash.record.team, variables)


async def _agreed(crash: Crash) -> Rerun | None:
    """Show the code that would run again and ask; None where the person wants neither, or is not there."""
    code, more = _code(crash)
    if not code and not more:
        return "no"
    print(f"\nIts variables went with the kernel. This code made them:\n\n{code or _NONE}\n")
    if more:
        print(f"This is what was interrupted, with what specialists had done for it:\n\n{more}\n")
    if not can_prompt(current_shell()):
        print(
            f"Type `%agents resume {crash.id} --rerun` to run it again and go on (`--rerun all`: the interrupted code "
            f"too), or `%agents resume {crash.id} --as-is` to go on with the variables as they are."
        )
        return None
    try:
        answer = await read_line(current_shell(), f"{_QUESTION} ")
    except EOFError:
        return None
    return _ANSWERS.get(answer.strip().lower())


def _code(crash: Crash) -> tuple[str, str]:
    """The code of finished steps, and that which runs again beside it only where the person wants all."""
    finished = crash.played("finished")
    known = {step.id for step in finished}
    return listing(finished), listing([step for step in crash.played("all") if step.id not in known])
