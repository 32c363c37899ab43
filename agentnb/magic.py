"""``%%agents`` and ``%agents``: thin doors to a notebook's teams and runs.

An input transformer puts ``await`` before the call that IPython makes of a ``%%agents`` cell. So the kernel's loop is
free while models think, and Stop, buttons and parallel specialists work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import no_var_expand

from agentnb.kernel.shell import kernel_of
from agentnb.page import target
from agentnb.run import started

if TYPE_CHECKING:
    from agentnb.run.notebook import Notebook

_AWAITED = re.compile(r"get_ipython\(\)\.run_(cell_magic\('agents',|line_magic\('agents', '(replay|undo|resume)\b)")
_KEY = "_agentnb_notebook"
_SINCE = "_agentnb_loaded_after"  # the run that began last before the extension was loaded


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics; what ``%load_ext agentnb`` calls. Loads nothing heavy: that comes with the first run."""
    shell.register_magic_function(_cell, "cell", "agents")  # type: ignore[arg-type]  # it is bound
    shell.register_magic_function(_line, "line", "agents")  # type: ignore[arg-type]
    setattr(shell, _SINCE, started.newest())
    if _await_agents not in shell.input_transformers_post:
        shell.input_transformers_post.append(_await_agents)
    matchers = getattr(shell.Completer, "custom_matchers", None)
    if matchers is not None and _offer not in matchers:
        matchers.append(_offer)
    if kernel_of(shell) is not None:
        target.register()


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics back; what ``%unload_ext agentnb`` calls."""
    if _await_agents in shell.input_transformers_post:
        shell.input_transformers_post.remove(_await_agents)
    matchers = getattr(shell.Completer, "custom_matchers", [])
    if _offer in matchers:
        matchers.remove(_offer)
    shell.magics_manager.magics["cell"].pop("agents", None)
    shell.magics_manager.magics["line"].pop("agents", None)
    if kernel_of(shell) is not None:
        target.unregister()


def _await_agents(lines: list[str]) -> list[str]:
    return [f"await {line}" if _AWAITED.match(line) else line for line in lines]


@context_matcher(identifier="agentnb")  # type: ignore[untyped-decorator]
def _offer(context: CompletionContext) -> SimpleMatcherResult:
    """Answer Tab in what is for agents; nothing else there is Python."""
    nothing = SimpleMatcherResult(completions=[])
    if "%agents" not in context.full_text:
        return nothing
    from agentnb.completion import complete
    from agentnb.kernel.shell import current_shell

    shell = current_shell()
    own = {name: value for name, value in shell.user_ns.items() if shell.user_ns_hidden.get(name, _KEY) is not value}
    offer = complete(context.full_text, _cursor(context), notebook_of(shell), own)
    if offer is None:
        return nothing
    words = [SimpleCompletion(word, type=offer.kind) for word in offer.words]
    return SimpleMatcherResult(completions=words, matched_fragment=offer.typed, suppress=True)


def _cursor(context: CompletionContext) -> int:
    lines = context.full_text.split("\n")
    return sum(len(line) + 1 for line in lines[: context.cursor_line]) + context.cursor_position


class _Nothing:
    """What an awaited command gives where there is nothing to wait for."""

    def __await__(self) -> Iterator[None]:
        return iter(())


def notebook_of(shell: InteractiveShell) -> Notebook:
    """Return the state of this kernel's notebook, made at its first use."""
    from agentnb.run.notebook import Notebook

    found: Notebook | None = getattr(shell, _KEY, None)
    if found is None:
        found = Notebook(getattr(shell, _SINCE, None))
        setattr(shell, _KEY, found)
    return found


@no_var_expand
async def _cell(line: str, cell: str) -> Any:
    """Give a task to a team: %%agents [@name ...] [options], the task from line 2 on. `%agents help` lists them."""
    from agentnb.kernel.shell import current_shell
    from agentnb.run.cell import run_cell
    from agentnb.run.options import parse_line

    shell = current_shell()
    return await run_cell(notebook_of(shell), shell.user_ns, parse_line(line), cell)


@no_var_expand
def _line(line: str) -> Any:
    """Show and steer teams and runs: %agents [command]. `%agents help` lists the commands."""
    from agentnb.commands import run_command
    from agentnb.kernel.shell import current_shell

    shell = current_shell()
    done = run_command(notebook_of(shell), shell.user_ns, line)
    return _Nothing() if done is None and _AWAITED.search(f"get_ipython().run_line_magic('agents', '{line}") else done
