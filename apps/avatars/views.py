"""The tutorial, complete: choose or drop a picture, see it, save it, replace it, remove it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from avatars import pictures
from avatars.conf import conf
from avatars.models import Avatar, AvatarQuerySet, topic
from liveview import LiveView, event_handler, state
from uploads import UploadEntry, UploadMixin
from uploads.keeping import UndoMixin
from uploads.owners import owner_of
from uploads.slots import duration, megabytes

MAX_FILE_SIZE = 5_000_000  # bytes


class AvatarView(UploadMixin, UndoMixin, LiveView):
    template_name = "avatars/avatar.html"
    page_title = gettext_lazy("Avatar")

    avatar_url = state("")
    avatar_name = state("")
    avatar_size = state(0)

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self.allow_upload(
            "avatar",
            accept=pictures.ACCEPT,
            max_entries=1,
            max_file_size=MAX_FILE_SIZE,
            auto_upload=False,
            validators=[pictures.prepare],
        )
        self._owner = owner_of(request)
        self._show(self.own().kept().first())
        self.recall_deleted()
        if self.connected:
            self.subscribe(topic(self._owner))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **kwargs,
            "pictures": pictures,
            "max_size": megabytes(MAX_FILE_SIZE),
            "avatar_weight": megabytes(self.avatar_size),
            "kept_for": conf().kept_for and duration(conf().kept_for),
        }

    @event_handler
    def save_avatar(self) -> None:
        avatar = None
        for entry in self.consume_uploaded_entries("avatar"):
            avatar = self._save(entry)
        if avatar is None:
            self.slot_error("avatar", _("No file selected."))
        else:
            for refused in self.uploaded("avatar").errors:  # chosen after it, and not in its place
                self.cancel_upload(refused.ref)
            self.deleted = []  # it has taken the place of what could be brought back
            self._show(avatar)
            self.push_url(self.request.path, replace=True)  # without JavaScript: a reload doesn't send it again
            self.flash(_("Your avatar is saved."))

    @event_handler
    def remove_avatar(self) -> None:
        self.delete_kept(list(self.own().values_list("pk", flat=True)))
        self.slot_error("avatar", "")
        if not self.connected:
            self.redirect(self.request.path)

    def own(self) -> AvatarQuerySet:
        return Avatar.objects.filter(owner=self._owner)

    def came_or_went(self) -> None:
        self._show(self.own().kept().first())

    def handle_info(self, topic: str, message: dict[str, Any]) -> None:
        """It has been kept for long enough."""
        self.came_or_went()

    def _save(self, entry: UploadEntry) -> Avatar:
        for sentence in entry.warnings:
            self.flash(f"{entry.client_name}: {sentence}")
        path, picture = pictures.published(entry)
        with picture:
            return Avatar.replace(
                self._owner,
                path,
                picture,
                name=entry.client_name,
                size=entry.size,
                sha256=entry.sha256,
                width=entry.width,
                height=entry.height,
            )

    def _show(self, avatar: Avatar | None) -> None:
        self.avatar_url = avatar.image.url if avatar else ""
        self.avatar_name = avatar.name if avatar else ""
        self.avatar_size = avatar.size if avatar else 0
