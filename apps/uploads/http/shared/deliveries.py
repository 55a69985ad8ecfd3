"""A file that comes in one go: nothing of it outlives the request or the socket that brings it."""

from __future__ import annotations

import secrets
from typing import Any

from uploads import threads
from uploads.core.names import parse_name
from uploads.entries import drive
from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError
from uploads.http.shared import records
from uploads.http.shared.finishing import hand_over, make_ready
from uploads.http.shared.pumping import Thread
from uploads.http.shared.visitors import Visitor
from uploads.intakes import Intake


class Delivery:
    """All methods block. They and the constructor raise `UploadError`, and leave nothing behind then."""

    def __init__(
        self, intake: Intake, visitor: Visitor, page: str, raw_name: str, size: int, client_type: str = ""
    ) -> None:
        name, upload_id = parse_name(raw_name), secrets.token_hex(16)
        records.check(intake, name, size)
        visitor.expect_pace()
        self._intake, self._owner = intake, visitor.owner_of(upload_id)
        self._entry = UploadEntry(upload_id, page, intake.slot, name, size, client_type[:255])
        drive.open(self._entry, visitor.uploader)

    @property
    def received(self) -> int:
        """Bytes that are staged."""
        return self._entry.upload.written

    @property
    def thread(self) -> Thread:
        """Where to write."""
        return threads.remote if self._entry.sink.is_remote else threads.write

    @property
    def size(self) -> int:
        return self._entry.size

    def write(self, pieces: list[bytes]) -> None:
        try:
            for piece in pieces:
                verdict = drive.feed(self._entry, piece)
                if not isinstance(verdict, drive.Write):
                    raise verdict.error if isinstance(verdict, drive.Refused) else UploadError("unknown_ref")
            drive.commit(self._entry, pieces)
        except UploadError:
            self.discard()
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
        self._entry.cancel()
        self._entry.discard()
