"""The child's side of `processing.py`: the only module that hands a visitor's bytes to FFmpeg.

PyAV may not be there, so that a project without it can still use pictures. Where it is, the zygote has it imported once
for all of its children.
"""

from __future__ import annotations

import contextlib
import errno
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PIL import Image, WebPImagePlugin
from PIL.Image import Transpose

from uploads.content.limits import VideoLimits, check_count
from uploads.content.video.info import VideoInfo, check_size
from uploads.content.video.masked_file import Veil
from uploads.content.video.prescan import CODECS, SOUNDS, prescan
from uploads.errors import UploadError

with contextlib.suppress(ModuleNotFoundError):
    import av

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer

_DEMUXER: Final = {"mp4": "mov", "webm": "matroska"}
_OPEN: Final = {
    "mp4": {"protocol_whitelist": "none", "enable_drefs": "0", "use_absolute_path": "0"},
    "webm": {"protocol_whitelist": "none"},
}
# The index goes to the front, so that playing begins with the first bytes; no name or version of a program is written.
_WRITE: Final = {"mp4": {"fflags": "+bitexact", "movflags": "+faststart"}, "webm": {"fflags": "+bitexact"}}
_BUFFER: Final = 1 << 18  # bytes that the demuxer reads at a time
_POSTER_AT: Final = 1.0  # seconds: many videos begin in black
_POSTER_PACKETS: Final = 300  # that may go into a decoder before its first frame comes out
_LATE: Final = 1.0  # seconds: a recording that begins later than that is moved to the start
_UPRIGHT: Final = {90: Transpose.ROTATE_90, -90: Transpose.ROTATE_270, 180: Transpose.ROTATE_180}


def remux(arguments: dict[str, Any]) -> list[Any]:
    """Make the video and its poster: `[width, height, duration, video codec, audio codec, rotation]`."""
    import av

    av.logging.set_level(None)
    kind, limits = arguments["kind"], VideoLimits(**arguments["limits"])
    with open(arguments["source"], "rb") as file:
        info, veil = prescan(file, kind, limits)
        with _about_the_file():
            codec, sound = _copy(veil, info, arguments["target"], limits)
    with _about_the_file(), av.open(arguments["target"], format=_DEMUXER[kind]) as made:
        duration = (made.duration or 0) / 1_000_000
        if duration > limits.max_seconds:
            raise UploadError("too_long")
        width, height, rotation = _poster(made, Path(arguments["poster"]), limits)
    return [width, height, duration, codec, sound, rotation]


@contextlib.contextmanager
def _about_the_file() -> Iterator[None]:
    """What FFmpeg raises is about the file that it reads, unless the disk is full or the child over its limits."""
    import av

    try:
        yield
    except av.FFmpegError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise OSError(error.errno, "writing the video failed") from error
        raise UploadError("bad_content") from error
    except (ValueError, OverflowError) as error:  # PyAV's own checks
        raise UploadError("bad_content") from error


# Copying


def _copy(veil: Veil, info: VideoInfo, target: str, limits: VideoLimits) -> tuple[str, str]:
    """Every packet of the first pictures and the first sound that browsers know; the names of both codecs."""
    import av

    options = _OPEN[info.kind] | {"max_streams": str(limits.max_tracks)}
    with (
        av.open(veil, "r", format=_DEMUXER[info.kind], container_options=options, buffer_size=_BUFFER) as source,
        av.open(target, "w", format=info.kind, container_options=_WRITE[info.kind]) as made,
    ):
        streams = _chosen(source, info.kind)
        check_size(streams[0].width, streams[0].height, limits)
        _Copy(source, made, streams, info, limits).run()
        names = [stream.codec_context.codec.canonical_name for stream in streams]
        return names[0], names[1] if len(names) > 1 else ""


def _chosen(source: InputContainer, kind: str) -> list[Any]:
    if not source.streams:
        raise UploadError("bad_content")
    if not source.streams.video:
        raise UploadError("no_video")
    pictures = [stream for stream in source.streams.video if _codec(stream) in CODECS[kind]]
    sounds = [stream for stream in source.streams.audio if _codec(stream) in SOUNDS[kind]]
    if not pictures:
        raise UploadError("unsupported_codec")
    return [*pictures[:1], *sounds[:1]]


