"""When an upload into a writer goes wrong: the table of seeds/001."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from uploads import UploadError
from uploads.testing import Refused, UploadPage
from uploads.tests.support import TEXT, Gate, Site, until
from uploads.tests.writers.writing import WriterView

from .recorder import PIECE, Recorder, consume, only, png, raising


@pytest.mark.parametrize("step", ["open", "write_chunk", "close"])
def test_what_a_step_raises_is_what_abort_gets(site: Site, step: str, allowed: set[str]) -> None:
    allowed.add("writer failed")
    error = RuntimeError("arn:aws:s3:::secret-bucket")
    Recorder.steps[step] = raising(error)
    page = site("/writers/")
    with pytest.raises(Refused) as refused:
        page.upload("file", "a.txt", TEXT)
    until(lambda: "abort" in only().calls)

    assert only().error is error
    assert refused.value.code == "storage_unavailable"
    assert not any("secret-bucket" in str(message) for message in page.received)
    steps = ["open", "write_chunk", "close"]
    assert only().order == [*steps[: steps.index(step) + 1], "abort"]
    assert only().calls.count("abort") == 1


def test_a_writers_own_upload_error_is_what_the_visitor_reads(site: Site) -> None:
    Recorder.steps["open"] = raising(UploadError("quota", "Your shelf is full."))
    page = site("/writers/")
    with pytest.raises(Refused) as refused:
        page.upload("file", "a.txt", TEXT)

    assert (refused.value.code, refused.value.message) == ("quota", "Your shelf is full.")


def test_a_constructor_that_raises_refuses_the_upload(site: Site, allowed: set[str]) -> None:
    allowed.add("writer failed")
    Recorder.steps["init"] = raising(RuntimeError("no"))
    page = site("/writers/")
    with pytest.raises(Refused) as refused:
        page.upload("file", "a.txt", TEXT)

    assert refused.value.code == "storage_unavailable"
    assert only().calls == []


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
def test_not_even_an_exit_gets_out_of_a_writer(site: Site, error: BaseException, allowed: set[str]) -> None:
    allowed.add("writer failed")
    Recorder.steps["write_chunk"] = raising(error)
    page = site("/writers/")
    with pytest.raises(Refused):
        page.upload("file", "a.txt", TEXT)
    Recorder.steps.clear()
    page.upload("file", "b.txt", TEXT)

    assert Recorder.made[0].error is error


def test_more_bytes_than_the_slot_takes_are_too_many(site: Site) -> None:
    page = site("/writers/")
    ref, channel = page.register("small", "a.txt", 90_000)
    page.send_chunk(channel, 0, TEXT[:60_000])
    until(lambda: Recorder.made and "write_chunk" in only().calls)
    page.send_chunk(channel, 60_000, TEXT[60_000:120_000])
    with pytest.raises(Refused) as refused:
        page.upload_answer(ref, "upload_ready")
    until(lambda: "abort" in only().calls)

    assert refused.value.code == "size_mismatch"
    _is(only().error, ValueError, "File size exceeds limit (100000 bytes)")


def test_more_bytes_than_were_declared_are_too_many(site: Site) -> None:
    page = site("/writers/")
    ref, channel = page.register("small", "a.txt", 70_000)
    page.send_chunk(channel, 0, TEXT[:60_000])
    until(lambda: Recorder.made and "write_chunk" in only().calls)
    page.send_chunk(channel, 60_000, TEXT[60_000:80_000])
    with pytest.raises(Refused):
        page.upload_answer(ref, "upload_ready")
    until(lambda: "abort" in only().calls)

    _is(only().error, ValueError, "File size exceeds limit (70000 bytes)")


def test_a_slot_that_was_narrowed_meanwhile_has_its_new_limit(site: Site) -> None:
    page = site("/writers/")
    ref, channel = page.register("file", "a.txt", len(TEXT))
    page.send_chunk(channel, 0, TEXT[:PIECE])
    until(lambda: Recorder.made and "write_chunk" in only().calls)
    page.submit("narrow")
    page.send_rest(channel, TEXT, PIECE)
    with pytest.raises(Refused) as refused:
        page.upload_answer(ref, "upload_ready")
    until(lambda: "abort" in only().calls)

    assert refused.value.code == "too_large"
    _is(only().error, ValueError, "File size exceeds limit (1000 bytes)")


def test_a_cancel_aborts(site: Site) -> None:
    page = site("/writers/")
    ref, _channel = begin(page)
    page.send({"type": "upload_cancel", "ref": ref})
    page.upload_answer(ref, "upload_cancelled")
    until(lambda: "abort" in only().calls)

    _is(only().error, ConnectionAbortedError, "upload cancelled")
    assert only().order == ["open", "write_chunk", "abort"]


def test_the_next_file_of_a_single_slot_cancels_the_last_once_it_is_ready(site: Site) -> None:
    page = site("/writers/")
    begin(page)
    page.upload("file", "b.txt", TEXT)
    until(lambda: "abort" in Recorder.made[0].calls)

    _is(Recorder.made[0].error, ConnectionAbortedError, "upload cancelled")


def test_a_closed_session_aborts(site: Site) -> None:
    page = site("/writers/")
    begin(page)
    page.drop_connection()
    until(lambda: "abort" in only().calls)

    _is(only().error, ConnectionAbortedError, "session closed")
    assert only().order == ["open", "write_chunk", "abort"]


@pytest.mark.parametrize("error", [UploadError("invalid", "No."), ValidationError("No.")])
def test_a_file_that_a_validator_refuses_is_never_closed(
    site: Site, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WriterView, "check", staticmethod(lambda entry: raising(error)()))
    page = site("/writers/")
    with pytest.raises(Refused) as refused:
        page.upload("file", "a.txt", TEXT)
    until(lambda: "abort" in only().calls)

    assert refused.value.message == "No."
    assert only().order == ["open", "write_chunk", "abort"]
    assert only().error == UploadError("invalid", "No.")


def test_a_validator_knows_size_type_and_digest(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(
        WriterView,
        "check",
        staticmethod(lambda entry: seen.append((entry.size, entry.content_type, entry.sha256, entry.writer_result))),
    )
    page, data = site("/writers/"), png()
    page.upload("file", "a.png", data)

    assert seen == [(len(data), "image/png", hashlib.sha256(data).hexdigest(), None)]


def test_what_abort_raises_is_logged_and_swallowed(site: Site, allowed: set[str], caplog: Any) -> None:
    allowed |= {"writer failed", "writer abort failed"}
    Recorder.steps["write_chunk"] = raising(RuntimeError("no"))
    Recorder.steps["abort"] = raising(SystemExit("neither"))
    page = site("/writers/")
    with pytest.raises(Refused):
        page.upload("file", "a.txt", TEXT)
    until(lambda: "writer abort failed" in caplog.text)
    Recorder.steps.clear()
    page.upload("file", "b.txt", TEXT)

    assert Recorder.made[1].order == ["open", "write_chunk", "close"]


def test_a_cancel_during_a_call_waits_for_its_end_and_for_nobody(site: Site, gate: Gate) -> None:
    Recorder.steps["write_chunk"] = gate
    page = site("/writers/")
    ref, channel = page.register("file", "a.txt", len(TEXT))
    page.send_chunk(channel, 0, TEXT[:PIECE])
    page.send_chunk(channel, PIECE, TEXT[PIECE : 2 * PIECE])
    gate.wait()
    page.send({"type": "upload_cancel", "ref": ref})
    page.upload_answer(ref, "upload_cancelled")
    assert only().calls == ["open", "write_chunk"]

    gate.open()
    until(lambda: "abort" in only().calls)

    assert only().calls == ["open", "write_chunk", "abort"]


def test_a_cancel_during_close_removes_what_was_stored(site: Site, gate: Gate) -> None:
    Recorder.steps["close"] = gate
    removed: list[Any] = []
    page = site("/writers/")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recorder, "discard", classmethod(lambda cls, result: removed.append(result)))
        ref, channel = page.register("file", "a.txt", len(TEXT))
        page.send_rest(channel, TEXT)
        gate.wait()
        page.send({"type": "upload_cancel", "ref": ref})
        page.upload_answer(ref, "upload_cancelled")
        gate.open()
        until(lambda: removed)

    assert only().order == ["open", "write_chunk", "close"]
    assert removed == [{"url": f"/stored/{only().upload_id}", "size": len(TEXT)}]


def test_what_nobody_consumed_is_discarded_once_and_what_was_consumed_never(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[Any] = []
    monkeypatch.setattr(Recorder, "discard", classmethod(lambda cls, result: removed.append(result["url"])))
    page = site("/writers/")
    page.upload("files", "a.txt", TEXT)
    consume(page)
    page.upload("files", "b.txt", TEXT)
    page.drop_connection()
    until(lambda: removed)

    assert removed == [f"/stored/{Recorder.made[1].upload_id}"]


def begin(page: UploadPage) -> tuple[str, int]:
    """An upload of which the writer has a part."""
    ref, channel = page.register("file", "a.txt", len(TEXT))
    page.send_chunk(channel, 0, TEXT[:PIECE])
    until(lambda: Recorder.made and "write_chunk" in only().calls)
    return ref, channel


def _is(error: BaseException | None, kind: type[BaseException], text: str) -> None:
    assert type(error) is kind
    assert str(error) == text
