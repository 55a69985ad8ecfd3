"""The contract of writers, as seeds/001 has it, over a page's own socket."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from uploads.testing import Refused
from uploads.tests.support import TEXT, Site
from uploads.tests.writers.writing import WriterView

from .recorder import PIECE, Recorder, consume, only, png

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
    page.upload("file", "a.png", png(), mime="image/svg+xml")

    assert only().content_type == "image/png"


def test_nothing_of_it_runs_on_the_event_loop(site: Site) -> None:
    page = site("/writers/")
    page.upload("file", "a.txt", TEXT)

    assert all(name.startswith("uploads-remote") for name in only().threads)


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
    from uploads.tests.seeds.writers import MyWriter

    monkeypatch.setattr(WriterView, "make", MyWriter)
    page = site("/writers/")
    page.upload("file", "a.txt", TEXT)
    consume(page)

    assert "url=..." in page.html


def test_what_is_no_writer_is_refused_when_the_slot_is_made() -> None:
    from uploads.core.slots import Accept, Slot

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
    page, data = site("/writers/"), png() + bytes(5000)
    ref, channel = page.register("file", "a.png", len(data))
    page.send_chunk(channel, 0, data[:1024])
    page.wait_until(lambda message: message["type"] == "upload_progress" and message["offsets"] != [])
    assert Recorder.made == []

    page.send_rest(channel, data, 1024)
    page.upload_answer(ref, "upload_ready")

    assert only().content == data
