"""What a page accepts: a slot is the configuration behind one `allow_upload`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from uploads import sentences
from uploads.core import media_types
from uploads.core.contracts import Presigner, Progress, Validator, WriterFactory
from uploads.core.names import FileName
from uploads.core.sniffing import ACTIVE_EXTENSIONS, FILE_TYPES, FileType, check_type, sniff
from uploads.errors import UploadError
from uploads.sentences import Sentence, Size, plural
from uploads.sentences import gettext_noop as _

SMALLEST_CHUNK = 1024
_EXTENSION: Final = re.compile(r'\.[^\s/;:*?"<>|\\]*[^\s/;:*?"<>|\\.]')
_MIME: Final = re.compile(r"([\w.+-]+|\*)/(\*|[\w.+-]+)")


@dataclass(frozen=True, slots=True)
class Accept:
    """An `accept` attribute: extensions and MIME types. Empty accepts everything but active content."""

    extensions: frozenset[str]
    types: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Accept:
        """Raises `ValueError` for what isn't an extension or a type, and for a list that no file could match."""
        parts = [part.strip().lower() for part in text.split(",") if part.strip()]
        for part in parts:
            if not (_EXTENSION if part.startswith(".") else _MIME).fullmatch(part):
                raise ValueError(f'accept takes extensions (".jpg") and MIME types ("image/*"), not {part!r}')
        extensions = frozenset(part for part in parts if part[0] == ".")
        types = tuple(part for part in parts if part[0] != ".")
        if types and not extensions and not any(map(media_types.is_known, types)):
            raise ValueError(
                f"no file could match accept={text!r}: its extensions aren't known here, name them instead"
            )
        return cls(extensions, types)

    def allows(self, extension: str, label: str = "") -> bool:
        """By the name alone: the type a browser claims is no evidence.

        label: the whole name, which an extension of several parts needs (`.tar.gz`). Where `.jpg` is named, `.jpeg` is
        meant as well.
        """
        if any(self._names(named, extension, label.lower()) for named in self.extensions):
            return True
        if extension in ACTIVE_EXTENSIONS:
            return False
        if "*/*" in self.types or not self.extensions and not self.types:
            return True
        known = media_types.type_of(extension)
        return any(media_types.fits(known, wanted) for wanted in self.types)

    @staticmethod
    def _names(named: str, extension: str, label: str) -> bool:
        return media_types.is_spelling(named, extension) or label.endswith(named) and label != named

    def leaves_to_bytes(self, extension: str) -> bool:
        """Whether the first bytes decide: types are named, and the name has no extension (or a number: `10.22.33`)."""
        is_silent = not extension or extension[1:].isdigit()
        return is_silent and any(self.allows_type(known) for known in FILE_TYPES)

    def allows_type(self, found: FileType) -> bool:
        return any(media_types.fits(found.mime, wanted) for wanted in self.types)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Sizes are bytes. `validators` run once all bytes are here, before the entry is ready; see `UploadMixin`."""

    name: str
    accept: Accept
    accept_text: str = ""
    max_entries: int = 1
    max_file_size: int = 10_000_000
    max_total_size: int | None = None
    chunk_size: int = 65_536
    auto_upload: bool = True
    max_parallel: int = 3
    validators: tuple[Validator, ...] = ()
    progress: Progress | None = None
    verify: bool = False
    resize: int = 0
    resumable: bool = False
    resumable_store: Any = None
    resumable_store_options: tuple[tuple[str, Any], ...] = ()
    writer: WriterFactory | None = None
    external: Presigner | None = None
    in_form: bool = False

    def __post_init__(self) -> None:
        name = self.name.replace("-", "_") if self.in_form else self.name  # a form's prefix is before its fields' names
        if not name.isidentifier():
            raise ValueError(f"a slot's name must be an identifier, not {self.name!r}")
        if self.max_entries < 1 or self.max_file_size < 1 or self.max_parallel < 1:
            raise ValueError("max_entries, max_file_size and max_parallel must be at least 1")
        if self.resize < 0:
            raise ValueError(f"resize is a number of pixels, or 0, not {self.resize!r}")
        if self.chunk_size < SMALLEST_CHUNK:
            raise ValueError(f"chunk_size must be at least {SMALLEST_CHUNK} bytes")
        if self.writer is not None and not callable(self.writer):
            raise ValueError(f"writer is an UploadWriter class or a function that makes one, not {self.writer!r}")
        if self.writer is not None and self.external is not None:
            raise ValueError("a slot's bytes go to a writer or to an external storage, not to both")
        if self.verify and self.external is not None:
            raise ValueError("only bytes that come here can be verified")

    @property
    def is_remote(self) -> bool:
        """Whether the bytes go to a writer or to external storage, either of which may be slow."""
        return self.writer is not None or self.external is not None

    def check(self, name: FileName, size: int, count: int = 0, total: int = 0) -> None:
        """Raises `UploadError` unless a file of this name and size fits beside `count` others of `total` bytes."""
        if not self.accept.allows(name.extension, name.label) and not self.accept.leaves_to_bytes(name.extension):
            raise self._bad_ext()
        if not name.label:
            raise UploadError("bad_name")
        if size == 0:
            raise UploadError("empty")
        if size > self.max_file_size:
            limit = Size(self.max_file_size)
            raise UploadError("too_large", Sentence(_("This file is too large. The limit is %(limit)s."), limit=limit))
        if count >= self.max_entries:
            texts = plural(
                "Only %(count)s file can be uploaded at a time.", "Only %(count)s files can be uploaded at a time."
            )
            raise UploadError("too_many_files", Sentence(texts, count=self.max_entries))
        if self.max_total_size is not None and size + total > self.max_total_size:
            text, limit = _("Together, these files are too large. The limit is %(limit)s."), Size(self.max_total_size)
            raise UploadError("total_too_large", Sentence(text, limit=limit))

    def look(self, extension: str, head: bytes) -> FileType | None:
        """What a file is by its first bytes, if they say so. Raises `UploadError` if that isn't accepted."""
        if self.accept.allows(extension) or not self.accept.leaves_to_bytes(extension):
            return check_type(extension, head)
        found = sniff(head)
        self.expect(extension, found)
        return found

    def expect(self, extension: str, found: FileType | None) -> None:
        """Raises `UploadError` if the bytes have to say what a file is, and what they said isn't accepted."""
        if self.accept.allows(extension) or not self.accept.leaves_to_bytes(extension):
            return
        if found is None or not self.accept.allows_type(found):
            raise self._bad_ext()

    def _bad_ext(self) -> UploadError:
        if not self.accept.extensions:
            return UploadError("bad_ext")
        names = ", ".join(sorted(self.accept.extensions))
        return UploadError(
            "bad_ext", Sentence(_("This kind of file isn't accepted here: choose %(names)s."), names=names)
        )

    def describe(self) -> dict[str, Any]:
        """What the browser is told, so that it can refuse a file before sending anything."""
        return {
            "accept": self.accept_text,
            "max_entries": self.max_entries,
            "max_file_size": self.max_file_size,
            "chunk_size": self.chunk_size,
            "auto_upload": self.auto_upload,
            "max_parallel": self.max_parallel,
            "resumable": self.resumable,
            "verify": self.verify,
            "resize": self.resize,
        }


@dataclass(frozen=True, slots=True)
class Family:
    """Names that differ in a number below `most`, as the fields of a formset's forms do: `items-3-photo`."""

    before: str
    after: str
    most: int

    def name(self, number: int) -> str:
        return f"{self.before}{number}{self.after}"

    def has(self, name: str) -> bool:
        if not (name.startswith(self.before) and name.endswith(self.after)):
            return False
        number = name[len(self.before) : len(name) - len(self.after)]
        return number.isascii() and number.isdigit() and len(number) < 6 and int(number) < self.most


def duration(seconds: int) -> str:
    """For people: 3600 is "1 hour"."""
    return str(sentences.duration(seconds))


def megabytes(size: int) -> str:
    """`5 MB`, as people and file managers count: 1 MB is 1,000,000 bytes. As the browser's rows say it."""
    return str(Size(size))
