"""Prints the seconds that Kishu takes for a cell that changes one cell of a DataFrame; run by a Python that has Kishu.

The cell's own work is a millisecond, so what is printed is Kishu's tracking and commit. The argument is the number of
rows (of 10 columns).
"""

import sys
import tempfile
import time
from pathlib import Path

import nbformat
from IPython.core.interactiveshell import InteractiveShell
from kishu.jupyterint import KishuForJupyter
from kishu.notebook_id import NotebookId

SETUP = """
import numpy as np, pandas as pd
rng = np.random.default_rng(0)
df = pd.DataFrame({f"c{i}": rng.random(%s) for i in range(10)})
"""


def main(rows: str) -> None:
    shell = InteractiveShell.instance()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "notebook.ipynb"
        nbformat.write(nbformat.v4.new_notebook(), path)
        kishu = KishuForJupyter(NotebookId("bench", path, "kernel"), ip=shell)
        kishu.install_kishu_hooks()
        shell.run_cell(SETUP % rows, store_history=True)
        taken = []
        for number in range(2):
            start = time.perf_counter()
            done = shell.run_cell(f"df.iloc[{number}, 0] = -1.0", store_history=True)
            taken.append(time.perf_counter() - start)
            done.raise_error()
    print(min(taken))


if __name__ == "__main__":
    main(sys.argv[1])
