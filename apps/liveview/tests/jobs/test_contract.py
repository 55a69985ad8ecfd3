"""What holds whoever does the work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from liveview import jobs, process
from liveview.jobs import Job, Overview, checks, contract, declared
from liveview.jobs.contract import LONGEST, pause, tag


class Recorded:
    """A backend that does nothing."""

    def __init__(self) -> None:
        self.given: list[tuple[str, Job]] = []
        self.found = Overview()

    def enqueue(self, task: jobs.Task, given: Any) -> None:
        self.given += [(task.name.rpartition(".")[2], job) for job in given]

    def has_turn(self, what: str, seconds: float) -> bool:
        return what == "mine"

    def overview(self) -> Overview:
        return self.found

    def stop(self) -> None: ...


@pytest.fixture
def backend(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    settings.LIVEVIEW = {"JOBS": f"{__name__}.Recorded"}
    monkeypatch.setattr(declared, "TASKS", {})
    before = process.begin()
    made = jobs.backend()
    assert isinstance(made, Recorded)
    yield made
    process._current = before


def test_a_task_is_called_like_its_function_and_enqueued_with_a_share_and_a_cost(backend: Recorded) -> None:
    @jobs.task()
    def double(number: int) -> int:
        return 2 * number

    assert double(4) == 8
    double.enqueue(5, share="eve", cost=3)

    assert double.name == f"{__name__}.{double.function.__qualname__}"
    assert backend.given == [("double", Job((5,), "eve", 3))]


def test_what_is_left_gets_a_job(backend: Recorded) -> None:
    def left() -> Iterator[Job]:
        yield Job((1,), "eve")

    @jobs.task(left=left)
    def something(number: int) -> None: ...

    @jobs.task()
    def else_(number: int) -> None: ...

    jobs.enqueue_left()

    assert backend.given == [("something", Job((1,), "eve"))]


def test_what_is_done_now_and_then_is_done_by_whose_turn_it_is(
    backend: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declared, "PERIODIC", {})
    monkeypatch.setattr(declared.housekeeping, "_declared", {})
    done: list[str] = []
    for what in ("mine", "theirs"):
        jobs.every(60, what, lambda what=what: done.append(what))  # type: ignore[misc]

    for _seconds, work in declared.housekeeping._declared.values():
        work()

    assert done == ["mine"]


def test_the_pauses_between_tries_grow_and_end() -> None:
    assert [pause(tries) for tries in range(3)] == [2, 4, 8]
    assert pause(30) == LONGEST


def test_a_share_is_as_far_as_its_work_and_one_that_comes_new_begins_where_the_others_are() -> None:
    assert tag(0, None, 3) == 3
    assert tag(0, 3, 3) == 6
    assert tag(10, 3, 1) == 11
    assert tag(10, 30, 1) == 31


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        (Overview(waiting=3, oldest=100, workers=1, unseen=2), ""),
        (Overview(waiting=0, oldest=0), ""),
        (Overview(waiting=3, oldest=20), ""),
        (Overview(waiting=1, oldest=100), "1 job waits, and no worker has been seen yet"),
        (Overview(waiting=17, oldest=100, unseen=60.2), "17 jobs wait, and no worker has been seen for 60 s"),
    ],
)
def test_that_nobody_does_what_waits_is_said(
    backend: Recorded, found: Overview, complaint: str, caplog: pytest.LogCaptureFixture
) -> None:
    backend.found = found

    jobs.look()

    assert found.complaint == complaint
    assert [record.message for record in caplog.records] == [complaint] * bool(complaint)
    told = checks.check_workers(None, databases=["default"])
    assert [f"{complaint}."] * bool(complaint) == [each.msg for each in told]
    assert checks.check_workers(None) == []


@pytest.mark.parametrize(
    ("named", "ids"),
    [
        ("threads", []),
        ("liveview.jobs.threads.Threads", []),
        ("nobody", ["liveview.E009"]),
        ("liveview.jobs.nobody.Here", ["liveview.E009"]),
        ("procrastinate", ["liveview.E010"]),
    ],
)
def test_who_does_the_work_is_checked(settings: Any, named: str, ids: list[str]) -> None:
    settings.LIVEVIEW = {"JOBS": named}

    assert [each.id for each in checks.check_backend(None)] == ids


def test_two_jobs_of_a_task_are_the_same_if_their_arguments_are() -> None:
    task = jobs.Task(print, "print")

    assert Job((1, "a"), "eve", 3).key(task) == Job((1, "a"), "bob").key(task)
    assert Job((1,)).key(task) != Job(("1",)).key(task)
    with pytest.raises(TypeError):
        Job((object(),)).key(task)
    assert task.queue == contract.SHARED
