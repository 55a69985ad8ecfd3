"""What the other ways send to: any file, kept for a while so that one can see that it arrived whole."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from django.core.files.storage import default_storage

from otherways.models import Received, make_room
from uploads import UploadEntry, intakes

MAX_FILE_SIZE: Final = 250_000_000  # bytes


def register() -> None:
    intakes.register("received", max_file_size=MAX_FILE_SIZE, receive=receive, takes_empty=True)


def receive(entry: UploadEntry, owner: str) -> str:
    """Stores the file under a name that nothing serves. Returns that name: the GUID of the seeds."""
    make_room(entry.size)
    guid = uuid4()
    path = default_storage.save(f"received/{guid.hex}", entry.file)
    try:
        Received.objects.create(
            guid=guid,
            owner=owner,
            name=entry.client_name,
            size=entry.size,
            sha256=entry.sha256,
            content_type=entry.content_type,
            way=entry.ref,
            file=path,
        )
    except BaseException:
        default_storage.delete(path)
        raise
    return str(guid)
