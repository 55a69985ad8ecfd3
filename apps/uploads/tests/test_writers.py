"""The contract of writers, as seeds/001 has it, over a page's own socket."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from uploads import BufferedUploadWriter, UploadError, UploadWriter
from uploads.testing import Refused, UploadPage

from .support import TEXT, Gate, Site, until
from .writing import WriterView

PIECE = 65_536


class Recorder(UploadWriter):
    """Writes down what is called. A test has one step raise or wait by `steps`."""

    made: ClassVar[list[Recorder]] = []
    steps: ClassVar[dict[str, Callable[[], None]]] = {}

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.given = given
        self.calls: list[str] = []
        self.content = b""
        self.threads = {threading.current_thread().name}
        self.error: BaseException | None = None
        Recorder.made.append(self)
        self._step("init")

    def open(self) -> None:
        self._step("open")

    def write_chunk(self, chunk: bytes) -> None:
        assert type(chunk) is bytes
        self.content += chunk
        self._step("write_chunk")

    def close(self) -> dict[str, Any]:
        self._step("close")
        return {"url": f"/stored/{self.upload_id}", "size": len(self.content)}

    def abort(self, error: BaseException) -> None:
        self.error = error
        self._step("abort")

    @property
    def order(self) -> list[str]:
        """The calls, with those of `write_chunk` in one."""
        return [call for at, call in enumerate(self.calls) if not at or call != self.calls[at - 1]]

    def _step(self, name: str) -> None:
        if name != "init":
            self.calls.append(name)
        self.threads.add(threading.current_thread().name)
        Recorder.steps.get(name, lambda: None)()


@pytest.fixture(autouse=True)
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Recorder]]:
    Recorder.made.clear()
    Recorder.steps.clear()
    monkeypatch.setattr(WriterView, "make", Recorder)
    monkeypatch.setattr(WriterView, "check", staticmethod(lambda entry: None))
    yield Recorder
    Recorder.steps.clear()


def only() -> Recorder:
    assert len(Recorder.made) == 1
    return Recorder.made[0]


def raising(error: BaseException) -> Callable[[], None]:
    def step() -> None:
        raise error

    return step


def consume(page: UploadPage) -> None:
    page.submit("take")


# -- The way it goes


def test_it_is_opened_once_before_the_first_chunk_and_closed_after_the_last(site: Site) -> None:
    page = site("/writers/")
    page.upload("file", "a.txt", TEXT)

    assert only().order == ["open", "write_chunk", "close"]
    assert only().calls.count("open") == only().calls.count("close") == 1
    assert only().content == TEXT


def test_each_binary_message_is_a_chunk(site: Site) -> None:
    page = site("/writers/")
    page.upload("file", "a.txt", TEXT, chunk=50_000)

    assert only().calls.count("write_chunk") == len(TEXT) // 50_000


def test_it_is_made_with_what_is_known_of_the_upload(site: Site) -> None:
    page = site("/writers/")
    ref = page.upload("file", "../Ferien\u202e.txt", TEXT, mime="text/html")
    upload_id = page.upload_answer(ref, "upload_registered")["upload_id"]

    assert only().given == {
        "upload_id": upload_id,
        "filename": "Ferien.txt",
        "content_type": "text/plain",
        "expected_size": len(TEXT),
    }


def test_a_known_type_is_told_by_the_bytes_whatever_the_browser_says(site: Site) -> None:
    page = site("/writers/")
    page.upload("file", "a.png", _png(), mime="image/svg+xml")

    assert only().content_type == "image/png"


def test_nothing_of_it_runs_on_the_event_loop(site: Site) -> None:
    page = site("/writers/")
    page.upload("file", "a.txt", TEXT)

    assert all(name.startswith("uploads-drive") for name in only().threads)


def test_what_close_returns_is_the_entrys_result(site: Site) -> None:
    page = site("/writers/")
    page.upload("file", "a.txt", TEXT)

    page.wait_html(f"ready: /stored/{only().upload_id}")  # a template has it
    consume(page)
    assert page.html.count(f"url=/stored/{only().upload_id}") == 1


def test_its_bytes_are_nowhere_else_and_its_digest_is_kept(site: Site, staged: Callable[[], list[str]]) -> None:
    page = site("/writers/")
    page.upload("file", "a.txt", TEXT)
    consume(page)

    assert f"data=0 file=0 sha256={hashlib.sha256(TEXT).hexdigest()} size={len(TEXT)}" in page.html
    assert staged() == []


def test_nothing_is_called_after_close(site: Site) -> None:
    page = site("/writers/")
    ref = page.upload("file", "a.txt", TEXT)
    page.send({"type": "upload_cancel", "ref": ref})
    page.upload_answer(ref, "upload_cancelled")
    page.upload("file", "b.txt", TEXT)
    consume(page)
    page.drop_connection()

    assert [writer.order for writer in Recorder.made] == [["open", "write_chunk", "close"]] * 2


def test_uploads_at_the_same_time_have_a_writer_each(site: Site) -> None:
    page = site("/writers/")
    first, second = TEXT, TEXT[::-1]
    one, two = page.register("files", "1.txt", len(first)), page.register("files", "2.txt", len(second))
    for at in range(0, len(TEXT), PIECE):
        page.send_chunk(one[1], at, first[at : at + PIECE])
        page.send_chunk(two[1], at, second[at : at + PIECE])
    page.upload_answer(one[0], "upload_ready")
    page.upload_answer(two[0], "upload_ready")

    assert {writer.filename: writer.content for writer in Recorder.made} == {"1.txt": first, "2.txt": second}


def test_a_factory_binds_the_visitor(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    class Bound(Recorder):
        def __init__(self, owner: str, **given: Any) -> None:
            super().__init__(**given)
            self.owner = owner

    monkeypatch.setattr(WriterView, "make", staticmethod(lambda **given: Bound("ann", **given)))
    page = site("/writers/")
    page.upload("file", "a.txt", TEXT)

    made = only()
    assert isinstance(made, Bound)
    assert made.owner == "ann"


def test_the_samples_writer_works_as_printed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from .seeds.writers import MyWriter

    monkeypatch.setattr(WriterView, "make", MyWriter)
    page = site("/writers/")
    page.upload("file", "a.txt", TEXT)
    consume(page)

    assert "url=..." in page.html


def test_what_is_no_writer_is_refused_when_the_slot_is_made() -> None:
    from uploads.slots import Accept, Slot

    with pytest.raises(ValueError, match="UploadWriter"):
        Slot(name="file", accept=Accept.parse(""), writer="S3MultipartWriter")  # type: ignore[arg-type]


# -- The first bytes


def test_a_file_of_the_wrong_type_never_gets_a_writer(site: Site) -> None:
    page = site("/writers/")
    with pytest.raises(Refused) as refused:
        page.upload("file", "cute.png", b"MZ" + bytes(300_000))

    assert refused.value.code == "type_mismatch"
    assert Recorder.made == []


def test_a_writer_waits_until_the_first_bytes_say_what_it_is(site: Site) -> None:
    page, data = site("/writers/"), _png() + bytes(5000)
    ref, channel = page.register("file", "a.png", len(data))
    page.send_chunk(channel, 0, data[:1024])
    page.wait_until(lambda message: message["type"] == "upload_progress" and message["offsets"] != [])
    assert Recorder.made == []

    page.send_rest(channel, data, 1024)
    page.upload_answer(ref, "upload_ready")

    assert only().content == data


# -- When it goes wrong: the table of the seeds


@pytest.mark.parametrize("step", ["open", "write_chunk", "close"])
def test_what_a_step_raises_is_what_abort_gets(site: Site, step: str, allowed: set[str]) -> None:
    allowed.add("a writer failed")
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
    allowed.add("a writer failed")
    Recorder.steps["init"] = raising(RuntimeError("no"))
    page = site("/writers/")
    with pytest.raises(Refused) as refused:
        page.upload("file", "a.txt", TEXT)

    assert refused.value.code == "storage_unavailable"
    assert only().calls == []


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
def test_not_even_an_exit_gets_out_of_a_writer(site: Site, error: BaseException, allowed: set[str]) -> None:
    allowed.add("a writer failed")
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


def test_the_next_file_of_a_single_slot_cancels_the_last(site: Site) -> None:
    page = site("/writers/")
    begin(page)
    page.register("file", "b.txt", len(TEXT))
    until(lambda: "abort" in only().calls)

    _is(only().error, ConnectionAbortedError, "upload cancelled")


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
    page, data = site("/writers/"), _png()
    page.upload("file", "a.png", data)

    assert seen == [(len(data), "image/png", hashlib.sha256(data).hexdigest(), None)]


def test_what_abort_raises_is_logged_and_swallowed(site: Site, allowed: set[str], caplog: Any) -> None:
    allowed |= {"a writer failed", "a writer's abort failed"}
    Recorder.steps["write_chunk"] = raising(RuntimeError("no"))
    Recorder.steps["abort"] = raising(SystemExit("neither"))
    page = site("/writers/")
    with pytest.raises(Refused):
        page.upload("file", "a.txt", TEXT)
    until(lambda: "a writer's abort failed" in caplog.text)
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


# -- Nobody else notices


def test_a_slow_writer_holds_up_no_click_and_no_other_upload(site: Site, gate: Gate) -> None:
    Recorder.steps["write_chunk"] = gate
    page, other = site("/writers/"), site("/bench/", Client())
    slow = [page.register("files", f"{number}.txt", len(TEXT)) for number in range(3)]
    for _ref, channel in slow:
        page.send_chunk(channel, 0, TEXT[:PIECE])
    until(lambda: sum("write_chunk" in writer.calls for writer in Recorder.made) == 3)

    page.submit("say", text="here")
    other.upload("docs", "other.txt", TEXT)
    assert "here" in page.html

    gate.open()
    for ref, channel in slow:
        page.send_rest(channel, TEXT, PIECE)
        page.upload_answer(ref, "upload_ready")
    assert all(writer.content == TEXT for writer in Recorder.made)


def test_as_many_slow_writers_as_there_are_threads_for_files_hold_up_no_file(site: Site, gate: Gate) -> None:
    Recorder.steps["write_chunk"] = gate
    page, other = site("/writers/"), site("/bench/", Client())
    for number in range(12):  # more than IO_THREADS, and than CHECK_THREADS
        _ref, channel = page.register("files", f"{number}.txt", len(TEXT))
        page.send_chunk(channel, 0, TEXT[:PIECE])
    until(lambda: sum("write_chunk" in writer.calls for writer in Recorder.made) == 12)
    page.drop_connection()

    other.upload("docs", "other.txt", TEXT)

    gate.open()
    until(lambda: all("abort" in writer.calls for writer in Recorder.made))


def test_credit_comes_back_when_the_writer_has_the_bytes(site: Site, gate: Gate, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "WINDOW": 200_000}
    Recorder.steps["write_chunk"] = gate
    page = site("/writers/")
    ref, channel = page.register("file", "a.txt", len(TEXT))
    page.send_chunk(channel, 0, TEXT[:PIECE])
    gate.wait()
    page.send_chunk(channel, PIECE, TEXT[PIECE : 2 * PIECE])
    page.submit("say", text="still")
    assert page.credit == 200_000

    gate.open()
    page.send_rest(channel, TEXT, 2 * PIECE)
    page.upload_answer(ref, "upload_ready")
    assert page.credit > 200_000


# -- Without JavaScript


def test_a_posted_file_goes_to_the_writer(site: Site, client: Client) -> None:
    posted = SimpleUploadedFile("a.txt", TEXT)
    response = client.post("/writers/", {"_event": "take", "file": posted})

    assert only().order == ["open", "write_chunk", "close"]
    assert only().content == TEXT
    assert f"url=/stored/{only().upload_id}" in response.content.decode()


def test_a_posted_file_that_a_writer_refuses_says_so(site: Site, client: Client, allowed: set[str]) -> None:
    allowed.add("a writer failed")
    Recorder.steps["close"] = raising(RuntimeError("secret"))
    response = client.post("/writers/", {"_event": "take", "file": SimpleUploadedFile("a.txt", TEXT)})

    assert only().order == ["open", "write_chunk", "close", "abort"]
    assert "stored right now" in response.content.decode()
    assert "secret" not in response.content.decode()


def test_a_posted_file_of_the_wrong_type_never_gets_a_writer(site: Site, client: Client) -> None:
    client.post("/writers/", {"_event": "take", "file": SimpleUploadedFile("a.png", b"MZ" + bytes(5000))})

    assert Recorder.made == []


# -- Parts


class Parts(BufferedUploadWriter):
    buffer_threshold = 1000
    made: ClassVar[list[Parts]] = []

    def open(self) -> None:
        self.parts: list[tuple[int, bytes]] = []
        Parts.made.append(self)

    def on_part(self, part: bytes, part_num: int) -> None:
        self.parts.append((part_num, part))

    def on_complete(self) -> dict[str, Any]:
        return {"url": f"{len(self.parts)} parts"}


@pytest.mark.parametrize("chunk", [1, 7, 999, 1000, 1001, 2500, 5000])
@pytest.mark.parametrize("size", [1, 999, 1000, 1001, 3000, 4500])
def test_parts_are_aligned_numbered_and_end_with_the_rest(chunk: int, size: int) -> None:
    data, writer = TEXT[:size], Parts(upload_id="a", filename="a", content_type="", expected_size=size)
    writer.open()
    for at in range(0, size, chunk):
        writer.write_chunk(data[at : at + chunk])
    before = len(writer.parts)
    result = writer.close()

    assert b"".join(part for _number, part in writer.parts) == data
    assert [number for number, _part in writer.parts] == list(range(1, -(-size // 1000) + 1))
    assert all(len(part) == 1000 for _number, part in writer.parts[:-1])
    assert before == size // 1000  # a part goes as soon as it is whole
    assert result == {"url": f"{len(writer.parts)} parts"}


def test_a_buffered_writer_of_a_slot_completes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    Parts.made.clear()
    monkeypatch.setattr(WriterView, "make", Parts)
    page = site("/writers/")
    page.upload("file", "a.txt", TEXT, chunk=1500)
    consume(page)

    assert "url=300 parts" in page.html
    assert b"".join(part for _number, part in Parts.made[0].parts) == TEXT


def test_an_override_that_calls_nothing_of_ours_is_buffered_and_flushed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the seeds' ResumableS3Writer does it."""

    class Careless(Parts):
        def write_chunk(self, chunk: bytes) -> None:
            self.count = getattr(self, "count", 0) + len(chunk)

        def close(self) -> dict[str, Any]:
            return {"url": f"{self.count} in {len(self.parts)}"}

    Parts.made.clear()
    monkeypatch.setattr(WriterView, "make", Careless)
    page = site("/writers/")
    page.upload("file", "a.txt", TEXT[:250_500])
    consume(page)

    assert "url=250500 in 251" in page.html
    assert b"".join(part for _number, part in Parts.made[0].parts) == TEXT[:250_500]


def test_an_override_that_changes_chunks_is_buffered_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    class Veiled(Parts):
        def write_chunk(self, chunk: bytes) -> None:
            super().write_chunk(bytes(byte ^ 1 for byte in chunk))

    Parts.made.clear()
    monkeypatch.setattr(WriterView, "make", Veiled)
    page = site("/writers/")
    page.upload("file", "a.txt", TEXT[:20_000])

    assert b"".join(part for _number, part in Parts.made[0].parts) == bytes(byte ^ 1 for byte in TEXT[:20_000])


def begin(page: UploadPage) -> tuple[str, int]:
    """An upload of which the writer has a part."""
    ref, channel = page.register("file", "a.txt", len(TEXT))
    page.send_chunk(channel, 0, TEXT[:PIECE])
    until(lambda: Recorder.made and "write_chunk" in only().calls)
    return ref, channel


def _is(error: BaseException | None, kind: type[BaseException], text: str) -> None:
    assert type(error) is kind
    assert str(error) == text


def _png() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((80, 60), 50).save(out, "PNG")
    assert len(out.getvalue()) > 4200
    return out.getvalue()
