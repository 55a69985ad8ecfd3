"""Whose job gets the next child."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from liveview.tests.processes import until
from uploads.content.sandbox.turns import SMALL, Sender, Turns, acting_for
from uploads.errors import UploadError

LARGE = 2 * SMALL


class Crowd:
    """Jobs in threads: each takes its turn, then waits to be let go."""

    def __init__(self, places: int = 3, patience: float = 30.0) -> None:
        self.now = 0.0
        self.turns = Turns(places, patience, lambda: self.now)
        self.begun: list[str] = []
        self.ends: dict[str, threading.Event] = {}
        self.refused: list[str] = []
        self.done: list[str] = []
        self._threads: list[threading.Thread] = []

    def send(self, name: str, seconds: float = 1.0, visitor: str = "", network: str = "", fails: bool = False) -> None:
        """Returns once the job waits for its turn, or has it."""
        self.ends[name] = threading.Event()

        def work() -> None:
            try:
                with acting_for(Sender(visitor or name, network)), self.turns.turn(seconds):
                    self.begun.append(name)
                    assert self.ends[name].wait(30)
                    if fails:
                        raise UploadError("bad_content")
            except UploadError as refused:
                self.refused.append(refused.code)
            self.done.append(name)

        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        count = len(self.turns._waiting) + len(self.turns._running)
        thread.start()
        until(lambda: len(self.turns._waiting) + len(self.turns._running) > count or self.refused)

    def end(self, *names: str) -> None:
        for name in names:
            self.ends[name].set()
            until(lambda name=name: name in self.done)

    def close(self) -> None:
        for end in self.ends.values():
            end.set()
        for thread in self._threads:
            thread.join(30)


@pytest.fixture
def crowd() -> Callable[..., Crowd]:
    return Crowd


def test_one_place_is_for_small_jobs(crowd: Callable[..., Crowd]) -> None:
    jobs = crowd()
    for number in range(5):
        jobs.send(f"film {number}", LARGE)
    until(lambda: len(jobs.begun) == 2)

    jobs.send("avatar", 0.1)
    until(lambda: "avatar" in jobs.begun)
    assert len(jobs.begun) == 3
    jobs.close()


def test_who_has_used_least_is_first(crowd: Callable[..., Crowd]) -> None:
    jobs = crowd(places=1)
    jobs.send("first", visitor="eve")
    until(lambda: jobs.begun == ["first"])
    jobs.now = 20
    for name, visitor in (("second", "eve"), ("third", "eve"), ("other", "bob")):
        jobs.send(name, visitor=visitor)

    jobs.end("first")
    until(lambda: jobs.begun == ["first", "other"])
    jobs.close()


def test_a_short_job_passes_a_long_one_and_a_long_one_gets_its_turn_in_the_end(crowd: Callable[..., Crowd]) -> None:
    jobs = crowd(places=1)
    jobs.send("first")
    until(lambda: jobs.begun == ["first"])
    jobs.send("long", 20)
    jobs.send("short", 1)
    jobs.end("first")
    until(lambda: jobs.begun == ["first", "short"])

    jobs.now = 60
    jobs.send("late", 1)
    jobs.end("short")
    until(lambda: jobs.begun == ["first", "short", "long"])
    jobs.close()


def test_what_fails_expensively_costs_everybody_at_that_address_the_next_turn(crowd: Callable[..., Crowd]) -> None:
    jobs = crowd(places=1)
    jobs.send("bomb", visitor="eve", network="192.0.2.1", fails=True)
    until(lambda: jobs.begun == ["bomb"])
    jobs.now = 9
    jobs.send("again", visitor="eve under another name", network="192.0.2.1")
    jobs.send("honest", visitor="bob", network="192.0.2.2")

    jobs.end("bomb")
    until(lambda: jobs.begun == ["bomb", "honest"])
    jobs.close()
    assert jobs.refused == ["bad_content"]


def test_who_waits_too_long_is_told_that_we_are_busy(crowd: Callable[..., Crowd]) -> None:
    jobs = crowd(places=1, patience=0.05)
    jobs.send("first")
    jobs.send("second")

    until(lambda: jobs.refused == ["busy"])
    jobs.close()
    assert jobs.begun == ["first"]
