"""What a film has besides pictures and sound, in boxes and elements that no decoder is shown.

Only whether it is there is looked for, so that its owner is told that it isn't published. Nothing here is believed, or
an error: a player passes over what it doesn't understand, too.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from uploads.content.video.masked_file import Veil
from uploads.content.warnings import CHAPTERS, COVER, FILES, NOTES, TITLE

_MOST: Final = 2000  # boxes or elements that are looked at in one part of a film
_MAX_NAME: Final = 64  # bytes


class _Box(NamedTuple):
    kind: bytes
    body: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.body


class _Element(NamedTuple):
    kind: int
    body: int
    end: int


# MP4 and QuickTime: `udta` and `meta` of the movie. What programs and devices write of themselves, of when and where,
# isn't looked for: to leave that out is what the visitor expects.

_WORDS: Final = {  # of iTunes, of QuickTime and of 3GPP
    **dict.fromkeys((b"\xa9nam", b"titl"), TITLE),
    **dict.fromkeys(
        (b"\xa9ART", b"\xa9alb", b"\xa9aut", b"\xa9cmt", b"\xa9cpy", b"\xa9des", b"\xa9dir", b"\xa9gen"), NOTES
    ),
    **dict.fromkeys(
        (b"\xa9inf", b"\xa9lyr", b"\xa9prd", b"\xa9prf", b"\xa9wrt", b"aART", b"albm", b"auth", b"cprt"), NOTES
    ),
    **dict.fromkeys((b"desc", b"dscp", b"gnre", b"keyw", b"kywd", b"ldes", b"perf", b"tven", b"tvsh"), NOTES),
}
_APPLE: Final = b"com.apple.quicktime."
_KEYS: Final = {
    **dict.fromkeys((b"title", b"displayname"), TITLE),
    **dict.fromkeys((b"album", b"artist", b"author", b"comment", b"copyright", b"description", b"director"), NOTES),
    **dict.fromkeys((b"genre", b"information", b"keywords", b"performer", b"producer", b"publisher"), NOTES),
    b"artwork": COVER,
}


def in_boxes(veil: Veil, kind: bytes, at: int, end: int) -> set[str]:
    """Of a movie's `udta` or `meta`, whose body goes from `at` to `end`."""
    found: set[str] = set()
    names: list[bytes] = []
    if kind == b"meta" and veil.peek(at + 4, 4) != b"hdlr":  # QuickTime's has no version in front
        at += 4
    for box in _boxes(veil, at, end):
        if box.kind == b"meta" and kind != b"meta":
            found |= in_boxes(veil, box.kind, box.body, box.end)
        elif box.kind == b"keys":
            names = [veil.peek(key.body, min(key.length, _MAX_NAME)) for key in _boxes(veil, box.body + 8, box.end)]
        elif box.kind == b"ilst":
            found |= set(_items(veil, box, names))
        elif box.kind == b"chpl" and box.length > 9 and veil.peek(box.body + 8, 1) != b"\0":
            found.add(CHAPTERS)
        elif box.kind in _WORDS and box.length > 6:  # a length and a language stand in front
            found.add(_WORDS[box.kind])
    return found


def _items(veil: Veil, listed: _Box, names: list[bytes]) -> Iterator[str]:
    for item in _boxes(veil, listed.body, listed.end):
        if not any(data.kind == b"data" and data.length > 8 for data in _boxes(veil, item.body, item.end)):
            continue
        number = int.from_bytes(item.kind)
        if item.kind == b"covr":
            yield COVER
        elif item.kind in _WORDS:
            yield _WORDS[item.kind]
        elif 0 < number <= len(names) and (key := names[number - 1].removeprefix(_APPLE)) in _KEYS:
            yield _KEYS[key]


