"""Films with something wrong or missing, made of good ones: boxes and elements are changed in place, or cut off.

Those of `uploads.tests.media` have their index at the end, so that a change in it moves no picture.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

Change = Callable[[bytes], bytes]

TRACK = (b"moov", b"trak")
TABLES = (*TRACK, b"mdia", b"minf", b"stbl")
ENTRY = (0x18538067, 0x1654AE6B, 0xAE)  # of a WebM's first track
PICTURES = (*ENTRY, 0xE0)
CLUSTER = 0x1F43B675

# Boxes of an MP4


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + size]
        at += size


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def with_box(data: bytes, path: tuple[bytes, ...], change: Change) -> bytes:
    """`data` with another body in the first box at that path."""
    made, is_done = b"", False
    for kind, body in boxes(data):
        if kind == path[0] and not is_done:
            body, is_done = change(body) if len(path) == 1 else with_box(body, path[1:], change), True
        made += box(kind, body)
    assert is_done, path
    return made


def grown(entry: bytes, more: bytes) -> bytes:
    """A box whose own size is at its beginning, with another one in it."""
    return struct.pack(">I", len(entry) + len(more)) + entry[4:] + more


def moved(data: bytes, by: int) -> bytes:
    """The pictures of the first track are found so many bytes later."""

    def change(body: bytes) -> bytes:
        count, *places = struct.unpack(f">{len(body) // 4 - 1}I", body[4:])
        return body[:4] + struct.pack(f">{len(places) + 1}I", count, *(place + by for place in places))

    return with_box(data, (*TABLES, b"stco"), change)


def with_negative_offsets(data: bytes) -> tuple[bytes, int]:
    """Each picture is shown as much earlier, by its own offset, as the first one is late; and how much that is."""
    late = 0

    def change(body: bytes) -> bytes:
        nonlocal late
        pairs = list(struct.iter_unpack(">2i", body[8:]))
        late = pairs[0][1]
        return b"\1\0\0\0" + body[4:8] + b"".join(struct.pack(">2i", count, at - late) for count, at in pairs)

    made = with_box(data, (*TABLES, b"ctts"), change)
    return with_box(made, (*TRACK, b"edts", b"elst"), lambda body: body[:12] + bytes(4) + body[16:]), late


# Elements of a WebM


def elements(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Number and body of each, and where it begins."""
    at = 0
    while at < len(data):
        ident_width = 9 - data[at].bit_length()
        body = at + ident_width + (width := 9 - data[at + ident_width].bit_length())
        size = int.from_bytes(data[at + ident_width : body], "big") & (1 << 7 * width) - 1
        size = len(data) - body if size == (1 << 7 * width) - 1 else size
        yield int.from_bytes(data[at : at + ident_width], "big"), data[body : body + size], at
        at = body + size


def element(ident: int, body: bytes, *, size: int | None = None) -> bytes:
    """With a size of eight bytes; -1 is one that isn't known."""
    size = len(body) if size is None else size & (1 << 56) - 1
    return ident.to_bytes((ident.bit_length() + 7) // 8, "big") + (1 << 56 | size).to_bytes(8, "big") + body


def with_element(data: bytes, path: tuple[int, ...], change: Change) -> bytes:
    made, is_done = b"", False
    for ident, body, _ in elements(data):
        if ident == path[0] and not is_done:
            body, is_done = change(body) if len(path) == 1 else with_element(body, path[1:], change), True
        made += element(ident, body)
    assert is_done, path
    return made


def shown_at(data: bytes, width: int, height: int) -> bytes:
    """A WebM whose pictures are to be shown in another size."""
    sides = element(0x54B0, struct.pack(">H", width)) + element(0x54BA, struct.pack(">H", height))
    return with_element(data, PICTURES, lambda body: body + sides)


def recorded(data: bytes, *, unknown_clusters: bool = True) -> bytes:
    """A WebM as browsers record it: the size of the whole is not known, nor those of its clusters."""
    head, segment = [body for _, body, _ in elements(data)]
    parts = b"".join(
        element(ident, body, size=-1 if ident == CLUSTER and unknown_clusters else None)
        for ident, body, _ in elements(segment)
        if ident not in (0x114D9B74, 0x1C53BB6B)  # positions: a recorder can't go back to write them
    )
    return element(0x1A45DFA3, head) + element(0x18538067, parts, size=-1)


def blocks(data: bytes) -> list[int]:
    """Where each block of the last cluster of a recording begins, and the last one ends."""
    start = data.rindex(CLUSTER.to_bytes(4, "big")) + 12
    return [start + at for ident, _, at in elements(data[start:]) if ident in (0xA3, 0xA0)] + [len(data)]


def named_webm(data: bytes) -> bytes:
    """A Matroska file that says it is a WebM, whatever is in it."""
    said = b"\x42\x82\x88matroska"
    assert data.count(said) == 1
    return data.replace(said, b"\x42\x82\x84webm\xec\x82\0\0", 1)
