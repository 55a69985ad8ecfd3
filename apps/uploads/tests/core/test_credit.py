from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from uploads.core.credit import Window


def test_the_whole_limit_may_be_sent_at_once_and_not_a_byte_more() -> None:
    window = Window(100)
    assert window.spend(60)
    assert window.spend(40)
    assert not window.spend(1)


def test_what_is_settled_may_be_followed_by_as_much_once_it_is_granted() -> None:
    window = Window(100)
    window.spend(100)
    window.settle(30)
    assert window.granted == 100
    assert window.grant(100)
    assert window.granted == 130
    assert window.spend(30)
    assert not window.spend(1)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50))))
def test_what_is_unsettled_never_exceeds_the_limit_of_a_client_that_obeys(steps: list[tuple[bool, int]]) -> None:
    window, unsettled = Window(100), 0
    for is_settling, size in steps:
        if is_settling:
            size = min(size, unsettled)
            window.settle(size)
            window.grant(100)
            unsettled -= size
        elif window.used + size <= window.granted:
            assert window.spend(size)
            unsettled += size
        assert 0 <= unsettled <= 100
        assert window.granted - window.used == 100 - unsettled


def test_what_was_granted_is_never_taken_back() -> None:
    window = Window(100)
    assert window.grant(1000)
    assert not window.grant(100)
    window.settle(500)
    assert not window.grant(500)
    assert window.granted == 1000
