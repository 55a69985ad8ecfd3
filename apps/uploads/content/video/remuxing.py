"""The child's side of `processing.py`: the only module that hands a visitor's bytes to FFmpeg.

PyAV may not be there, so that a project without it can still use pictures. Where it is, the zygote has it imported once
for all of its children.
"""

from __future__ import annotations

import contextlib
import errno
import re
import struct
from array import array
from collections import deque
from collections.abc import Iterator
from dataclasses import astuple
from fractions import Fraction
from math import ceil, inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from uploads.content.limits import VideoLimits, check_count
from uploads.content.video import edits, headers
from uploads.content.video.info import VideoInfo, check_size
from uploads.content.video.masked_file import Veil
from uploads.content.video.prescan import CODECS, prescan
from uploads.errors import UploadError

with contextlib.suppress(ModuleNotFoundError):
    import av

    from uploads.content.video.poster import make_poster, shown_size
    from uploads.content.video.sound import Beginning, Converter, beginning
    from uploads.content.video.streams import Plan, codec, plan

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer, OutputContainer

_DEMUXER: Final = {"mp4": "mov", "webm": "matroska"}
_OPEN: Final = {
    "mp4": {"protocol_whitelist": "none", "enable_drefs": "0", "use_absolute_path": "0"},
    "webm": {"protocol_whitelist": "none"},
}
# The index goes to the front, so that playing begins with the first bytes; no name or version of a program is written.
# What is "unofficial" is Dolby's and Google's: how HDR and round pictures are to be shown.
_WRITE: Final = {
    "mp4": {"fflags": "+bitexact", "movflags": "+faststart", "strict": "unofficial"},
    "webm": {"fflags": "+bitexact"},
}
_BUFFER: Final = 1 << 18  # bytes that the demuxer reads at a time
_LONG: Final = 0.05  # seconds that the last picture may last beyond what an edit list shows: its clock is coarse
_LATE: Final = 1.0  # seconds: a recording that begins later than that is moved to the start
_LANGUAGE: Final = re.compile(r"[a-z]{3}")
_DEFAULT: Final = 1  # the disposition of what a player begins with
_DOLBY: Final = ("dvh1", "dvhe")  # pictures that are wrong where Dolby Vision isn't known


def remux(arguments: dict[str, Any]) -> dict[str, Any]:
    """Make the video and its poster; what of `processing.Video` can be told here."""
    av.logging.set_level(None)
    kind, target, limits = arguments["kind"], arguments["target"], VideoLimits(**arguments["limits"])
    with open(arguments["source"], "rb") as file:
        info, veil = prescan(file, kind, limits)
        with _about_the_file():
            made = _copy(veil, info, target, limits)
    with _about_the_file(), av.open(target, format=_DEMUXER[made["container"]]) as film:
        duration = _end(film, made["container"]) / 1_000_000
        if duration > limits.max_seconds:
            raise UploadError("too_long")
        shape = make_poster(film, Path(arguments["poster"]), limits)
    return made | {
        "width": shape.width,
        "height": shape.height,
        "rotation": shape.turn.rotation,
        "is_mirrored": shape.turn.is_mirrored,
        "duration": duration,
    }


def _end(film: InputContainer, container: str) -> int:
    """When a film ends, in microseconds, as players count: FFmpeg begins an MP4 with its first picture or sound."""
    return (film.duration or 0) + ((film.start_time or 0) if container == "mp4" else 0)


@contextlib.contextmanager
def _about_the_file() -> Iterator[None]:
    """What FFmpeg raises is about the file that it reads, unless the disk is full or the child over its limits."""
    try:
        yield
    except av.FFmpegError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise OSError(error.errno, "writing the video failed") from error
        raise UploadError("bad_content") from error
    except (ValueError, OverflowError) as error:  # PyAV's own checks
        raise UploadError("bad_content") from error


# Copying


def _copy(veil: Veil, info: VideoInfo, target: str, limits: VideoLimits) -> dict[str, Any]:
    """Every packet of the pictures and the sound that are to be had; their codecs, and what is missing."""
    container = info.kind if info.codec in CODECS[info.kind] else "mp4"  # H.264 in WebM is what Chrome records
    with _opened(veil, info, limits) as source:
        planned = plan(source, container, info, lambda stream: _heard(veil, info, limits, stream.index))
        pictures = planned.pictures
        check_size(pictures.width, pictures.height, limits)
        shown = shown_size(pictures.width, pictures.height, pictures.sample_aspect_ratio)
        is_square = shown == (pictures.width, pictures.height)
        with av.open(target, "w", format=container, container_options=_WRITE[container]) as made:
            copying = _Copy(source, made, container, planned, info, limits, _edited(veil, info, limits, pictures.index))
            if not is_square and container == "webm":
                copying.pictures.metadata["title"] = headers.PLACEHOLDER
            copying.run()
            names = [codec(pictures), made.streams.audio[0].codec_context.codec.canonical_name if planned.sound else ""]
    if not is_square:
        headers.show_at(Path(target), container, *shown)
    if copying.is_cut:
        headers.end_at(Path(target), copying.shown)
    return {
        "container": container,
        "video_codec": names[0],
        "audio_codec": names[1],
        "warnings": [astuple(warning) for warning in planned.warnings],
    }


