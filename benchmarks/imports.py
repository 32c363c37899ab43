"""What a person waits for `%load_ext agentnb`, in a fresh IPython, beside `import smolagents`.

Both are the difference between a process with and one without, taken inside the process: its start does not count.
"""

from benchmarks._harness import compare, in_fresh_python, table

TIMED = """
import sys, time
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
shell.run_cell("1;")
start = time.perf_counter()
result = shell.run_cell({cell!r})
elapsed = time.perf_counter() - start
result.raise_error()
loaded = shell.extension_manager.loaded | set(sys.modules)
assert {module!r} in loaded, loaded
print(elapsed)
"""


def seconds(cell: str, module: str) -> float:
    with_it = in_fresh_python(TIMED.format(cell=cell, module=module))
    without = in_fresh_python(TIMED.format(cell="pass", module="sys"))
    return with_it - without


def main() -> None:
    row = compare(
        "%load_ext agentnb",
        lambda: seconds("%load_ext agentnb", "agentnb.magic"),
        lambda: seconds("import smolagents", "smolagents"),
        n=7,
        at_most=0.15,
    )
    print(table([row], "import smolagents"))


if __name__ == "__main__":
    main()
