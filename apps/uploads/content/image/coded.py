"""How large the pictures in a coded item are: what a decoder will make room for, whatever the boxes around it say."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from uploads.errors import UploadError

_MANY: Final = 20_000  # units of a bitstream in one item
_HEVC_SPS: Final = 33
_AV1_SEQUENCE, _AV1_FRAMES = 1, (3, 6)


class Coded(NamedTuple):
    """The largest size that is announced, in pixels, and how many pictures are decoded on the way to the one shown."""

    width: int = 0
    height: int = 0
    pictures: int = 0

    def with_size(self, width: int, height: int) -> Coded:
        return Coded(max(self.width, width), max(self.height, height), self.pictures)


def hevc(config: bytes, data: bytes) -> Coded:
    """`config` is the body of an `hvcC` box (ISO/IEC 14496-15 §8.3.3), `data` that of the item."""
    found = Coded()
    for unit in (*_arrays(config), *_units(data, (config[21] & 3) + 1)):
        kind, layer = unit[0] >> 1 & 0x3F, (unit[0] & 1) << 5 | unit[1] >> 3
        if kind == _HEVC_SPS and not layer:
            found = found.with_size(*_sps_size(_Bits(unit[2:200].replace(b"\0\0\3", b"\0\0"))))
        elif kind < 32 and unit[2] & 0x80:  # the first slice of a picture
            found = found._replace(pictures=found.pictures + 1)
    return found


def av1(config: bytes, data: bytes) -> Coded:
    """`config` is the body of an `av1C` box, `data` that of the item: both hold units of AV1 (§5.3)."""
    found = Coded()
    for kind, body in (*_obus(config[4:]), *_obus(data)):
        if kind == _AV1_SEQUENCE:
            found = found.with_size(*_sequence_size(_Bits(body[:200])))
        elif kind in _AV1_FRAMES:
            found = found._replace(pictures=found.pictures + 1)
    return found


class _Bits:
    """Raises `IndexError` behind the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> int:
        value = 0
        for _ in range(count):
            value = value << 1 | self._data[self._at >> 3] >> (7 - (self._at & 7)) & 1
            self._at += 1
        return value

    def exp_golomb(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


# HEVC


def _arrays(config: bytes) -> Iterator[bytes]:
    at = 23
    for _ in range(config[22]):
        (count,) = struct.unpack_from(">H", config, at + 1)
        at += 3
        for _ in range(count):
            (length,) = struct.unpack_from(">H", config, at)
            yield config[at + 2 : at + 2 + length]
            at += 2 + length


def _units(data: bytes, width: int) -> Iterator[bytes]:
    at = count = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + width], "big")
        if length < 3 or at + width + length > len(data) or (count := count + 1) > _MANY:
            raise UploadError("bad_content")
        yield data[at + width : at + width + min(length, 200)]
        at += width + length


def _sps_size(bits: _Bits) -> tuple[int, int]:
    """ITU-T H.265 §7.3.2.2."""
    bits.take(4)
    layers = bits.take(3)
    bits.take(1 + 88 + 8)
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    bits.take(2 * (8 - layers) if layers else 0)
    for has_profile, has_level in present:
        bits.take(88 * has_profile + 8 * has_level)
    bits.exp_golomb()
    if bits.exp_golomb() == 3:  # the chroma format
        bits.take(1)
    return bits.exp_golomb(), bits.exp_golomb()


# AV1


def _obus(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = count = 0
    while at < len(data):
        header, at = data[at], at + 1 + (data[at] >> 2 & 1)
        length = len(data) - at
        if header & 2:
            length, at = _leb128(data, at)
        if at + length > len(data) or (count := count + 1) > _MANY:
            raise UploadError("bad_content")
        yield header >> 3 & 15, data[at : at + min(length, 200)]
        at += length


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(8):
        byte, at = data[at], at + 1
        value |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            break
    return value, at


def _sequence_size(bits: _Bits) -> tuple[int, int]:
    """AV1 Bitstream Specification §5.5.1."""
    bits.take(4)
    if bits.take(1):  # of one picture
        bits.take(5)
    else:
        _skip_operating_points(bits)
    widths = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(widths[0]) + 1, bits.take(widths[1]) + 1


def _skip_operating_points(bits: _Bits) -> None:
    delay = has_model = 0
    if bits.take(1):  # timing
        bits.take(64)
        if bits.take(1):
            bits.exp_golomb()
        if has_model := bits.take(1):
            delay = bits.take(5) + 1
            bits.take(42)
    has_display_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if has_model and bits.take(1):
            bits.take(2 * delay + 1)
        if has_display_delay and bits.take(1):
            bits.take(4)
