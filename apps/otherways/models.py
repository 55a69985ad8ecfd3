"""A file that came in by one of the other ways: kept for a while, as it is, and never served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from uploads.keeping import Kept, KeptQuerySet, remove_for_good, remove_when_gone

KEPT_BYTES: Final = 1_000_000_000  # of all visitors together


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds."""

    undo: int = 60
    kept_for: int = 3600


class ReceivedQuerySet(KeptQuerySet["Received"]):
    def terms(self) -> Terms:
        return Terms()


class Received(Kept):
    """`size` (bytes) and `sha256` are those of the file as it arrived."""

    guid = models.UUIDField(_("identifier"), primary_key=True, default=uuid4, editable=False)
    owner = models.CharField(_("owner"), max_length=64, db_index=True)
    name = models.CharField(_("file name"), max_length=255)
    size = models.PositiveBigIntegerField(_("size (bytes)"))
    sha256 = models.CharField("SHA-256", max_length=64)
    content_type = models.CharField(_("MIME type"), max_length=100)
    way = models.CharField(_("sent by"), max_length=32)
    file = models.FileField(_("file"), max_length=255)
    created_at = models.DateTimeField(_("received at"), auto_now_add=True, db_index=True)

    objects = ReceivedQuerySet.as_manager()

    class Meta:
        verbose_name = _("received file")
        verbose_name_plural = _("received files")

    def __str__(self) -> str:
        return self.name

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Removes the file as well, once the row is gone for good."""
        with transaction.atomic():
            remove_when_gone([str(self.file)])
            return super().delete(*args, **kwargs)


def prune() -> None:
    """Removes what has been here for long enough."""
    remove_for_good(Received.objects.overdue(), lambda received: [str(received.file)])


def make_room(size: int) -> None:
    """Removes what has been here for long enough, and then the oldest until `size` more bytes fit."""
    prune()
    left = KEPT_BYTES - size
    for received in Received.objects.order_by("-created_at"):
        left -= received.size
        if left < 0:
            received.delete()
