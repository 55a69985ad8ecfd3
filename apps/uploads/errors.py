"""What can go wrong with an upload: one code and one sentence for the visitor each.

The sentences are fixed. They never hold a path, an exception's text or anything else a client sent, so they can be
shown and logged as they are. A validator may raise `UploadError` with a sentence of its own. Visitors read it in the
language of their page, as `message`; `str` of an error is English, for logs.
"""

from __future__ import annotations

from typing import Any, Final

from uploads.sentences import Sentence
from uploads.sentences import gettext_noop as _

__all__ = ["PASSING", "SENTENCES", "UploadError"]

SENTENCES: Final[dict[str, str]] = {
    # before a byte is sent
    "bad_name": _("This file's name can't be used. Rename it and try again."),
    "bad_ext": _("This kind of file isn't accepted here."),
    "empty": _("This file is empty."),
    "too_large": _("This file is too large. Choose a smaller one."),
    "too_many_files": _("Too many files."),
    "total_too_large": _("Together, these files are too large."),
    "unknown_slot": _("This page doesn't accept that upload."),
    "quota": _("You have reached your upload limit. Try again when your other uploads have finished."),
    "rate_limited": _("Too many files at once. Wait a moment."),
    "busy": _("The server is busy with other uploads. Wait a moment."),
    # while bytes travel
    "unknown_ref": _("This upload has expired. Choose the file again."),
    "bad_offset": _("Part of the file arrived out of order. Try again."),
    "bad_digest": _("Part of the file was damaged in transit. Try again."),
    "size_mismatch": _("The file doesn't have the size that was announced. Choose it again."),
    "incomplete": _("The file didn't arrive in full. Try again."),
    "timeout": _("The upload stalled. Try again."),
    "cancelled": _("The upload was cancelled."),
    "locked": _("This upload is under way in another tab."),
    "superseded": _("This upload continues in another tab."),
    "session_ended": _("You have been logged out. Log in and send the file again."),
    "storage_full": _("There is no room to store this file right now."),
    "storage_unavailable": _("The file can't be stored right now."),
    "file_changed": _("The file changed on disk. Choose it again."),
    # when the bytes are looked at
    "type_mismatch": _("This isn't the kind of file that its name says. Choose another one."),
    "bad_content": _("This file is damaged or can't be read."),
    "too_many_pixels": _("This picture has too many pixels. Make it smaller."),
    "too_many_frames": _("This picture has too many frames. Make it shorter."),
    "too_much_work": _("This picture takes too long to process. Make it smaller or shorter."),
    "too_complex": _("This file is too complex to process. Export it again and choose the new file."),
    "no_video": _("There is no video in this file."),
    "unsupported_codec": _("This video's format isn't supported. Export it as MP4 (H.264)."),
    "too_long": _("This video is too long. Choose a shorter one."),
    "invalid": _("This file isn't accepted here."),
    # anything else
    "server_error": _("Something went wrong on our side."),
}

# What is soon over: no reason to give up what has arrived.
PASSING: Final = frozenset({"busy", "rate_limited", "storage_unavailable"})


class UploadError(Exception):
    """An upload was refused or failed, with a reason the visitor may read.

    `code` is one of `SENTENCES` or a validator's own. message: a text, which is looked up in the catalogues, one of
    `gettext_lazy`, or a `Sentence`. lasts: that there is no use in trying again, although the code is one of `PASSING`:
    a storage that says no, not one that is away.
    """

    def __init__(self, code: str, message: Any = "", *, lasts: bool = False) -> None:
        self.code = code
        self.passes = code in PASSING and not lasts
        sentence = message or SENTENCES.get(code, SENTENCES["server_error"])
        self.sentence: Any = Sentence(sentence) if isinstance(sentence, str) else sentence
        super().__init__(code, str(self))

    @property
    def message(self) -> str:
        """The sentence in the language that is active here."""
        return str(self.sentence)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UploadError) and (self.code, str(self)) == (other.code, str(other))

    def __hash__(self) -> int:
        return hash((self.code, str(self)))

    def __str__(self) -> str:
        return self.sentence.english if isinstance(self.sentence, Sentence) else str(self.sentence)
