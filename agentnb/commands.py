"""The sub-commands of ``%agents``."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agentnb._version import __version__
from agentnb.commands_steer import approve, change_budget, deny, show_cost, waiting_lines
from agentnb.errors import OptionError, UserError
from agentnb.kernel.undo.store import kernel_checkpoints, show_size
from agentnb.record.document import FINAL
from agentnb.recovery import crash_lines
from agentnb.run.cell import check_done
from agentnb.run.notebook import Notebook
from agentnb.run.team import notebook_model, set_notebook_model
from agentnb.team.agent import Agent
from agentnb.views.changes import changes_text
from agentnb.views.words import duration, one_line

HELP = """\
%%agents [@name ...] [options]      the task follows from the second line on; {name} puts in a variable
  @name                ask this specialist directly, without the coordinator
  -t, --team NAME      a Team variable of the notebook, or a team of agentnb.toml
  -m, --model ID       provider/model, or the name of a variable that holds a smolagents Model
  --mode MODE          live, scratch, branch or dask: where actions run
  --approve HOW        auto: run freely; plan: the coordinator's plan first; ask: you allow each action
  -b, --budget SPEC    hard limits: 60k, $0.50, 5m, 20 steps, 3 agents
  --bg                 return at once; the run goes on between your cells
  -o, --out NAME       bind the result to NAME
  --new                forget the conversation
  --replay [PATH]      play the recorded replies instead of asking a model

%agents                              the team and the runs
%agents team [NAME]                  show the team, or make NAME the current one
%agents hire NAME "role"             add a specialist     %agents dismiss NAME    let it go
%agents change NAME key=value ...    change its role, model, mode, approve, max_steps, ...
%agents model [ID]                   show or set the model of this notebook
%agents stop | pause | resume        the newest run
%agents resume [RUN]                 go on from a run whose kernel died: shows what code would run again, and
                                     asks; --rerun [all] runs it, --as-is does not, -b SPEC gives a new budget
