from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from uploads.core.machine import State, Step
from uploads.core.names import FileName
from uploads.core.slots import Accept, Slot
from uploads.entries.entry import UploadEntry
from uploads.entries.registry import Uploads
from uploads.errors import UploadError

pytestmark = pytest.mark.usefixtures("folders")


@pytest.fixture
def uploads() -> Iterator[Uploads]:
    made = Uploads()
    for name, most in (("one", 1), ("three", 3)):
        made.slots[name] = Slot(name=name, accept=Accept.parse(".txt"), max_entries=most, max_file_size=100)
    yield made
    made.take_back()
    made.discard(list(made.staged))


def register(uploads: Uploads, slot: str, ref: str, name: str = "a.txt", size: int = 5) -> UploadEntry:
    return uploads.add(slot, ref, name, size, "")


def finish(entry: UploadEntry) -> UploadEntry:
    entry.receive(0, 5)
    entry.sink.write([b"hello"])
    entry.written(5)
    for step in (Step.SEAL, Step.CHECK, Step.ACCEPT):
        assert entry.advance(step)
    return entry


def refusal(uploads: Uploads, slot: str, ref: str, name: str = "a.txt", size: int = 5) -> str:
    with pytest.raises(UploadError) as raised:
        register(uploads, slot, ref, name, size)
    return raised.value.code


def test_ids_are_the_servers_and_hold_128_random_bits(uploads: Uploads) -> None:
    ids = {register(uploads, "three", str(number)).upload.id for number in range(3)}
    assert len(ids) == 3
    assert all(len(bytes.fromhex(upload_id)) == 16 for upload_id in ids)


@pytest.mark.parametrize("slot", ["two", "", "__proto__", "constructor", "slots"])
def test_an_undeclared_slot_keeps_nothing(uploads: Uploads, slot: str) -> None:
    assert refusal(uploads, slot, "r") == "unknown_slot"
    assert uploads.entries == {}


@pytest.mark.parametrize(
    ("name", "size", "code"),
    [("a.exe", 5, "bad_ext"), ("a\0.txt", 5, "bad_name"), ("a.txt", 101, "too_large"), ("a.txt", 0, "empty")],
)
def test_a_refused_file_stays_on_the_page_with_its_reason(uploads: Uploads, name: str, size: int, code: str) -> None:
    assert refusal(uploads, "three", "r", name, size) == code
    (entry,) = uploads.of("three").errors
    assert entry.upload.error is not None
    assert entry.upload.error.code == code
    assert uploads.staged == set()


def test_a_refused_file_keeps_no_place(uploads: Uploads) -> None:
    for number in range(4):
        refusal(uploads, "three", f"bad{number}", "a.exe")
    for number in range(3):
        register(uploads, "three", f"good{number}")


def test_a_full_slot_refuses_the_next_file_and_has_room_when_one_goes(uploads: Uploads) -> None:
    first = register(uploads, "three", "1")
    finish(register(uploads, "three", "2"))  # finished, and not consumed: still counts
    failed = register(uploads, "three", "3")
    assert refusal(uploads, "three", "4") == "too_many_files"
    failed.fail(UploadError("bad_content"))
    register(uploads, "three", "5")
    uploads.drop(first)
    register(uploads, "three", "6")
    assert refusal(uploads, "three", "7") == "too_many_files"


def test_consuming_makes_room(uploads: Uploads) -> None:
    for ref in "123":
        finish(register(uploads, "three", ref))
    assert len(list(uploads.consume("three"))) == 3
    uploads.take_back()
    register(uploads, "three", "4")


def test_a_single_file_is_replaced_by_the_next_once_that_is_ready(uploads: Uploads) -> None:
    first = finish(register(uploads, "one", "1"))
    second = register(uploads, "one", "2")
    assert (first.state, list(uploads.of("one"))) == (State.READY, [second])
    assert list(uploads.consume("one")) == []
    uploads.settled(finish(second))
    assert (first.state, list(uploads.of("one"))) == (State.CANCELLED, [second])


