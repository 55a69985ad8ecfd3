"""Uploads that outlive their socket, over the real one."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from liveview.core.limits import Bucket
from uploads.errors import UploadError
from uploads.models import UploadState
from uploads.socket import session
from uploads.staging import leftovers
from uploads.staging.files import TAIL
from uploads.stores import DatabaseUploadState
from uploads.stores.hold import StoredHold
from uploads.testing import Refused, UploadPage
from uploads.tests.project import BenchView
from uploads.tests.support import TEXT, Gate, Site, Staged, assert_works, handle, until

SIZE = len(TEXT)


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def consumed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the handler got."""
    got: list[bytes] = []
    handle(monkeypatch, lambda view: got.extend(entry.data for entry in view.consume_uploaded_entries("video")))
    return got


def begin(page: UploadPage, count: int, holder: str = "page") -> str:
    """Sends the first `count` bytes and waits until they are written; the upload's id."""
    upload_id, channel = page.register_resumable("video", "film.txt", SIZE, holder)
    page.send_rest(channel, TEXT[:count])
    if count:
        page.wait_until(lambda message: [channel, count] in message.get("offsets", []))
    return upload_id


def finish(page: UploadPage, answer: dict[str, Any]) -> None:
    page.send_rest(answer["channel"], TEXT, answer["offset"])
    page.upload_answer(answer["ref"], "upload_ready")
    page.submit("run")


def test_a_lost_socket_costs_no_byte_that_was_written(site: Site, consumed: list[bytes], staged: Staged) -> None:
    page = site()
    upload_id = begin(page, 120_000)

    page.drop_connection()
    assert staged() == [upload_id]
    page.reconnect()
    answer = page.resume("video", upload_id, SIZE)

    assert answer["accepted"] and answer["offset"] == 120_000
    finish(page, answer)
    assert consumed == [TEXT]
    assert staged() == []
    assert UploadState.objects.count() == 0


def begun(page: UploadPage) -> tuple[str, str]:
    """The ids of an upload that can be resumed, and of one that can't; some of each has been written."""
    kept = begin(page, 120_000)
    _ref, channel = page.register("doc", "lost.txt", SIZE)
    page.send_chunk(channel, 0, TEXT[:120_000])
    page.wait_until(lambda message: [channel, 120_000] in message.get("offsets", []))
    lost = next(m["upload_id"] for m in page.received if m.get("channel") == channel and "upload_id" in m)
    return kept, lost


