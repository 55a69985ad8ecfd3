"""Of all that have the same upload one may write: what was checked is what is kept, whatever the others still send."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from django.test import Client

from uploads.errors import UploadError
from uploads.models import UploadState
from uploads.staging import files as staging
from uploads.staging.files import StagingFile
from uploads.testing import Refused, UploadPage
from uploads.tests.project import BenchView
from uploads.tests.support import TEXT, Gate, Site, Staged, handle, until

SIZE = len(TEXT)
HALF = 150_000
OTHER = TEXT[:HALF] + TEXT[HALF:][::-1]  # as much, and from the middle on something else
PATIENT = 3600.0


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def consumed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes]]:
    """What the handler got: SHA-256 and bytes."""
    got: list[tuple[str, bytes]] = []
    handle(
        monkeypatch,
        lambda view: got.extend((entry.sha256, entry.data) for entry in view.consume_uploaded_entries("video")),
    )
    return got


def known(data: bytes) -> tuple[str, bytes]:
    return hashlib.sha256(data).hexdigest(), data


def begin(page: UploadPage, count: int) -> tuple[str, int]:
    """Sends the first `count` bytes and waits until they are written; the upload's id and its channel."""
    upload_id, channel = page.register_resumable("video", "film.txt", SIZE)
    if count:
        page.send_rest(channel, TEXT[:count])
        page.wait_until(lambda message: [channel, count] in message.get("offsets", []))
    return upload_id, channel


def finish(page: UploadPage, answer: dict[str, Any], data: bytes) -> None:
    page.send_rest(answer["channel"], data, answer["offset"])
    page.upload_answer(answer["ref"], "upload_ready")
    page.submit("run")


def expect_superseded(page: UploadPage, ref: str = "test-1") -> None:
    with pytest.raises(Refused) as refused:
        page.upload_answer(ref, "upload_ready")
    assert refused.value.code == "superseded"
    page.submit("say", text="still here")
    assert not [message for message in page.received if message["type"] == "upload_ready"]


# Two sockets of one process


@pytest.mark.parametrize("count", [HALF, 0])
def test_the_old_socket_can_not_change_what_the_new_one_sends(
    site: Site, client: Client, consumed: list[tuple[str, bytes]], staged: Staged, count: int
) -> None:
    old, new = site(client=client), site(client=client)
    upload_id, channel = begin(old, count)
    answer = new.resume("video", upload_id, SIZE)
    assert (answer["accepted"], answer["offset"]) == (True, count)

    old.send_rest(channel, OTHER, count)
    expect_superseded(old)
    old.submit("run")
    assert consumed == []

    finish(new, answer, TEXT)
    assert consumed == [known(TEXT)]
    until(lambda: staged() == [] and not UploadState.objects.exists())


