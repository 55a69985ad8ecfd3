"""The WebSocket way in, as a hostile or unlucky client meets it. Ids such as C4 are those of the list of cases that
the project keeps; each is a promise about what happens, and that the page goes on."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import struct
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from liveview.limits import Bucket
from liveview.testing import Closed
from uploads import frames, messages, receiving, staging, transport
from uploads.entries import UploadEntry
from uploads.errors import SENTENCES, UploadError
from uploads.names import parse_name
from uploads.slots import Accept, Slot
from uploads.testing import Refused, UploadPage

from .project import BenchView
from .support import TEXT, Gate, Site, Staged, assert_works, handle, until


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> Gate:
    """Every write waits at the gate."""
    really = staging._write_all

    def write(*args: Any) -> None:
        gate()
        really(*args)

    monkeypatch.setattr(staging, "_write_all", write)
    return gate


@pytest.fixture
def slow_check(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> Gate:
    """Every check waits at the gate, and looks at the bytes when somebody has asked for their removal."""

    def check(entry: UploadEntry) -> None:
        if not gate.reached.is_set():
            gate()
            until(lambda: entry._is_doomed)
        entry.path.read_bytes()
        entry.sibling("derived").write_bytes(b"x")

    monkeypatch.setattr(BenchView, "check", staticmethod(check))
    return gate


def bad_offset(page: UploadPage) -> int:
    answer = page.wait_until(lambda message: message["type"] == "upload_error")
    assert answer["code"] == "bad_offset"
    offset: int = answer["offset"]
    return offset


def violation(page: UploadPage) -> None:
    assert page.wait_for("error")["code"] == "bad_message"


def raw(channel: int, offset: int, payload: bytes = b"", kind: int = frames.CHUNK) -> bytes:
    return struct.pack(">BIQ", kind, channel, offset) + payload


# What should happen


@pytest.mark.parametrize("size", [1, 4095, 4096, 65_536, 65_537, 300_000])
@pytest.mark.parametrize("chunk", [1024, 65_536, 200_000])
def test_what_arrives_is_what_was_sent(
    site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch, size: int, chunk: int
) -> None:
    found = []
    handle(monkeypatch, lambda view: found.extend((e.sha256, e.data) for e in view.consume_uploaded_entries("doc")))
    page = site()
    page.upload("doc", "a.txt", TEXT[:size], chunk=chunk)
    page.submit("run")
    assert found == [(hashlib.sha256(TEXT[:size]).hexdigest(), TEXT[:size])]
    assert staged() == []


def test_progress_is_cumulative_and_ends_with_every_byte(site: Site) -> None:
    page = site()
    page.upload("doc", "a.txt", TEXT, chunk=10_000)
    offsets = [pair for message in page.received if message["type"] == "upload_progress" for pair in message["offsets"]]
    assert {channel for channel, _ in offsets} == {1}
    assert [offset for _, offset in offsets] == sorted({offset for _, offset in offsets})
    assert offsets[-1] == [1, len(TEXT)]


def test_all_credit_comes_back(site: Site, settings: Any) -> None:
    settings.UPLOADS |= {"WINDOW": 60_000}
    page = site()
    page.upload("doc", "a.txt", TEXT, chunk=10_000)
    page.upload("doc", "b.txt", TEXT, chunk=7_000)
    page.submit("say", text="x")
    assert page.credit == page.sent + 60_000


def test_files_may_travel_side_by_side(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    handle(monkeypatch, lambda view: found.update({e.name: e.data for e in view.consume_uploaded_entries("docs")}))
    page = site()
    files = {f"{n}.txt": TEXT[n * 1000 :] for n in range(3)}
    channels = {name: page.register("docs", name, len(data)) for name, data in files.items()}
    for offset in range(0, len(TEXT), 50_000):
        for name, (_ref, channel) in channels.items():
            page.send_chunk(channel, offset, files[name][offset : offset + 50_000])
    for ref, _ in channels.values():
        page.upload_answer(ref, "upload_ready")
    page.submit("run")
    assert found == files


def test_the_page_is_told_its_slots_once_and_again_when_they_change(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = site()
    page.submit("run")
    handle(monkeypatch, lambda view: view.allow_upload("extra", accept=".txt"))
    page.submit("run")
    page.submit("run")
    told = [set(message["slots"]) for message in page.received if message["type"] == "upload_config"]
    assert told == [
        {"doc", "docs", "small", "tight", "many", "images", "anything", "video", "verified"},
        told[0] | {"extra"},
    ]


# C1, C2: chunks for nothing


def test_a_chunk_before_the_mount_is_a_violation(site: Site) -> None:
    page = UploadPage("/bench/")
    page.open()
    for _ in range(3):
        page.send_bytes(frames.encode(1, 0, TEXT[:2000]))
    assert page.wait_closed() == 4400
    page.__exit__()


def test_a_registration_before_the_mount_is_a_violation_and_the_page_goes_on(site: Site) -> None:
    page = site()
    page.drop_connection()
    page.open()
    page.send({"type": "upload_register", "slot": "doc", "ref": "r", "name": "a.txt", "size": 5, "mime": ""})
    violation(page)
    page.drop_connection()
    page.reconnect()
    assert_works(page)


def test_a_client_that_does_not_wait_for_the_mount_does_no_harm(site: Site) -> None:
    page = site()
    page.drop_connection()
    page.open()
    page.send({"type": "mount", "protocol": 1, "url": "/bench/", "snapshot": None})
    page.send({"type": "upload_register", "slot": "doc", "ref": "r", "name": "a.txt", "size": 5, "mime": ""})
    page.send_bytes(frames.encode(1, 0, TEXT[:5]))
    page.wait_for("mounted")
    page.submit("say", text="mounted")
    assert "mounted" in page.html


def test_a_message_between_mount_and_socket_is_dropped() -> None:
    """Extensions get messages from when the view exists; the link comes a moment later."""
    extension = transport.UploadsExtension(object())  # type: ignore[arg-type]
    extension.received({"type": "upload_cancel", "ref": "r"})
    assert not extension.received_binary(frames.encode(1, 0, b"hello"))


@pytest.mark.parametrize("channel", [0, 1, 7, 2**32 - 1])
def test_a_chunk_for_a_channel_that_never_was_is_a_violation(site: Site, staged: Staged, channel: int) -> None:
    page = site()
    page.send_bytes(raw(channel, 0, TEXT[:2000]))
    violation(page)
    assert staged() == []
    assert_works(page)
    for _ in range(2):
        page.send_bytes(raw(2**31, 0, TEXT[:2000]))
    assert page.wait_closed() == 4400


def test_what_was_on_its_way_when_a_file_was_refused_is_no_offence(site: Site, staged: Staged) -> None:
    page = site()
    with pytest.raises(Refused, match="type_mismatch"):
        page.upload("docs", "evil.png", b"MZ" + TEXT, chunk=2000)  # all 150 chunks go before the answer is read
    until(lambda: staged() == [])
    assert_works(page)


def test_chunks_for_an_ended_upload_are_violations_once_the_client_must_know(site: Site, settings: Any) -> None:
    settings.UPLOADS |= {"WINDOW": 100_000}
    page = site()
    page.upload("doc", "a.txt", TEXT[:5000])
    with pytest.raises(Closed) as closed:
        for _ in range(200):
            page.send_chunk(1, 0, TEXT[:5000])
        page.wait_closed()
    assert closed.value.code == 4400


def test_another_visitors_channel_cannot_be_reached(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    handle(monkeypatch, lambda view: found.extend(e.data for e in view.consume_uploaded_entries("doc")))
    mine, other = site(), site()
    ref, channel = mine.register("doc", "a.txt", 10_000)
    mine.send_chunk(channel, 0, TEXT[:5000])
    other.send_chunk(channel, 5000, b"x" * 5000)
    violation(other)
    other.send({"type": "upload_cancel", "ref": ref})
    assert other.upload_answer(ref, "upload_cancelled") == {"type": "upload_cancelled", "ref": ref}
    mine.send_chunk(channel, 5000, TEXT[5000:10_000])
    mine.upload_answer(ref, "upload_ready")
    mine.submit("run")
    other.submit("run")
    assert found == [TEXT[:10_000]]


# C3: registrations


@pytest.mark.parametrize(
    ("slot", "name", "size", "code"),
    [
        ("nowhere", "a.txt", 5, "unknown_slot"),
        ("__proto__", "a.txt", 5, "unknown_slot"),
        ("doc", "a.exe", 5, "bad_ext"),
        ("doc", "a.txt", 0, "empty"),
        ("doc", "a.txt", 50_000_001, "too_large"),
        ("doc", "a.txt", 2**53 - 1, "too_large"),
        ("doc", "a\0.txt", 5, "bad_name"),
        ("doc", "\ud800.txt", 5, "bad_name"),
        ("doc", "a" * 300 + ".txt", 5, "bad_name"),
        ("doc", "", 5, "bad_name"),
        ("tight", "a.txt", 5001, "total_too_large"),
        ("images", "a.svg", 5, "bad_ext"),
        ("anything", "a.html", 5, "bad_ext"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_a_byte_is_sent(
    site: Site, staged: Staged, slot: str, name: str, size: int, code: str
) -> None:
    page = site()
    with pytest.raises(Refused) as refused:
        page.register(slot, name, size, mime="text/plain")
    assert refused.value.code == code
    assert staged() == []
    assert_works(page)


def test_a_full_slot_says_so_and_a_failed_file_gives_its_place_back(site: Site) -> None:
    page = site()
    page.upload("docs", "1.txt", b"1")
    page.register("docs", "2.txt", 10)
    with pytest.raises(Refused, match="type_mismatch"):
        page.upload("docs", "3.png", b"not a png")
    page.register("docs", "4.txt", 10)
    with pytest.raises(Refused, match="too_many_files"):
        page.register("docs", "5.txt", 10)


def test_names_are_shown_escaped(site: Site) -> None:
    page = site()
    page.upload("doc", '"><img src=x onerror=alert(1)>.txt', b"hello")
    page.wait_html("onerror")
    assert "<img" not in page.html


def test_the_next_file_of_a_single_slot_takes_the_place_of_the_last(site: Site, staged: Staged) -> None:
    page = site()
    page.upload("doc", "first.txt", TEXT)
    page.upload("doc", "second.txt", TEXT)
    page.wait_html("second.txt")
    assert "first.txt" not in page.html
    until(lambda: len(staged()) == 1)


def test_a_file_is_replaced_in_the_middle_of_its_bytes(site: Site, staged: Staged) -> None:
    page = site()
    _ref, channel = page.register("doc", "first.txt", len(TEXT))
    page.send_chunk(channel, 0, TEXT[:100_000])
    page.upload("doc", "second.txt", TEXT)
    page.send_chunk(channel, 100_000, TEXT[100_000:200_000])  # was on its way
    assert_works(page)
    until(lambda: len(staged()) == 1)


def test_the_same_file_twice_is_two_files(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    handle(
        monkeypatch,
        lambda view: names.extend(
            default_storage.save(f"docs/{e.client_name}", e.file) for e in view.consume_uploaded_entries("docs")
        ),
    )
    page = site()
    for _ in range(2):
        page.upload("docs", "a.txt", TEXT)
    page.submit("run")
    assert len(set(names)) == 2
    for name in names:
        assert Path(default_storage.path(name)).read_bytes() == TEXT


def test_a_ref_twice_is_a_violation(site: Site, staged: Staged) -> None:
    page = site()
    ref, channel = page.register("docs", "a.txt", 5000)
    page.send({"type": "upload_register", "slot": "docs", "ref": ref, "name": "b.txt", "size": 1, "mime": ""})
    violation(page)
    page.send_chunk(channel, 0, TEXT[:5000])
    page.upload_answer(ref, "upload_ready")
    assert len(staged()) == 1


# C4, C6, C7: offsets and sizes


def test_a_gap_is_refused_with_the_place_to_go_on(site: Site) -> None:
    page = site()
    ref, channel = page.register("doc", "a.txt", 10_000)
    page.send_chunk(channel, 0, TEXT[:2000])
    for offset in (4000, 2001, 10_000, 2**53 - 1):
        page.send_chunk(channel, offset, TEXT[:2000])
        assert bad_offset(page) == 2000
    page.send_chunk(channel, 2000, TEXT[2000:10_000])
    page.upload_answer(ref, "upload_ready")


def test_an_overlap_is_refused_and_a_replay_is_taken_silently(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    handle(monkeypatch, lambda view: found.extend(e.data for e in view.consume_uploaded_entries("doc")))
    page = site()
    ref, channel = page.register("doc", "a.txt", 10_000)
    page.send_chunk(channel, 0, TEXT[:4000])
    page.send_chunk(channel, 2000, b"x" * 4000)
    assert bad_offset(page) == 4000
    page.send_chunk(channel, 0, b"x" * 4000)
    page.send_chunk(channel, 4000, TEXT[4000:10_000])
    page.upload_answer(ref, "upload_ready")
    page.submit("run")
    assert found == [TEXT[:10_000]]
    page.submit("say", text="all of it is settled")
    assert page.credit >= page.sent + receiving.FLOOR


def test_more_bytes_than_declared_end_the_upload(site: Site, staged: Staged) -> None:
    page = site()
    ref, channel = page.register("doc", "a.txt", 5000)
    page.send_chunk(channel, 0, TEXT[:3000])
    page.send_chunk(channel, 3000, TEXT[3000:5001])
    page.send_chunk(channel, 3000, TEXT[3000:5000])
    with pytest.raises(Refused) as refused:
        page.upload_answer(ref, "upload_ready")
    assert refused.value.code == "size_mismatch"
    until(lambda: staged() == [])
    assert_works(page)


def test_fewer_bytes_than_declared_are_never_ready(site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[UploadEntry] = []
    handle(monkeypatch, lambda view: found.extend(view.consume_uploaded_entries("doc")))
    page = site()
    ref, channel = page.register("doc", "a.txt", 5000)
    page.send_chunk(channel, 0, TEXT[:4999])
    page.submit("run")
    assert found == []
    page.send_chunk(channel, 4999, TEXT[4999:5000])
    page.upload_answer(ref, "upload_ready")
    page.drop_connection()
    assert staged() == []


# C5, C10, C11, C12: frames


@pytest.mark.parametrize(
    "frame",
    [b"", b"\x01", raw(1, 0)[:-1], raw(1, 0, TEXT[:2000], kind=0), raw(1, 0, kind=255), raw(1, 2**63), raw(1, 2**53)],
)
def test_a_frame_that_is_none_closes_the_socket(site: Site, staged: Staged, frame: bytes) -> None:
    page = site()
    page.register("doc", "a.txt", 5000)
    page.send_bytes(frame)
    assert page.wait_closed() == 4400
    page.drop_connection()
    assert staged() == []


def test_a_frame_longer_than_announced_is_dropped_and_repeated_it_closes(site: Site) -> None:
    page = site()
    most = next(message["max_frame"] for message in page.received if message["type"] == "upload_config")
    ref, channel = page.register("doc", "a.txt", 2_000_000)
    data = TEXT * 7
    page.send_chunk(channel, 0, data[: most - frames.HEADER_SIZE + 1])
    violation(page)
    page.send_chunk(channel, 0, data[: most - frames.HEADER_SIZE])
    page.wait_until(lambda m: m["type"] == "upload_progress" and m["offsets"] == [[channel, most - frames.HEADER_SIZE]])
    for _ in range(2):
        page.send_chunk(channel, 0, data[:most])
    assert page.wait_closed() == 4400


@pytest.mark.parametrize("length", [0, 1, 1023])
def test_tiny_chunks_are_violations_except_the_last(site: Site, length: int) -> None:
    page = site()
    ref, channel = page.register("doc", "a.txt", 5000)
    page.send_chunk(channel, 0, TEXT[:length])
    violation(page)
    page.send_chunk(channel, 0, TEXT[:4999])
    page.send_chunk(channel, 4999, TEXT[4999:5000])
    page.upload_answer(ref, "upload_ready")


def test_a_flood_of_tiny_chunks_closes_the_socket(site: Site) -> None:
    page = site()
    _ref, channel = page.register("doc", "a.txt", 5000)
    for offset in range(3):
        page.send_chunk(channel, offset, TEXT[offset : offset + 1])
    assert page.wait_closed() == 4400


def test_a_flood_of_frames_that_bring_nothing_closes_the_socket(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "Bucket", lambda rate, burst: Bucket(0, 10))
    page = site()
    _ref, channel = page.register("doc", "a.txt", 10_000)
    page.send_chunk(channel, 0, TEXT[:2000])
    for _ in range(12):
        page.send_chunk(channel, 0, TEXT[:2000])
    assert page.wait_closed() == 4429


def test_more_than_the_credit_closes_the_socket_and_memory_stays_bounded(
    site: Site, settings: Any, slow_disk: Gate, staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UPLOADS |= {"WINDOW": 100_000}
    waiting = []
    really = receiving.Receiver._gather

    def gather(own: Any, channel: Any, *args: Any) -> bool:
        taken = really(own, channel, *args)
        waiting.append(sum(len(chunk.payload) for chunk in channel.waiting))
        return taken

    monkeypatch.setattr(receiving.Receiver, "_gather", gather)
    page = site()
    _ref, channel = page.register("doc", "a.txt", len(TEXT))
    credit = page.credit
    for offset in range(0, 110_000, 10_000):  # the disk doesn't move: no credit comes back
        page.send_bytes(frames.encode(channel, offset, TEXT[offset : offset + 10_000]))
    assert page.wait_closed() == 4413
    assert page.credit == credit == 100_000
    assert max(waiting) <= 100_000
    slow_disk.open()
    page.drop_connection()
    until(lambda: staged() == [])


def test_a_disk_that_stands_still_stops_the_sender_and_not_the_page(site: Site, settings: Any, slow_disk: Gate) -> None:
    settings.UPLOADS |= {"WINDOW": 100_000}
    page = site()
    ref, channel = page.register("doc", "a.txt", 90_000)
    page.send_chunk(channel, 0, TEXT[:90_000])
    slow_disk.wait()
    page.submit("say", text="a click is answered")
    assert "a click is answered" in page.html
    assert page.credit == 100_000
    slow_disk.open()
    page.upload_answer(ref, "upload_ready")


# C8, C14: messages


@pytest.mark.parametrize("size", ["-1", "NaN", '"10"', "true", "1e30", "2.5", "null", "[]", "9007199254740992"])
def test_a_size_is_a_whole_number_of_bytes(site: Site, size: str) -> None:
    page = site()
    message = '{"type":"upload_register","slot":"doc","ref":"r","name":"a.txt","mime":"","size":' + size + "}"
    page.send_text(message)
    violation(page)
    assert_works(page)
    page.send_text(message)
    page.send_text(message)
    assert page.wait_closed() == 4400


@pytest.mark.parametrize(
    "change",
    [
        {"ref": ""},
        {"ref": "a b"},
        {"ref": "a\n"},
        {"ref": "x" * 65},
        {"ref": 5},
        {"ref": "../x"},
        {"name": 5},
        {"name": ["a.txt"]},
        {"name": {"toString": "a.txt"}},
        {"name": None},
        {"name": "x" * 9000},
        {"slot": None},
        {"slot": "\ud800"},
        {"mime": "x" * 300},
        {"upload_id": "0" * 32},
        {"extra": 1},
    ],
)
def test_a_registration_is_taken_to_the_letter(site: Site, change: dict[str, Any]) -> None:
    page = site()
    message = {"type": "upload_register", "slot": "doc", "ref": "r", "name": "a.txt", "size": 5, "mime": ""}
    page.send(message | change)
    violation(page)
    assert_works(page)


# C9: cancelling


def test_cancelling_twice_or_what_never_was_has_the_same_answer(site: Site, staged: Staged) -> None:
    page = site()
    ref = page.upload("doc", "a.txt", TEXT)
    for name in (ref, ref, "never-was"):
        page.send({"type": "upload_cancel", "ref": name})
        answer = page.wait_until(lambda message: message["type"] == "upload_cancelled")
        assert answer == {"type": "upload_cancelled", "ref": name}
    until(lambda: staged() == [])
    assert_works(page)


def test_cancelling_what_was_consumed_changes_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    handle(
        monkeypatch,
        lambda view: names.extend(default_storage.save("a", e.file) for e in view.consume_uploaded_entries("doc")),
    )
    page = site()
    ref = page.upload("doc", "a.txt", TEXT)
    page.submit("run")
    page.send({"type": "upload_cancel", "ref": ref})
    page.upload_answer(ref, "upload_cancelled")
    page.submit("run")
    assert [Path(default_storage.path(name)).read_bytes() for name in names] == [TEXT]


@pytest.mark.parametrize("ends", ["cancel", "replace", "disconnect", "cancel and disconnect"])
def test_a_file_that_ends_while_it_is_being_written_leaves_nothing(
    site: Site, staged: Staged, slow_disk: Gate, ends: str
) -> None:
    page = site()
    ref, channel = page.register("doc", "a.txt", len(TEXT))
    page.send_chunk(channel, 0, TEXT[:100_000])
    slow_disk.wait()
    page.send_chunk(channel, 100_000, TEXT[100_000:200_000])
    end(page, ref, ends)
    slow_disk.open()
    go_on(page, ends)
    until(lambda: staged() == [])


@pytest.mark.parametrize("ends", ["cancel", "replace", "disconnect", "cancel and disconnect"])
def test_a_file_that_ends_while_it_is_being_checked_leaves_nothing(
    site: Site, staged: Staged, slow_check: Gate, ends: str
) -> None:
    page = site()
    ref, channel = page.register("doc", "a.txt", len(TEXT))
    page.send_chunk(channel, 0, TEXT)
    slow_check.wait()
    end(page, ref, ends)
    slow_check.open()
    go_on(page, ends)
    until(lambda: staged() == [])
    assert "upload_ready" not in [message["type"] for message in page.received if message.get("ref") == ref]


@pytest.mark.parametrize("when", ["registered", "half", "ready", "refused"])
def test_a_lost_connection_leaves_nothing(site: Site, staged: Staged, when: str) -> None:
    page = site()
    if when == "ready":
        page.upload("doc", "a.txt", TEXT)
    elif when == "refused":
        with pytest.raises(Refused):
            page.upload("docs", "a.png", TEXT)
    else:
        _ref, channel = page.register("doc", "a.txt", len(TEXT))
        if when == "half":
            page.send_chunk(channel, 0, TEXT[:100_000])
    page.drop_connection()
    assert staged() == []
    page.reconnect()
    assert_works(page)


def test_a_cancel_that_is_the_last_word_leaves_nothing(site: Site, staged: Staged) -> None:
    """The disconnect is read in the same breath, before anything that the cancel started has begun."""
    page = site()
    refs = [page.upload("docs", f"{number}.txt", TEXT) for number in range(3)]
    assert page._communicator is not None
    queue, loop = page._communicator.input_queue, page._loop._loop
    events = [{"type": "websocket.receive", "text": json.dumps({"type": "upload_cancel", "ref": ref})} for ref in refs]
    done = threading.Event()

    def at_once() -> None:
        for event in [*events, {"type": "websocket.disconnect", "code": 1006}]:
            queue.put_nowait(event)
        done.set()

    loop.call_soon_threadsafe(at_once)
    assert done.wait(30)
    page._loop.run(page._communicator.wait(30))
    page._communicator = None
    until(lambda: staged() == [])


def end(page: UploadPage, ref: str, how: str) -> None:
    if how.startswith("cancel"):
        page.send({"type": "upload_cancel", "ref": ref})
        page.upload_answer(ref, "upload_cancelled")
    if how == "replace":
        other, _ = page.register("doc", "b.txt", 5000)
        page.send({"type": "upload_cancel", "ref": other})
    if how.endswith("disconnect"):
        assert page._communicator is not None
        page._put({"type": "websocket.disconnect", "code": 1006})


def go_on(page: UploadPage, how: str) -> None:
    if how.endswith("disconnect"):
        page.drop_connection()
        page.reconnect()
    assert_works(page)


# C13: floods


def test_registrations_are_limited_and_a_flood_closes_the_socket(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "Bucket", lambda rate, burst: Bucket(0, 5 if burst == 2000 else 10))
    page = site()
    for number in range(5):
        page.register("many", f"{number}.txt", 5)
    with pytest.raises(Refused, match="rate_limited"):
        page.register("many", "6.txt", 5)
    page.submit("say", text="still here")
    for number in range(10):
        page.send({"type": "upload_cancel", "ref": f"r{number}"})
    assert page.wait_closed() == 4429


def test_hundreds_of_files_may_be_registered_at_once(site: Site) -> None:
    page = site()
    for number in range(500):
        page.send(
            {"type": "upload_register", "slot": "many", "ref": f"r{number}", "name": "a.txt", "size": 5, "mime": ""}
        )
    page.wait_until(lambda message: message["type"] == "upload_registered" and message["ref"] == "r499")


# E4: the disk


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_full_disk_ends_the_upload_and_nothing_else(
    site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch, allowed: set[str], code: int
) -> None:
    really, is_full = staging._write_all, False
    allowed.add("could not write a staging file")

    def write(file: Any, chunk: Any) -> None:
        if is_full:
            file.write(chunk[:10])
            raise OSError(code, os.strerror(code))
        really(file, chunk)

    monkeypatch.setattr(staging, "_write_all", write)
    page, other = site(), site()
    ref, channel = page.register("doc", "a.txt", len(TEXT))
    page.send_chunk(channel, 0, TEXT[:100_000])
    page.wait_for("upload_progress")
    is_full = True
    page.send_chunk(channel, 100_000, TEXT[100_000:200_000])
    page.send_chunk(channel, 200_000, TEXT[200_000:])
    with pytest.raises(Refused) as refused:
        page.upload_answer(ref, "upload_ready")
    assert (refused.value.code, refused.value.message) == ("storage_full", SENTENCES["storage_full"])
    until(lambda: staged() == [])
    page.wait_html(SENTENCES["storage_full"].split(" to ")[0])
    is_full = False
    assert_works(page)
    assert_works(other)


# What a validator does


def test_what_a_validator_refuses_is_told_and_removed(
    site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(entry: UploadEntry) -> None:
        entry.sibling("thumb").write_bytes(b"x")
        raise UploadError("too_loud", "This song is too loud.")

    monkeypatch.setattr(BenchView, "check", staticmethod(refuse))
    page = site()
    with pytest.raises(Refused) as refused:
        page.upload("doc", "a.txt", TEXT)
    assert (refused.value.code, refused.value.message) == ("too_loud", "This song is too loud.")
    page.wait_html("This song is too loud.")
    until(lambda: staged() == [])


def test_djangos_own_validators_can_be_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(entry: UploadEntry) -> None:
        raise ValidationError("Too %(what)s.", params={"what": "long"})

    monkeypatch.setattr(BenchView, "check", staticmethod(refuse))
    with pytest.raises(Refused) as refused:
        site().upload("doc", "a.txt", TEXT)
    assert (refused.value.code, refused.value.message) == ("invalid", "Too long.")


def test_a_validator_that_breaks_is_logged_and_says_nothing_of_itself(
    site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch, allowed: set[str]
) -> None:
    allowed.add("a validator failed")
    monkeypatch.setattr(BenchView, "check", staticmethod(lambda entry: 1 / 0))
    page = site()
    with pytest.raises(Refused) as refused:
        page.upload("doc", "a.txt", TEXT)
    assert (refused.value.code, refused.value.message) == ("server_error", SENTENCES["server_error"])
    until(lambda: staged() == [])
    monkeypatch.setattr(BenchView, "check", staticmethod(lambda entry: None))
    assert_works(page)


# Anything at all


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["next", "next", "next", "replay", "gap", "overlap", "empty end", "overrun", "cancel"]),
        st.integers(1024, 30_000),
    ),
    max_size=12,
)


def test_any_sequence_of_chunks_ends_in_the_exact_bytes_or_in_a_typed_error(
    site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []
    handle(monkeypatch, lambda view: found.extend(e.sha256 for e in view.consume_uploaded_entries("doc")))
    page = site()

    @hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(size=st.integers(1, 60_000), start=st.integers(0, 200_000), steps=STEPS)
    def run(size: int, start: int, steps: list[tuple[str, int]]) -> None:
        data, found[:] = TEXT[start : start + size], []
        ref, channel = page.register("doc", "a.txt", size)
        ending = send(page, ref, channel, data, steps)
        if ending == "upload_ready":
            page.upload_answer(ref, "upload_ready")
            page.submit("run")
            assert found == [hashlib.sha256(data).hexdigest()]
        elif ending == "cancel":
            page.upload_answer(ref, "upload_cancelled")
        else:
            with pytest.raises(Refused, match=ending):
                page.upload_answer(ref, "upload_ready")
        until(lambda: staged() == [])
        page.received.clear()

    run()


def send(page: UploadPage, ref: str, channel: int, data: bytes, steps: list[tuple[str, int]]) -> str:
    """Sends `steps`, then what is left; how the upload must end."""
    at = 0
    for step, length in steps:
        if at == len(data):
            break
        match step:
            case "next":
                page.send_chunk(channel, at, data[at : at + length])
                at = min(len(data), at + length)
            case "replay" if at >= 1024:
                page.send_chunk(channel, at - 1024, b"x" * 1024)
            case "gap":
                page.send_chunk(channel, at + length, b"x" * 1024)
            case "overlap" if at:
                page.send_chunk(channel, at - 1, b"x" * length)
            case "empty end":
                page.send_chunk(channel, len(data), b"")
            case "overrun":
                page.send_chunk(channel, at, data[at:] + b"x" * length)
                return "size_mismatch"
            case "cancel":
                page.send({"type": "upload_cancel", "ref": ref})
                return "cancel"
    for offset in range(at, len(data), 8000):
        page.send_chunk(channel, offset, data[offset : offset + 8000])
    return "upload_ready"


# Many at once


def test_hundreds_of_files_that_are_ready_do_not_crowd_out_a_click(
    site: Site, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    """Each of them has something to tell the view, which is busy; the visitor's own events still get in."""
    told: list[str] = []
    page = site()
    handle(
        monkeypatch,
        lambda view: view.allow_upload(
            "docs", accept=".txt", max_entries=200, progress=lambda entry: told.append(entry.ref)
        ),
    )
    page.submit("run")
    handle(monkeypatch, lambda view: gate())
    page.send({"type": "event", "ref": 9001, "name": "run", "params": {}})
    gate.wait()
    refs = [page.upload("docs", f"{number}.txt", TEXT[:100]) for number in range(100)]

    page.send({"type": "event", "ref": 9002, "name": "say", "params": {"text": "I got in"}})
    gate.open()
    page.wait_until(lambda message: message.get("ref") == 9002)

    assert page.received[-1]["type"] == "ack"
    until(lambda: set(refs) <= set(told))


