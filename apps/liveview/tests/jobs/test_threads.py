"""Jobs in the server's own process. What holds for workers as well is tried in e2e/test_jobs.py, where that is here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction

from liveview import shared_cache
from liveview.jobs import Job, Task, contract, declared
from liveview.jobs.threads import Threads, _name
from liveview.tests.processes import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def threads() -> Iterator[Threads]:
    made = Threads()
    yield made
    made.join()


@pytest.fixture(autouse=True)
def at_once_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "pause", lambda tries: 0.0)


def task(function: Callable[..., object], **more: Any) -> Task:
    return Task(function, f"tests.{id(function)}", **more)


def test_of_one_share_one_runs_at_a_time_and_of_all_so_many(threads: Threads) -> None:
    goes_on, running = threading.Event(), []
    most: list[int] = []

    def work(name: str) -> None:
        running.append(name)
        most.append(len(running))
        assert len({each[0] for each in running}) == len(running)
        assert goes_on.wait(30)
        running.remove(name)

    two = task(work, at_once=lambda: 2)
    threads.enqueue(two, [Job((name,), name[0]) for name in ("a1", "a2", "a3", "b1", "b2", "c1")])
    until(lambda: len(running) == 2)
    goes_on.set()
    threads.join()

    assert max(most) == 2 and len(most) == 6


def test_the_next_is_of_whoever_had_the_least_so_far(threads: Threads) -> None:
    goes_on, done = threading.Event(), []

    def work(name: str) -> None:
        assert goes_on.wait(30)
        done.append(name)

    one = task(work, at_once=lambda: 1)
    threads.enqueue(one, [Job((f"eve {number}",), "eve") for number in range(20)])
    threads.enqueue(one, [Job(("large",), "bob", cost=4.5), Job(("small",), "carol", cost=0.5)])
    goes_on.set()
    threads.join()

    assert done[0] == "eve 0"
    assert done[1] == "small"
    assert 3 <= done.index("large") <= 6
    assert [name for name in done if name.startswith("eve")] == [f"eve {number}" for number in range(20)]


def test_what_is_nobodys_waits_for_nobody(threads: Threads) -> None:
    both = threading.Barrier(2, timeout=30)
    threads.enqueue(task(lambda name: both.wait(), at_once=lambda: 2), [Job((name,)) for name in "ab"])

    threads.join()
    assert not both.broken


def test_it_begins_when_the_transaction_is_committed_and_never_if_it_is_rolled_back(threads: Threads) -> None:
    done: list[str] = []
    append = task(done.append)

    with pytest.raises(RuntimeError), transaction.atomic():
        threads.enqueue(append, [Job(("never",))])
        raise RuntimeError
    with transaction.atomic():
        threads.enqueue(append, [Job(("later",))])
        assert threads.overview().waiting == threads.overview().running == 0
    threads.join()

    assert done == ["later"]


def test_what_fails_is_tried_again_and_its_task_is_told_in_the_end(
    threads: Threads, caplog: pytest.LogCaptureFixture
) -> None:
    tried, told = [], []

    def fail(name: str) -> None:
        tried.append(name)
        raise RuntimeError("no")

    def given_up(*args: Any) -> None:
        told.append(args)
        raise ValueError("nor this")

    threads.enqueue(task(fail, attempts=3, given_up=given_up), [Job(("a",))])
    threads.join()

    assert tried == ["a"] * 3
    ((failure, name),) = told
    assert (type(failure), name) == (RuntimeError, "a")
    assert [record.message for record in caplog.records][:3] == ["job failed", "job failed", "job given up"]


def test_what_another_process_is_at_is_left_to_it_as_long_as_it_lives(threads: Threads, settings: Any) -> None:
    settings.LIVEVIEW = {"JOB_LEASE": 0.3}
    done: list[str] = []
    append = task(done.append)
    shared_cache.put(_name(Job(("a",)).key(append)), True, 30)

    threads.enqueue(append, [Job(("a",)), Job(("b",))])
    until(lambda: done == ["b"])
    shared_cache.forget(_name(Job(("a",)).key(append)))  # as if it had died, and its lease had run out
    threads.join()

    assert done == ["b", "a"]


def test_a_job_keeps_its_lease_for_as_long_as_it_takes(threads: Threads, settings: Any) -> None:
    settings.LIVEVIEW = {"JOB_LEASE": 0.3}
    goes_on, renewed = threading.Event(), []
    wait = task(lambda: goes_on.wait(30))
    put = shared_cache.put

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_cache, "put", lambda key, *rest: renewed.append(key) or put(key, *rest))
        threads.enqueue(wait, [Job(())])
        until(lambda: len(renewed) > 3)
    assert not shared_cache.add(_name(Job(()).key(wait)), True, 1)
    goes_on.set()
    threads.join()

    assert shared_cache.add(_name(Job(()).key(wait)), True, 0.1)


def test_without_its_cache_work_goes_on(
    threads: Threads, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(shared_cache, "add", away)
    monkeypatch.setattr(shared_cache, "forget", away)
    done: list[str] = []
    threads.enqueue(task(done.append), [Job(("a",))])
    threads.join()

    assert done == ["a"]
    assert threads.has_turn("something", 10)


def test_a_process_that_ends_interrupts_what_runs_and_begins_nothing_more(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted, done, told = threading.Event(), [], []
    monkeypatch.setattr(declared, "_STOPS", [interrupted.set])

    def work(name: str) -> None:
        done.append(name)
        assert interrupted.wait(30)
        raise InterruptedError

    threads.enqueue(
        task(work, at_once=lambda: 1, attempts=1, given_up=lambda *args: told.append(args)), [Job(("a",)), Job(("b",))]
    )
    until(lambda: done)
    threads.stop()

    assert (done, told) == (["a"], [])
    assert not threads.has_turn("something", 10)
    threads._known.clear()


def test_now_and_then_one_of_those_that_share_a_cache_has_its_turn() -> None:
    first, second = Threads(), Threads()

    assert [each.has_turn("this", 60) for each in (first, second, first)] == [True, False, False]
    assert second.has_turn("that", 60)
