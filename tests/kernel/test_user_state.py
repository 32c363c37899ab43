"""What a run leaves of the user's kernel: everything but the variables as it was."""

import pytest

from tests.kernel.work import interrupted_cell, work

STATE = """dict(
    out=sorted(Out),
    last=repr(_), stdout=id(sys.stdout), stderr=id(sys.stderr), sigint=repr(signal.getsignal(signal.SIGINT)),
    sigalrm=repr(signal.getsignal(signal.SIGALRM)),
    figures=plt.get_fignums(), factory=repr(_loop().get_task_factory()),
    ns=get_ipython().user_ns is globals(),
    builtins=id(__builtins__), main=sys.modules['__main__'].__dict__ is globals(),
    publisher=type(get_ipython().display_pub).__name__,
    showhook=id(sys.displayhook), traceback='_showtraceback' in get_ipython().__dict__,
    exit='ask_exit' in get_ipython().__dict__,
    extra=sorted(n for n in dir(__import__('builtins')) if n in ('final_answer', 'hire', 'helper')),
)"""
CODES = {
    "done": "plt.plot([1])\nx = 1",
    "failed": "plt.plot([1])\nraise ValueError('x')",
    "limit": "plt.plot([1])",
}


@pytest.mark.parametrize("how", [*CODES, "cancelled"])
def test_the_kernel_is_as_before(agents_kernel, how):
    kernel = agents_kernel
    kernel.run(
        "import sys, signal, asyncio\nimport matplotlib; matplotlib.use('agg')\nimport matplotlib.pyplot as plt\n"
        "fig = plt.figure()\n_here = asyncio.get_event_loop()\n_loop = lambda: _here",
        check=True,
    )
    before = kernel.eval(STATE)
    if how == "cancelled":
        interrupted_cell(kernel, "import time\nprint(1)\ntime.sleep(60)")
    else:
        work(kernel, CODES[how], options="--budget 1steps -o out" if how == "limit" else "-o out")
    after = kernel.eval(STATE)
    assert after == before
    assert (
        kernel.eval("[n for n in ('final_answer', 'hire', 'dismiss', 'ask_user', 'results') if n in globals()]") == []
    )
    kernel.run("plt.close('all')")


def test_the_history_holds_the_persons_cells_only(agents_kernel):
    count = agents_kernel.eval("len(In)")
    work(agents_kernel, "1 + 1", "2 + 2")
    cells = agents_kernel.eval("In[-2:]")
    assert agents_kernel.eval("len(In)") == count + 2
    assert "Team(" in cells[0]
    assert "%%agents" in cells[1] or "'agents'" in cells[1]
    assert agents_kernel.eval("_") == "done"
