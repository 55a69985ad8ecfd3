"""Rate limiters."""

from __future__ import annotations

from liveview.core.limits import Bucket, Strikes


def test_a_bucket_fills_with_time() -> None:
    now = [0.0]
    bucket = Bucket(rate=2, burst=3, clock=lambda: now[0])

    assert [bucket.take() for _ in range(5)] == [True, True, True, False, False]
    assert bucket.debt == 2
    now[0] = 0.5
    assert [bucket.take(), bucket.take()] == [True, False]
    now[0] = 100
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


def test_what_is_booked_waits_for_its_turn() -> None:
    now = [0.0]
    bucket = Bucket(rate=2, burst=2, clock=lambda: now[0])

    assert [bucket.book() for _ in range(5)] == [0, 0, 0.5, 1, 1.5]
    assert not bucket.take()
    now[0] = 1.5
    assert bucket.book() == 0.5
    now[0] = 100
    assert [bucket.book() for _ in range(3)] == [0, 0, 0.5]


def test_old_strikes_are_forgotten() -> None:
    now = [0.0]
    strikes = Strikes(3, per=60, clock=lambda: now[0])

    struck = []
    for at in (0, 40, 80, 90):
        now[0] = at
        struck.append(strikes.add())

    assert struck == [False, False, False, True]