%agents say [@name] TEXT             tell the coordinator, or an agent, something
%agents approve [ID] [--all] [--run] allow what waits; --run: and all like it in this run
%agents deny [ID] [REASON]           say no, and what to do instead
%agents budget [SPEC]                show or change the newest run's limits; `none` lifts them
%agents changes                      what the newest run did to your variables
%agents undo [STEP]                  put your variables back to before the run, or before a step of it
%agents cost                         tokens and money of the runs so far, by agent
%agents record [PATH]                write the newest run's record as JSON
%agents export [PATH]                write the newest run as a notebook of plain cells
%agents replay [PATH]                play the newest run's replies again, on today's data
%agents help | version"""

Command = Callable[[Notebook, dict[str, Any], list[str], str], Any]


def run_command(notebook: Notebook, variables: dict[str, Any], line: str) -> Any:
    """Carry out one ``%agents`` line; prints for the person, returns an awaitable for ``replay``.

    Raises ``UserError`` for a command that does not exist or does not fit.
    """
    name, _, rest = line.strip().partition(" ")
    if not name:
        print(overview(notebook))
        return None
    command = COMMANDS.get(name)
    if command is None:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean `%agents {near[0]}`?" if near else "`%agents help` lists the commands"
        raise OptionError(f"%agents: there is no command {name!r}; {hint}")
    try:
        words = shlex.split(rest)
    except ValueError:
        words = rest.split()
    return command(notebook, variables, words, rest.strip())


def overview(notebook: Notebook) -> str:
    """Return the team and the runs in a few lines."""
    lines, crashed = [_team_text(notebook)], crash_lines(notebook)
    if not notebook.runs and not crashed:
        lines.append("no runs yet; start one with a %%agents cell")
    for run in notebook.runs[-10:]:
        usage = f"{run.usage.tokens:,} tokens, {duration(run.record.timing.elapsed)}"
        lines.append(f"run {run.id}  {run.status:<9}  {usage}  {one_line(run.record.task, 60)}")
        lines += waiting_lines(run)
    return "\n".join([*lines, *_checkpoints_text(notebook), *crashed])


def _checkpoints_text(notebook: Notebook) -> list[str]:
    kept = kernel_checkpoints()
    steps = [f"run {run.id}: {len(run.checkpoints)}" for run in notebook.runs if run.checkpoints]
    if not steps:
        return []
    return [f"steps that can be undone: {', '.join(steps)}; {show_size(kept.size)} of at most {show_size(kept.budget)}"]


def _team_text(notebook: Notebook) -> str:
    team = notebook.at_work()
    if not len(team):
        return "team: a coordinator alone; it hires whom it needs"
    title = getattr(team, "title", team.name)
    rows = [f"  {member.name:<14} {member.role}" for member in team]
    return "\n".join([f"team{f' {title}' if title else ''}: a coordinator and", *rows])


def _team(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> None:
    if words:
        notebook.team = notebook.find_team(words[0], variables)
    print(_team_text(notebook))


def _hire(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> None:
    if not words:
        raise OptionError('write %agents hire NAME "role"')
    name, role = words[0], " ".join(words[1:])
    held = variables.get(name)
    if held is not None and not isinstance(held, Agent):
        raise UserError(f"{name!r} is a variable of yours; give the specialist another name")
    notebook.at_work().hire(held if isinstance(held, Agent) else name, role)
    print(_team_text(notebook))


def _dismiss(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> None:
    if len(words) != 1:
        raise OptionError("write %agents dismiss NAME")
    notebook.at_work().dismiss(words[0])
    print(_team_text(notebook))


_NUMBERS: dict[str, Callable[[str], Any]] = {
    "max_steps": int,
    "timeout": float,
    "memory": float,
    "read_only": lambda text: {"true": True, "false": False}[text.lower()],
}


def _change(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> None:
    settings: dict[str, Any] = {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals:
            raise OptionError('write %agents change NAME key=value, for instance role="checks the numbers"')
        try:
            settings[key] = _NUMBERS[key](value) if key in _NUMBERS else value
        except (ValueError, KeyError):
            kind = "true or false" if key == "read_only" else "a number"
            raise OptionError(f"{key} is {kind}, not {value!r}") from None
    if not settings:
        raise OptionError("write %agents change NAME key=value ...")
    if "tools" in settings:
        settings["tools"] = tuple(
            _tool(name.strip(), variables) for name in settings["tools"].split(",") if name.strip()
        )
    notebook.at_work().change(words[0], **settings)
    print(_team_text(notebook))


def _tool(name: str, variables: dict[str, Any]) -> Any:
    found = variables.get(name)
    if callable(found):
        return found
    near = difflib.get_close_matches(name, [key for key, value in variables.items() if callable(value)], n=1)
    hint = f"did you mean {near[0]!r}?" if near else "define it in a cell first"
    raise UserError(f"there is no function {name!r} in this notebook; {hint}")


def _model(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> None:
    if words:
        from agentnb.models import resolve

        spec = variables.get(words[0], words[0])
        resolve(spec)
        set_notebook_model(spec)
    print(f"model: {notebook_model() or 'by AGENTNB_MODEL, agentnb.toml or the first key in the environment'}")


def _stop(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> None:
    notebook.newest().stop()


def _pause(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> None:
    notebook.newest().pause()


def _resume(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> Any:
    paused = [run for run in notebook.runs if run.status == "paused"]
    if paused and (not words or paused[-1].id.startswith(words[0])):
        paused[-1].resume()
        return None
    from agentnb.recovery import resume

    return resume(notebook, variables, words)


def _say(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> None:
    to, text = None, rest
    if rest.startswith("@"):
        to, _, text = rest[1:].partition(" ")
    if not text.strip():
        raise OptionError("write %agents say [@name] TEXT")
    notebook.newest().say(text.strip(), to=to)


def _changes(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> None:
    print(changes_text(notebook.newest().changes) or "no variable of yours was changed")


def _undo(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> Any:
    if len(words) > 1:
        raise OptionError("write %agents undo, or %agents undo STEP with the number or id of a step")
    run = notebook.newest_changed()
    newer = notebook.runs[notebook.runs.index(run) + 1 :]
    if newer:
        print(f"nothing is left to take back of the newer run{'s' * (len(newer) > 1)} {', '.join(n.id for n in newer)}")
    print(f"run {run.id}: {one_line(run.record.task, 60)}\n{run.undo(words[0] if words else None)}")
    return _Done()


class _Done:
    """What an awaited command gives that is done already."""

    def __await__(self) -> Iterator[None]:
        yield from ()


def _export(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> None:
    run = notebook.newest()
    path = Path(words[0] if words else f"agents_run_{run.id}.ipynb")
    with _writing(path):
        run.export(path)


def _record(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> None:
    from agentnb.record.codec import encode

    run = notebook.newest()
    path = Path(words[0] if words else f"agents_run_{run.id}.json")
    with _writing(path):
        path.write_bytes(encode(run.record))


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say that the file is written, or in a sentence why not."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}); name another file") from None
    print(f"written to {path}")


async def _replay(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> Any:
    from agentnb.run.replay.recordings import load_recordings

    if words:
        recording = load_recordings(Path(words[0]))[0]
    else:
        ended = [run for run in notebook.runs if run.status in FINAL and not run.record.replayed]
        if not ended:
            raise UserError("there is no run to replay; name a file: %agents replay PATH")
        recording = ended[-1].record
    run = notebook.current().start(recording.task, replay=recording, fresh=True, foreground=True)
    variables["agents_run"] = await run
    check_done(run)
    return run.result


def _help(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> None:
    print(HELP)


def _version(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> None:
    print(f"agentnb {__version__}")


COMMANDS: dict[str, Command] = {
    "team": _team,
    "hire": _hire,
    "dismiss": _dismiss,
    "change": _change,
    "model": _model,
    "stop": _stop,
    "pause": _pause,
    "resume": _resume,
    "say": _say,
    "approve": approve,
    "deny": deny,
    "budget": change_budget,
    "changes": _changes,
    "undo": _undo,
    "export": _export,
    "replay": _replay,
    "record": _record,
    "cost": show_cost,
    "help": _help,
    "version": _version,
}