def test_a_takeover_waits_for_the_write_that_is_under_way(
    site: Site, client: Client, consumed: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    old, new = site(client=client), site(client=client)
    upload_id, channel = begin(old, HALF)
    really = staging._write_all

    def write(*args: Any) -> None:
        gate()
        really(*args)

    monkeypatch.setattr(staging, "_write_all", write)
    old.send_chunk(channel, HALF, TEXT[HALF : HALF + 50_000])
    gate.wait()
    asked, give_way = threading.Event(), StagingFile.give_way

    def asked_to_give_way(file: StagingFile) -> set[Path]:
        asked.set()
        return give_way(file)

    monkeypatch.setattr(StagingFile, "give_way", asked_to_give_way)
    resume = {"type": "upload_resume", "slot": "video", "ref": "b", "upload_id": upload_id, "size": SIZE}
    new.send({**resume, "offset": 0, "holder": "page"})
    assert asked.wait(60)
    gate.open()

    answer = new.upload_answer("b", "upload_resume_ack")
    assert answer["offset"] == HALF + 50_000
    finish(new, answer, TEXT)
    assert consumed == [known(TEXT)]


@pytest.mark.parametrize("verdict", [None, "bad_content"])
def test_what_is_taken_over_while_it_is_checked_is_the_new_ones(
    site: Site,
    client: Client,
    consumed: list[tuple[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
    gate: Gate,
    verdict: str | None,
) -> None:
    """Whatever the old socket's checks say, it neither has the file nor may remove it."""
    calls: list[str] = []

    def check(entry: Any) -> None:
        calls.append(entry.ref)
        if len(calls) == 1:
            gate()
            if verdict:
                raise UploadError(verdict)

    monkeypatch.setattr(BenchView, "check", staticmethod(check))
    old, new = site(client=client), site(client=client)
    upload_id, channel = begin(old, HALF)
    old.send_rest(channel, TEXT, HALF)
    gate.wait()
    answer = new.resume("video", upload_id, SIZE)
    new.upload_answer(answer["ref"], "upload_ready")
    gate.open()

    expect_superseded(old)
    old.submit("run")
    assert consumed == []
    new.submit("run")
    assert consumed == [known(TEXT)]


def test_cancelled_on_the_old_socket_it_continues_on_the_new_one(
    site: Site, client: Client, consumed: list[tuple[str, bytes]], staged: Staged
) -> None:
    old, new = site(client=client), site(client=client)
    upload_id, _channel = begin(old, HALF)
    answer = new.resume("video", upload_id, SIZE)

    old.send({"type": "upload_cancel", "ref": "test-1"})
    old.upload_answer("test-1", "upload_cancelled")
    old.drop_connection()  # which waits until all is done

    assert staged() == [upload_id]
    finish(new, answer, TEXT)
    assert consumed == [known(TEXT)]


def test_on_one_socket_an_upload_is_taken_over_as_well(site: Site, consumed: list[tuple[str, bytes]]) -> None:
    page = site()
    upload_id, channel = begin(page, HALF)
    answer = page.resume("video", upload_id, SIZE)

    page.send_rest(channel, OTHER, HALF)
    finish(page, answer, TEXT)

    assert consumed == [known(TEXT)]


# Another process


@pytest.fixture
def other(folders: Path) -> Iterator[list[IO[bytes]]]:
    """Files that are open elsewhere."""
    files: list[IO[bytes]] = []
    yield files
    for file in files:
        file.close()


def hold(path: Path, files: list[IO[bytes]]) -> IO[bytes]:
    """As another process that resumes an upload has it."""
    file = path.open("ab", buffering=0)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    files.append(file)
    return file


def test_nobody_resumes_while_another_process_has_the_file(
    site: Site, settings: Any, consumed: list[tuple[str, bytes]], other: list[IO[bytes]]
) -> None:
    """It has lost its lease, and lets go as soon as it notices. Until then the client asks again."""
    settings.UPLOADS |= {"LEASE": int(PATIENT)}
    page = site()
    upload_id, _channel = begin(page, HALF)
    page.drop_connection()
    file = hold(settings.UPLOADS["STAGING_DIR"] / upload_id, other)
    page.reconnect()

    answer = page.resume("video", upload_id, SIZE)
    assert (answer["accepted"], answer["code"]) == (False, "locked")
    assert UploadState.objects.get().leased_until is None

    file.write(TEXT[HALF : HALF + 10])  # its last
    file.close()
    answer = page.resume("video", upload_id, SIZE)
    assert answer["offset"] == HALF + 10
    finish(page, answer, TEXT)
    assert consumed == [known(TEXT)]


def test_a_stalled_process_keeps_nobody_away(
    site: Site, settings: Any, consumed: list[tuple[str, bytes]], other: list[IO[bytes]], staged: Staged
) -> None:
    """And when it wakes up, what it writes is nobody's."""
    page = site()
    upload_id, _channel = begin(page, HALF)
    page.drop_connection()
    path = settings.UPLOADS["STAGING_DIR"] / upload_id
    file = hold(path, other)
    os.utime(path, (0, 0))
    page.reconnect()

    answer = page.resume("video", upload_id, SIZE)
    assert (answer["accepted"], answer["offset"]) == (True, HALF)
    page.send_rest(answer["channel"], TEXT, answer["offset"])
    page.upload_answer(answer["ref"], "upload_ready")
    file.write(b"EVIL" * 1000)

    page.submit("run")
    assert consumed == [known(TEXT)]
    until(lambda: staged() == [])
