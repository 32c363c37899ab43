"""How many packages `pip install` brings beyond what JupyterLab brings: our requirements, and the installed metadata.

A package that is not installed here (the peer's extras) counts as one, its own requirements being unknown.
"""

import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks._harness import judge, table

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def requirements(name: str, extras: frozenset[str]) -> Iterator[Requirement]:
    try:
        texts = metadata.requires(name) or ()
    except metadata.PackageNotFoundError:
        return
    for text in texts:
        requirement = Requirement(text)
        asked = extras or {""}
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in asked):
            yield requirement


def closure(name: str, *extras: str) -> set[str]:
    """All packages that installing ``name[extras]`` on this Python brings, itself included."""
    seen: dict[str, frozenset[str]] = {}
    todo = [(canonicalize_name(name), frozenset(extras))]
    while todo:
        package, wanted = todo.pop()
        if package in seen and wanted <= seen[package]:
            continue
        seen[package] = seen.get(package, frozenset()) | wanted
        todo += [
            (canonicalize_name(requirement.name), frozenset(requirement.extras))
            for requirement in requirements(package, seen[package])
        ]
    return set(seen)


def own_closure() -> set[str]:
    """All packages of the base install, ours included."""
    declared = map(Requirement, tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["dependencies"])
    return {"agentnb"}.union(*(closure(requirement.name, *requirement.extras) for requirement in declared))


def main() -> None:
    jupyterlab = closure("jupyterlab")
    ours = own_closure() - jupyterlab
    peer = closure("smolagents", "toolkit") - jupyterlab
    print(
        table([judge("packages beyond JupyterLab's", len(ours), len(peer), unit="", at_most=40)], "smolagents[toolkit]")
    )
    print("agentnb brings:", ", ".join(sorted(ours)))


if __name__ == "__main__":
    main()
