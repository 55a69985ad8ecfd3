"""Intakes, and the last steps of an upload by HTTP when something goes wrong between them."""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from liveview.process import here
from uploads import UploadEntry, UploadError, intakes
from uploads.entries.quotas import Ledger
from uploads.entries.uploader import NOBODY, Uploader
from uploads.http.chunked.endpoint import Chunks
from uploads.http.shared import records, transfers
from uploads.http.shared.deliveries import Delivery
from uploads.http.shared.finishing import finish, is_taken
from uploads.http.shared.visitors import NEW_UPLOADS, Visitor
from uploads.intakes import Intake
from uploads.stores import Record, hold
from uploads.stores.hold import StoredHold

DATA = random.Random(12).randbytes(10_000)
VISITOR = Visitor("visitor:me", Uploader(share="127.0.0.1"), "127.0.0.1")


class Shop:
    """What an application does with a file."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes, str]] = []
        self.raises: Exception | None = None

    def receive(self, entry: UploadEntry, owner: str) -> str:
        if self.raises is not None:
            raise self.raises
        self.got.append((entry.client_name, entry.path.read_bytes(), owner))
        return "a name"


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def intake(settings: Any, folders: Path, shop: Shop) -> Iterator[Intake]:
    settings.UPLOADS = {**settings.UPLOADS, "UPLOAD_STATE_STORE": "memory"}
    yield intakes.register("shop", accept=".txt", max_file_size=20_000, receive=shop.receive)
    intakes.unregister("shop")


@pytest.fixture
def record(intake: Intake) -> Record:
    """Of an upload all of whose bytes are staged."""
    made = records.make(intake, VISITOR, "/tus/shop/", "a.txt", len(DATA))
    records.store().save(made, 60)
    stage(made)
    return made


def stage(made: Record) -> None:
    entry = transfers.entry_of(made)
    entry.sink.write([DATA])
    entry.park()


def held(record: Record) -> StoredHold:
    store = records.store()
    store.replace(record)
    return hold.take(store, record, secrets.token_hex(8), 60, seconds=60)


def finished(record: Record, own: StoredHold | None = None) -> Record:
    """The record as it is after the last byte; the next request has the lease again."""
    own = own or held(record)
    entry = transfers.entry_of(record, own)
    try:
        if not is_taken(record, entry):
            entry.reopen()
        finish(entry, own)
    finally:
        own.release()
    return own.record


def test_a_finished_file_is_handed_over_and_remembered(record: Record, shop: Shop, staged: Any) -> None:
    done = finished(record)

    assert shop.got == [("a.txt", DATA, "visitor:me")]
    assert records.is_done(done) and records.result(done) == "a name"
    assert records.store().load(record.id) == done
    assert staged() == []


def test_finishing_again_does_nothing(record: Record, shop: Shop) -> None:
    done = finished(record)

    own = held(done)
    finish(transfers.entry_of(done, own), own)
    assert own.record == done
    assert len(shop.got) == 1


def test_a_file_that_was_taken_before_the_process_died_is_done(record: Record, shop: Shop) -> None:
    taken = records.changed(record, **{records.STAGE: records.TAKING})
    transfers.entry_of(taken).path.unlink()  # moved by the application

    assert records.is_done(finished(taken)) and shop.got == []


def test_a_file_that_was_not_taken_when_the_process_died_is_handed_over(record: Record, shop: Shop) -> None:
    finished(records.changed(record, **{records.STAGE: records.TAKING}))

    assert len(shop.got) == 1


def test_an_application_may_refuse_a_file(record: Record, shop: Shop, staged: Any) -> None:
    shop.raises = UploadError("quota")

    with pytest.raises(UploadError) as refused:
        finished(record)

    assert refused.value.code == "quota"
    assert records.store().load(record.id) is None
    assert staged() == []


def test_an_application_that_fails_gets_another_chance(record: Record, shop: Shop) -> None:
    shop.raises = RuntimeError("broken")
    with pytest.raises(UploadError) as failed:
        finished(record)
    shop.raises = None

    again = records.store().load(record.id)
    assert failed.value.code == "server_error" and again == record
    finished(again)
    assert len(shop.got) == 1


@pytest.mark.parametrize("code", ["storage_unavailable", "busy"])
def test_an_application_whose_storage_is_away_gets_another_chance(record: Record, shop: Shop, code: str) -> None:
    shop.raises = UploadError(code)
    with pytest.raises(UploadError, match=shop.raises.message):
        finished(record)
    shop.raises = None

    finished(records.store().load(record.id))
    assert len(shop.got) == 1


def test_a_validator_that_cannot_say_now_is_asked_again(
    record: Record, shop: Shop, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [UploadError("busy")]

    def check(entry: UploadEntry) -> None:
        if failures:
            raise failures.pop()

    intakes.register("shop", accept=".txt", max_file_size=20_000, receive=shop.receive, validators=[check])
    with pytest.raises(UploadError):
        finished(record)

    finished(records.store().load(record.id))
    assert len(shop.got) == 1


def test_a_file_that_somebody_else_has_taken_over_is_left_to_them(record: Record, shop: Shop, staged: Any) -> None:
    own = held(record)
    own.release()
    theirs = held(record)

    with pytest.raises(UploadError) as lost:
        finished(record, own)

    assert lost.value.code == "superseded"
    assert shop.got == [] and staged() == [record.id]
    finished(record, theirs)
    assert len(shop.got) == 1


def test_a_file_that_is_not_complete_is_not_handed_over(intake: Intake, shop: Shop) -> None:
    made = records.make(intake, VISITOR, "/tus/shop/", "a.txt", len(DATA) + 1)
    stage(made)

    records.store().save(made, 60)

    with pytest.raises(UploadError) as refused:
        finished(made)

    assert refused.value.code == "incomplete" and shop.got == []


async def test_what_a_store_keeps_from_being_finished_is_parked(
    record: Record, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would count as under way until the process ends."""
    really = type(records.store()).replace

    def down(self: Any, record: Record) -> None:
        if record.http.get(records.STAGE) == records.TAKING:
            raise OSError("the store is down")
        really(self, record)

    monkeypatch.setattr(type(records.store()), "replace", down)
    before = here(Ledger).live

    with pytest.raises(OSError):
        async with transfers.hold(record, VISITOR) as transfer:
            await transfer.finish()

    assert here(Ledger).live == before and shop.got == []


