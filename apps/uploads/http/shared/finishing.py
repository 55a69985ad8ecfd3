"""The end of an upload by HTTP: sealed, checked, handed to its intake, and kept as done for whoever asks again."""

from __future__ import annotations

import logging
from collections.abc import Callable

from uploads.core.machine import Step
from uploads.entries.entry import UploadEntry
from uploads.entries.validation import judge
from uploads.errors import UploadError
from uploads.http.shared import records
from uploads.intakes import Intake
from uploads.stores import Record

logger = logging.getLogger("uploads")


def make_ready(entry: UploadEntry, intake: Intake) -> None:
    """From the last byte to ready. Raises `UploadError`; nothing is left then. Blocks."""
    failure: UploadError | None = UploadError("incomplete")
    if not entry.size and intake.takes_empty:
        entry.write([b""])  # so that there is a file to look at
    if entry.seal():
        entry.advance(Step.CHECK)
        failure = judge(entry)
    if failure is None:
        entry.advance(Step.ACCEPT)
        return
    entry.fail(failure)
    entry.discard()
    raise failure


def hand_over(entry: UploadEntry, intake: Intake, owner: str) -> str:
    """What the intake calls the file, if it says. Blocks.

    Raises `UploadError`: the intake's own, after which nothing is left, or `server_error`, after which all is as before
    and it may be tried again.
    """
    entry.lend()
    try:
        name = intake.receive(entry, owner) or ""
    except UploadError as refused:
        entry.fail(refused)
        raise
    except Exception:
        logger.exception("the intake %s failed", intake.name)
        raise UploadError("server_error") from None
    else:
        entry.advance(Step.CONSUME)
        return name
    finally:
        entry.release()
        if entry.is_over:
            entry.discard()


def finish(record: Record, entry: UploadEntry, is_ours: Callable[[], bool] = lambda: True) -> Record:
    """Drives the machine from the last byte to the end; the record as it is then. Blocks.

    The caller has the lease, so that this happens once; `is_ours` says whether he still has it after the checks. A
    process that dies in between leaves a record that says how far it got, and whoever asks next goes on from there.
    Raises `UploadError` as `hand_over` does, or `superseded`.
    """
    store, intake = records.store(), records.intake_of(record)
    if records.is_done(record):
        return record
    if record.http.get(records.STAGE) == records.TAKING and not entry.path.exists():
        return _done(record, "")  # it was taken, and only that wasn't written down
    try:
        make_ready(entry, intake)
        if not is_ours():
            raise UploadError("superseded")
        record = records.changed(record, **{records.STAGE: records.TAKING})
        store.replace(record)
        return _done(record, hand_over(entry, intake, record.owner))
    except UploadError as refused:
        if entry.is_over and refused.code != "superseded":
            store.forget(record.id)
        else:
            entry.park()
            if records.STAGE in record.http:
                store.replace(records.changed(record, **{records.STAGE: ""}))
        raise


def _done(record: Record, result: str) -> Record:
    record = records.changed(record, **{records.STAGE: records.DONE, records.RESULT: result})
    records.store().replace(record)
    records.store().touch(record.id, records.ttl())
    return record