def _opened(veil: Veil, info: VideoInfo, limits: VideoLimits, **more: str) -> InputContainer:
    veil.seek(0)
    options = _OPEN[info.kind] | {"max_streams": str(limits.max_tracks), **more}
    return av.open(veil, "r", format=_DEMUXER[info.kind], container_options=options, buffer_size=_BUFFER)


def _heard(veil: Veil, info: VideoInfo, limits: VideoLimits, number: int) -> Beginning | None:
    """Of a file that is opened anew: not every one can be gone back in."""
    at = veil.tell()
    with _opened(veil, info, limits) as source:
        heard = beginning(source, source.streams[number])
    veil.seek(at)
    return heard


def _edited(veil: Veil, info: VideoInfo, limits: VideoLimits, number: int) -> _Edited | None:
    """The times of the pictures if some of those in the file aren't shown."""
    if not _is_listed(info):
        return None
    at = veil.tell()
    with _opened(veil, info, limits) as source:
        stream: Any = source.streams[number]
        found = edits.Pictures()
        places = array("q")
        if any(entry.is_discard for entry in stream.index_entries):
            for packet in _packets(source, [stream], limits):
                found.add(
                    _shown_at(packet), packet.duration or 0, is_key=packet.is_keyframe, is_hidden=packet.is_discard
                )
                places.append(packet.pos or 0)
        factor = edits.finer(round(1 / stream.time_base))
        base = stream.time_base / factor
        listed = dict(enumerate(info.edits)).get(source.streams.video.index(stream), ())
    if places and len(listed) > 1:
        with _opened(veil, info, limits, ignore_editlist="1") as source:
            by_place = {packet.pos: _shown_at(packet) for packet in _packets(source, [source.streams[number]], limits)}
        edits.put_in_place(found, [by_place.get(place) for place in places], listed)
    veil.seek(at)
    return _Edited(base, iter(edits.retimed(found, factor))) if found.shown else None


def _shown_at(packet: Packet[Any]) -> int:
    shown = packet.dts if packet.pts is None else packet.pts
    assert shown is not None
    return shown


def _is_listed(info: VideoInfo) -> bool:
    """Whether a table in front lists all packets, and what an edit list makes of them."""
    return info.kind == "mp4" and not info.is_fragmented


class _Edited(NamedTuple):
    """What becomes of the times of pictures, each in its turn, in units of `base` seconds."""

    base: Fraction
    times: Iterator[edits.Times | None]

    def retime(self, packet: Packet[Any]) -> bool:
        """False for a picture that is left out."""
        times = next(self.times, None)
        if times is not None:
            packet.time_base = self.base
            packet.pts, packet.dts, packet.duration = times
        return times is not None


def _packets(source: InputContainer, streams: list[Any], limits: VideoLimits) -> Iterator[Packet[Any]]:
    count = 0
    for packet in source.demux(*streams):
        if packet.dts is None and packet.pts is None:  # the end of a stream
            continue
        if packet.is_corrupt:  # half of it, where a recording ends
            continue
        check_count(count := count + 1, limits.max_samples, "too_complex")
        yield packet


