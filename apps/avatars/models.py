"""A visitor's avatar: what we made of the picture, and what was sent."""

from __future__ import annotations

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from avatars.conf import Conf, conf
from liveview import pubsub
from uploads.keeping import Kept, KeptQuerySet, remove_when_gone


class AvatarQuerySet(KeptQuerySet["Avatar"]):
    since = "updated_at"

    def terms(self) -> Conf:
        return conf()


class Avatar(Kept):
    """`size` (bytes) and `sha256` are those of the file as it was received; `image` is our own encoding of it."""

    owner = models.CharField(_("owner"), max_length=64, unique=True)
    image = models.FileField(_("picture"), max_length=255)
    name = models.CharField(_("file name"), max_length=255)
    size = models.PositiveBigIntegerField(_("size (bytes)"))
    sha256 = models.CharField("SHA-256", max_length=64)
    width = models.PositiveIntegerField(_("width (pixels)"))
    height = models.PositiveIntegerField(_("height (pixels)"))
    updated_at = models.DateTimeField(_("saved at"), auto_now=True)

    objects = AvatarQuerySet.as_manager()

    class Meta:
        verbose_name = _("avatar")
        verbose_name_plural = _("avatars")

    def __str__(self) -> str:
        return self.name

    @classmethod
    def replace(cls, owner: str, path: str, file: File[bytes], **fields: object) -> Avatar:
        """Stores `file` at `path` as the owner's avatar. The old file goes when the new one is there for good."""
        stored = default_storage.save(path, file)
        try:
            with transaction.atomic():
                # The row is locked before its file's name is read: of two replacements, the later sees the earlier.
                avatar, is_new = cls.objects.select_for_update().get_or_create(
                    owner=owner, defaults={"image": stored, **fields}
                )
                if not is_new:
                    old = str(avatar.image)
                    avatar._become(image=stored, deleted_at=None, **fields)
                    remove_when_gone([old])
        except BaseException:
            default_storage.delete(stored)
            raise
        return avatar

    def _become(self, **fields: object) -> None:
        for name, value in fields.items():
            setattr(self, name, value)
        self.save()


def topic(owner: str) -> str:
    """What is broadcast to when an avatar has gone by itself."""
    return f"avatars:{owner}"


def prune() -> None:
    """Removes the avatars that are overdue, with their files, and from open pages."""
    with transaction.atomic():
        gone = list(Avatar.objects.overdue().select_for_update())
        for avatar in gone:
            avatar.delete()
            remove_when_gone([str(avatar.image)])
    for avatar in gone:
        if avatar.deleted_at is None:
            pubsub.broadcast(topic(avatar.owner), {})
