"""seeds/000 steps 1 and 3, seeds/001 quick start and gallery. Only the import lines differ from the samples.

`imghdr` is gone in Python 3.13, and the sample says to use something else in modern code: `what` is that.
"""

from __future__ import annotations

from typing import Any

from django.core.files.storage import default_storage

from liveview import LiveView, event_handler, state
from uploads import UploadMixin
from uploads.core.sniffing import SNIFF_BYTES, sniff


class imghdr:  # noqa: N801
    @staticmethod
    def what(file: Any) -> str | None:
        found = sniff(file.read(SNIFF_BYTES))
        return found.key if found else None


_MAGIC_TO_EXT = {"jpeg": ".jpg", "png": ".png", "webp": ".webp"}


# fmt: off
class AvatarView(UploadMixin, LiveView):
    template_name = "avatar.html"

    avatar_url = state("")
    avatar_name = state("")
    avatar_size = state(0)
    error = state("")

    def mount(self, request, **kwargs):
        self.allow_upload(
            "avatar",
            accept=".jpg,.jpeg,.png,.webp",
            max_entries=1,
            max_file_size=5_000_000,  # 5 MB
        )

    @event_handler
    def save_avatar(self, **kwargs):
        self.error = ""
        entries = list(self.consume_uploaded_entries("avatar"))
        if not entries:
            self.error = "No file selected."
            return

        entry = entries[0]

        # Magic-byte check — never trust the client filename or accept= attr.
        kind = imghdr.what(entry.file)
        entry.file.seek(0)
        if kind not in _MAGIC_TO_EXT:
            self.error = (
                f"That doesn't look like an image we accept "
                f"(detected type: {kind or 'unknown'})."
            )
            return

        path = default_storage.save(
            f"avatars/{entry.client_name}", entry.file
        )
        self.avatar_url = default_storage.url(path)
        self.avatar_name = entry.client_name
        self.avatar_size = entry.size

    @event_handler
    def reset_avatar(self, **kwargs):
        self.avatar_url = ""
        self.avatar_name = ""
        self.avatar_size = 0
        self.error = ""


class ProfileView(UploadMixin, LiveView):
    template_name = 'profile.html'

    def mount(self, request, **kwargs):
        self.avatar_url = ""
        self.allow_upload('avatar',
            accept='.jpg,.png,.webp',
            max_entries=1,
            max_file_size=5_000_000,  # 5MB
        )

    @event_handler()
    def save_avatar(self, **kwargs):
        for entry in self.consume_uploaded_entries('avatar'):
            path = default_storage.save(
                f'avatars/{entry.client_name}', entry.file
            )
            self.avatar_url = default_storage.url(path)


class GalleryView(UploadMixin, LiveView):
    template_name = 'gallery.html'

    def mount(self, request, **kwargs):
        self.images = []
        self.allow_upload('photos',
            accept='.jpg,.png,.webp,.gif',
            max_entries=5,
            max_file_size=10_000_000,
        )

    @event_handler()
    def upload_photos(self, **kwargs):
        for entry in self.consume_uploaded_entries('photos'):
            path = default_storage.save(
                f'gallery/{entry.client_name}', entry.file
            )
            self.images.append({
                'url': default_storage.url(path),
                'name': entry.client_name,
            })
