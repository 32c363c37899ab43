"""Comms of this environment's packages, tamed: no hooks of the shell, no change of subshell."""

import pytest
from comm.base_comm import BaseComm
from ipykernel.comm import Comm

from agentnb.kernel.shell import current_shell
from agentnb.page.comms import tame


class Silent(BaseComm):
    def publish_msg(self, *args, **kwargs):
        pass


@pytest.fixture(params=[Silent, lambda **options: Comm(show_warning=False, **options)], ids=["comm", "ipykernel"])
def comm(request):
    return request.param(comm_id="c", primary=False)


@pytest.fixture
def fired():
    """Calls of a hook of the shell's."""
    calls, events = [], current_shell().events

    def hook():
        calls.append(True)

    events.register("post_execute", hook)
    yield calls
    events.unregister("post_execute", hook)


def test_a_message_runs_no_hooks_of_the_shell(comm, fired):
    got = []
    comm.on_msg(got.append)
    comm.handle_msg("as it is")
    assert fired == [True], "comms fire no hooks any more: the taming can go"
    tame(comm)
    comm.handle_msg("tamed")
    assert fired == [True]
    assert got == ["as it is", "tamed"]
    comm.on_msg(None)
    comm.handle_msg("nobody hears it")


def test_messages_stay_on_the_subshell_that_they_were_sent_to():
    comm = Comm(show_warning=False, comm_id="c", primary=False)
    if not hasattr(comm, "_reply_subshell_for"):  # before ipykernel 7.4
        return
    comm._reply_subshell_id = "the busy one"
    assert comm._reply_subshell_for({}, "the page's") == "the busy one"
    tame(comm)
    assert comm._reply_subshell_for({}, "the page's") == "the page's"


def test_an_object_without_the_hooks_is_left_as_it_is():
    class Bare:
        pass

    bare = Bare()
    tame(bare)
    assert vars(bare) == {}
