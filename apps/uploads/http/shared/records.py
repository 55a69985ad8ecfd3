"""The record of an upload by HTTP between its requests, in the site's state store."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final

from uploads import intakes
from uploads.conf import conf
from uploads.core.names import FileName, parse_name
from uploads.errors import UploadError
from uploads.http.shared.visitors import Visitor
from uploads.http_errors import refusal
from uploads.intakes import Intake
from uploads.stores import Record, StateStore, get_store
from uploads.stores.base import MAX_RECORD

# Keys of `Record.http`
METADATA: Final = "metadata"  # the tus header, as it came
DEFERRED: Final = "deferred"  # set while the size isn't known; `Record.size` is the most it may be
STAGE: Final = "stage"  # TAKING, then DONE
RESULT: Final = "result"  # what the intake calls the file
CHUNKS: Final = "chunks"  # of a file in numbered chunks: how many
# And if they aren't on the disk:
PLACE: Final = "place"  # where they are
CHUNK_SIZE: Final = "chunk_size"
BEGAN: Final = "began"  # seconds since 1970

TAKING: Final = "taking"
DONE: Final = "done"


def store() -> StateStore:
    """The site's store, shared by every process."""
    return get_store()


def ttl() -> float:
    """Seconds the upload may stay parked."""
    return float(conf().upload_state_ttl)


def make(
    intake: Intake,
    visitor: Visitor,
    page: str,
    raw_name: str,
    size: int,
    client_type: str = "",
    *,
    upload_id: str = "",
    **http: str,
) -> Record:
    """The record of a new upload, not saved yet. Raises `UploadError` unless the intake takes such a file."""
    check(intake, parse_name(raw_name), size)
    upload_id = upload_id or secrets.token_hex(16)
    record = Record(
        id=upload_id,
        owner=visitor.owner_of(upload_id),
        page=page,
        slot=intake.name,
        name=raw_name,
        size=size,
        client_type=client_type[:255],
        http={key: value for key, value in http.items() if value},
    )
    if len(record.to_json()) > MAX_RECORD:
        raise refusal("header_too_long")
    return record


def check(intake: Intake, name: FileName, size: int) -> None:
    """Raises `UploadError` unless the intake takes a file of that name and size."""
    intake.slot.check(name, size or int(intake.takes_empty))


def find(upload_id: str, visitor: Visitor, page: str) -> Record:
    """Raises `UploadError("unknown_ref")`: absent and not yours get the same answer. Blocks."""
    record = store().load(upload_id)
    if record is None or record.page != page or not visitor.may_use(record):
        raise UploadError("unknown_ref")
    return record


def intake_of(record: Record) -> Intake:
    return intakes.get(record.slot)


def changed(record: Record, **http: str) -> Record:
    """The same record with other keys of `http`; an empty value removes its key. Not saved yet."""
    merged = {**record.http, **http}
    return replace(record, http={key: value for key, value in merged.items() if value})


def is_done(record: Record) -> bool:
    return record.http.get(STAGE) == DONE


def result(record: Record) -> str:
    """The name by which the client may refer to a finished file."""
    return record.http.get(RESULT) or record.id
