"""The SHA-256 that a browser can make of a file as well, so that the two can be compared.

Browsers hash what they hold in memory as a whole: of a large file that is a block, not the file. So what stands for a
large file is the SHA-256 of the SHA-256s of its blocks. `static/digest.js` makes the same.
"""

from __future__ import annotations

import hashlib
from typing import BinaryIO, Final

from uploads import UploadEntry

WHOLE: Final = 100_000_000  # bytes up to which a file is hashed as one
BLOCK: Final = 8 * 1024 * 1024  # bytes

_NAME: Final = "blocks"  # of what stands beside the staged file


def of_blocks(file: BinaryIO) -> str:
    """In hexadecimal."""
    every = hashlib.sha256()
    while block := file.read(BLOCK):
        every.update(hashlib.sha256(block).digest())
    return every.hexdigest()


def validate(entry: UploadEntry) -> None:
    """A validator that refuses nothing: where a whole file may be read, it makes what `of_entry` tells later."""
    if entry.size > WHOLE:
        with entry.path.open("rb") as file:
            entry.sibling(_NAME).write_text(of_blocks(file))


def of_entry(entry: UploadEntry) -> str:
    """Of a file that `validate` has seen. In hexadecimal."""
    return entry.sibling(_NAME).read_text() if entry.size > WHOLE else entry.sha256
