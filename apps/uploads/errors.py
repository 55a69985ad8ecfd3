"""What can go wrong with an upload: one code and one sentence for the visitor each.

The sentences are fixed. They never hold a path, an exception's text or anything else a client sent, so they can be
shown and logged as they are. A validator may raise `UploadError` with a sentence of its own.
"""

from __future__ import annotations

from typing import Final

__all__ = ["PASSING", "SENTENCES", "UploadError"]

SENTENCES: Final[dict[str, str]] = {
    # before a byte is sent
    "bad_name": "This file's name can't be used.",
    "bad_ext": "This kind of file isn't accepted here.",
    "empty": "This file is empty.",
    "too_large": "This file is too large.",
    "too_many_files": "That is more files than fit here.",
    "total_too_large": "Together these files are too large.",
    "unknown_slot": "This page doesn't take that upload.",
    "quota": "You have reached your upload limit.",
    "rate_limited": "Too many files at once. Try again in a moment.",
    "busy": "Too many uploads are under way. Try again in a moment.",
    # while bytes travel
    "unknown_ref": "This upload is no longer known.",
    "bad_offset": "A part of the file arrived out of order.",
    "bad_digest": "A part of the file was damaged on its way.",
    "size_mismatch": "The file isn't as long as it was said to be.",
    "incomplete": "The file hasn't arrived completely.",
    "timeout": "The upload stood still for too long.",
    "cancelled": "The upload was cancelled.",
    "locked": "This upload is under way in another tab.",
    "superseded": "This upload goes on in another tab.",
    "session_ended": "You have been logged out. Log in and send the file again.",
    "storage_full": "There is no room to store this file right now.",
    "storage_unavailable": "The file can't be stored right now.",
    "file_changed": "The file changed on disk. Choose it again.",
    # when the bytes are looked at
    "type_mismatch": "This isn't the kind of file its name says.",
    "bad_content": "This file is damaged or can't be read.",
    "too_many_pixels": "This picture has too many pixels.",
    "too_many_frames": "This picture has too many frames.",
    "too_much_work": "This picture is too much to process here: make it smaller or shorter.",
    "too_complex": "This file is built in a way we can't process.",
    "no_video": "There is no video in this file.",
    "unsupported_codec": "This video's format isn't supported.",
    "too_long": "This video is too long.",
    "invalid": "This file isn't accepted here.",
    # anything else
    "server_error": "Something went wrong on our side.",
}

# What is soon over: no reason to give up what has arrived.
PASSING: Final = frozenset({"busy", "rate_limited", "storage_unavailable"})


class UploadError(Exception):
    """An upload was refused or failed, with a reason the visitor may read.

    `code` is one of `SENTENCES` or a validator's own; `message` is the sentence shown. lasts: that there is no use in
    trying again, although the code is one of `PASSING`: a storage that says no, not one that is away.
    """

    def __init__(self, code: str, message: str = "", *, lasts: bool = False) -> None:
        self.code = code
        self.passes = code in PASSING and not lasts
        self.message = message or SENTENCES.get(code, SENTENCES["server_error"])
        super().__init__(code, self.message)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UploadError) and (self.code, self.message) == (other.code, other.message)

    def __hash__(self) -> int:
        return hash((self.code, self.message))

    def __str__(self) -> str:
        return self.message
