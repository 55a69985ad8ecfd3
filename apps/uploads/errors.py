"""What can go wrong with an upload: one code and one sentence for the visitor each.

The sentences are fixed. They never hold a path, an exception's text or anything else a client sent, so they can be
shown and logged as they are. A validator may raise `UploadError` with a sentence of its own.
"""

from __future__ import annotations

from typing import Final

__all__ = ["PASSING", "SENTENCES", "UploadError"]

SENTENCES: Final[dict[str, str]] = {
    # before a byte is sent
    "bad_name": "This file's name can't be used. Rename it and try again.",
    "bad_ext": "This kind of file isn't accepted here.",
    "empty": "This file is empty.",
    "too_large": "This file is too large. Choose a smaller one.",
    "too_many_files": "Too many files.",
    "total_too_large": "Together, these files are too large.",
    "unknown_slot": "This page doesn't accept that upload.",
    "quota": "You have reached your upload limit. Try again when your other uploads have finished.",
    "rate_limited": "Too many files at once. Wait a moment.",
    "busy": "The server is busy with other uploads. Wait a moment.",
    # while bytes travel
    "unknown_ref": "This upload has expired. Choose the file again.",
    "bad_offset": "Part of the file arrived out of order. Try again.",
    "bad_digest": "Part of the file was damaged in transit. Try again.",
    "size_mismatch": "The file doesn't have the size that was announced. Choose it again.",
    "incomplete": "The file didn't arrive in full. Try again.",
    "timeout": "The upload stalled. Try again.",
    "cancelled": "The upload was cancelled.",
    "locked": "This upload is under way in another tab.",
    "superseded": "This upload continues in another tab.",
    "session_ended": "You have been logged out. Log in and send the file again.",
    "storage_full": "There is no room to store this file right now.",
    "storage_unavailable": "The file can't be stored right now.",
    "file_changed": "The file changed on disk. Choose it again.",
    # when the bytes are looked at
    "type_mismatch": "This isn't the kind of file that its name says. Choose another one.",
    "bad_content": "This file is damaged or can't be read.",
    "too_many_pixels": "This picture has too many pixels. Make it smaller.",
    "too_many_frames": "This picture has too many frames. Make it shorter.",
    "too_much_work": "This picture takes too long to process. Make it smaller or shorter.",
    "too_complex": "This file is too complex to process. Export it again and choose the new file.",
    "no_video": "There is no video in this file.",
    "unsupported_codec": "This video's format isn't supported. Export it as MP4 (H.264).",
    "too_long": "This video is too long. Choose a shorter one.",
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
