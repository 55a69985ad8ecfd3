"""`UploadMixin`: what a `LiveView` says and asks about its uploads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from uploads.entries import UploadEntry
from uploads.owners import owner_of
from uploads.registry import SlotEntries, Uploads
from uploads.slots import Accept, Progress, Slot, Validator
from uploads.transport import UploadsExtension

if TYPE_CHECKING:
    from liveview import LiveView
    from liveview.extensions import Extension

    _Base = LiveView
else:
    _Base = object  # so that it may stand before or after LiveView among the bases


class UploadMixin(_Base):
    extension_class: ClassVar[type[Extension] | None] = UploadsExtension

    def allow_upload(
        self,
        name: str,
        accept: str = "",
        max_entries: int = 1,
        max_file_size: int = 10_000_000,
        chunk_size: int = 65_536,
        auto_upload: bool = True,
        resumable: bool = False,
        resumable_store: Any = None,
        resumable_store_options: Mapping[str, Any] | None = None,
        *,
        max_total_size: int | None = None,
        max_parallel: int = 3,
        validators: Sequence[Validator] = (),
        progress: Progress | None = None,
    ) -> None:
        """Takes files under `name`, as in `dj-upload="name"`. Call it in `mount`; a second call replaces the slot.

        accept: extensions and MIME types as in HTML (`".jpg,.png"`, `"image/*"`); empty takes all but active content
        such as
            SVG and HTML, which must be named by extension to be taken.
        max_entries: files at a time, those that wait to be consumed included. With 1, the next file replaces the last.
        max_file_size, max_total_size: bytes, of one file and of all of the slot.
        chunk_size: bytes of the first chunks; later ones follow the speed of the link.
        auto_upload: send when chosen; otherwise when the form is submitted.
        resumable: go on where it stopped after a lost socket, a reload or a restart.
        resumable_store, resumable_store_options: where that is kept; see `uploads.stores.get_store`; `ttl` in seconds.
        max_parallel: files of the slot whose bytes travel at the same time; the others queue.
        validators: called with each complete `UploadEntry`, in a thread; raising `UploadError` refuses the file.
        progress: called with an `UploadEntry` like a handler: now and then while its bytes arrive, and once when it is
            over: ready, refused or cancelled.
        """
        if resumable:
            owner_of(self.request)  # a visitor without a session gets one while a cookie can still be set
        self._uploads.slots[name] = Slot(
            name=name,
            accept=Accept.parse(accept),
            accept_text=accept,
            max_entries=max_entries,
            max_file_size=max_file_size,
            max_total_size=max_total_size,
            chunk_size=chunk_size,
            auto_upload=auto_upload,
            max_parallel=max_parallel,
            validators=tuple(validators),
            progress=progress,
            resumable=resumable,
            resumable_store=resumable_store,
            resumable_store_options=tuple((resumable_store_options or {}).items()),
        )

    def consume_uploaded_entries(self, name: str) -> Iterator[UploadEntry]:
        """Yields each entry of the slot that is ready, once.

        An entry counts as consumed when its turn of the loop has finished. Leaving the loop early, by a raise or a
        `break`, leaves that entry and those after it for the next call. The bytes stay valid until the handler returns.
        """
        return self._uploads.consume(name)

    def cancel_upload(self, ref: str) -> None:
        """Ends the upload named by `UploadEntry.ref`, whatever its state, and removes its bytes."""
        self.live_extension(UploadsExtension).cancel(ref)

    def uploaded(self, name: str) -> SlotEntries:
        """The slot's entries, as `{{ uploads.name }}` has them in a template."""
        return self._uploads.of(name)

    @property
    def _uploads(self) -> Uploads:
        return self.live_extension(UploadsExtension).uploads
