"""The boxes of HEIC, HEIF and AVIF: one picture, or a grid of them, among the items of a `meta` box.

ISO/IEC 23008-12 (HEIF) and 14496-12 (the boxes). Only what leads to the primary picture is looked at: its tiles, its
alpha, their sizes. Thumbnails, depth and gain maps, further pictures and films beside it aren't decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from uploads.content.image import coded
from uploads.content.image.info import Buffer, Colours, ImageInfo, Wrapping
from uploads.content.limits import ImageLimits, check_count, check_pixels
from uploads.content.warnings import MediaWarning
from uploads.errors import UploadError

_CODECS: Final = {"avif": {b"av01"}, "heic": {b"hvc1", b"hev1"}}
_CONFIG: Final = {b"av01": b"av1C", b"hvc1": b"hvcC", b"hev1": b"hvcC"}
_DERIVED: Final = (b"grid", b"iden", b"iovl")
_ALPHA: Final = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")
_STILL: Final = {b"avis": b"avif", b"msf1": b"mif1", b"hevc": b"heic", b"hevx": b"heix"}
_VIDEO: Final = (1, 6, 14, 15)  # the curves of video, which browsers take for sRGB's in these containers
_FILE: Final = (b"ftyp", b"meta", b"moov", b"mdat", b"free", b"skip")
_BLOCK: Final = 64  # pixels at most of a side: what is coded comes in whole blocks, the last of them beyond the picture
_DEPTH: Final = 4  # of what is derived from what is derived


class _Box(NamedTuple):
    kind: bytes
    start: int
    body: int
    end: int


@dataclass(slots=True)
class _Item:
    kind: bytes = b""
    is_hidden: bool = False
    method: int = 0
    extents: list[tuple[int, int]] = field(default_factory=list)  # offset and length
    properties: list[_Box] = field(default_factory=list)


@dataclass(slots=True)
class _Meta:
    primary: int = 0
    items: dict[int, _Item] = field(default_factory=dict)
    refers: list[tuple[bytes, int, list[int]]] = field(default_factory=list)
    idat: _Box | None = None


def walk(data: Buffer, limits: ImageLimits, kind: str) -> ImageInfo:
    """The size is the primary picture's as its decoder gives it: AVIF's before any rotation, HEIC's after it."""
    reader = _Reader(data, limits)
    meta = reader.meta()
    pixels = _Pixels(reader, meta, kind, limits)
    width, height = pixels.of(meta.primary)
    for about, number, wanted in meta.refers:
        item = meta.items.get(number)
        if about == b"auxl" and item and not pixels.seen.keys().isdisjoint(wanted) and reader.is_alpha(item):
            pixels.of(number)
    if kind == "heic" and reader.is_lying(meta.items[meta.primary]):
        width, height = height, width
    return ImageInfo(kind, width, height, patches=pixels.total, beside=tuple(reader.beside(meta, kind)))


def unwrap(data: Buffer, limits: ImageLimits) -> Wrapping:
    """With a sequence beside the primary picture hidden from decoders that would rather show that."""
    reader = _Reader(data, limits)
    whole = bytearray(data)
    for box in reader.boxes(0, len(data)):
        if box.kind == b"moov":
            whole[box.start + 4 : box.start + 8] = b"free"
        elif box.kind == b"ftyp":
            for at in (box.body, *range(box.body + 8, box.end - 3, 4)):
                whole[at : at + 4] = _STILL.get(bytes(whole[at : at + 4]), whole[at : at + 4])
    del whole[reader.end :]
    meta = reader.meta()
    tiles = [item for about, of, items in meta.refers if about == b"dimg" and of == meta.primary for item in items]
    said = (reader.colours(meta.items[item]) for item in (meta.primary, *tiles[:1]) if item in meta.items)
    return Wrapping(bytes(whole), colours=next((colours for colours in said if colours != Colours()), Colours()))


