"""What a photo must be, and what we publish of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import uuid4

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F

from gallery.models import Photo, topic
from liveview import pubsub
from uploads import UploadEntry
from uploads.content import ImageLimits, Rendered, Rendition, accept, process_image, published_type, readable
from uploads.keeping import remove_for_good
from uploads.sniffing import FileType
from uploads.staging import StagedFile

_KINDS = ("jpeg", "png", "webp", "gif", "avif", "heic")
ACCEPT = accept(*_KINDS)  # with the last two if there is a decoder for them
KINDS = readable(*_KINDS)
FRAMES = 1000  # of an animation: all are kept, and more are refused
WIDTHS = {"full": 2048, "medium": 960, "thumb": 360}  # pixels of the longer side


def prepare(entry: UploadEntry) -> None:
    """A validator: decodes the photo in full, once, and leaves every size of it beside the upload.

    Of a photo that takes long, the thumbnail is shown while its larger sizes are being made.
    """
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
        first_made=partial(_show, entry),
    )
    entry.width, entry.height = full.width, full.height
    entry.warnings = tuple(warning.sentence for warning in full.warnings)


def _show(entry: UploadEntry, thumb: Rendered) -> None:
    """Its full size isn't known yet, but its shape."""
    scale = WIDTHS["full"] / max(thumb.width, thumb.height)
    entry.width, entry.height = round(thumb.width * scale), round(thumb.height * scale)
    entry.once_checked(partial(_finish, entry))  # whoever has seen it may leave
    entry.show_preview(thumb.path)


def publish_thumb(entry: UploadEntry, album: str, owner: str, caption: str, position: float) -> Photo | None:
    """Stores the preview of an entry that isn't ready as the photo that it will be; None if it has failed meanwhile."""
    photo = _begun(entry)
    if photo is not None or entry.preview is None:
        return photo
    try:
        preview = ContentFile(entry.preview.read_bytes())
    except FileNotFoundError:
        return None
    with _stored() as store:
        thumb = store(f"gallery/{uuid4().hex}-t.webp", preview)
        return _create(entry, album, owner, caption, position, dict.fromkeys(WIDTHS, thumb))


def publish(
    entry: UploadEntry, album: str, owner: str, caption: str, position: float, *, has_begun: bool = False
) -> Photo | None:
    """Stores a prepared entry's pictures and its row; all of it or nothing. What `publish_thumb` has begun is finished.

    has_begun: it has been in this album; None if it has been removed since, for good.
    """
    if has_begun or _begun(entry):
        return _finish(entry)
    stem = f"gallery/{uuid4().hex}"
    with _stored() as store:
        names = {**_names(entry, stem), "thumb": f"{stem}-t.webp"}
        return _create(entry, album, owner, caption, position, _store_all(entry, names, store))


def _finish(entry: UploadEntry) -> Photo | None:
    """What `publish_thumb` has begun, if it is still there, gets its larger sizes, unless it has them."""
    photo = _begun(entry)
    if photo is None or not photo.is_being_made:
        return photo
    being_made = Photo.objects.filter(pk=photo.pk, full=F("thumb"))
    try:
        with _stored() as store:
            made = _store_all(entry, _names(entry, str(photo.thumb).removesuffix("-t.webp")), store)
            if not being_made.update(width=entry.width or 0, height=entry.height or 0, **made):
                raise Photo.DoesNotExist
    except Photo.DoesNotExist:  # it has just been removed, or finished by who has resumed the upload
        return _begun(entry)
    pubsub.broadcast(topic(photo.album), {"by": entry.upload.id})
    return photo


def _begun(entry: UploadEntry) -> Photo | None:
    """By this upload, perhaps before its connection was lost."""
    return Photo.objects.filter(upload=entry.upload.id).exclude(upload="").first()


def _names(entry: UploadEntry, stem: str) -> dict[str, str]:
    return {"full": stem + published_type(_type(entry)).extension, "medium": f"{stem}-m.webp"}


def _store_all(entry: UploadEntry, names: Mapping[str, str], store: Callable[[str, File[Any]], str]) -> dict[str, str]:
    made = {}
    for size, name in names.items():
        with StagedFile(entry.sibling(size), name, "") as file:
            made[size] = store(name, file)
    return made


def withdraw(entry: UploadEntry) -> int | None:
    """Removes what `publish_thumb` has begun of an entry that has failed; the id that it had."""
    begun = Photo.objects.filter(upload=entry.upload.id)
    pk = begun.values_list("pk", flat=True).first()
    remove_for_good(begun, Photo.files)
    return pk


def _create(
    entry: UploadEntry, album: str, owner: str, caption: str, position: float, pictures: Mapping[str, str]
) -> Photo:
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
            upload=entry.upload.id,
            **pictures,
        )


@contextmanager
def _stored() -> Iterator[Callable[[str, File[Any]], str]]:
    """Yields what stores a file, and says under which name; all of them are removed if the block raises."""
    stored: list[str] = []

    def store(name: str, file: File[Any]) -> str:
        stored.append(default_storage.save(name, file))
        return stored[-1]

    try:
        yield store
    except BaseException:
        for name in stored:
            default_storage.delete(name)
        raise


def _type(entry: UploadEntry) -> FileType:
    assert entry.file_type is not None  # the slot takes pictures only
    return entry.file_type