# What a view is told


def test_a_view_learns_the_code_of_a_refusal_and_the_folder_that_a_file_was_in(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str | None]] = []
    page = site()
    handle(
        monkeypatch,
        lambda view: view.allow_upload(
            "docs", accept=".txt", progress=lambda entry: told.append((entry.client_path, entry.error_code))
        ),
    )
    page.submit("run")
    refused = {"type": "upload_register", "slot": "docs", "name": "a.exe", "size": 5, "mime": ""}

    page.send({**refused, "ref": "in-a-folder", "path": "papers/../old/a.exe"})
    page.send({**refused, "ref": "in-none"})

    until(lambda: told == [("papers/old/a.exe", "bad_ext"), ("a.exe", "bad_ext")])


# What changed while the bytes travelled


@pytest.mark.parametrize(("change", "code"), [({"accept": ".png"}, "bad_ext"), ({"max_file_size": 1000}, "too_large")])
def test_a_slot_that_was_narrowed_meanwhile_refuses_what_it_no_longer_takes(
    site: Site, monkeypatch: pytest.MonkeyPatch, staged: Staged, change: dict[str, Any], code: str
) -> None:
    """D7: the configuration counts as it is when the last byte arrives."""
    page = site()
    handle(monkeypatch, lambda view: view.allow_upload("docs", **{"accept": ".txt", "max_entries": 3, **change}))
    ref, channel = page.register("docs", "a.txt", 5000)
    page.send_chunk(channel, 0, TEXT[:2000])
    page.submit("run")

    page.send_chunk(channel, 2000, TEXT[2000:5000])
    with pytest.raises(Refused) as refused:
        page.upload_answer(ref, "upload_ready")

    assert refused.value.code == code
    until(lambda: staged() == [])


