"""What an avatar must be, and what we publish of it."""

from __future__ import annotations

from uuid import uuid4

from uploads import UploadEntry
from uploads.content import Rendition, accept, process_image, published_type, readable
from uploads.staging import StagedFile

MAX_SIDE = 1024  # pixels of the published picture's longer side
PUBLISHED = "published"
_KINDS = ("jpeg", "png", "webp", "avif", "heic")
ACCEPT = accept(*_KINDS)  # with the last two if there is a decoder for them
KINDS = readable(*_KINDS)


def prepare(entry: UploadEntry) -> None:
    """A validator: decodes the picture in full and leaves our own encoding, upright and without metadata, beside it."""
    assert entry.file_type is not None  # the slot takes pictures only
    target = entry.sibling(PUBLISHED)
    (made,) = process_image(entry.path, entry.file_type.key, [Rendition(target, max_side=MAX_SIDE)])
    entry.width, entry.height = made.width, made.height
    entry.warnings = tuple(warning.sentence for warning in made.warnings)


def published(entry: UploadEntry) -> tuple[str, StagedFile]:
    """The name to store a prepared entry's picture under, and the picture."""
    assert entry.file_type is not None
    made = published_type(entry.file_type)
    name = f"avatars/{uuid4().hex}{made.extension}"
    return name, StagedFile(entry.sibling(PUBLISHED), name, made.mime)
