"""A writer whose storage is away for a while: what it has stays, where another call or another writer can go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from liveview.core.messages import Message
from uploads import BufferedUploadWriter, ResumableUploadWriter, UploadError
from uploads.socket import retries
from uploads.stores import DatabaseUploadState
from uploads.testing import Refused, UploadPage
from uploads.tests.support import TEXT, Site, until
from uploads.tests.writers.writing import WriterView

from .recorder import PIECE, Recorder, only

AWAY = UploadError("storage_unavailable")


class Shelf(ResumableUploadWriter):
    """Appends to what outlives it. `failures` are what its steps raise next."""

    made: list[Shelf]
    shelf: bytearray
    failures: dict[str, list[Exception]]

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.calls: list[str] = []
        self.made.append(self)

    def open(self) -> None:
        self._step("open")
        del self.shelf[self.confirmed :]

    def write_chunk(self, chunk: bytes) -> None:
        self._step("write_chunk")
        self.shelf.extend(chunk)

    def close(self) -> dict[str, Any]:
        self._step("close")
        return {"url": "here"}

    def abort(self, error: BaseException) -> None:
        self._step("abort")

    def suspend(self) -> None:
        self._step("suspend")

    def _step(self, name: str) -> None:
        if self.calls[-1:] != [name]:
            self.calls.append(name)
        if self.failures.get(name) and len(self.shelf) >= len(TEXT) // 3:
            raise self.failures[name].pop()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "PAUSES", (0.01,) * 5)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> type[Shelf]:
    Shelf.made, Shelf.shelf, Shelf.failures = [], bytearray(), {}
    monkeypatch.setattr(WriterView, "make", Shelf)
    return Shelf


def raising(*failures: Exception) -> Callable[[], None]:
    left = list(failures)

    def step() -> None:
        if left:
            raise left.pop()

    return step


def send(page: UploadPage, slot: str) -> str:
    """A whole file, going on wherever the server says; its ref."""
    ref, channel = page.register(slot, "a.txt", len(TEXT))
    offset, seen = 0, 0

    def is_news(message: Message) -> bool:
        return message["type"] in ("upload_ready", "upload_error", "upload_resume_ack")

    while True:
        page.send_rest(channel, TEXT, offset, PIECE)
        told = next(filter(is_news, page.received[seen:]), None) or page.wait_until(is_news)
        seen = page.received.index(told) + 1
        if told["type"] != "upload_resume_ack":
            return ref
        channel, offset = told["channel"], told["offset"]


def test_a_writer_that_says_so_is_closed_again(site: Site) -> None:
    Recorder.steps["close"] = raising(AWAY, AWAY)
    page = site("/writers/")
    page.upload("file", "a.txt", TEXT)

    assert only().calls.count("close") == 3
    assert "abort" not in only().calls


def test_it_is_aborted_if_nobody_waits_for_that(site: Site) -> None:
    Recorder.steps["close"] = raising(*[AWAY] * 100)
    page = site("/writers/")
    with pytest.raises(Refused) as refused:
        page.upload("file", "a.txt", TEXT)
    assert (refused.value.code, page.received[-1]["kept"]) == ("storage_unavailable", True)
    assert "abort" not in only().calls

    page.send({"type": "upload_cancel", "ref": page.received[-1]["ref"]})
    until(lambda: "abort" in only().calls)

    assert str(only().error) == "upload cancelled"


def test_a_validator_s_second_try_doesn_t_close_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = raising(UploadError("busy"))
    monkeypatch.setattr(WriterView, "check", staticmethod(lambda entry: failing()))
    page = site("/writers/")
    page.upload("file", "a.txt", TEXT)

    assert only().order == ["open", "write_chunk", "close"]


def test_a_buffered_part_that_failed_comes_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    parts: dict[int, bytes] = {}
    failing = raising(AWAY, AWAY)

    class Parts(BufferedUploadWriter):
        buffer_threshold = 200_000

        def on_part(self, part: bytes, part_num: int) -> None:
            if part_num == 2:
                failing()
            parts[part_num] = part

        def on_complete(self) -> Any:
            return {"url": "here"}

    monkeypatch.setattr(WriterView, "make", Parts)
    site("/writers/").upload("file", "a.txt", TEXT)

    assert b"".join(parts[number] for number in sorted(parts)) == TEXT


@pytest.mark.parametrize("failure", [AWAY, ConnectionError("gone"), TimeoutError("slow")])
@pytest.mark.parametrize("step", ["write_chunk", "close"])
def test_a_writer_that_resumes_goes_on_after_any_step(
    site: Site, shelf: type[Shelf], step: str, failure: Exception, allowed: set[str]
) -> None:
    allowed.add("writer failed")
    shelf.failures[step] = [failure]
    shelf.failures["open"] = [ConnectionError("still gone")] if step == "write_chunk" else []
    page = site("/writers/")
    ref = send(page, "film")

    assert page.upload_answer(ref, "upload_ready")
    assert bytes(shelf.shelf) == TEXT
    assert all("abort" not in writer.calls for writer in shelf.made)


def test_a_writer_that_waits_to_go_on_is_aborted_if_nobody_wants_the_upload(
    site: Site, shelf: type[Shelf], monkeypatch: pytest.MonkeyPatch, allowed: set[str]
) -> None:
    allowed.add("writer failed")
    monkeypatch.setattr(retries, "PAUSES", (600.0,))
    shelf.failures["write_chunk"] = [ConnectionError("gone")]
    page = site("/writers/")
    ref, channel = page.register("film", "a.txt", len(TEXT))
    page.send_rest(channel, TEXT, chunk=PIECE)
    page.wait_for("upload_delayed")

    page.send({"type": "upload_cancel", "ref": ref})
    until(lambda: "abort" in shelf.made[0].calls)

    assert shelf.made[0].calls == ["open", "write_chunk", "suspend", "abort"]
    until(lambda: DatabaseUploadState().load(shelf.made[0].upload_id) is None)