async def test_a_request_that_only_looks_puts_off_the_expiry_as_its_answer_says(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    extended: list[str] = []
    monkeypatch.setattr(type(records.store()), "touch", lambda self, upload_id, ttl: extended.append(upload_id))

    async with transfers.hold(record, VISITOR, measured=False):
        assert extended == []

    assert extended == [record.id]


# Deliveries


def test_a_delivery_leaves_nothing_when_it_is_dropped(intake: Intake, shop: Shop, staged: Any) -> None:
    delivery = Delivery(intake, VISITOR, "/upload", "a.txt", len(DATA))
    delivery.write([DATA[:100]])
    assert staged() != []

    delivery.discard()
    delivery.discard()

    assert staged() == [] and shop.got == []


@pytest.mark.parametrize(
    ("pieces", "code"), [([DATA, b"!"], "size_mismatch"), ([DATA[:10]], "incomplete"), ([], "incomplete")]
)
def test_a_delivery_of_another_length_is_refused(
    intake: Intake, shop: Shop, staged: Any, pieces: list[bytes], code: str
) -> None:
    delivery = Delivery(intake, VISITOR, "/upload", "a.txt", len(DATA))

    with pytest.raises(UploadError) as refused:
        delivery.write(pieces)
        delivery.finish()

    assert refused.value.code == code
    assert staged() == [] and shop.got == []


def test_new_uploads_are_counted_for_each_visitor(intake: Intake) -> None:
    busy, other = Visitor("visitor:busy", NOBODY, ""), Visitor("visitor:other", NOBODY, "")
    with pytest.raises(UploadError) as refused:
        for _ in range(int(NEW_UPLOADS[1]) * 10):
            busy.expect_pace()

    assert refused.value.code == "rate_limited"
    other.expect_pace()


# Intakes


def test_an_intake_is_known_by_its_name(intake: Intake) -> None:
    assert intakes.get("shop") is intake
    with pytest.raises(UploadError) as unknown:
        intakes.get("nothing")
    assert unknown.value.code == "unknown_slot"


def test_a_later_intake_of_the_same_name_counts(intake: Intake, shop: Shop) -> None:
    later = intakes.register("shop", receive=shop.receive)

    assert intakes.get("shop") is later is not intake


async def test_an_upload_in_chunks_is_told_once_and_from_its_beginning(
    intake: Intake, shop: Shop, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "INTAKE": "shop"}
    with caplog.at_level(logging.INFO, "uploads.events"):
        for index, chunk in enumerate((DATA[:6000], DATA[6000:])):
            headers = {
                "Content-Length": len(chunk),
                "X-Upload-Id": "told",
                "X-Chunk-Index": index,
                "X-Chunk-Count": 2,
                "X-File-Name": "a.txt",
                "X-File-Size": len(DATA),
            }
            assert await posted(Chunks(), headers, chunk) == 200

    told = [vars(record)["fields"] for record in caplog.records if record.name == "uploads.events"]
    assert [fields["event"] for fields in told] == ["registered", "ready", "consumed"]
    assert len({fields["upload"] for fields in told}) == 1
    assert [data for _, data, _ in shop.got] == [DATA]


async def posted(application: Chunks, headers: dict[str, Any], body: bytes) -> int:
    """The status of the answer."""
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    raw = [(name.lower().encode(), str(value).encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/api/upload-chunk", "query_string": b"", "headers": raw}
    await application(scope, receive, send)
    return statuses[0]


@pytest.mark.parametrize("parameter", ["writer", "external", "progress", "max_total_size", "verify"])
def test_what_only_a_page_can_do_is_no_parameter_of_an_intake(shop: Shop, parameter: str) -> None:
    """Taking it would be a promise that nobody keeps."""
    with pytest.raises(TypeError, match=parameter):
        intakes.register("pages", receive=shop.receive, **{parameter: None})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "two words", "../x", "1st"])
def test_an_intakes_name_is_an_identifier(shop: Shop, name: str) -> None:
    with pytest.raises(ValueError, match="identifier"):
        intakes.register(name, receive=shop.receive)