def _codec(stream: Any) -> str:
    context = stream.codec_context
    return context.codec.canonical_name if context is not None else ""


class _Copy:
    def __init__(
        self, source: InputContainer, made: OutputContainer, streams: list[Any], info: VideoInfo, limits: VideoLimits
    ) -> None:
        self._source = source
        self._made = made
        self._streams = streams
        self._limits = limits
        self._is_whole = not info.is_edited
        self._pairs: dict[int, Any] = {}
        for stream in streams:
            copy = made.add_stream_from_template(stream, opaque=True)
            copy.metadata.clear()
            if info.kind == "mp4" and _codec(stream) == "hevc":
                copy.codec_context.codec_tag = "hvc1"  # the only name by which Apple's players take it
            self._pairs[stream.index] = copy
        start = (source.start_time or 0) / 1_000_000
        self._start = start if start > _LATE else 0.0

    def run(self) -> None:
        """Times and counts are measured while copying; what the headers say of them is never believed."""
        packets = frames = 0
        pictures = self._streams[0]
        for packet in self._source.demux(*self._streams):
            if packet.dts is None and packet.pts is None:  # the end of a stream
                continue
            check_count(packets := packets + 1, self._limits.max_samples, "too_complex")
            if packet.stream_index == pictures.index:
                frames += 1
                self._look(packet)
            self._mux(packet)
        if not frames or self._is_whole and frames < pictures.frames:
            raise UploadError("bad_content")

    def _look(self, packet: av.Packet[Any]) -> None:
        """A VP8 key frame says its size itself, whatever the container says."""
        if self._streams[0].codec_context.name == "vp8" and packet.is_keyframe and packet.size >= 10:
            width, height = struct.unpack_from("<HH", memoryview(packet), 6)
            check_size(width & 0x3FFF, height & 0x3FFF, self._limits)

    def _mux(self, packet: av.Packet[Any]) -> None:
        base = packet.time_base
        shift = round(self._start / base) if self._start else 0
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        latest = max(packet.pts or 0, packet.dts or 0) + (packet.duration or 0)
        if float(latest * base) > self._limits.max_seconds:
            raise UploadError("too_long")
        packet.stream = self._pairs[packet.stream_index]
        self._made.mux_one(packet)


# The poster


def _poster(made: InputContainer, path: Path, limits: VideoLimits) -> tuple[int, int, int]:
    """One frame is decoded, of the file that we wrote; its size and rotation are those of the video."""
    frame = _frame(made, _POSTER_AT) or _frame(made, 0.0)
    if frame is None:
        raise UploadError("bad_content")
    check_size(frame.width, frame.height, limits)
    scale = min(1.0, limits.poster_side / max(frame.width, frame.height))
    size = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    picture: Image.Image = frame.reformat(*size, format="rgb24", threads=1).to_image()
    rotation = 180 if round(frame.rotation) == -180 else round(frame.rotation)
    if (turn := _UPRIGHT.get(rotation)) is not None:
        picture = picture.transpose(turn)
    picture.info = {}
    with path.open("wb") as file:
        picture.save(file, WebPImagePlugin.WebPImageFile.format, quality=80)
    sides = frame.width, frame.height
    width, height = sides[::-1] if abs(rotation) == 90 else sides
    return width, height, rotation


def _frame(made: InputContainer, at: float) -> Any:
    """The first frame that comes out of the decoder from the key frame at or behind `at` seconds on."""
    stream = made.streams.video[0]
    stream.thread_type = "NONE"
    stream.codec_context.thread_count = 1  # a child may start no threads
    try:
        made.seek(round(at * 1_000_000), backward=not at)
    except OSError:  # there is no key frame so late
        return None
    for number, packet in enumerate(made.demux(stream)):
        frames = packet.decode()
        if frames:
            return frames[0]
        if number >= _POSTER_PACKETS:
            break
    return None