class _Reader:
    """Counts what it reads: boxes, items, extents, references."""

    def __init__(self, data: Buffer, limits: ImageLimits) -> None:
        self._data = data
        self._limits = limits
        self._parts = 0
        self.end = len(data)

    def boxes(self, at: int, end: int) -> Iterator[_Box]:
        is_file = at == 0
        while at + 8 <= end:
            self._count()
            size, kind = struct.unpack_from(">I4s", self._data, at)
            body = at + 8
            if size == 1:
                size = self._number(body, 8)
                body += 8
            stop = at + size if size else end
            if is_file and kind not in _FILE and not body <= stop <= end:
                self.end = at  # no reader looks for boxes behind those that it needs
                return
            if stop < body:
                raise UploadError("bad_content")
            if stop > end:
                if kind in (b"mdat", b"free", b"skip"):  # what lies in there is missed where it is needed
                    return
                raise UploadError("bad_content")
            yield _Box(kind, at, body, stop)
            at = stop

    def meta(self) -> _Meta:
        """Raises `UploadError`, "too_complex" if there is no primary picture."""
        box = next((box for box in self.boxes(0, len(self._data)) if box.kind == b"meta"), None)
        if box is None:
            raise UploadError("too_complex" if self._is_sequence() else "bad_content")
        found = _Meta()
        properties: list[_Box] = []
        inner = {each.kind: each for each in self.boxes(box.body + 4, box.end)}
        try:
            self._items(found, inner[b"iinf"])
            self._locations(found, inner[b"iloc"])
            for each in self.boxes(inner[b"iprp"].body, inner[b"iprp"].end):
                if each.kind == b"ipco":
                    properties += self.boxes(each.body, each.end)
                elif each.kind == b"ipma":
                    self._associations(found, each, properties)
            found.primary = self._number(inner[b"pitm"].body + 4, 4 if self._version(inner[b"pitm"]) else 2)
        except KeyError:
            raise UploadError("bad_content") from None
        if b"iref" in inner:
            self._references(found, inner[b"iref"])
        found.idat = inner.get(b"idat")
        if found.primary not in found.items:
            raise UploadError("bad_content")
        return found

    def content(self, item: _Item, meta: _Meta) -> bytes:
        """Raises `UploadError` if it isn't all there."""
        area = (0, len(self._data))
        if item.method == 1 and meta.idat:
            area = meta.idat.body, meta.idat.end
        elif item.method:
            raise UploadError("too_complex")
        pieces = []
        for offset, length in item.extents:
            start = area[0] + offset
            end = start + length if length else area[1]
            if end > area[1]:
                raise UploadError("bad_content")
            pieces.append(self._data[start:end])
        return b"".join(pieces)

    def property(self, item: _Item, kind: bytes) -> bytes:
        """The body of the first of that kind; empty if there is none."""
        return next((self._data[box.body : box.end] for box in item.properties if box.kind == kind), b"")

    def is_alpha(self, item: _Item) -> bool:
        return self.property(item, b"auxC")[4:].partition(b"\0")[0] in _ALPHA

    def is_lying(self, item: _Item) -> bool:
        """Whether it is shown turned by 90° one way or the other."""
        return sum(self._data[box.body] & 1 for box in item.properties if box.kind == b"irot") % 2 == 1

    def colours(self, item: _Item) -> Colours:
        told = {self._data[box.body : box.body + 4]: box for box in item.properties if box.kind == b"colr"}
        for kind in (b"prof", b"rICC"):
            if box := told.get(kind):
                return Colours(icc=self._data[box.body + 4 : box.end])
        if (box := told.get(b"nclx")) and box.end - box.body >= 8:
            primaries, transfer = struct.unpack_from(">HH", self._data, box.body + 4)
            return Colours(cicp=(primaries, 13 if transfer in _VIDEO else transfer))
        return Colours()

    def beside(self, meta: _Meta, kind: str) -> Iterator[MediaWarning]:
        """What a viewer shows besides the primary picture."""
        kinds = {box.kind for box in self.boxes(0, len(self._data))}
        if b"moov" in kinds:
            yield MediaWarning("still")
        if b"mpvd" in kinds:
            yield MediaWarning("no_film")
        parts = {item for about, of, items in meta.refers for item in (items if about == b"dimg" else (of,))}
        shown = _CODECS[kind].union(_DERIVED)
        whole = {number for number, item in meta.items.items() if item.kind in shown and not item.is_hidden} - parts
        if len(whole | {meta.primary}) > 1:
            yield MediaWarning("one_of_several", str(len(whole | {meta.primary})))

    def _is_sequence(self) -> bool:
        return any(box.kind == b"moov" for box in self.boxes(0, len(self._data)))

    def _items(self, meta: _Meta, box: _Box) -> None:
        for entry in self.boxes(box.body + (8 if self._version(box) else 6), box.end):
            version = self._version(entry)
            if entry.kind == b"infe" and version >= 2:
                width = 2 if version == 2 else 4
                at = entry.body + 4 + width + 2
                item = _Item(self._data[at : at + 4], is_hidden=bool(self._data[entry.body + 3] & 1))
                meta.items[self._number(entry.body + 4, width)] = item

    def _locations(self, meta: _Meta, box: _Box) -> None:
        version, sizes = self._version(box), self._number(box.body + 4, 2)
        offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
        wide = 4 if version == 2 else 2
        at, count = box.body + 6 + wide, self._number(box.body + 6, wide)
        for _ in range(count):
            self._count()
            item, at = self._number(at, wide), at + wide
            if version:
                method, at = self._number(at, 2) & 15, at + 2
            else:
                method = 0
            start = self._number(at + 2, base)
            at, extents = at + 4 + base, self._number(at + 2 + base, 2)
            found = meta.items.get(item, _Item())
            found.method = method
            for _ in range(extents):
                self._count()
                at += index if version else 0
                found.extents.append((start + self._number(at, offset), self._number(at + offset, length)))
                at += offset + length

    def _associations(self, meta: _Meta, box: _Box, properties: list[_Box]) -> None:
        wide = 4 if self._version(box) else 2
        size = 2 if self._data[box.body + 3] & 1 else 1
        at = box.body + 8
        for _ in range(self._number(box.body + 4, 4)):
            self._count()
            item, count, at = self._number(at, wide), self._data[at + wide], at + wide + 1
            for _ in range(count):
                self._count()
                index, at = self._number(at, size) & (0x7FFF if size == 2 else 0x7F), at + size
                if item in meta.items and 0 < index <= len(properties):
                    meta.items[item].properties.append(properties[index - 1])

    def _references(self, meta: _Meta, box: _Box) -> None:
        wide = 4 if self._version(box) else 2
        for entry in self.boxes(box.body + 4, box.end):
            count = self._number(entry.body + wide, 2)
            check_count(count, self._limits.max_chunks, "too_complex")
            places = range(entry.body + wide + 2, entry.body + wide * (count + 1) + 2, wide)
            items = [self._number(at, wide) for at in places]
            meta.refers.append((entry.kind, self._number(entry.body, wide), items))

    def _version(self, box: _Box) -> int:
        return self._data[box.body]

    def _number(self, at: int, size: int) -> int:
        if at + size > len(self._data):
            raise UploadError("bad_content")
        return int.from_bytes(self._data[at : at + size], "big")

    def _count(self) -> None:
        check_count(parts := self._parts + 1, self._limits.max_chunks, "too_complex")
        self._parts = parts


