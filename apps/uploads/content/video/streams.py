"""What becomes of each stream of a film: it is copied, converted, or left out and the visitor told.

The one place that decides it. Another way to convert something begins with its name in a table here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from uploads.content.video.info import VideoInfo
from uploads.content.video.prescan import CODECS, SOUNDS
from uploads.content.video.sound import Beginning, layout
from uploads.content.warnings import MediaWarning, without
from uploads.errors import UploadError

if TYPE_CHECKING:
    from av.container import InputContainer

# Sound that browsers don't play, and whose decoders a visitor's bytes are given to. Others (DTS, AC-4, what a studio
# uses) stay out of it: each is more code that a hostile file may reach.
CONVERTED: Final = frozenset({"ac3", "eac3", "alac", "flac", "mp2", "mp3", "vorbis", "aac", "opus"}) | {
    *("amr_nb", "amr_wb", "adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms"),
    *("pcm_alaw", "pcm_mulaw", "pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be"),
    *("pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be"),
}
_KNOWN_AS: Final = {  # FFmpeg's names, and those in an MP4 of what it doesn't know
    "aac": "AAC",
    "ac3": "AC-3",
    "ac-4": "AC-4",
    "alac": "ALAC",
    "amr_nb": "AMR",
    "amr_wb": "AMR",
    "apac": "Apple's spatial audio",
    "dts": "DTS",
    "eac3": "E-AC-3",
    "flac": "FLAC",
    "mha1": "MPEG-H",
    "mhm1": "MPEG-H",
    "mp1": "MP1",
    "mp2": "MP2",
    "mp3": "MP3",
    "opus": "Opus",
    "qcelp": "QCELP",
    "qdm2": "QDesign Music",
    "qdmc": "QDesign Music",
    "truehd": "TrueHD",
    "vorbis": "Vorbis",
    "wmav2": "WMA",
}

Listen = Callable[[Any], "Beginning | None"]


@dataclass(frozen=True, slots=True)
class Plan:
    """`pictures` are copied. `sound`, if there is any, is converted if it has a `beginning`, and else copied."""

    pictures: Any
    sound: Any
    beginning: Beginning | None
    warnings: tuple[MediaWarning, ...]

    @property
    def streams(self) -> list[Any]:
        return [self.pictures] if self.sound is None else [self.pictures, self.sound]


def plan(source: InputContainer, container: str, info: VideoInfo, listen: Listen) -> Plan:
    """What to make of `source` in a file of the kind `container`. `listen` decodes the beginning of a stream.

    Raises `UploadError` if there are no pictures that browsers know.
    """
    if not source.streams:
        raise UploadError("bad_content")
    if not source.streams.video:
        raise UploadError("no_video")
    pictures = [stream for stream in source.streams.video if codec(stream) in CODECS[container]]
    if not pictures:
        raise UploadError("unsupported_codec")
    sound, beginning = _sound(list(source.streams.audio), container, listen)
    missing = tuple(_missing(source, pictures, sound, beginning, info))
    return Plan(_preferred(pictures), sound, beginning, missing)


def _sound(sounds: list[Any], container: str, listen: Listen) -> tuple[Any, Beginning | None]:
    """A sound that can be copied, or else one that can be converted, and how it begins."""
    copied = [stream for stream in sounds if _can_be_copied(stream, container, listen)]
    if copied:
        return _preferred(copied), None
    for stream in sounds:
        if codec(stream) in CONVERTED and (beginning := listen(stream)) is not None:
            return stream, beginning
    return None, None


def _can_be_copied(stream: Any, container: str, listen: Listen) -> bool:
    if codec(stream) == "mp3":
        beginning = listen(stream)
        return container == "mp4" and beginning is not None and beginning.is_mp3
    return codec(stream) in SOUNDS[container]


def _missing(
    source: InputContainer, pictures: list[Any], sound: Any, beginning: Beginning | None, info: VideoInfo
) -> Iterator[MediaWarning]:
    sounds = source.streams.audio
    if (
        beginning is not None
        and (channels := beginning.frame.layout.nb_channels) > 2
        and layout(beginning.frame, info.converted) == "stereo"
    ):
        yield MediaWarning("two_channels", str(channels))
    if sounds and sound is None:
        yield MediaWarning("silent", known_as(codec(sounds[0]) or info.sound))
    elif len(sounds) > 1:
        yield MediaWarning("one_sound", str(len(sounds)))
    if (count := max(len(pictures), info.pictures)) > 1:
        yield MediaWarning("one_picture", str(count))
    if info.subtitles:
        yield MediaWarning("no_subtitles")
    if (others := without(info.extras)) is not None:
        yield others


def _preferred(streams: list[Any]) -> Any:
    """The first of those that a player begins with, or else of all."""
    return next((stream for stream in streams if stream.disposition & 1), streams[0])


def codec(stream: Any) -> str:
    context = stream.codec_context
    return context.codec.canonical_name if context is not None else ""


def known_as(name: str) -> str:
    """The name of a codec as people know it."""
    return "PCM" if name.startswith("pcm_") else _KNOWN_AS.get(name, "an unknown format")
