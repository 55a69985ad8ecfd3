"""The one thing in Exif that browsers go by."""

from __future__ import annotations

import struct
from typing import Final

_ORIENTATION: Final = 0x0112
_SHORT: Final = 3
_ENTRY: Final = 12  # bytes
_ORDERS: Final = {b"II*\0": "<", b"MM\0*": ">"}


def orientation(exif: bytes) -> int:
    """How the picture is to be turned, 1 to 8: one SHORT in the first directory. Other numbers, types and counts, and
    whatever is garbled, mean nothing to a browser, and so it is 1.
    """
    exif = exif.removeprefix(b"Exif\0\0")
    order = _ORDERS.get(exif[:4])
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, at)
        for entry in range(at + 2, at + 2 + count * _ENTRY, _ENTRY):
            tag, kind, length, value = struct.unpack_from(f"{order}HHIH2x", exif, entry)
            if (tag, kind, length) == (_ORIENTATION, _SHORT, 1):
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