def test_a_single_file_is_there_again_when_the_next_is_refused(uploads: Uploads) -> None:
    first = finish(register(uploads, "one", "1"))
    second = register(uploads, "one", "2")
    second.fail(UploadError("bad_content"))
    assert list(uploads.of("one")) == [first, second]
    assert list(uploads.consume("one")) == [first]


def test_a_single_file_goes_with_the_next_that_its_visitor_takes_back(uploads: Uploads) -> None:
    first = finish(register(uploads, "one", "1"))
    second = register(uploads, "one", "2")
    assert uploads.drop(second) == [second, first]
    assert (first.state, list(uploads.of("one"))) == (State.CANCELLED, [])


def test_of_those_that_a_single_file_would_replace_the_one_stays_of_which_most_is_here(uploads: Uploads) -> None:
    first = finish(register(uploads, "one", "1"))
    second, third = register(uploads, "one", "2"), register(uploads, "one", "3")
    assert (first.state, second.state) == (State.READY, State.CANCELLED)
    third.fail(UploadError("bad_content"))
    assert list(uploads.of("one")) == [first, third]


@pytest.mark.parametrize(("name", "size"), [("a.exe", 5), ("a\0.txt", 5), ("a.txt", 101), ("a.txt", 0)])
def test_a_single_file_is_not_lost_to_one_that_is_refused(uploads: Uploads, name: str, size: int) -> None:
    first = register(uploads, "one", "1")
    refusal(uploads, "one", "2", name, size)
    finish(first)
    assert list(uploads.consume("one")) == [first]


def test_a_single_file_is_not_lost_to_one_that_its_visitor_has_no_quota_for(
    uploads: Uploads, settings: pytest.FixtureRequest
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OWNER_BYTES": 20}  # type: ignore[attr-defined]
    first = register(uploads, "one", "1", size=15)
    assert refusal(uploads, "one", "2", size=15) == "quota"
    assert first.is_open


def test_an_error_of_a_single_slot_goes_with_the_next_file_whatever_that_is(uploads: Uploads) -> None:
    first = register(uploads, "one", "1")
    refusal(uploads, "one", "2", "a.exe")
    refusal(uploads, "one", "3", "a.bat")
    assert [entry.ref for entry in uploads.of("one")] == ["1", "3"]
    last = register(uploads, "one", "4")
    assert list(uploads.of("one")) == [last]
    last.fail(UploadError("bad_content"))
    assert list(uploads.of("one")) == [first, last]


def test_a_resumed_upload_replaces_a_single_file_only_if_it_is_accepted(uploads: Uploads) -> None:
    first = register(uploads, "one", "1")
    slot = uploads.slots["one"]
    too_large = UploadEntry("b" * 32, "2", slot, FileName("a.txt", ".txt"), 101)
    with pytest.raises(UploadError, match="too large"):
        uploads.adopt(too_large)
    assert list(uploads.of("one")) == [first]
    fits = UploadEntry("c" * 32, "3", slot, FileName("a.txt", ".txt"), 5)
    uploads.adopt(fits)
    assert list(uploads.of("one")) == [fits]
    uploads.settled(finish(fits))
    assert first.state == State.CANCELLED


def test_a_resumed_upload_stands_back_behind_a_single_file_that_was_chosen_since(uploads: Uploads) -> None:
    newer = register(uploads, "one", "1")
    resumed = UploadEntry("c" * 32, "2", uploads.slots["one"], FileName("a.txt", ".txt"), 5)
    uploads.adopt(resumed, older=set())
    assert list(uploads.of("one")) == [newer]
    newer.fail(UploadError("bad_content"))
    assert list(uploads.of("one")) == [newer, resumed]


def test_an_error_has_its_code(uploads: Uploads) -> None:
    assert register(uploads, "one", "1").error_code is None
    refusal(uploads, "three", "2", "a.exe")
    (entry,) = uploads.of("three").errors
    assert (entry.error_code, entry.error) == ("bad_ext", str(entry.upload.error))


def test_there_is_an_end_to_what_one_page_keeps(uploads: Uploads, settings: pytest.FixtureRequest) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "MAX_ENTRIES_PER_VIEW": 3}  # type: ignore[attr-defined]
    for number in range(3):
        refusal(uploads, "three", f"bad{number}", "a.exe")
    assert refusal(uploads, "three", "4") == "too_many_files"
    assert len(uploads.entries) == 3


