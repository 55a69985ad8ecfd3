"""A file that came in by one of the other ways: kept for a while, as it is, and never served."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import uuid4

from django.core.files.storage import default_storage
from django.db import models, transaction
from django.utils import timezone

KEPT_FOR: Final = timedelta(hours=1)
KEPT_BYTES: Final = 1_000_000_000  # of all visitors together


class Received(models.Model):
    """`size` (bytes) and `sha256` are those of the file as it arrived."""

    guid = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    owner = models.CharField(max_length=64, db_index=True)
    name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    content_type = models.CharField(max_length=100)
    way = models.CharField(max_length=32)
    file = models.FileField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = verbose_name_plural = "received"

    def __str__(self) -> str:
        return self.name

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Removes the file as well, once the row is gone for good."""
        with transaction.atomic():
            transaction.on_commit(partial(default_storage.delete, str(self.file)))
            return super().delete(*args, **kwargs)


def make_room(size: int) -> None:
    """Removes what has been here long enough, and then the oldest until `size` more bytes fit."""
    left = KEPT_BYTES - size
    for received in Received.objects.order_by("-created_at"):
        left -= received.size
        if left < 0 or received.created_at < timezone.now() - KEPT_FOR:
            received.delete()
