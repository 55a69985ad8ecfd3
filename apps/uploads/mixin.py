"""`UploadMixin`: what a `LiveView` says and asks about its uploads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from django.forms.formsets import BaseFormSet

from uploads import forms, virus_scan
from uploads.core.contracts import Grant, Presigner, Progress, Validator, WriterFactory
from uploads.core.slots import Accept, Slot
from uploads.entries.entry import UploadEntry
from uploads.entries.registry import SlotEntries, Uploads
from uploads.entries.uploader import uploader_of
from uploads.extension import UploadsExtension
from uploads.external import Callback, as_presigner
from uploads.owners import owner_of
from uploads.staging import choice

if TYPE_CHECKING:
    from liveview import LiveView
    from liveview.extensions import Extension

    _Base = LiveView
else:
    _Base = object  # so that it may come before or after LiveView among the bases


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
        writer: WriterFactory | None = None,
        *,
        max_total_size: int | None = None,
        max_parallel: int = 3,
        validators: Sequence[Validator] = (),
        progress: Progress | None = None,
        external: Presigner | Callback | None = None,
        verify: bool = False,
        in_form: bool = False,
        resize: int = 0,
    ) -> None:
        """Accepts files under `name`, as in `dj-upload="name"`. Call it in `mount`; a second call replaces the slot.

        accept: extensions and MIME types as in HTML (`".jpg,.png"`, `"image/*"`); empty accepts all but active content
            such as SVG and HTML, which must be named by extension to be accepted.
        max_entries: files at a time, including those that wait to be consumed. With 1, the next file replaces the last.
        max_file_size, max_total_size: bytes, of one file and of all of the slot.
        chunk_size: bytes of the first chunks; later ones follow the speed of the link.
        auto_upload: send when chosen; otherwise when the form is submitted.
        verify: every block carries its SHA-256 and counts only if it matches; damaged ones are sent again. Costs the
            browser as much again, and needs a secure page (HTTPS or localhost).
        resumable: continue where it stopped after a lost socket, a reload or a restart.
        resumable_store, resumable_store_options: where its state is; see `uploads.stores.get_store`; `ttl` in seconds.
        writer: an `UploadWriter` class, or a function that makes one: it gets the bytes as they arrive, instead of the
            staging folder. See docs/uploads.md.
        max_parallel: files of the slot that are sent at the same time; the others queue.
        validators: called with each complete `UploadEntry`, in a thread; raising `UploadError` refuses the file.
        progress: called with an `UploadEntry` like a handler: now and then while its bytes arrive, and once when it is
            over: ready, refused or cancelled.
        external: a presigner, as `S3Presigner()`, or a function of an entry and its view: the browser sends the bytes
            straight to external storage. See docs/uploads.md.
        in_form: a Django form judges its files, with its other fields: without JavaScript its handler runs although a
            file was refused, and `form_files` has that as an error. `allow_form_uploads` sets it.
        resize: pixels of the longer side to which browsers make larger pictures smaller before they send them, as with
            `dj-upload-resize`; 0 leaves them as they are.
        """
        if external is None and writer is None and not verify and self.connected:  # a form comes here in any case
            external = choice.presigner_for(name)
        if resumable or external is not None:
            owner_of(self.request)  # a visitor without a session gets one while a cookie can still be set
        uploads = self._uploads
        uploads.uploader = uploader_of(self.request)
        uploads.slots[name] = Slot(
            name=name,
            accept=Accept.parse(accept),
            accept_text=accept,
            max_entries=max_entries,
            max_file_size=max_file_size,
            max_total_size=max_total_size,
            chunk_size=chunk_size,
            auto_upload=auto_upload,
            max_parallel=max_parallel,
            validators=(*validators, *(virus_scan.everywhere() if writer is None and external is None else ())),
            progress=progress,
            resumable=resumable,
            verify=verify,
            resumable_store=resumable_store,
            resumable_store_options=tuple((resumable_store_options or {}).items()),
            writer=writer,
            external=as_presigner(external),
            in_form=in_form,
            resize=resize,
        )

    def allow_form_uploads(self, form: forms.Form, **options: Any) -> None:
        """Allows a slot for each file field of a Django form, or of a formset's forms, named like its input.

        What a slot accepts is what its field says, then `options`, in the words of `allow_upload`, then what its
        `UploadInput` says. Call it in `mount`, and again when a formset has got another form.
        """
        for name, field in forms.fields_of(form).items():
            self.allow_upload(name, **forms.slot_options(field, options), in_form=True)
        if isinstance(form, BaseFormSet):
            for family, chosen in forms.families_of(form, options):
                self.allow_upload(family.name(0), **chosen, in_form=True)
                self._uploads.allow_family(family)

    @property
    def form_files(self) -> forms.FormFiles:
        """In a handler, the files of every slot for a Django form: `TicketForm(self.form_data, self.form_files)`.

        They are lent until the handler returns, and stay in their slots unless `consuming` says that they are stored.
        """
        return forms.FormFiles(self._uploads)

    @contextmanager
    def consuming(self, *bound: forms.Form) -> Iterator[None]:
        """`with self.consuming(form): form.save()`: when the block ends without raising, the form's files are consumed.

        Takes forms and formsets that were given `form_files`; `TypeError` for any other.
        """
        given = [(forms.files_of(form), list(forms.fields_of(form))) for form in bound]
        yield
        for files, names in given:
            files.consume(names)

    def consume_uploaded_entries(self, name: str) -> Iterator[UploadEntry]:
        """Yields each entry of the slot that is ready, once.

        An entry counts as consumed when its turn of the loop has finished. Leaving the loop early, by a raise or a
        `break`, leaves that entry and those after it for the next call. The bytes stay valid until the handler returns.
        """
        return self._uploads.consume(name)

    def cancel_upload(self, ref: str) -> None:
        """Ends the upload named by `UploadEntry.ref`, whatever its state, and removes its bytes."""
        self.live_extension(UploadsExtension).cancel(ref)

    def presign_upload(self, name: str, file_name: str, size: int, mime: str = "") -> Grant:
        """In a `@server_function`: registers a file for a slot with `external`, as a browser would.

        Returns `{"ref", "upload_id", "external"}`, where `external` says how to send the file; see docs/protocol.md.
        When it has been sent, `confirm_upload`, or the storage's own event, makes it a ready entry. `size` is in bytes.
        Blocks; raises `UploadError`.
        """
        return self.live_extension(UploadsExtension).direct.presign(name, file_name, size, mime)

    def sign_upload(self, ref: str, parts: Sequence[int] = ()) -> Grant:
        """Fresh permissions for an upload of `presign_upload`: for these parts, or for the whole upload. Blocks."""
        return self.live_extension(UploadsExtension).direct.sign_now(ref, list(parts))

    def confirm_upload(self, ref: str) -> None:
        """An upload of `presign_upload` has been sent: the storage is asked, and then the entry is ready, or failed."""
        self.live_extension(UploadsExtension).confirm(ref)

    def uploaded(self, name: str) -> SlotEntries:
        """The slot's entries, as `{{ uploads.name }}` has them in a template."""
        return self._uploads.of(name)

    def slot_error(self, name: str, sentence: str) -> None:
        """Says in `{{ uploads.name.error }}` what is wrong with a slot as a whole, as when nothing was chosen.

        It goes by itself when its cause does: with the next file that is chosen, or when the slot's files are consumed.
        """
        self._uploads.errors[name] = sentence

    @property
    def _uploads(self) -> Uploads:
        return self.live_extension(UploadsExtension).uploads
