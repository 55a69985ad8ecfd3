# myapp/views.py — append to AvatarView
import imghdr  # stdlib magic-byte detection (deprecated in 3.13;
               # in modern code use Pillow's Image.open or python-magic)

_MAGIC_TO_EXT = {"jpeg": ".jpg", "png": ".png", "webp": ".webp"}


class AvatarView(UploadMixin, LiveView):
    # ... mount() as before ...

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
