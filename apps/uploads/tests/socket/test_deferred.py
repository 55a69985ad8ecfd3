"""Messages about files that a handler has in its hands wait until it is done, and cost nothing meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from uploads.entries.registry import Uploads
from uploads.socket.deferred import MOST, Deferred
from uploads.tests.project import BenchView
from uploads.tests.support import TEXT, Gate, Site, handle


class Lent(Uploads):
    """A view whose handler has one upload."""

    def is_lent(self, ref: str, slot: str | None) -> bool:
        return ref == "lent" or slot == "doc"


class Watched(dict[str, Any]):
    """A message that knows how often it was looked at."""

    looks = 0

    def __getitem__(self, key: str) -> Any:
        self.looks += 1
        return super().__getitem__(key)


@pytest.fixture
def deferred() -> Deferred:
    return Deferred(Lent())


def cancel(ref: str) -> Watched:
    return Watched(type="upload_cancel", ref=ref)


def register(ref: str, slot: str = "doc") -> Watched:
    return Watched(type="upload_register", ref=ref, slot=slot)


def test_what_a_handler_has_and_what_follows_it_waits_in_order(deferred: Deferred) -> None:
    messages = [cancel("lent"), register("next"), cancel("next"), register("another")]
    for message in messages:
        assert deferred.concerns(message)
        assert deferred.add(message)

    assert deferred.take() == messages
    assert deferred.take() == []


def test_what_has_nothing_to_do_with_it_does_not_wait(deferred: Deferred) -> None:
    deferred.add(cancel("lent"))

    assert not deferred.concerns(cancel("other"))
    assert not deferred.concerns(register("other", "docs"))


def test_what_was_taken_keeps_nothing_waiting(deferred: Deferred) -> None:
    deferred.add(register("next", "docs"))
    deferred.take()

    assert not deferred.concerns(cancel("next"))
    assert not deferred.concerns(register("other", "docs"))


def test_only_so_many_wait(deferred: Deferred) -> None:
    assert all(deferred.add(register(f"r{number}")) for number in range(MOST))

    assert not deferred.add(register("one more"))
    for _ in range(3):
        assert deferred.add(cancel("r0"))
    assert len(deferred.take()) == MOST + 1


def test_a_cancellation_after_another_message_counts(deferred: Deferred) -> None:
    messages = [cancel("lent"), register("lent"), cancel("lent")]
    for message in messages:
        deferred.add(message)

    assert deferred.take() == messages


def test_those_that_wait_are_not_looked_at_for_each_message_that_comes(deferred: Deferred) -> None:
    waiting = [register(f"r{number}") for number in range(100)]
    for message in waiting:
        deferred.add(message)
    before = sum(message.looks for message in waiting)

    for number in range(100):
        deferred.concerns(cancel(f"other{number}"))

    assert sum(message.looks for message in waiting) == before


def test_a_thousand_cancellations_of_a_file_in_use_get_one_answer(
    site: Site, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    def script(view: BenchView) -> None:
        for _entry in view.consume_uploaded_entries("doc"):
            gate()

    page = site()
    ref = page.upload("doc", "a.txt", TEXT[:5000])
    handle(monkeypatch, script)
    page.send({"type": "event", "ref": 900, "name": "run", "params": {}})
    gate.wait()
    for _ in range(1000):
        page.send({"type": "upload_cancel", "ref": ref})
    page.register("docs", "b.txt", 5000)  # answered after all of them have come
    gate.open()

    page.upload_answer(ref, "upload_cancelled")
    page.submit("say", text="all obeyed")
    assert len([message for message in page.received if message["type"] == "upload_cancelled"]) == 1
