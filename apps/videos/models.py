"""A video: what was sent, how far it has come, and the file that we made of it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Self

from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from uploads.content import MediaWarning
from uploads.errors import UploadError
from uploads.keeping import Kept, KeptQuerySet, remove_when_gone
from videos.conf import Conf, conf

INTERRUPTED = "interrupted"  # our own reason, besides those of uploads
_INTERRUPTED_SENTENCE = _("The server was interrupted over this video. Please send it again.")


class Status(models.TextChoices):
    PROCESSING = "processing", _("Processing")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")


class VideoQuerySet(KeptQuerySet["Video"]):
    def terms(self) -> Conf:
        return conf()

    def shown_to(self, owner: str) -> Self:
        """The videos of everybody, and what becomes of one's own, newest first."""
        return self.kept().filter(Q(status=Status.READY) | Q(owner=owner)).order_by("-pk")

    def processing(self) -> Self:
        return self.filter(status=Status.PROCESSING)


class Video(Kept):
    """`size` (bytes) and `sha256` are those of the file as received; `file` and `poster` are what we made of it.

    `width` and `height` are as it is shown, `duration` in seconds. Players mirror it from left to right if it
    `is_mirrored`, then turn it by `rotation` degrees, counter-clockwise. `warnings` are pairs, those of a
    `content.MediaWarning`. `source` names the received file while that exists.
    """

    owner = models.CharField(_("owner"), max_length=64, db_index=True)
    title = models.CharField(_("title"), max_length=200)
    name = models.CharField(_("file name"), max_length=255)
    kind = models.CharField(_("kind"), max_length=8)
    size = models.PositiveBigIntegerField(_("size (bytes)"))
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    status = models.CharField(
        _("status"), max_length=16, choices=Status.choices, default=Status.PROCESSING, db_index=True
    )
    reason = models.CharField(_("reason"), max_length=32, blank=True)
    source = models.CharField(_("received file"), max_length=32, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    width = models.PositiveIntegerField(_("width (pixels)"), default=0)
    height = models.PositiveIntegerField(_("height (pixels)"), default=0)
    duration = models.FloatField(_("duration (seconds)"), default=0.0)
    rotation = models.SmallIntegerField(_("rotation (degrees)"), default=0)
    is_mirrored = models.BooleanField(_("mirrored"), default=False, db_default=False)
    mime = models.CharField(_("MIME type"), max_length=32, blank=True)
    video_codec = models.CharField(_("video codec"), max_length=16, blank=True)
    audio_codec = models.CharField(_("audio codec"), max_length=16, blank=True)
    warnings = models.JSONField(
        _("warnings"), default=list, null=True, blank=True
    )  # null: by a version that didn't know it
    file = models.FileField(_("file"), max_length=255, blank=True)
    poster = models.FileField(_("poster"), max_length=255, blank=True)
    created_at = models.DateTimeField(_("received at"), auto_now_add=True)

    objects = VideoQuerySet.as_manager()

    class Meta:
        verbose_name = _("video")
        verbose_name_plural = _("videos")

    def __str__(self) -> str:
        return self.title

    @staticmethod
    def title_of(name: str) -> str:
        """What a video is called before anybody has said so: its file's name without the extension."""
        return PurePath(name).stem[:200] or gettext("Video")

    @property
    def is_ready(self) -> bool:
        return self.status == Status.READY

    @property
    def is_processing(self) -> bool:
        return self.status == Status.PROCESSING

    @property
    def sentence(self) -> str:
        """Why it failed, for the visitor."""
        if self.reason == INTERRUPTED:
            return str(_INTERRUPTED_SENTENCE)
        return UploadError(self.reason).message

    @property
    def missing(self) -> list[str]:
        """What of theirs isn't in the published film, for the visitor: sentences."""
        return [MediaWarning(*warning).sentence for warning in self.warnings or ()]

    @property
    def sound(self) -> str:
        """The codec of its sound, or that there is none, or no longer."""
        is_lost = any(code == "silent" for code, *_detail in self.warnings or ())
        return self.audio_codec or (gettext("sound left out") if is_lost else gettext("no sound"))

    @property
    def length(self) -> str:
        """The duration as players show it: 0:07, 12:34, 1:02:03."""
        minutes, seconds = divmod(round(self.duration), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"

    def files(self) -> list[str]:
        return [str(self.file), str(self.poster)]

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Removes the files as well, once the row is gone for good."""
        files = self.files()
        with transaction.atomic():
            deleted = super().delete(*args, **kwargs)
            remove_when_gone(files)
        return deleted
