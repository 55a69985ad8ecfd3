"""Writers of resumable slots: who resumes an upload, where, and what happens to the writer before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from django.test import Client

from liveview import process
from liveview.core.messages import Message
from uploads import BufferedUploadWriter, ResumableUploadWriter, UploadError, UploadWriter
from uploads.stores import DatabaseUploadState
from uploads.testing import Refused, UploadPage
from uploads.tests.support import TEXT, Gate, Site, until
from uploads.tests.writers.writing import WriterView

PIECE = 50_000
HALF = 150_000
SHA = hashlib.sha256(TEXT).hexdigest()


class Shelf(ResumableUploadWriter):
    """Appends to a shelf that outlives it, as the seeds would have it."""

    shelves: ClassVar[dict[str, bytearray]] = {}
    made: ClassVar[list[Shelf]] = []
    steps: ClassVar[dict[str, Callable[[], None]]] = {}

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.calls: list[str] = []
        self.error: BaseException | None = None
        Shelf.made.append(self)

    def open(self) -> None:
        self._step("open")
        shelf = Shelf.shelves.setdefault(self.upload_id, bytearray())
        del shelf[self.confirmed :]

    def write_chunk(self, chunk: bytes) -> None:
        Shelf.shelves[self.upload_id] += chunk
        self._step("write_chunk")

    def close(self) -> dict[str, Any]:
        self._step("close")
        return {"url": f"/shelf/{self.upload_id}"}

    def abort(self, error: BaseException) -> None:
        self.error = error
        self._step("abort")

    def suspend(self) -> None:
        self._step("suspend")

    def _step(self, name: str) -> None:
        if self.calls[-1:] != [name]:
            self.calls.append(name)
        Shelf.steps.get(name, lambda: None)()


@pytest.fixture(autouse=True)
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for kept in (Shelf.shelves, Shelf.made, Shelf.steps):
        kept.clear()
    monkeypatch.setattr(WriterView, "make", Shelf)
    monkeypatch.setattr(WriterView, "check", staticmethod(lambda entry: None))
    yield
    Shelf.steps.clear()


def half(page: UploadPage, name: str = "a.txt") -> tuple[str, int]:
    """An upload whose writer has the first half."""
    upload_id, channel = page.register_resumable("film", name, len(TEXT))
    page.send_rest(channel, TEXT[:HALF], chunk=PIECE)
    has_written(page, channel, HALF)
    return upload_id, channel


def has_written(page: UploadPage, channel: int, count: int) -> None:
    page.wait_until(
        lambda message: (
            message["type"] == "upload_progress"
            and any(number == channel and offset >= count for number, offset in message["offsets"])
        )
    )


def resume(page: UploadPage, upload_id: str) -> Message:
    """The answer, asked for again while a call to the writer before is under way."""
    while True:
        answer = page.resume("film", upload_id, len(TEXT))
        if answer["accepted"] or answer["code"] != "locked":
            return answer


def finish(page: UploadPage, answer: Message) -> None:
    page.send_rest(answer["channel"], TEXT, answer["offset"], PIECE)
    page.upload_answer(answer["ref"], "upload_ready")


def test_the_written_bytes_are_counted_in_the_store(site: Site) -> None:
    page = site("/writers/")
    upload_id, _channel = half(page)

    until(lambda: DatabaseUploadState().get_offset(upload_id) == HALF)


def test_a_resume_makes_a_new_writer_and_opens_it_with_what_is_confirmed(site: Site) -> None:
    page = site("/writers/")
    upload_id, _channel = half(page)
    page.reconnect()
    answer = resume(page, upload_id)
    assert answer["offset"] == HALF
    finish(page, answer)

    first, second = Shelf.made
    assert first.calls == ["open", "write_chunk", "suspend"]
    assert second.calls == ["open", "write_chunk", "close"]
    assert second.upload_id == first.upload_id == upload_id
    assert second.confirmed == HALF
    assert bytes(Shelf.shelves[upload_id]) == TEXT


def test_a_resume_knows_what_type_the_file_was(site: Site) -> None:
    page = site("/writers/")
    upload_id, _channel = half(page)
    page.reconnect()
    finish(page, resume(page, upload_id))

    assert [writer.content_type for writer in Shelf.made] == ["text/plain"] * 2


def test_another_process_resumes(site: Site) -> None:
    """The database has all it takes: this process forgets what it knew."""
    page = site("/writers/")
    upload_id, _channel = half(page)
    page.drop_connection()
    until(lambda: "suspend" in Shelf.made[0].calls)
    process.begin()
    page.reconnect()
    finish(page, resume(page, upload_id))

    assert bytes(Shelf.shelves[upload_id]) == TEXT


def test_what_was_written_after_the_last_record_is_written_again(site: Site) -> None:
    """A process was killed between a write and its record."""
    page = site("/writers/")
    upload_id, _channel = half(page)
    page.drop_connection()
    until(lambda: "suspend" in Shelf.made[0].calls)
    DatabaseUploadState().set_offset(upload_id, HALF - PIECE)
    page.reconnect()
    answer = resume(page, upload_id)
    assert answer["offset"] == HALF - PIECE
    finish(page, answer)

    assert bytes(Shelf.shelves[upload_id]) == TEXT


def test_the_digest_is_not_made_up_after_a_resume(site: Site) -> None:
    page = site("/writers/")
    upload_id, _channel = half(page)
    page.reconnect()
    finish(page, resume(page, upload_id))
    page.submit("take")

    assert f"url=/shelf/{upload_id} data=0 file=0 sha256= size={len(TEXT)}" in page.html


def test_a_writer_may_tell_the_digest_after_a_resume(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def close(self: Shelf) -> dict[str, Any]:
        self.sha256 = hashlib.sha256(Shelf.shelves[self.upload_id]).hexdigest()
        return {"url": "here"}

    monkeypatch.setattr(Shelf, "close", close)
    page = site("/writers/")
    upload_id, _channel = half(page)
    page.reconnect()
    finish(page, resume(page, upload_id))
    page.submit("take")

    assert f"sha256={SHA}" in page.html


def test_a_resume_waits_until_the_last_call_has_returned(site: Site, gate: Gate) -> None:
    page = site("/writers/")
    upload_id, channel = page.register_resumable("film", "a.txt", len(TEXT))
    Shelf.steps["write_chunk"] = gate
    page.send_rest(channel, TEXT[:HALF], chunk=PIECE)
    gate.wait()
    page.reconnect()
    locked = page.resume("film", upload_id, len(TEXT))
    assert (locked["accepted"], locked["code"]) == (False, "locked")
    assert len(Shelf.made) == 1

    Shelf.steps.clear()
    gate.open()
    answer = resume(page, upload_id)
    assert answer["offset"] == PIECE  # what the last call has written counts
    finish(page, answer)

    assert Shelf.made[0].calls == ["open", "write_chunk", "suspend"]
    assert bytes(Shelf.shelves[upload_id]) == TEXT


def test_the_same_page_takes_over_from_its_own_half_dead_socket(site: Site, client: Client) -> None:
    old, new = site("/writers/", client), site("/writers/", client)
    upload_id, channel = half(old)
    answer = resume(new, upload_id)
    old.send_chunk(channel, HALF, TEXT[HALF : HALF + PIECE])  # which comes too late
    finish(new, answer)

    assert [writer.calls for writer in Shelf.made] == [
        ["open", "write_chunk", "suspend"],
        ["open", "write_chunk", "close"],
    ]
    assert bytes(Shelf.shelves[upload_id]) == TEXT
    assert DatabaseUploadState().load(upload_id) is not None


def test_the_old_socket_cannot_finish_what_the_new_one_has_taken(site: Site, client: Client) -> None:
    old, new = site("/writers/", client), site("/writers/", client)
    upload_id, channel = half(old)
    answer = resume(new, upload_id)
    old.send_rest(channel, TEXT, HALF, PIECE)
    old.wait_for("upload_error")

    finish(new, answer)
    assert bytes(Shelf.shelves[upload_id]) == TEXT
    assert [writer.calls[-1] for writer in Shelf.made] == ["suspend", "close"]


def test_an_upload_resumed_before_it_had_a_writer_gets_one(site: Site, client: Client) -> None:
    old, new = site("/writers/", client), site("/writers/", client)
    upload_id, channel = old.register_resumable("film", "a.txt", len(TEXT))
    answer = resume(new, upload_id)
    assert answer["offset"] == 0
    finish(new, answer)
    old.send_chunk(channel, 0, TEXT[:PIECE])
    old.wait_for("upload_error")

    assert [writer.calls for writer in Shelf.made] == [["open", "write_chunk", "close"]]
    assert DatabaseUploadState().load(upload_id) is not None


def test_a_finished_upload_is_ready_again_when_its_page_comes_back(site: Site) -> None:
    page = site("/writers/")
    upload_id, channel = page.register_resumable("film", "a.txt", len(TEXT))
    page.send_rest(channel, TEXT, chunk=PIECE)
    page.wait_for("upload_ready")
    page.reconnect()
    answer = resume(page, upload_id)
    page.upload_answer(answer["ref"], "upload_ready")
    page.submit("take")

    assert f"url=/shelf/{upload_id}" in page.html
    assert [writer.calls for writer in Shelf.made] == [["open", "write_chunk", "close"]]


def test_an_upload_whose_page_goes_while_it_is_closed_is_ready_when_the_page_comes_back(site: Site, gate: Gate) -> None:
    Shelf.steps["close"] = gate
    page = site("/writers/")
    upload_id, channel = page.register_resumable("film", "a.txt", len(TEXT))
    page.send_rest(channel, TEXT, chunk=PIECE)
    gate.wait()
    page.reconnect()
    assert page.resume("film", upload_id, len(TEXT))["code"] == "locked"
    gate.open()
    answer = resume(page, upload_id)
    page.upload_answer(answer["ref"], "upload_ready")
    page.submit("take")

    assert f"url=/shelf/{upload_id}" in page.html
    assert f"sha256={SHA}" in page.html
    assert [writer.calls for writer in Shelf.made] == [["open", "write_chunk", "close"]]


def test_a_cancel_after_a_resume_aborts_the_writer_that_is_there(site: Site) -> None:
    page = site("/writers/")
    upload_id, _channel = half(page)
    page.reconnect()
    answer = resume(page, upload_id)
    page.send({"type": "upload_cancel", "ref": answer["ref"]})
    page.upload_answer(answer["ref"], "upload_cancelled")
    until(lambda: "abort" in Shelf.made[1].calls)

    assert "abort" not in Shelf.made[0].calls
    assert str(Shelf.made[1].error) == "upload cancelled"
    until(lambda: DatabaseUploadState().load(upload_id) is None)


def test_a_writer_that_cannot_resume_starts_over(site: Site) -> None:
    page = site("/writers/")
    upload_id, _channel = half(page)
    Shelf.steps["open"] = _raise(UploadError("unknown_ref"))
    page.reconnect()
    answer = resume(page, upload_id)
    assert (answer["accepted"], answer["code"]) == (False, "unknown_ref")

    Shelf.steps.clear()
    _upload_id, channel = page.register_resumable("film", "a.txt", len(TEXT))
    page.send_rest(channel, TEXT, chunk=PIECE)
    page.wait_for("upload_ready")


def test_a_storage_that_does_not_answer_is_asked_again(site: Site) -> None:
    page = site("/writers/")
    upload_id, _channel = half(page)
    Shelf.steps["open"] = _raise(UploadError("storage_unavailable"))
    page.reconnect()
    answer = page.resume("film", upload_id, len(TEXT))
    while answer["message"] != UploadError("storage_unavailable").message:  # the call before may be under way
        answer = page.resume("film", upload_id, len(TEXT))
    assert answer["code"] == "locked"

    Shelf.steps.clear()
    finish(page, resume(page, upload_id))
    assert bytes(Shelf.shelves[upload_id]) == TEXT
    assert all("abort" not in writer.calls for writer in Shelf.made)


def test_a_resume_beyond_the_files_end_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    page = site("/writers/")
    upload_id, _channel = half(page)
    monkeypatch.setattr(Shelf, "measure", lambda self: len(TEXT) + 1)
    page.reconnect()

    assert resume(page, upload_id)["code"] == "unknown_ref"


def test_a_file_resumed_from_its_beginning_is_looked_at_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    page = site("/writers/")
    picture = b"\x89PNG\r\n\x1a\n" + TEXT[8:]
    upload_id, channel = page.register_resumable("film", "a.png", len(TEXT))
    page.send_rest(channel, picture[:HALF], chunk=PIECE)
    has_written(page, channel, HALF)
    monkeypatch.setattr(Shelf, "measure", lambda self: 0)
    page.reconnect()
    answer = resume(page, upload_id)
    assert answer["offset"] == 0

    with pytest.raises(Refused) as refused:
        page.send_rest(answer["channel"], b"MZ" + TEXT[2:], 0, PIECE)
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.code == "type_mismatch"
    until(lambda: "abort" in Shelf.made[1].calls)
    assert Shelf.made[1].calls == ["open", "abort"]


def test_another_page_is_locked_out_while_the_first_is_alive(site: Site, client: Client) -> None:
    first, second = site("/writers/", client), site("/writers/", client)
    upload_id, _channel = half(first)

    answer = second.resume("film", upload_id, len(TEXT), holder="another page")

    assert answer["code"] == "locked"
    assert Shelf.made[0].calls == ["open", "write_chunk"]


def test_a_plain_writer_of_a_resumable_slot_is_aborted_and_starts_over(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []

    class Plain(UploadWriter):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.content, self.error = b"", None
            made.append(self)

        def write_chunk(self, chunk: bytes) -> None:
            self.content += chunk

        def abort(self, error: BaseException) -> None:
            self.error = str(error)

    monkeypatch.setattr(WriterView, "make", Plain)
    page = site("/writers/")
    upload_id, _channel = half(page)
    page.reconnect()
    answer = resume(page, upload_id)
    assert answer["offset"] == 0
    finish(page, answer)

    assert made[0].error == "session closed"
    assert made[1].content == TEXT


def test_state_that_is_too_large_fails_the_upload(
    site: Site, monkeypatch: pytest.MonkeyPatch, allowed: set[str]
) -> None:
    allowed.add("writer failed")

    def open_it(self: Shelf) -> None:
        self.resume_state = {"much": "x" * 5000}
        self.save_state()

    monkeypatch.setattr(Shelf, "open", open_it)
    page = site("/writers/")
    ref, channel = page.register("film", "a.txt", len(TEXT))
    with pytest.raises(Refused) as refused:
        page.send_rest(channel, TEXT)
        page.upload_answer(ref, "upload_ready")

    assert refused.value.code == "storage_unavailable"


def test_a_store_that_fails_stops_no_upload(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError("the store is away")

    for name in ("replace", "set_offset", "renew"):
        monkeypatch.setattr(DatabaseUploadState, name, fail)
    page = site("/writers/")
    upload_id, channel = page.register_resumable("film", "a.txt", len(TEXT))
    page.send_rest(channel, TEXT)
    page.wait_for("upload_ready")

    assert bytes(Shelf.shelves[upload_id]) == TEXT


def test_a_buffering_writer_that_measures_is_resumed_elsewhere(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    parts: dict[int, bytes] = {}

    class Measured(ResumableUploadWriter, BufferedUploadWriter):
        buffer_threshold = 40_000

        def open(self) -> None:
            self.skip_parts(len(parts))

        def measure(self) -> int:
            return len(parts) * self.buffer_threshold

        def durable(self, written: int) -> int:
            return written - self.buffered

        def on_part(self, part: bytes, part_num: int) -> None:
            parts[part_num] = part

    monkeypatch.setattr(WriterView, "make", Measured)
    page = site("/writers/")
    upload_id, _channel = half(page)
    assert DatabaseUploadState().get_offset(upload_id) == 120_000
    page.reconnect()
    answer = resume(page, upload_id)
    assert answer["offset"] == 120_000
    finish(page, answer)

    assert sorted(parts) == list(range(1, 9))
    assert b"".join(parts[number] for number in sorted(parts)) == TEXT


def _raise(error: BaseException) -> Callable[[], None]:
    def step() -> None:
        raise error

    return step
