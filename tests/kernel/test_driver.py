"""The driver shows what a notebook page would show."""

import os

import pytest

from tests.kernel.driver import REPOSITORY, Kernel, KernelError


def test_streams_displays_and_the_value_come_in_order(shared_kernel):
    result = shared_kernel.run("import sys\nprint('a'); print('b', file=sys.stderr); display({'x': 1})\n40 + 2")
    assert result.status == "ok"
    assert [output["output_type"] for output in result.outputs] == [
        "stream",
        "stream",
        "display_data",
        "execute_result",
    ]
    assert result.stream("stdout") == "a\n"
    assert result.stream("stderr") == "b\n"
    assert result.result["text/plain"] == "42"
    assert result.text == "a\nb\n{'x': 1}\n42\n"


def test_an_error_has_its_name_message_and_traceback(shared_kernel):
    result = shared_kernel.run("{}['missing']")
    assert result.status == "error"
    assert (result.error.name, result.error.message) == ("KeyError", "'missing'")
    assert result.outputs[-1]["ename"] == "KeyError"
    assert "missing" in result.error.traceback[-1]


def test_check_fails_the_test_with_the_traceback(shared_kernel):
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        shared_kernel.run("1 / 0", check=True)


def test_a_display_is_updated_in_place_also_by_a_later_cell(shared_kernel):
    first = shared_kernel.run("handle = display('before', display_id=True)")
    shared_kernel.run("handle.update('after')", check=True)
    assert [bundle["text/plain"] for bundle in first.displays] == ["'after'"]


def test_clear_output_with_wait_keeps_the_output_until_the_next(shared_kernel):
    cleared = "from IPython.display import clear_output\nprint(1); clear_output(wait=True)"
    assert shared_kernel.run(cleared).text == "1\n"
    assert shared_kernel.run(cleared + "\nprint(2)").text == "2\n"


def test_eval_returns_literals_and_leaves_the_history_alone(shared_kernel):
    shared_kernel.run("x = {'a': (1, b'2'), 'many': list(range(2000))}", check=True)
    before = shared_kernel.eval("len(In)")
    assert shared_kernel.eval("x") == {"a": (1, b"2"), "many": list(range(2000))}
    assert shared_kernel.eval("len(In)") == before


def test_eval_raises_what_the_kernel_raised(shared_kernel):
    with pytest.raises(KernelError, match="NameError") as caught:
        shared_kernel.eval("nowhere")
    assert caught.value.name == "NameError"


def test_input_gets_the_answers_in_order(shared_kernel):
    result = shared_kernel.run("names = input('first? '), input('second? ')", stdin=["Ada", "Grace"])
    assert result.prompts == ["first? ", "second? "]
    assert shared_kernel.eval("names") == ("Ada", "Grace")


def test_input_without_answers_is_an_error(shared_kernel):
    assert shared_kernel.run("input()").error.name == "StdinNotImplementedError"


def test_a_waiting_cell_can_be_watched_and_interrupted(shared_kernel):
    cell = shared_kernel.send("import time\nprint('started', flush=True)\ntime.sleep(60)")
    shared_kernel.until(lambda: "started" in cell.text)
    assert not cell.done
    shared_kernel.interrupt()
    assert shared_kernel.wait(cell).error.name == "KeyboardInterrupt"


def test_waiting_ends_with_the_timeout(shared_kernel):
    cell = shared_kernel.send("import time; time.sleep(60)")
    with pytest.raises(TimeoutError, match=r"(?s)the end of the cell.*line 1 in <module>"):
        shared_kernel.wait(cell, timeout=0.5)
    shared_kernel.interrupt()
    shared_kernel.wait(cell)


ECHO = """
from comm import get_comm_manager
def opened(comm, message):
    comm.send({'hello': message['content']['data']}, buffers=[b'raw'])
    comm.on_msg(lambda message: comm.send(message['content']['data']))
get_comm_manager().register_target('echo', opened)
"""


def test_a_comm_goes_both_ways(shared_kernel):
    shared_kernel.run(ECHO, check=True)
    comm = shared_kernel.comm("echo", {"from": "page"})
    comm.send({"n": 1})
    shared_kernel.until(lambda: len(comm.received) == 2)
    assert comm.received == [{"hello": {"from": "page"}}, {"n": 1}]
    assert comm.buffers[0] == [b"raw"]


def test_a_comm_of_the_kernel_is_seen_until_it_closes(shared_kernel):
    shared_kernel.run("from comm import create_comm\nc = create_comm('page', data={'a': 1})\nc.send({'b': 2})")
    comm = next(comm for comm in shared_kernel.comms.values() if comm.target == "page")
    assert (comm.opened_with, comm.received, comm.closed) == ({"a": 1}, [{"b": 2}], False)
    shared_kernel.run("c.close()")
    assert comm.closed


def test_a_subshell_answers_while_a_cell_runs(shared_kernel):
    subshell = shared_kernel.create_subshell()
    busy = shared_kernel.send("import threading\ngate = threading.Event()\nprint('set')\ngate.wait(60)")
    shared_kernel.until(lambda: "set" in busy.text)
    shared_kernel.wait(shared_kernel.send("gate.set()", subshell=subshell), timeout=20)
    assert shared_kernel.wait(busy).result["text/plain"] == "True"  # False would be the wait's own end


def test_requests_get_their_reply(shared_kernel):
    assert shared_kernel.request("is_complete_request", {"code": "if x:"}) == {"status": "incomplete", "indent": "    "}
    assert shared_kernel.request("kernel_info_request", channel="control")["implementation"] == "ipython"


def test_names_of_one_test_do_not_reach_the_next(shared_kernel):
    assert not {"x", "handle", "names", "gate"} & set(shared_kernel.eval("list(globals())"))


def test_the_kernel_has_no_keys_and_its_own_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never")
    monkeypatch.setenv("AGENTNB_MODEL", "openai/never")
    with Kernel(cwd=tmp_path, env={"GIVEN": "yes", "HF_TOKEN": None}) as kernel:
        names = kernel.eval("sorted(__import__('os').environ)")
        assert not {"OPENAI_API_KEY", "AGENTNB_MODEL", "HF_TOKEN"} & set(names)
        assert "GIVEN" in names
        assert os.path.samefile(kernel.eval("__import__('os').getcwd()"), tmp_path)
        assert str(REPOSITORY) in kernel.eval("__import__('sys').path")
        home = kernel._home
    assert not kernel.alive
    assert not home.exists()


def test_a_dead_kernel_ends_the_wait(kernel):
    with pytest.raises(KernelError, match="died"):
        kernel.run("import os; os._exit(1)")


def test_ipykernel_6_is_driven_the_same_way(ipykernel6_python, tmp_path):
    with Kernel(ipykernel6_python, cwd=tmp_path) as kernel:
        assert kernel.eval("__import__('ipykernel').version_info[0]") == 6
        result = kernel.run("import asyncio; await asyncio.sleep(0); print('hello'); 1", check=True)
        assert result.text == "hello\n1\n"
