"""A client's file name is a label: one canonical form to show and check, one safe form that may reach a path.

Stored files are named after neither; they get a uuid and the extension of the type that was detected.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from uploads.errors import UploadError

MAX_NAME_CHARS: Final = 255
MAX_SAFE_CHARS: Final = 100
MAX_FOLDERS: Final = 50  # of a path
MAX_FOLDER_BYTES: Final = 500  # together: they are stored in an upload's record, which is small
MAX_FOLDER_CHARS: Final = 2000  # as they came; what is farther out isn't looked at
MAX_SAFE_BYTES: Final = 200  # file systems count bytes, 255 of them; leave room for a prefix

_JOINER: Final = "\u200d"  # holds emoji families together
_EXTENSION: Final = re.compile(r"\.[a-z0-9]{1,16}")
_RUN: Final = re.compile(r"_{2,}")
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)  # devices on Windows


@dataclass(frozen=True, slots=True)
class FileName:
    """`label` is what people see (escape it); `extension` is lower-case with its dot, "" if there's no plain one.

    `folder` is its path within what was dropped or chosen, each part a label as well: "holiday/beach", or "".
    """

    label: str
    extension: str
    folder: str = ""

    @property
    def safe_name(self) -> str:
        """A name that may become part of a path: letters, digits, `_` and `-`, one dot, at most 100 characters.

        Inner dots go as well: some servers run `shell.php.jpg` as PHP.
        """
        written = self.label[: len(self.label) - len(self.extension)]
        stem = _RUN.sub("_", "".join(map(_path_safe, written))).strip("_-")
        room = MAX_SAFE_BYTES - len(self.extension)
        stem = stem[: MAX_SAFE_CHARS - 1 - len(self.extension)].encode()[:room].decode(errors="ignore")
        if _RESERVED.fullmatch(stem):
            stem = f"_{stem}"
        return (stem or "file") + self.extension


def parse_name(raw: str) -> FileName:
    """Reads a name as a client sent it. Raises `UploadError("bad_name")` if it isn't one.

    A name that is only an extension or a path (".png", "dir/") has no extension, so no slot's list allows it.
    """
    _check_readable(raw)
    name = unicodedata.normalize("NFKC", raw).replace("\\", "/")
    if len(name) > MAX_NAME_CHARS:  # it can turn one character into eighteen
        raise UploadError("bad_name")
    name = "".join(map(_visible, name))
    if not name.strip():
        raise UploadError("bad_name")
    label = name.rsplit("/", 1)[-1].strip(f"{_JOINER} .")
    suffix = PurePosixPath(label).suffix.lower()
    return FileName(label, suffix if _EXTENSION.fullmatch(suffix) else "")


def unescaped(name: str) -> str:
    """A file's name in a form, where browsers write `%22`, `%0D` and `%0A` for what would end the name. (HTML standard,
    "multipart/form-data encoding algorithm".)"""
    return name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def parse_folder(path: str) -> str:
    """The folders of a file's path as a browser sent it. For display only: as a path it means nothing here.

    Parts that aren't names are left out, and so are the outermost folders of a path that is too long.
    """
    labels: list[str] = []
    room = MAX_FOLDER_BYTES
    path, is_cut = path[-MAX_FOLDER_CHARS:], len(path) > MAX_FOLDER_CHARS
    for part in reversed(path.replace("\\", "/").split("/")[is_cut:-1][-MAX_FOLDERS:]):
        try:
            label = parse_name(part).label
        except UploadError:
            continue
        room -= len(label.encode()) + 1
        if room < 0:
            break
        labels += [label] if label else []
    return "/".join(reversed(labels))


def _check_readable(raw: str) -> None:
    if not raw or "\0" in raw or len(raw) > MAX_NAME_CHARS:
        raise UploadError("bad_name")
    try:
        raw.encode()
    except UnicodeEncodeError:  # a lone surrogate would break every later output
        raise UploadError("bad_name") from None


def _visible(char: str) -> str:
    """Line breaks and odd blanks become a space; controls, bidi overrides and zero-width characters are dropped."""
    category = unicodedata.category(char)
    if char in "\r\n\t" or category[0] == "Z":
        return " "
    return "" if category[0] == "C" and char != _JOINER else char


def _path_safe(char: str) -> str:
    """Letters and digits of any script stay, with the marks that some scripts write vowels with."""
    return char if char.isalnum() or char == "-" or unicodedata.category(char)[0] == "M" else "_"
