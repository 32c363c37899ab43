"""A scope shows the user's variables and keeps what is assigned in it."""

from hypothesis import given
from hypothesis import strategies as st

from agentnb.kernel.namespace.scope import Scope


def test_what_is_assigned_stays_and_what_is_borrowed_follows_the_user():
    user = {"a": 1, "b": 2}
    scope = Scope(user)
    scope.refresh()
    scope.namespace["a"] = "own"
    user.update(a=10, b=20, c=30)
    scope.refresh()
    assert {name: scope.namespace[name] for name in "abc"} == {"a": "own", "b": 20, "c": 30}
    assert user == {"a": 10, "b": 20, "c": 30}
    assert scope.own() == {"a": "own"}


def test_a_name_deleted_here_stays_away_and_one_the_user_deleted_goes():
    user = {"a": 1, "b": 2}
    scope = Scope(user)
    scope.refresh()
    del scope.namespace["a"]
    del user["b"]
    scope.refresh()
    assert "a" not in scope.namespace
    assert "b" not in scope.namespace
    assert user == {"a": 1}


def test_forks_do_not_meet():
    scope = Scope({"a": 1})
    scope.bind({"x": 1})
    other = scope.fork()
    other.namespace["x"] = 2
    other.namespace["y"] = 3
    assert scope.own() == {"x": 1}
    assert other.own() == {"x": 2, "y": 3}


@given(st.lists(st.tuples(st.sampled_from("uos"), st.sampled_from("abc"), st.integers(0, 9) | st.none())))
def test_no_order_of_assignments_reaches_the_user(moves):
    user, users_own = {}, {}
    scope = Scope(user)
    for who, name, value in moves:
        target = user if who == "u" else scope.namespace
        if who == "s":
            scope.refresh()
        elif value is None:
            target.pop(name, None)
        else:
            target[name] = (who, value)
        if who == "u":
            users_own = dict(user)
    scope.refresh()
    assert user == users_own
    assert all(value[0] == "o" for value in scope.own().values())
