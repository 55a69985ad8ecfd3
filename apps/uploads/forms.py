"""Django's forms with the files of a view's slots: see docs/uploads.md, "Django's forms".

A form is given `self.form_files`, as it would be given `request.FILES`; `UploadInput` renders a field's directives.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import FileExtensionValidator
from django.forms.formsets import BaseFormSet
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext

from uploads.core.slots import Family
from uploads.entries.entry import UNKNOWN, UploadEntry
from uploads.entries.registry import Uploads
from uploads.sentences import gettext_noop as _

MOST: Final = 20  # files of a field that takes several, unless its widget says otherwise
ON_ITS_WAY: Final = _("This file is still being uploaded.")

Form: TypeAlias = "forms.BaseForm | BaseFormSet[Any]"


class UploadInput(forms.ClearableFileInput):
    """The widget of a file field: an input and a drop zone, what is on its way, and what is there already.

    multiple: takes several files, for a `MultipleUploadField`.
    slot: what `allow_form_uploads` gives the field's slot, in the words of `allow_upload`: `accept=".pdf"`.
    """

    template_name = "uploads/forms/upload_input.html"

    def __init__(self, attrs: dict[str, Any] | None = None, *, multiple: bool = False, **slot: Any) -> None:
        self.allow_multiple_selected = multiple
        self.slot = slot
        self._files: FormFiles | None = None
        super().__init__(attrs)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        if self.slot.get("accept"):
            context["widget"]["attrs"].setdefault("accept", self.slot["accept"])
        context["widget"]["kept"] = self._kept(name)
        return context

    def value_from_datadict(self, data: Mapping[str, Any], files: MultiValueDict[str, Any], name: str) -> Any:
        self._files = files if isinstance(files, FormFiles) else None
        self._name = name
        return super().value_from_datadict(data, files, name)

    def use_required_attribute(self, initial: Any) -> bool:
        return super().use_required_attribute(initial) and not (self._files is not None and self._kept(self._name))

    def _kept(self, name: str) -> list[UploadEntry]:
        """Files that a form without JavaScript needn't send again, though it has an error elsewhere."""
        return self._files.kept(name) if self._files is not None else []


class MultipleUploadField(forms.FileField):
    """A list of files, as Django's documentation makes it of a `FileField`; required means at least one."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", UploadInput(multiple=True))
        super().__init__(**kwargs)

    def clean(self, data: Any, initial: Any = None) -> Any:
        if not isinstance(data, list | tuple):
            return super().clean(data, initial)
        if not data:
            return super().clean(None, initial) or []
        cleaned, errors = [], []
        for each in data:
            try:
                cleaned.append(super().clean(each, initial))
            except ValidationError as error:
                errors += error.error_list
        if errors:
            raise ValidationError(errors)
        return cleaned

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(initial, data or None)


class FileElsewhere(io.UnsupportedOperation):
    """The bytes went to the slot's writer or straight to another storage: there is nothing to read or to save here.

    Store what is in `result` instead.
    """


class _Nowhere(io.RawIOBase):
    def read(self, size: int = -1) -> bytes:
        raise FileElsewhere("This file was sent elsewhere: store its `result`.")

    def seek(self, offset: int, whence: int = 0) -> int:
        raise FileElsewhere("This file was sent elsewhere: store its `result`.")


class ElsewhereFile(UploadedFile):  # type: ignore[type-arg]  # not generic at run time
    """A file with a name and a size, and `result`: what the slot's writer returned, or where its storage has it."""

    def __init__(self, entry: UploadEntry) -> None:
        nowhere: Any = _Nowhere()
        super().__init__(nowhere, entry.safe_name, entry.content_type or UNKNOWN, entry.size)
        self.result = entry.writer_result


class _Unusable(UploadedFile):  # type: ignore[type-arg]
    """Any `FileField` that is given this has the error of the upload."""

    def __init__(self, entry: UploadEntry) -> None:
        self.error = ValidationError(
            f"{entry.client_name}: {entry.error or gettext(ON_ITS_WAY)}", code=entry.error_code or "incomplete"
        )
        super().__init__(None, "", size=entry.size)

    @property
    def name(self) -> str:
        raise self.error

    @name.setter
    def name(self, name: str) -> None: ...

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class FormFiles(MultiValueDict[str, Any]):
    """The files of a view's slots, by slot, as `request.FILES` has them: the bytes are lent to the running handler.

    A file that was refused, or hasn't arrived, is an error of its field.
    """

    def __init__(self, uploads: Uploads) -> None:
        super().__init__()
        self._uploads = uploads
        self._entries: dict[str, list[UploadEntry]] = {}
        for name in list(uploads.slots):
            given = [(entry, file) for entry in self._usable(name) if (file := self._file(entry)) is not None]
            if given:
                self._entries[name] = [entry for entry, _file in given]
                self.setlist(name, [file for _entry, file in given])

    def _usable(self, name: str) -> list[UploadEntry]:
        """In a slot for a single file, one that was refused doesn't count beside the one that it was to replace.

        It does in a form that was posted: nothing else says that it was refused.
        """
        slot = self._uploads.slot(name)
        entries = [entry for entry in self._uploads.of(name) if slot.in_form or not entry.error]
        good = [entry for entry in entries if not entry.error]
        return good if good and slot.max_entries == 1 and self._uploads.offered is None else entries

    def _file(self, entry: UploadEntry) -> Any:
        if self._uploads.lend(entry):
            return entry.file if entry.sink.is_staged else ElsewhereFile(entry)
        return None if entry.is_superseded else _Unusable(entry)

    def kept(self, name: str) -> list[UploadEntry]:
        return self._uploads.of(name).kept if name in self._uploads.slots else []

    def consume(self, names: Iterable[str]) -> None:
        for name in names:
            for entry in self._entries.get(name, ()):
                entry.consume()


def files_of(form: Form) -> FormFiles:
    """What a bound form was given as its files. Raises `TypeError` if that is anything but `self.form_files`."""
    if not isinstance(form.files, FormFiles):
        raise TypeError(f"{type(form).__name__} has to be given self.form_files as its files.")
    return form.files


def fields_of(form: Form) -> dict[str, forms.FileField]:
    """The file fields of a form, or of all forms of a formset, by the names of their inputs."""
    each = form.forms if isinstance(form, BaseFormSet) else [form]
    return {
        one.add_prefix(name): field
        for one in each
        for name, field in one.fields.items()
        if isinstance(field, forms.FileField) and not field.disabled
    }


def families_of(formset: BaseFormSet[Any], options: Mapping[str, Any]) -> list[tuple[Family, dict[str, Any]]]:
    """The slots of the forms that a formset may yet have: more of them may be posted than it has now."""
    return [
        (Family(f"{formset.prefix}-", f"-{name}", formset.absolute_max), slot_options(field, options))
        for name, field in formset.empty_form.fields.items()
        if isinstance(field, forms.FileField) and not field.disabled
    ]


def slot_options(field: forms.FileField, options: Mapping[str, Any]) -> dict[str, Any]:
    """What the slot of a field is allowed: what the field says, then `options`, then what its widget says."""
    widget = field.widget
    several = getattr(widget, "allow_multiple_selected", False)
    own = widget.slot if isinstance(widget, UploadInput) else {}
    return {"accept": _accept(field), "max_entries": MOST if several else 1, **options, **own}


def _accept(field: forms.FileField) -> str:
    if accept := field.widget.attrs.get("accept"):
        return str(accept)
    for validator in field.validators:
        if isinstance(validator, FileExtensionValidator) and validator.allowed_extensions:
            return ",".join(f".{extension}" for extension in validator.allowed_extensions)
    return ""
