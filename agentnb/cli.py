"""The command line: run, replay and export notebooks without a browser; show and validate records."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from agentnb._version import __version__
from agentnb.errors import AgentnbError, RecordError, UserError
from agentnb.record.document import RunRecord

_SHOWN_LINES = 18
DEMO = "01_risk_desk.ipynb"


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out a command; return the exit status: 0 only where every run ended ``done``."""
    args = _parser().parse_args(argv)
    try:
        status: int = args.command(args)
    except AgentnbError as error:
        Console(stderr=True).print(Text(f"agentnb: {error}", style="red"))
        return 2
    except OSError as error:
        Console(stderr=True).print(Text(f"agentnb: {error.filename}: {error.strerror}", style="red"))
        return 2
    except KeyboardInterrupt:
        Console(stderr=True).print("agentnb: stopped")
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="agentnb", description=__doc__)
    parser.add_argument("--version", action="version", version=f"agentnb {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="execute a notebook; its %%%%agents cells ask a model")
    run.add_argument("notebook", type=Path)
    run.add_argument("-m", "--model", help="provider/model, for cells and teams that name none")
    run.add_argument("-o", "--out", type=Path, help="where to write it (default: NOTEBOOK.out.ipynb)")
    run.set_defaults(command=_run, replay=False)

    replay = commands.add_parser("replay", help="execute a notebook with its recorded replies: no key, no network")
    replay.add_argument("notebook", type=Path)
    replay.add_argument("-o", "--out", type=Path, help="where to write it (default: NOTEBOOK.out.ipynb)")
    replay.set_defaults(command=_run, replay=True, model=None)

    export = commands.add_parser("export", help="write a notebook of plain cells that runs without agentnb")
    export.add_argument("notebook", type=Path)
    export.add_argument("-o", "--out", type=Path, help="where to write it (default: NOTEBOOK.plain.ipynb)")
    export.set_defaults(command=_export)

    show = commands.add_parser("show", help="show the runs of a notebook, a record or a journal")
    show.add_argument("file", type=Path)
    show.set_defaults(command=_show)

    validate = commands.add_parser("validate", help="check the runs of a notebook, a record or a journal")
    validate.add_argument("file", type=Path)
    validate.set_defaults(command=_validate)

    demo = commands.add_parser("demo", help="replay the example, a risk desk, in a real kernel")
    demo.add_argument("-o", "--out", type=Path, default=Path("build/demo"), help="folder for what it writes")
    demo.set_defaults(command=_demo)
    return parser


def _run(args: argparse.Namespace) -> int:
    out = args.out or args.notebook.with_suffix(".out.ipynb")
    return 0 if _execute(args.notebook, out, replay=args.replay, model=args.model) else 1


def _execute(notebook: Path, out: Path, *, replay: bool, model: str | None = None) -> bool:
    from agentnb.headless import execute, write_notebook

    console = Console(stderr=True)
    with Live(console=console, transient=True, refresh_per_second=8) as live:
        where = ""

        def on_cell(number: int, total: int) -> None:
            nonlocal where
            where = f"{notebook.name}: cell {number} of {total}"
            live.update(Text(where, style="bold"))
            if not console.is_terminal:
                console.print(where)

        def on_text(text: str) -> None:
            lines = text.splitlines()[:_SHOWN_LINES]
            live.update(Text("\n".join([where, *lines])))

        executed = execute(notebook, replay=replay, model=model, on_cell=on_cell, on_text=on_text)
    write_notebook(executed.notebook, out)
    _print_runs(executed.records)
    if executed.error is not None:
        console.print(Text(f"agentnb: {executed.error}", style="red"))
    elif not executed.records:
        console.print(Text(f"agentnb: {notebook.name} holds no run; give it a %%agents cell", style="red"))
    print(f"written to {out}")
    return executed.all_done


def _print_runs(records: Sequence[RunRecord]) -> None:
    from agentnb.views.terminal import render_rich

    console = Console()
    for record in records:
        console.print(render_rich(record, code=False))
        for message in record.messages:
            if message.sender == "agentnb":
                console.print(Text(f"note: {message.text}", style="yellow"))


def _export(args: argparse.Namespace) -> int:
    from agentnb.headless import read_notebook, write_notebook
    from agentnb.run.replay.recordings import load_recordings
    from agentnb.views.notebook import export_notebook

    out = args.out or args.notebook.with_suffix(".plain.ipynb")
    notebook = read_notebook(args.notebook)
    write_notebook(export_notebook(notebook, load_recordings(args.notebook)), out)
    print(f"written to {out}")
    return 0


def _show(args: argparse.Namespace) -> int:
    from agentnb.run.replay.recordings import load_runs
    from agentnb.views.terminal import render_rich

    records = load_runs(args.file)
    if not records:
        raise RecordError(f"{args.file.name} holds no run; run its %%agents cells once and save")
    for record in records:
        Console().print(render_rich(record) if isinstance(record, RunRecord) else Text(record.text))
    if args.file.suffix == ".jsonl" and records[0].status == "crashed":
        print(f"to go on from it, type in a notebook of its folder: %agents resume {args.file.stem}")
    return 0 if all(record.status == "done" for record in records) else 1


def _validate(args: argparse.Namespace) -> int:
    from agentnb.record.validate import validate_file

    faults = validate_file(args.file)
    for fault in faults:
        print(f"{args.file}: {fault}")
    if not faults:
        print(f"{args.file}: valid")
    return 1 if faults else 0


def _demo(args: argparse.Namespace) -> int:
    from agentnb.headless import read_notebook, write_html

    notebook = _example(DEMO)
    out = args.out / DEMO
    done = _execute(notebook, out, replay=True)
    page = out.with_suffix(".html")
    write_html(read_notebook(out), page)
    print(f"as a page:  {page}")
    print(f"to open it: {_jupyter()} lab {out}")
    return 0 if done else 1


def _jupyter() -> str:
    """The command as the person can type it: by its path where this environment is not the shell's."""
    return "jupyter" if shutil.which("jupyter") else os.path.relpath(Path(sys.executable).with_name("jupyter"))


def _example(name: str) -> Path:
    """The examples are in the wheel; in a checkout they are beside the package."""
    package = Path(__file__).resolve().parent
    for folder in (package / "_examples", package.parent / "examples"):
        if (folder / name).is_file():
            return folder / name
    raise UserError(f"the example {name} is not installed; take it from the repository's examples folder")


if __name__ == "__main__":
    sys.exit(main())