class _Pixels:
    """How many pixels are decoded for an item and for those that it is made of: `total`, of the items in `seen`."""

    def __init__(self, reader: _Reader, meta: _Meta, kind: str, limits: ImageLimits) -> None:
        self.total = 0
        self.seen: dict[int, tuple[int, int, int]] = {}  # width, height, and pixels to decode
        self._reader = reader
        self._meta = meta
        self._codecs = _CODECS[kind]
        self._limits = limits

    def of(self, number: int, depth: int = 0) -> tuple[int, int]:
        """The item's size, as far as anything says that it reaches. Raises `UploadError`."""
        if number not in self.seen:
            self.seen[number] = self._look(number, depth)
        width, height, pixels = self.seen[number]
        self.total += pixels
        if self.total > self._limits.max_total_frame_pixels:
            raise UploadError("too_much_work")
        return width, height

    def _look(self, number: int, depth: int) -> tuple[int, int, int]:
        item = self._meta.items.get(number)
        size = self._reader.property(item, b"ispe") if item else b""
        if item is None or len(size) < 12 or depth > _DEPTH:
            raise UploadError("bad_content")
        width, height = struct.unpack_from(">II", size, 4)
        pixels = 0
        if item.kind in self._codecs:
            read = coded.av1 if item.kind == b"av01" else coded.hevc
            found = read(self._reader.property(item, _CONFIG[item.kind]), self._reader.content(item, self._meta))
            check_pixels(_least(found.width), _least(found.height), self._limits)
            pixels = max(found.width * found.height, width * height) * max(1, found.pictures)
        elif item.kind in _DERIVED:
            for about, source, parts in self._meta.refers:
                if about == b"dimg" and source == number:
                    for part in parts:
                        self.of(part, depth + 1)
            if item.kind == b"grid":
                across, down = self._grid(self._reader.content(item, self._meta))
                width, height = max(width, across), max(height, down)
        else:
            raise UploadError("too_complex")
        check_pixels(width, height, self._limits)
        return width, height, pixels

    @staticmethod
    def _grid(content: bytes) -> tuple[int, int]:
        """Rows and columns may be up to 256 each; what counts is the size of the whole."""
        across, down = struct.unpack_from(">II" if content[1] & 1 else ">HH", content, 4)
        return across, down


def _least(coded: int) -> int:
    """How long a side may be whose picture is coded with one of that length."""
    return min(coded, max(1, coded - _BLOCK + 1))