# docs/protocol.md


def test_every_message_and_error_code_is_documented() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "protocol.md"
    if not page.exists():
        pytest.skip("this copy of the package came without the site's docs")
    text = page.read_text()
    slot = Slot(name="doc", accept=Accept.parse(""))
    entry = UploadEntry("0" * 32, "r", slot, parse_name("a.txt"), 1)
    sent = [
        messages.config({}, 1, 1),
        messages.registered(entry, 1),
        messages.resumed(entry, 1, "", 0),
        messages.not_resumed("r", UploadError("locked")),
        messages.progress([], 1, 1),
        messages.signed("r", {}),
        messages.ready(entry),
        messages.cancelled("r"),
        messages.consumed("r"),
        messages.error("r", UploadError("empty"), 1),
    ]
    types = {message["type"] for message in sent} | set(messages.CLIENT)
    builders = {name for name in vars(messages) if getattr(vars(messages)[name], "__module__", "") == messages.__name__}
    assert len(sent) == len(builders - {"ref", "numbers"}), "a message was added: list it here too"
    fields = {field for message in sent for field in message} | {f for kind in messages.CLIENT.values() for f in kind}
    for word in [*types, *fields, *slot.describe(), *SENTENCES]:
        assert f"`{word}`" in text, f"{word} is missing"