class _Copy:
    """One pass over `source`. Times and counts are measured; what the headers say of them is never believed."""

    def __init__(
        self,
        source: InputContainer,
        made: OutputContainer,
        container: str,
        planned: Plan,
        info: VideoInfo,
        limits: VideoLimits,
        edited: _Edited | None,
    ) -> None:
        self._source = source
        self._made = made
        self._planned = planned
        self._limits = limits
        self._edited = edited
        self._ahead = 0.0 if edited else info.ahead
        self.pictures = self._copied(planned.pictures)
        self._sound: Any = None
        self._converter: Converter | None = None
        if planned.beginning is not None:
            self._converter = Converter(
                made, container, planned.sound, planned.beginning.frame, info.converted, limits.max_seconds
            )
            self._sound = self._converter.made
        elif planned.sound is not None:
            self._sound = self._copied(planned.sound)
        if self._sound is not None:
            _keep_said(planned.sound, self._sound)
        self._left = {stream.index: _shown(stream) if _is_listed(info) else None for stream in planned.streams}
        self._last: dict[int, int] = {}
        self._steps: deque[int] = deque(maxlen=5)  # between the latest pictures
        self._is_heard = False
        self._lasting = self._left_of = 0.0  # seconds, of all pictures and of those that an edit list leaves
        self._listed_end = _listed_end(source, planned.pictures, info)
        start = (source.start_time or 0) / 1_000_000
        self._start = start if start > _LATE else 0.0

    def _copied(self, stream: Any) -> Any:
        copy: Any = self._made.add_stream_from_template(stream, opaque=True)
        copy.metadata.clear()
        _keep_said(stream, copy)
        context = stream.codec_context
        if stream.type == "video":
            if stream.sample_aspect_ratio:
                copy.codec_context.sample_aspect_ratio = stream.sample_aspect_ratio
            if self._edited is not None:
                copy.time_base = self._edited.base
            if self._made.format.name == "mp4" and codec(stream) == "hevc" and context.codec_tag not in _DOLBY:
                copy.codec_context.codec_tag = "hvc1"  # the only name by which Apple's players take it
        return copy

    def run(self) -> None:
        frames = 0
        pictures = self._planned.pictures
        for packet in _packets(self._source, self._planned.streams, self._limits):
            if not self._is_wanted(packet.stream_index):
                continue
            if packet.stream_index == pictures.index:
                frames += 1
                self._look(packet)
                if self._edited is None or self._edited.retime(packet):
                    self._mux(packet, self.pictures)
            elif self._converter is not None:
                self._mux_all(self._converter.take(packet))
            elif not packet.is_discard or not self._is_heard:  # what is cut out is needed by a decoder at the beginning
                self._is_heard |= not packet.is_discard
                self._mux(packet, self._sound)
        if self._converter is not None:
            self._mux_all(self._converter.end())
        if not frames or self._left[pictures.index]:
            raise UploadError("bad_content")

    def _is_wanted(self, number: int) -> bool:
        """Counts the packets of stream `number`, as far as they are listed."""
        left = self._left[number]
        if left:
            self._left[number] = left - 1
        return left is None or left > 0

    def _mux_all(self, made: Iterator[Packet[Any]]) -> None:
        for packet in made:
            self._mux(packet, self._sound)

    @property
    def is_cut(self) -> bool:
        """Whether pictures come last that are there for others alone, or one that lasts longer than it is shown."""
        return self._made.format.name == "mp4" and self.shown < self._lasting

    @property
    def shown(self) -> float:
        """When the last picture that is shown ends, in seconds."""
        is_long = self._left_of > self._listed_end + _LONG
        return self._listed_end if is_long else self._left_of

    def _look(self, packet: Packet[Any]) -> None:
        """A VP8 key frame says its size itself, whatever the container says."""
        if self._planned.pictures.codec_context.name == "vp8" and packet.is_keyframe and packet.size >= 10:
            width, height = struct.unpack_from("<HH", memoryview(packet), 6)
            check_size(width & 0x3FFF, height & 0x3FFF, self._limits)

    def _mux(self, packet: Packet[Any], stream: Any) -> None:
        base = packet.time_base
        shift = round(self._start / base) if self._start else 0
        ahead = ceil(self._ahead / base) if stream is self.pictures else 0
        dts, pts = packet.dts, packet.pts
        if dts is not None and stream is self.pictures:
            self._give_time(packet, dts - shift - ahead)
        if dts is not None:
            # Players need no times of decoding. Muxers want them to rise, and none behind its picture's.
            last = self._last.get(stream.index)
            dts = dts - shift - ahead if last is None else max(dts - shift - ahead, last + 1)
            self._last[stream.index] = dts
            packet.dts = dts
        if pts is not None:
            packet.pts = pts - shift if dts is None else max(pts - shift, dts)
        latest = float((max(packet.pts or 0, packet.dts or 0) + (packet.duration or 0)) * base)
        if latest > self._limits.max_seconds:
            raise UploadError("too_long")
        if stream is self.pictures:
            self._lasting = max(self._lasting, latest)
            if not packet.is_discard:
                self._left_of = max(self._left_of, latest)
        packet.stream = stream
        self._made.mux_one(packet)

    def _give_time(self, packet: Packet[Any], dts: int) -> None:
        """A WebM doesn't say how long a picture lasts, nor do some fragments: the last one would take no time."""
        last = self._last.get(self.pictures.index)
        if last is not None and dts > last:
            self._steps.append(dts - last)
        if not packet.duration and self._steps:
            packet.duration = min(self._steps)  # one of them may be long


def _listed_end(source: InputContainer, stream: Any, info: VideoInfo) -> float:
    """When the last stretch of an edit list ends, in seconds; never without a list."""
    listed = dict(enumerate(info.edits)).get(source.streams.video.index(stream), ()) if _is_listed(info) else ()
    return max((float((edit.begin + edit.lasting) * stream.time_base) for edit in listed), default=inf)


def _shown(stream: Any) -> int:
    """How many packets of a stream there are until an edit list cuts off the rest."""
    entries = stream.index_entries
    count = len(entries)
    while count and entries[count - 1].is_discard:
        count -= 1
    return count


def _keep_said(stream: Any, copy: Any) -> None:
    """What a track says of itself that a player goes by; all else is left out."""
    copy.disposition = _DEFAULT
    if _LANGUAGE.fullmatch(language := stream.metadata.get("language", "")):
        copy.metadata["language"] = language
    if stream.metadata.get("alpha_mode") == "1":
        copy.metadata["alpha_mode"] = "1"