# Consuming


def test_each_entry_is_yielded_once(uploads: Uploads) -> None:
    made = [finish(register(uploads, "three", ref)) for ref in "123"]
    assert list(uploads.consume("three")) == made
    assert list(uploads.consume("three")) == []


def test_only_ready_entries_are_yielded(uploads: Uploads) -> None:
    register(uploads, "three", "1")
    register(uploads, "three", "2").fail(UploadError("bad_content"))
    third = finish(register(uploads, "three", "3"))
    assert list(uploads.consume("three")) == [third]


def test_one_loop_cannot_yield_what_another_has_consumed(uploads: Uploads) -> None:
    first, second = (finish(register(uploads, "three", ref)) for ref in "12")
    kept = uploads.consume("three")
    assert next(kept) is first
    list(uploads.consume("three"))
    assert list(kept) == []
    assert (first.state, second.state) == (State.CONSUMED, State.CONSUMED)


def test_an_entry_cancelled_during_the_loop_is_not_yielded(uploads: Uploads) -> None:
    first, second = (finish(register(uploads, "three", ref)) for ref in "12")
    seen = []
    for entry in uploads.consume("three"):
        seen.append(entry)
        uploads.drop(second)
    assert seen == [first]


def test_a_loop_left_early_leaves_that_entry_and_those_after_it(uploads: Uploads) -> None:
    first, second, third = (finish(register(uploads, "three", ref)) for ref in "123")
    for entry in uploads.consume("three"):
        if entry is second:
            break
    assert uploads.take_back() == [first]
    assert list(uploads.consume("three")) == [second, third]


def test_a_loop_that_raises_leaves_that_entry_and_those_after_it(uploads: Uploads) -> None:
    first, second = (finish(register(uploads, "three", ref)) for ref in "12")
    with pytest.raises(ZeroDivisionError):
        for _entry in uploads.consume("three"):
            raise ZeroDivisionError
    assert uploads.take_back() == []
    assert [entry.data for entry in uploads.consume("three")] == [b"hello", b"hello"]
    assert uploads.take_back() == [first, second]


def test_bytes_stay_until_the_handler_has_finished(uploads: Uploads, staged: Callable[[], list[str]]) -> None:
    entries = [finish(register(uploads, "three", ref)) and uploads.entries[ref] for ref in "12"]
    assert list(uploads.consume("three")) == entries
    uploads.discard(entries)
    assert [entry.data for entry in entries] == [b"hello", b"hello"]
    assert uploads.take_back() == entries
    assert staged() == []


def test_a_consumed_entry_is_on_the_page_no_longer(uploads: Uploads) -> None:
    finish(register(uploads, "three", "1"))
    list(uploads.consume("three"))
    assert list(uploads.of("three")) == []
    uploads.take_back()
    assert uploads.entries == {}


def test_an_entry_that_two_loops_have_had_is_reported_consumed_once(uploads: Uploads) -> None:
    entry = finish(register(uploads, "three", "1"))
    for _ in uploads.consume("three"):
        break
    list(uploads.consume("three"))
    assert uploads.take_back() == [entry]
    assert entry._holders == 0


def test_what_shows_refusals_alone_is_outdated_by_refusals_alone(uploads: Uploads) -> None:
    refusals, entries = uploads.of("three"), uploads.of("three")
    assert (list(refusals.errors), list(entries)) == ([], [])

    register(uploads, "three", "good")
    assert not refusals.may_differ(uploads.of("three"))
    assert entries.may_differ(uploads.of("three"))

    refusal(uploads, "three", "bad", name="a.exe")
    assert refusals.may_differ(uploads.of("three"))
