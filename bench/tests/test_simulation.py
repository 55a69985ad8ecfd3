"""That what is simulated follows what was measured, and the rules that it is about."""

from __future__ import annotations

import json

import pytest

from bench.__main__ import FOLDER
from bench.simulation import MB, carry, queue_for


def figure(bench: str, what: str) -> float:
    measured = json.loads((FOLDER / "results.json").read_text())[bench]["figures"]
    return float(next(each["value"] for each in measured if what in each["what"]))


def test_two_hundred_at_once_are_as_fast_as_they_were_measured_to_be() -> None:
    """From fast lines, whatever the server can do; a click waits no longer than it did."""
    measured = json.loads((FOLDER / "results.json").read_text())["crowd"]["figures"][0]["ours"]
    speed = float(measured.split()[0]) * MB

    carried = carry(200, 40 * MB, speed, delay=0.001, seconds=2)

    assert carried.speed == pytest.approx(speed, rel=0.1)
    assert carried.wait * 1000 <= figure("crowd", "another visitor's click, p95")


def test_a_few_lines_are_used_as_they_were_measured_to_be() -> None:
    """Of 20 Mbit/s and 100 Mbit/s, with delays of 50 ms and 100 ms."""
    for rate, delay, what in ((2.5 * MB, 0.1, "20 Mbit/s, 50 ms"), (12.5 * MB, 0.2, "100 Mbit/s, 100 ms")):
        carried = carry(1, rate, 300 * MB, delay=delay)
        assert carried.speed / rate == pytest.approx(figure("links", f"{what}: share of the link"), abs=0.1)


def test_hundreds_of_slow_lines_are_used_and_not_only_those_whose_turn_it_is() -> None:
    few = carry(8, 0.25 * MB, 250 * MB)
    many = carry(200, 0.25 * MB, 250 * MB)

    assert many.speed > 20 * few.speed
    assert many.speed > 0.8 * 200 * 0.25 * MB


def test_nobody_waits_for_anothers_hundred_films() -> None:
    hundred = [(0.0, "eve", 5.0)] * 100
    waits = queue_for(2, [*hundred, (10.0, "bob", 1.0), (20.0, "carol", 5.0)], speed=1.0)

    assert max(waits["bob"] + waits["carol"]) <= 5.0
    assert max(waits["eve"]) == pytest.approx(99 * 5.0, rel=0.1)


def test_workers_that_have_less_to_do_than_they_can_keep_up() -> None:
    steady = [(float(number), f"visitor {number}", 1.0) for number in range(200)]

    assert max(max(each) for each in queue_for(2, steady, speed=1.0).values()) == 0
    late = [max(each) for each in queue_for(1, steady, speed=0.5).values()]
    assert max(late) == pytest.approx(200, rel=0.1)
