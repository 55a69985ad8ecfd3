"""A file that comes in one go: nothing of it outlives the request or the socket that brings it."""

from __future__ import annotations

import secrets
from typing import Any

from uploads import events
from uploads.core.machine import Step
from uploads.core.names import parse_name
from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError
from uploads.http.shared import records
from uploads.http.shared.finishing import hand_over, make_ready
from uploads.http.shared.visitors import Visitor
from uploads.intakes import Intake


class Delivery:
    """All methods block. Raises `UploadError`, then or when it is made, and leaves nothing behind."""

    def __init__(
        self, intake: Intake, visitor: Visitor, page: str, raw_name: str, size: int, client_type: str = ""
    ) -> None:
        name, upload_id = parse_name(raw_name), secrets.token_hex(16)
        records.check(intake, name, size)
        visitor.expect_pace()
        self._intake, self._owner = intake, visitor.owner_of(upload_id)
        self._entry = UploadEntry(upload_id, page, intake.slot, name, size, client_type[:255])
        visitor.reserve(self._entry)
        events.tell("registered", self._entry)

    @property
    def received(self) -> int:
        """Bytes that are staged."""
        return self._entry.upload.durable

    @property
    def size(self) -> int:
        return self._entry.size

    def write(self, pieces: list[bytes]) -> None:
        entry = self._entry
        try:
            for piece in pieces:
                if entry.upload.received + len(piece) > entry.size:
                    raise UploadError("size_mismatch")
                entry.receive(entry.upload.received, len(piece))
                entry.look(piece)
            entry.write(pieces)
            entry.written(sum(map(len, pieces)))
        except UploadError as failure:
            entry.fail(failure)
            entry.discard()
            raise

    def finish(self) -> dict[str, Any]:
        """What the seeds' clients are told of a file that has arrived."""
        entry = self._entry
        try:
            make_ready(entry, self._intake)
            result = hand_over(entry, self._intake, self._owner)
        finally:
            self.discard()
        return {"fileGuid": result or entry.upload.id, "fileName": entry.client_name, "fileSize": entry.size}

    def discard(self) -> None:
        """Also when it is over already."""
        self._entry.advance(Step.CANCEL, UploadError("cancelled"))
        self._entry.discard()
