"""What a visitor is told of a picture or a video that was made: something of theirs isn't in it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

SENTENCES: Final[dict[str, str]] = {
    # Pictures
    "still": "It moves, but the published picture doesn't.",
    "one_of_several": "It has {detail} pictures; one of them is published.",
    "no_film": "The short video in it isn't published.",
    # Videos
    "silent": "Its sound ({detail}) can't be played in browsers, so the published video is silent.",
    "two_channels": "Its sound has {detail} channels; the published video has two.",
    "one_sound": "It has {detail} audio tracks; the published video has one of them.",
    "one_picture": "It has {detail} video tracks; the published video has one of them.",
    "no_subtitles": "Its subtitles aren't in the published video.",
    "without": "The published video comes without its {detail}.",
}
# What else a film may have that isn't published
CHAPTERS, TITLE, NOTES, COVER = "chapters", "title", "notes", "cover picture"
FILES, TIMECODE, DATA = "attached files", "timecode", "recorded data"
_EXTRAS: Final = (CHAPTERS, TITLE, NOTES, COVER, FILES, TIMECODE, DATA)
_MAX_DETAIL: Final = 40  # characters


@dataclass(frozen=True, slots=True)
class MediaWarning:
    """`code` is one of `SENTENCES`; `detail` is what the sentence names: a codec as people know it, or a number."""

    code: str
    detail: str = ""

    @property
    def sentence(self) -> str:
        return SENTENCES[self.code].format(detail=self.detail)

    @property
    def is_plausible(self) -> bool:
        """Whether it can be shown; it may come from a hostile process."""
        if self.code == "without":
            return self == without(re.split(", | and ", self.detail))
        return self.code in SENTENCES and self.detail.isprintable() and len(self.detail) <= _MAX_DETAIL


def without(extras: Collection[str]) -> MediaWarning | None:
    """One for all of them; None if there are none."""
    *words, last = ["", *(word for word in _EXTRAS if word in extras)]
    return MediaWarning("without", " and ".join(filter(None, [", ".join(words[1:]), last]))) if last else None