def references(veil: Veil, at: int, end: int) -> set[int]:
    """The tracks that have the chapters of the one whose `tref` has its body there."""
    numbers: set[int] = set()
    for box in _boxes(veil, at, end):
        if box.kind == b"chap":
            data = veil.peek(box.body, min(box.length, 4 * _MOST))
            numbers.update(number for (number,) in struct.iter_unpack(">I", data[: len(data) // 4 * 4]))
    return numbers - {0}


def _boxes(veil: Veil, at: int, end: int) -> Iterator[_Box]:
    for _ in range(_MOST):
        head = veil.peek(at, 8)
        if at + 8 > end or len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        if not 8 <= length <= end - at:
            return
        yield _Box(kind, at + 8, at + length)
        at += length


# WebM: `Chapters`, `Attachments` and `Tags`

_CHAPTERS, _EDITION, _CHAPTER = 0x1043A770, 0x45B9, 0xB6
_ATTACHMENTS, _FILE, _FILE_NAME = 0x1941A469, 0x61A7, 0x466E
_TAGS, _TAG, _SIMPLE_TAG, _TAG_NAME, _TAG_TEXT = 0x1254C367, 0x7373, 0x67C8, 0x45A3, 0x4487
_TEXTS: Final = {
    b"TITLE": TITLE,
    **dict.fromkeys((b"ACTOR", b"ALBUM", b"ARTIST", b"COMMENT", b"COMPOSER", b"COPYRIGHT", b"DESCRIPTION"), NOTES),
    **dict.fromkeys((b"DIRECTOR", b"GENRE", b"KEYWORDS", b"LYRICS", b"SUBJECT", b"SUMMARY", b"SYNOPSIS"), NOTES),
}


def in_element(veil: Veil, ident: int, at: int, end: int) -> set[str]:
    """Of one of a segment's elements, whose body goes from `at` to `end`."""
    parts = list(_elements(veil, at, end))
    if ident == _CHAPTERS:
        inside = [part.kind for edition in parts if edition.kind == _EDITION for part in _inside(veil, edition)]
        return {CHAPTERS} if _CHAPTER in inside else set()
    if ident == _ATTACHMENTS:
        return {_attached(veil, part) for part in parts if part.kind == _FILE}
    if ident == _TAGS:
        tags = [tag for part in parts if part.kind == _TAG for tag in _inside(veil, part) if tag.kind == _SIMPLE_TAG]
        return {text for tag in tags if (text := _text(veil, tag))}
    return set()


def _attached(veil: Veil, file: _Element) -> str:
    """Matroska knows a film's cover by its file's name."""
    name = next((_bytes(veil, part) for part in _inside(veil, file) if part.kind == _FILE_NAME), b"")
    return COVER if name.lower().startswith((b"cover.", b"cover_land.", b"small_cover.")) else FILES


def _text(veil: Veil, tag: _Element) -> str | None:
    parts = {part.kind: part for part in _inside(veil, tag)}
    said = parts.get(_TAG_TEXT)
    is_said = said is not None and said.end > said.body
    return _TEXTS.get(_bytes(veil, parts[_TAG_NAME]).upper()) if is_said and _TAG_NAME in parts else None


def _inside(veil: Veil, parent: _Element) -> Iterator[_Element]:
    return _elements(veil, parent.body, parent.end)


def _elements(veil: Veil, at: int, end: int) -> Iterator[_Element]:
    for _ in range(_MOST):
        head = veil.peek(at, 12)
        if at >= end or not head or not head[0]:
            return
        width = 9 - head[0].bit_length()
        if width >= len(head) or not head[width]:
            return
        body = width + 9 - head[width].bit_length()
        size = int.from_bytes(head[width:body]) & (1 << 7 * (body - width)) - 1
        if at + body + size > end:
            return
        yield _Element(int.from_bytes(head[:width]), at + body, at + body + size)
        at += body + size


def _bytes(veil: Veil, part: _Element) -> bytes:
    return veil.peek(part.body, min(part.end - part.body, _MAX_NAME))
