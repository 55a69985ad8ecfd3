"""A photo of an album: what was sent, and the pictures that we made of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Self

from django.db import models, transaction
from django.db.models import F, Max, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gallery.conf import Conf, conf
from liveview import pubsub
from uploads.keeping import Kept, KeptQuerySet, remove_for_good

ORDER = ("-position", "-pk")
MAKING = timedelta(minutes=15)  # after which a photo of which there is only a thumbnail is given up
STEP = 1024.0  # between two photos that nobody has moved


class PhotoQuerySet(KeptQuerySet["Photo"]):
    def terms(self) -> Conf:
        return conf()

    def overdue(self) -> Self:
        """Besides, those whose larger sizes nobody makes any more."""
        return super().overdue() | self.exclude(upload="").filter(
            full=F("thumb"), created_at__lt=timezone.now() - MAKING
        )

    def of(self, album: str) -> Self:
        """The photos to show, newest first unless moved."""
        return self.kept().filter(album=album).order_by(*ORDER)

    def ahead_of(self, photo: Photo) -> Self:
        """Those that are shown before this one."""
        return self.of(photo.album).filter(Q(position__gt=photo.position) | Q(position=photo.position, pk__gt=photo.pk))

    def before(self, photo: Photo) -> Photo | None:
        """The one that is shown right before this one."""
        return self.ahead_of(photo).last()

    def after(self, photo: Photo) -> Photo | None:
        """The one that is shown right after this one."""
        behind = Q(position__lt=photo.position) | Q(position=photo.position, pk__lt=photo.pk)
        return self.of(photo.album).filter(behind).first()


class Photo(Kept):
    """`size` (bytes) and `sha256` are those of the file as received; the pictures are our own encodings of it.

    `upload` is the id of the upload that it was. While its larger sizes are being made, all three are the thumbnail.
    """

    album = models.CharField(_("album"), max_length=64)
    owner = models.CharField(_("owner"), max_length=64, db_index=True)
    name = models.CharField(_("file name"), max_length=255)
    caption = models.CharField(_("caption"), max_length=200, blank=True)
    size = models.PositiveBigIntegerField(_("size (bytes)"))
    sha256 = models.CharField("SHA-256", max_length=64)
    width = models.PositiveIntegerField(_("width (pixels)"))
    height = models.PositiveIntegerField(_("height (pixels)"))
    full = models.FileField(_("full size"), max_length=255)
    medium = models.FileField(_("medium size"), max_length=255)
    thumb = models.FileField(_("thumbnail"), max_length=255)
    position = models.FloatField(_("position"))
    created_at = models.DateTimeField(_("received at"), auto_now_add=True)
    upload = models.CharField(_("upload"), max_length=64, blank=True, default="", db_default="", editable=False)

    # For the page that shows it
    ref = ""  # of the upload that it was
    is_own = False
    is_selected = False
    is_gone = False  # only its place is left

    objects = PhotoQuerySet.as_manager()

    class Meta:
        verbose_name = _("photo")
        verbose_name_plural = _("photos")
        indexes = [
            models.Index(fields=["album", "deleted_at", "-position", "-id"], name="gallery_photo_order"),
            models.Index(fields=["upload"], condition=~Q(upload=""), name="gallery_photo_upload"),
        ]

    def __str__(self) -> str:
        return self.caption or self.name

    @property
    def is_being_made(self) -> bool:
        return str(self.full) == str(self.thumb)

    def files(self) -> list[str]:
        return list({str(self.full), str(self.medium), str(self.thumb)})

    @classmethod
    def next_position(cls, album: str) -> float:
        last: float | None = cls.objects.filter(album=album).aggregate(last=Max("position"))["last"]
        return (last or 0.0) + STEP

    def move(self, after: Photo | None) -> None:
        """Puts this photo right behind `after` in the order of `of`, or first. What can be brought back isn't moved."""
        with transaction.atomic():
            others = Photo.objects.filter(album=self.album).order_by(*ORDER).exclude(pk=self.pk)
            if after is None:
                self.position = Photo.next_position(self.album)
            else:
                below = others.filter(position__lt=after.position).first()
                low = below.position if below else after.position - 2 * STEP
                self.position = (after.position + low) / 2
                if not low < self.position < after.position:  # no number is left between the two
                    self._spread(list(others), after)
            self.save(update_fields=["position"])

    @staticmethod
    def move_to_front(album: str, photos: Sequence[Photo]) -> None:
        """All at once, in the order that they have."""
        with transaction.atomic():
            first = Photo.next_position(album)
            for number, photo in enumerate(reversed(photos)):
                photo.position = first + number * STEP
            Photo.objects.bulk_update(photos, ["position"], batch_size=500)

    def _spread(self, others: list[Photo], after: Photo) -> None:
        at = next(number for number, other in enumerate(others) if other.pk == after.pk) + 1
        ordered = [*others[:at], self, *others[at:]]
        for number, photo in enumerate(reversed(ordered), 1):
            photo.position = number * STEP
        Photo.objects.bulk_update(others, ["position"], batch_size=500)


def topic(album: str) -> str:
    """What is broadcast to whenever something in an album has changed."""
    return f"gallery:{album}"


def prune() -> int:
    """Removes the photos that are overdue, with their files, and from every open page; how many there were."""
    gone = remove_for_good(Photo.objects.overdue(), Photo.files)
    for album in {photo.album for photo in gone if photo.deleted_at is None}:
        pubsub.broadcast(topic(album), {})
    return len(gone)
