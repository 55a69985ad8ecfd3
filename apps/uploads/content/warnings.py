"""What a visitor is told of a picture or a video that was made: something of theirs isn't in it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from uploads.sentences import Sentence, all_of, plural
from uploads.sentences import gettext_noop as _

SENTENCES: Final[dict[str, str | tuple[str, str]]] = {
    # Pictures
    "still": _("It moves, but the published picture doesn't."),
    "one_of_several": plural(
        "It has %(count)s picture; it is published.", "It has %(count)s pictures; one of them is published."
    ),
    "no_film": _("The short video in it isn't published."),
    # Videos
    "silent": _("Its sound (%(detail)s) can't be played in browsers, so the published video is silent."),
    "one_sound": plural(
        "It has %(count)s audio track; the published video has it.",
        "It has %(count)s audio tracks; the published video has one of them.",
    ),
    "one_picture": plural(
        "It has %(count)s video track; the published video has it.",
        "It has %(count)s video tracks; the published video has one of them.",
    ),
    "no_subtitles": _("Its subtitles aren't in the published video."),
    "two_channels": plural(
        "Its sound has %(count)s channel; the published video has two.",
        "Its sound has %(count)s channels; the published video has two.",
    ),
    "without": _("The published video comes without its %(detail)s."),
}
# What else a film may have that isn't published
CHAPTERS, TITLE, NOTES, COVER = _("chapters"), _("title"), _("notes"), _("cover picture")
FILES, TIMECODE, DATA = _("attached files"), _("timecode"), _("recorded data")
_EXTRAS: Final = (CHAPTERS, TITLE, NOTES, COVER, FILES, TIMECODE, DATA)
_MAX_DETAIL: Final = 40  # characters


@dataclass(frozen=True, slots=True)
class MediaWarning:
    """`code` is one of `SENTENCES`; `detail` is what the sentence names: a codec as people know it, or a number."""

    code: str
    detail: str = ""

    @property
    def sentence(self) -> str:
        """In the language that is active here."""
        text = SENTENCES[self.code]
        if isinstance(text, tuple):
            return str(Sentence(text, count=int(self.detail)))
        return str(Sentence(text, detail=all_of(self._extras) if self.code == "without" else self.detail))

    @property
    def is_plausible(self) -> bool:
        """Whether it can be shown; it may come from a hostile process."""
        if self.code == "without":
            return self == without(self._extras)
        if isinstance(SENTENCES.get(self.code), tuple) and not (self.detail.isascii() and self.detail.isdigit()):
            return False
        return self.code in SENTENCES and self.detail.isprintable() and len(self.detail) <= _MAX_DETAIL

    @property
    def _extras(self) -> list[str]:
        return re.split(", | and ", self.detail)


def without(extras: Collection[str]) -> MediaWarning | None:
    """One for all of them; None if there are none."""
    *words, last = ["", *(word for word in _EXTRAS if word in extras)]
    return MediaWarning("without", " and ".join(filter(None, [", ".join(words[1:]), last]))) if last else None