def test_a_store_that_is_away_keeps_nothing_else_from_going(
    site: Site, staged: Staged, allowed: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed.add("could not park an upload")

    def away(*_: object) -> None:
        raise ConnectionError("the store is away")

    page = site()
    kept, _lost = begun(page)
    monkeypatch.setattr(StoredHold, "park", away)

    page.drop_connection()

    assert staged() == [kept]


def test_a_server_that_gives_up_waiting_for_the_end_of_a_page_leaves_nothing(
    site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    """daphne cancels what hasn't ended ten seconds after its socket has: a store may take longer than that."""
    really = StoredHold.park
    monkeypatch.setattr(StoredHold, "park", lambda *args: (gate(), really(*args)))
    page = site()
    kept, _lost = begun(page)

    application, page._communicator = page._communicator, None
    assert application is not None
    page._loop.run(application.send_input({"type": "websocket.disconnect", "code": 1006}))
    gate.wait()
    page._loop._loop.call_soon_threadsafe(application.future.cancel)
    until(application.future.cancelled)
    gate.open()

    until(lambda: staged() == [kept])


def test_the_answer_says_how_to_know_the_same_file_again(site: Site) -> None:
    page = site()
    upload_id = begin(page, 120_000)
    page.drop_connection()
    page.reconnect()

    answer = page.resume("video", upload_id, SIZE)

    assert answer["length"] == TAIL
    assert answer["digest"] == hashlib.sha256(TEXT[120_000 - TAIL : 120_000]).hexdigest()


def test_the_offset_is_measured_and_not_remembered(site: Site, settings: Any, consumed: list[bytes]) -> None:
    """Whatever a record or a client says: the staged bytes are the truth."""
    page = site()
    upload_id = begin(page, 100_000)
    page.drop_connection()
    DatabaseUploadState().set_offset(upload_id, 250_000)
    path = settings.UPLOADS["STAGING_DIR"] / upload_id
    path.write_bytes(path.read_bytes()[:70_000])
    page.reconnect()

    answer = page.resume("video", upload_id, SIZE)

    assert answer["offset"] == 70_000
    finish(page, answer)
    assert consumed == [TEXT]


def test_another_page_of_the_visitor_resumes_when_the_first_is_gone(
    site: Site, client: Client, consumed: list[bytes]
) -> None:
    """A reload, a crash of the browser, a closed tab."""
    first = site(client=client)
    upload_id = begin(first, 50_000, holder="before the reload")
    second = site(client=client)
    assert second.resume("video", upload_id, SIZE, holder="after it")["code"] == "locked"

    first.drop_connection()
    answer = second.resume("video", upload_id, SIZE, holder="after it")

    assert answer["accepted"] and answer["offset"] == 50_000
    finish(second, answer)
    assert consumed == [TEXT]


def test_the_same_page_takes_over_from_its_own_half_dead_socket(
    site: Site, client: Client, settings: Any, consumed: list[bytes], staged: Staged
) -> None:
    settings.UPLOADS |= {"LEASE": 1}
    half_dead = site(client=client)
    upload_id = begin(half_dead, 50_000)
    page = site(client=client)

    answer = page.resume("video", upload_id, SIZE)

    assert answer["accepted"]
    with pytest.raises(Refused) as refused:
        half_dead.upload_answer("test-1", "upload_ready")
    assert refused.value.code == "superseded"
    assert staged() == [upload_id]
    finish(page, answer)
    assert consumed == [TEXT]


def test_a_killed_server_leaves_what_a_new_one_resumes(
    site: Site, client: Client, settings: Any, consumed: list[bytes]
) -> None:
    """Nobody released the lease and nobody closed the file: a lease of a dead page runs out."""
    settings.UPLOADS |= {"LEASE": 0.2}
    page = site(client=client)
    upload_id = begin(page, 90_000)
    page.drop_connection()
    UploadState.objects.update(holder="the killed one", token=7)

    page.reconnect()
    answer = page.resume("video", upload_id, SIZE)
    while answer.get("code") == "locked":
        answer = page.resume("video", upload_id, SIZE)

    finish(page, answer)
    assert consumed == [TEXT]


def test_all_bytes_were_there_when_the_socket_went(site: Site, consumed: list[bytes]) -> None:
    page = site()
    upload_id = begin(page, 0)
    page.send_rest(1, TEXT)
    page.wait_for("upload_ready")
    page.drop_connection()
    page.reconnect()

    answer = page.resume("video", upload_id, SIZE)

    assert answer["offset"] == SIZE
    page.upload_answer(answer["ref"], "upload_ready")
    page.submit("run")
    assert consumed == [TEXT]


def test_a_resumed_upload_is_checked_like_any_other(
    site: Site, monkeypatch: pytest.MonkeyPatch, staged: Staged
) -> None:
    from uploads import UploadError

    def refuse(_entry: Any) -> None:
        raise UploadError("bad_content")

    page = site()
    upload_id = begin(page, 50_000)
    page.drop_connection()
    monkeypatch.setattr(BenchView, "check", staticmethod(refuse))
    page.reconnect()
    answer = page.resume("video", upload_id, SIZE)

    with pytest.raises(Refused, match="bad_content"):
        finish(page, answer)

    until(lambda: staged() == [] and not UploadState.objects.exists())


@pytest.mark.parametrize("what", ["id", "size", "slot", "owner"])
def test_what_is_not_yours_is_as_absent_as_what_never_was(site: Site, client: Client, what: str) -> None:
    """D3: the same answer for a guessed id, another's id, another file and another slot."""
    page = site(client=client)
    upload_id = begin(page, 50_000)
    page.drop_connection()
    asker = site(client=Client() if what == "owner" else client)

    answer = asker.resume(
        "docs" if what == "slot" else "video",
        "f" * 32 if what == "id" else upload_id,
        SIZE + 1 if what == "size" else SIZE,
    )

    assert (answer["accepted"], answer["code"], answer["offset"]) == (False, "unknown_ref", 0)
    assert_works(asker)


def test_an_expired_upload_starts_over(site: Site, settings: Any) -> None:
    settings.UPLOADS |= {"UPLOAD_STATE_TTL": 0}
    page = site()
    upload_id = begin(page, 50_000)
    page.drop_connection()
    page.reconnect()

    assert page.resume("video", upload_id, SIZE)["code"] == "unknown_ref"


def test_a_cancelled_upload_is_forgotten(site: Site, staged: Staged) -> None:
    page = site()
    upload_id = begin(page, 50_000)

    page.send({"type": "upload_cancel", "ref": "test-1"})
    page.upload_answer("test-1", "upload_cancelled")

    until(lambda: staged() == [] and not UploadState.objects.exists())
    assert page.resume("video", upload_id, SIZE)["code"] == "unknown_ref"


def test_without_its_store_an_upload_continues_and_can_not_be_resumed(
    site: Site, monkeypatch: pytest.MonkeyPatch, consumed: list[bytes], allowed: set[str]
) -> None:
    def fail(*_: object) -> None:
        raise ConnectionError("the store is away")

    allowed.add("could not store upload record")
    monkeypatch.setattr(DatabaseUploadState, "save", fail)
    page = site()

    page.upload("video", "film.txt", TEXT)
    page.submit("run")

    assert consumed == [TEXT]


def test_a_chunk_that_was_lost_with_the_socket_is_sent_again(site: Site, consumed: list[bytes]) -> None:
    page = site()
    upload_id = begin(page, 65_536)
    for _turn in range(4):
        page.drop_connection()
        page.reconnect()
        answer = page.resume("video", upload_id, SIZE)
        at = answer["offset"]
        page.send_chunk(answer["channel"], at, TEXT[at : at + 30_000])
    page.wait_until(lambda message: any(channel == answer["channel"] for channel, _ in message.get("offsets", [])))
    page.drop_connection()
    page.reconnect()

    finish(page, page.resume("video", upload_id, SIZE))

    assert consumed == [TEXT]


def _leave(page: UploadPage, _patch: pytest.MonkeyPatch) -> None:
    """Nobody comes back for it."""
    page.drop_connection()


def _cancel(page: UploadPage, _patch: pytest.MonkeyPatch) -> None:
    page.send({"type": "upload_cancel", "ref": "test-1"})


def _replace(page: UploadPage, _patch: pytest.MonkeyPatch) -> None:
    page.upload("video", "other.txt", TEXT)
    page.send({"type": "upload_cancel", "ref": "test-2"})


def _say_it_is_longer(page: UploadPage, _patch: pytest.MonkeyPatch) -> None:
    page.send_chunk(1, 50_000, TEXT + b"more")


def _fail_the_check(page: UploadPage, patch: pytest.MonkeyPatch) -> None:
    def refuse(_entry: Any) -> None:
        raise UploadError("bad_content")

    patch.setattr(BenchView, "check", staticmethod(refuse))
    page.send_rest(1, TEXT, 50_000)


@pytest.mark.parametrize("ending", [_leave, _cancel, _replace, _say_it_is_longer, _fail_the_check])
def test_after_any_ending_no_file_no_record_and_no_lease_stays(
    site: Site, settings: Any, monkeypatch: pytest.MonkeyPatch, staged: Staged, ending: Any
) -> None:
    page = site()
    begin(page, 50_000)

    ending(page, monkeypatch)
    if ending is _leave:
        until(lambda: UploadState.objects.filter(leased_until=None).exists())
        monkeypatch.setattr(leftovers, "UNTOUCHED", 0.0)
        UploadState.objects.update(expires_at=timezone.now())
        call_command("uploads_prune")

    until(lambda: staged() == [] and not UploadState.objects.exists())


def test_what_asks_too_often_to_be_resumed_asks_again_and_loses_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = site()
    upload_id = begin(page, 120_000)
    with monkeypatch.context() as patch:
        patch.setattr(session, "Bucket", lambda rate, burst: Bucket(0, burst if burst > 2000 else 0))
        page.reconnect()
        answer = page.resume("video", upload_id, SIZE)
    assert (answer["accepted"], answer["code"]) == (False, "rate_limited")

    page.reconnect()
    assert page.resume("video", upload_id, SIZE)["offset"] == 120_000


def test_as_many_files_as_a_page_may_have_are_resumed_at_once(site: Site, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "MAX_ENTRIES_PER_VIEW": 2500}
    bursts: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "Bucket", lambda rate, burst: bursts.append(burst) or Bucket(rate, burst))
        site()
    assert min(bursts) == 2500


def test_a_full_slot_is_a_reason_to_start_over(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is refused, and the same file is taken from its first byte once there is room. (Seed: seeds/001.)"""
    page = site()
    parked = begin(page, 120_000)
    page.drop_connection()
    page.reconnect()
    handle(monkeypatch, lambda view: view.allow_upload("video", accept=".txt", max_entries=2, resumable=True))
    page.submit("run")
    for number in range(2):
        page.upload("video", f"{number}.txt", TEXT)

    answer = page.resume("video", parked, SIZE)
    assert (answer["accepted"], answer["code"]) == (False, "too_many_files")
    with pytest.raises(Refused, match="too_many_files"):
        page.register("video", "film.txt", SIZE)

    handle(monkeypatch, lambda view: [entry.data for entry in view.consume_uploaded_entries("video")])
    page.submit("run")
    assert page.upload("video", "film.txt", TEXT)  # from its first byte
