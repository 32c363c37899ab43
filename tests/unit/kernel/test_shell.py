"""The headless shell, and a namespace in the place of the user's for a while."""

import pickle
import sys

import pytest

from agentnb.kernel.shell import current_shell, kernel_of, scope_module, user_namespace


def test_the_headless_shell_is_one_keeps_no_history_and_has_no_kernel():
    shell = current_shell()
    assert current_shell() is shell
    assert kernel_of(shell) is None
    assert shell.history_manager is None or not shell.history_manager.enabled


def test_magics_see_the_namespace_while_it_is_in_place():
    shell = current_shell()
    before = shell.user_ns, shell.user_module
    space = {"only_here": 3}
    with user_namespace(shell, space):
        shell.ex("made = only_here + 1")
        assert shell.user_global_ns is space
    with pytest.raises(ZeroDivisionError), user_namespace(shell, space):
        shell.ev("1 / 0")
    assert space["made"] == 4
    assert (shell.user_ns, shell.user_module) == before
    assert "made" not in shell.user_ns


def test_the_users_own_namespace_is_left_as_it_is():
    shell = current_shell()
    module = shell.user_module
    with user_namespace(shell, shell.user_ns):
        assert shell.user_module is module


def test_a_scopes_module_reads_and_writes_the_namespace():
    space = {"a": 1}
    module = scope_module(space)
    module.b = 2
    assert (module.a, space["b"], module.__name__) == (1, 2, "__main__")
    assert vars(module) is space
    with pytest.raises(AttributeError, match="no attribute 'c'"):
        _ = module.c


def test_pickle_finds_a_class_of_the_scope_by_the_module(monkeypatch):
    space = {"__name__": "__main__"}
    exec("class Trade:\n    pass", space)
    monkeypatch.setitem(sys.modules, "__main__", scope_module(space))
    assert isinstance(pickle.loads(pickle.dumps(space["Trade"]())), space["Trade"])
