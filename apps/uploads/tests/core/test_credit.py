from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from uploads.core.credit import FRAMES, LEAST, LOOK_EVERY, Frames, Reach, Window


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


def reached(rate: float, trip: float, most: int = 64 * LEAST) -> int:
    """The window of a client that always uses all of it, on a link of such a rate and round trip; bytes and seconds."""
    reach, used, now, outstanding = Reach(most), 0, 0.0, 65_536
    for _ in range(20):
        reach.granted(used + outstanding, used, now)
        used, now = used + outstanding, now + max(trip, outstanding / rate)
        reach.arrived(used + 1, now)
        outstanding = reach.limit
    return reach.limit


def test_a_window_grows_to_what_a_long_link_holds() -> None:
    assert reached(125e6, 0.1) >= 1.2 * 125e6 * 0.1


def test_a_window_stays_small_on_a_short_link_however_fast() -> None:
    assert reached(500e6, 0.001) == LEAST


def test_a_window_is_never_larger_than_the_site_allows() -> None:
    assert reached(125e6, 0.1, most=2 * LEAST) == 2 * LEAST
    assert Reach(100).limit == 100


def test_a_client_that_takes_its_time_gets_no_larger_window() -> None:
    """It had more credit than it used: what came in that long time says nothing of the link."""
    reach = Reach(64 * LEAST)
    used, granted, now = 0, 65_536, 0.0
    reach.granted(0, 0, now)
    reach.arrived(used := 65_536, now := 0.05)
    for _ in range(100):
        reach.granted(granted, used, now)
        granted, used, now = granted + LEAST, granted + LEAST // 2, now + 2.0
        reach.arrived(used, now)
    assert reach.limit == LEAST


def lengths(*shares: float) -> list[int]:
    """Of frames that are asked for, in bytes, each after a period in which such a share of a loop's time was used."""
    frames, used, found = Frames(0, 0), 0.0, []
    for number, share in enumerate(shares, 1):
        used += share * LOOK_EVERY
        frames.look(used, number * LOOK_EVERY)
        found.append(frames.least)
    return found


def test_frames_are_to_be_longer_the_longer_the_loop_is_busy() -> None:
    shortest, longest = FRAMES
    assert lengths(0.9, 0.9, 0.9) == [shortest, 2 * shortest, 4 * shortest]
    assert lengths(*[0.9] * 20)[-1] == longest


def test_frames_stay_as_they_are_while_that_is_just_enough() -> None:
    assert lengths(0.9, 0.9, 0.4, 0.4) == [FRAMES[0], 2 * FRAMES[0], 2 * FRAMES[0], 2 * FRAMES[0]]


def test_clients_choose_for_themselves_again_once_the_loop_has_time() -> None:
    assert lengths(0.9, 0.9, 0.1, 0.1) == [FRAMES[0], 2 * FRAMES[0], FRAMES[0], 0]
    assert lengths(0.1, 0.4) == [0, 0]


def test_how_busy_a_loop_is_isn_t_judged_by_a_moment() -> None:
    frames = Frames(0, 0)
    assert not frames.is_due(LOOK_EVERY / 2)
    assert frames.is_due(LOOK_EVERY)
