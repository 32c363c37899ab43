"""The one helping cell of an exported notebook: how the specialists' cells run, in plain Python and IPython."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_RUNNER = '''\
# How the specialists' cells below run. `%%step TASK` keeps a cell's code; a call such as `await ingest("...")` runs the
# kept cells of the task with this brief: they read this notebook's variables and assign in the specialist's own scope.
import ast
import inspect

_tasks = {}
_scopes = globals().get("_scopes", {})  # for each specialist its variables, and the names of those that are its own
_busy = set()


class FinalAnswer(BaseException):
    """Ends a task with a value."""


def final_answer(value=None):
    raise FinalAnswer(value)


def _keep_step(line, cell):
    name, *marks = line.split()
    _tasks[name]["steps"].append((cell, "failed" in marks))


get_ipython().register_magic_function(_keep_step, "cell", "step")


async def _run_cell(source, scope):
    tree = ast.parse(get_ipython().transform_cell(source))
    code = compile(tree, "<step>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    done = eval(code, scope)
    if inspect.iscoroutine(done):
        await done


async def _run_task(task, objects):
    scope, own = _scopes.setdefault(task["agent"], ({}, set()))
    if task["agent"] in _busy:  # called twice at once: the calls do not share
        scope, own = dict(scope), set(own)
    _busy.add(task["agent"])
    scope.update(objects)
    own.update(objects)
    try:
        for source, failed in task["steps"]:
            given = {name: value for name, value in globals().items() if name not in own}
            scope.update(given)
            try:
                await _run_cell(source, scope)
            except FinalAnswer as end:
                return end.args[0]
            except Exception as error:
                if not failed:
                    raise
                print(f"{task['agent']}: {type(error).__name__}: {error} (it failed when it was recorded, too)")
            finally:
                own.update(name for name, value in scope.items() if name not in given or value is not given[name])
    finally:
        _busy.discard(task["agent"])
        globals().update({name: scope[name] for name in task["gives"] if name in scope})
    raise RuntimeError(f"{task['agent']} did not finish this task when it was recorded: {task['brief']}")


def _specialist(agent):
    async def call(brief="", *args, **objects):
        mine = [task for task in _tasks.values() if task["agent"] == agent]
        waiting = [task for task in mine if not task["called"]] or mine
        task = next((task for task in waiting if task["brief"] == brief), next(iter(waiting), None))
        if task is None:
            raise RuntimeError(f"no task of {agent} was recorded")
        task["called"] = True
        return await _run_task(task, objects)

    return call


def hire(name, *args, **options):
    return _specialist(name)


def change(name, *args, **options):
    return _specialist(name)


def dismiss(name, *args, **options):
    return None


async def ask_user(question, *args, **options):
    return _answers.get(question, "")
'''


def runner_source(
    tasks: Mapping[str, Mapping[str, Any]], specialists: Sequence[str], answers: Mapping[str, str]
) -> tuple[str, str]:
    """Give the sources of the helping cell and of the cell with the run's own tables.

    ``tasks`` maps a task's name in the notebook to its agent, brief and the variables it gave to the notebook;
    ``answers`` are the person's answers by question.
    """
    lines = ["# The tasks that were handed out, and the specialists that the code calls.", "_tasks.update({"]
    for name, task in tasks.items():
        fields = {**task, "steps": [], "called": False}
        lines.append(f"    {name!r}: {fields!r},")
    lines += ["})", f"_answers = {dict(answers)!r}"]
    lines += [f"{name} = _specialist({name!r})" for name in specialists if name.isidentifier()]
    return _RUNNER.rstrip("\n"), "\n".join(lines)
