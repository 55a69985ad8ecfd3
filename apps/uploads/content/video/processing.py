"""Remux a visitor's video: the same pictures and sound in a new container, without metadata, and a poster beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from uploads.content.limits import ChildLimits, VideoLimits
from uploads.content.sandbox.pool import SANDBOX, Sandbox
from uploads.content.video.prescan import CODECS, SOUNDS, prescan
from uploads.core.sniffing import FILE_TYPES
from uploads.errors import UploadError

BYTES: Final = 20_000_000  # that are copied in a second, on a slow disk

_MIME: Final = {file_type.key: file_type.mime for file_type in FILE_TYPES}


@dataclass(frozen=True, slots=True)
class Video:
    """A video that was made. `width` and `height` in pixels as it is shown, that is after turning it by `rotation`.

    `rotation` is in degrees, counter-clockwise, and kept in the file for the player; the poster is upright already.
    `duration` is measured, in seconds; `size` is bytes. `audio_codec` is empty for a silent one.
    """

    width: int
    height: int
    duration: float
    container: str
    video_codec: str
    audio_codec: str
    mime: str
    size: int
    rotation: int


def prescan_video(source: Path, kind: str, limits: VideoLimits | None = None) -> None:
    """The cheap checks: reads the structure of the file at `source`, of the sniffed type `kind`, and decodes nothing.

    Takes milliseconds for an honest file of any size, and little memory. Raises `UploadError`, as `process_video` does.
    """
    with source.open("rb") as file:
        prescan(file, kind, limits or VideoLimits())


def process_video(
    source: Path,
    kind: str,
    target: Path,
    poster: Path,
    limits: VideoLimits | None = None,
    child: ChildLimits | None = None,
    *,
    sandbox: Sandbox = SANDBOX,
) -> Video:
    """Check and remux the video at `source`, of the sniffed type `kind` ("mp4" or "webm"), in a child process.

    What it makes are `target`, a file of the same kind, and `poster`, a WebP of one frame. Blocks until it's done: for
    worker threads. Without `child`, the child's limits follow the size of the file. Raises `UploadError`
    ("bad_content", "no_video", "unsupported_codec", "too_many_pixels", "too_long", "too_complex", "storage_full");
    nothing is left behind then.
    """
    limits = limits or VideoLimits()
    arguments = {
        "source": str(source.absolute()),
        "kind": kind,
        "target": str(target.absolute()),
        "poster": str(poster.absolute()),
        "limits": asdict(limits),
    }
    try:
        size = source.stat().st_size
        made = sandbox.run(
            "video",
            arguments,
            child or child_limits(size),
            seconds=1 + size / BYTES,
            reads=[source.absolute()],
            writes=[target.absolute(), poster.absolute()],
        )
        return _video(made, kind, target, poster, limits)
    except BaseException:
        target.unlink(missing_ok=True)
        poster.unlink(missing_ok=True)
        raise


def child_limits(size: int) -> ChildLimits:
    """Enough for a slow disk, and for a remuxed file with its index written twice; `size` in bytes."""
    return ChildLimits(
        cpu_seconds=20 + size // 10_000_000,
        wall_seconds=60 + size / 4_000_000,
        file_bytes=size + size // 4 + (32 << 20),
    )


def _video(made: Any, kind: str, target: Path, poster: Path, limits: VideoLimits) -> Video:
    """The child has read hostile bytes: its answer must be plausible."""
    match made:
        case [int(width), int(height), float(duration), str(codec), str(sound), int(rotation)] if (
            0 < width <= limits.max_side
            and 0 < height <= limits.max_side
            and 0 <= duration <= limits.max_seconds
            and codec in CODECS[kind]
            and sound in {*SOUNDS[kind], ""}
            and -180 <= rotation <= 180
            and target.is_file()
            and poster.is_file()
        ):
            size = target.stat().st_size
            return Video(width, height, duration, kind, codec, sound, _MIME[kind], size, rotation)
    raise UploadError("bad_content")
