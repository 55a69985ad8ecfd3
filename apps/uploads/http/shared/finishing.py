"""The end of an upload by HTTP: settled, handed to its intake, and recorded as done for clients that ask again."""

from __future__ import annotations

import logging
import time
from typing import Final

from liveview.process import here
from uploads import threads
from uploads.entries import drive
from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError
from uploads.http.shared import records
from uploads.intakes import Intake
from uploads.stores import Record
from uploads.stores.hold import StoredHold

logger = logging.getLogger("uploads")

PATIENCE: Final = 20.0  # seconds that a request waits for a store that is away; hosts end it after 30
PAUSE: Final = 0.5


def make_ready(entry: UploadEntry, intake: Intake) -> None:
    """From the last byte to ready. Raises `UploadError`; nothing is left then, unless it `passes`. Blocks."""
    if not entry.size and intake.takes_empty:
        drive.commit(entry, [b""])  # so that there is a file to check
    outcome = drive.deliver(entry, ())
    if isinstance(outcome, drive.Refused | drive.Postponed):
        raise outcome.error


def hand_over(entry: UploadEntry, intake: Intake, owner: str) -> str:
    """What the intake calls the file, if it says. Blocks.

    Raises `UploadError`: the intake's own, after which nothing is left; or one that `passes`, or `server_error`, after
    which nothing has changed and the client may retry.
    """
    entry.lend()
    try:
        name = intake.receive(entry, owner) or ""
    except UploadError as refused:
        if not refused.passes:
            entry.fail(refused)
        raise
    except Exception:
        logger.exception("intake %s failed", intake.name)
        raise UploadError("server_error") from None
    else:
        entry.consume()
        return name
    finally:
        entry.release()
        if entry.is_over:
            entry.discard()


class Taken:
    """What the intakes called the files that they took here, by upload, until that is recorded."""

    def __init__(self) -> None:
        self.results: dict[str, str] = {}


def is_taken(record: Record, entry: UploadEntry) -> bool:
    """Whether the intake took the file, and only recording that failed."""
    if record.http.get(records.STAGE) != records.TAKING:
        return False
    return record.id in here(Taken).results or entry.sink.measure() is None


def finish(entry: UploadEntry, hold: StoredHold) -> None:
    """From the last byte to the end, under a hold, so that this happens once. Blocks.

    A process that dies in between leaves a record that says how far it got, and the next request continues from there.
    Raises `UploadError` as `hand_over` does, or `superseded`.
    """
    intake = records.intake_of(hold.record)
    if records.is_done(hold.record):
        return
    if is_taken(hold.record, entry):
        record_done(hold)
        return
    make_ready(entry, intake)
    entry.let_go()  # the record outlives the entry
    hold.update(records.changed(hold.record, **{records.STAGE: records.TAKING}))
    try:
        result = hand_over(entry, intake, hold.record.owner)
    except UploadError:
        if entry.is_over:
            hold.forget()
        else:
            entry.park()
            hold.update(records.changed(hold.record, **{records.STAGE: ""}))
        raise
    here(Taken).results[hold.record.id] = result
    try:
        record_done(hold)
    except UploadError as failure:
        if not failure.passes:
            raise
        with threads.aside():
            _record_later(hold)


def record_done(hold: StoredHold) -> None:
    """Raises `UploadError`."""
    result = here(Taken).results.get(hold.record.id, "")
    hold.update(records.changed(hold.record, **{records.STAGE: records.DONE, records.RESULT: result}))
    hold.store.touch(hold.record.id, records.ttl())
    here(Taken).results.pop(hold.record.id, None)


def _record_later(hold: StoredHold) -> None:
    """The store may be away for a moment: elsewhere, nobody would know yet that the file was taken."""
    end = time.monotonic() + PATIENCE
    while True:
        time.sleep(PAUSE)
        try:
            return record_done(hold)
        except UploadError as failure:
            if not failure.passes or time.monotonic() > end:
                raise
