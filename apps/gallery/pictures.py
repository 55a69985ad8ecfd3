"""What a photo must be, and what we publish of it."""

from __future__ import annotations

from uuid import uuid4

from django.core.files.storage import default_storage
from django.db import transaction

from gallery.models import Photo
from uploads import UploadEntry
from uploads.content import ImageLimits, Rendition, accept, process_image, published_type, readable
from uploads.sniffing import FileType
from uploads.staging import StagedFile

_KINDS = ("jpeg", "png", "webp", "gif", "avif", "heic")
ACCEPT = accept(*_KINDS)  # with the last two if there is a decoder for them
KINDS = readable(*_KINDS)
FRAMES = 1000  # of an animation: all are kept, and more are refused
WIDTHS = {"full": 2048, "medium": 960, "thumb": 360}  # pixels of the longer side


def prepare(entry: UploadEntry) -> None:
    """A validator: decodes the photo in full, once, and leaves every size of it beside the upload."""
    file_type = _type(entry)
    full, medium, thumb = process_image(
        entry.path,
        file_type.key,
        [
            Rendition(entry.sibling("full"), WIDTHS["full"], frames=FRAMES),
            Rendition(entry.sibling("medium"), WIDTHS["medium"], format="webp"),
            Rendition(entry.sibling("thumb"), WIDTHS["thumb"], format="webp"),
        ],
        ImageLimits(max_frames=FRAMES),
    )
    entry.width, entry.height = full.width, full.height
    entry.warnings = tuple(warning.sentence for warning in full.warnings)


def publish(entry: UploadEntry, album: str, owner: str, caption: str, position: float) -> Photo:
    """Stores a prepared entry's pictures and its row; all of it or nothing."""
    stem, extension = f"gallery/{uuid4().hex}", published_type(_type(entry)).extension
    names = {"full": stem + extension, "medium": f"{stem}-m.webp", "thumb": f"{stem}-t.webp"}
    stored: dict[str, str] = {}
    try:
        for size, name in names.items():
            with StagedFile(entry.sibling(size), name, "") as file:
                stored[size] = default_storage.save(name, file)
        with transaction.atomic():
            return Photo.objects.create(
                album=album,
                owner=owner,
                name=entry.client_name,
                caption=caption,
                size=entry.size,
                sha256=entry.sha256,
                width=entry.width or 0,
                height=entry.height or 0,
                position=position,
                **stored,
            )
    except BaseException:
        for name in stored.values():
            default_storage.delete(name)
        raise


def _type(entry: UploadEntry) -> FileType:
    assert entry.file_type is not None  # the slot takes pictures only
    return entry.file_type
