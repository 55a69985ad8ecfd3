"""Remux a visitor's video: the same pictures and sound in a new container, without metadata, and a poster beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from uploads.content.limits import ChildLimits, VideoLimits
from uploads.content.sandbox.pool import SANDBOX, Sandbox
from uploads.content.video.prescan import CODECS, SOUNDS, prescan
from uploads.content.warnings import MediaWarning
from uploads.core.sniffing import FILE_TYPES
from uploads.errors import UploadError

BYTES: Final = 20_000_000  # that are copied in a second, on a slow disk
CONVERTED: Final = 50.0  # seconds of sound that are converted in a second

_MIME: Final = {file_type.key: file_type.mime for file_type in FILE_TYPES}


@dataclass(frozen=True, slots=True)
class Video:
    """A video that was made. `width` and `height` in pixels as it is shown: square ones, after turning it.

    A player mirrors it from left to right if `is_mirrored`, then turns it by `rotation` degrees, counter-clockwise;
    both are kept in the file, and the poster is upright already. `duration` is measured, in seconds; `size` is bytes.
    `audio_codec` is empty for a silent one. `warnings` say what of the visitor's isn't in it.
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
    is_mirrored: bool = False
    warnings: tuple[MediaWarning, ...] = ()


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

    What it makes are `target`, a film that browsers play (`container` says of which kind), and `poster`, a WebP of one
    frame. Blocks until it's done: for worker threads. Without `child`, the child's limits follow the file. Raises
    `UploadError`
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
        size, converted = source.stat().st_size, _converted(source, kind, limits)
        made = sandbox.run(
            "video",
            arguments,
            child or child_limits(size, converted),
            seconds=1 + size / BYTES + converted / CONVERTED,
            reads=[source.absolute()],
            writes=[target.absolute(), poster.absolute()],
        )
        return _video(made, target, poster, limits)
    except BaseException:
        target.unlink(missing_ok=True)
        poster.unlink(missing_ok=True)
        raise


def _converted(source: Path, kind: str, limits: VideoLimits) -> float:
    """How many seconds of sound a child may have to convert."""
    try:
        with source.open("rb") as file:
            return prescan(file, kind, limits)[0].converted
    except (OSError, UploadError):  # it will say so
        return 0.0


def child_limits(size: int, converted: float = 0.0) -> ChildLimits:
    """Enough for a slow disk, and for a remuxed file with its index written twice; `size` in bytes.

    The longest film within `VideoLimits` has three million packets, which take 20 seconds of a good processor. Each
    second of sound that is `converted` takes another 0.02 to 0.04.
    """
    return ChildLimits(
        cpu_seconds=60 + size // 10_000_000 + round(converted / 10),
        wall_seconds=180 + size / 4_000_000 + converted / 4,
        file_bytes=size + size // 4 + (32 << 20),
    )


def _video(made: Any, target: Path, poster: Path, limits: VideoLimits) -> Video:
    """The child has read hostile bytes: its answer must be plausible."""
    match made:
        case {
            "width": int(width),
            "height": int(height),
            "duration": float(duration),
            "container": "mp4" | "webm" as container,
            "video_codec": str(codec),
            "audio_codec": str(sound),
            "rotation": int(rotation),
            "is_mirrored": bool(is_mirrored),
            "warnings": list(told),
        } if (
            0 < width <= limits.max_side
            and 0 < height <= limits.max_side
            and 0 <= duration <= limits.max_seconds
            and codec in CODECS[container]
            and sound in {*SOUNDS[container], ""}
            and rotation in (0, 90, -90, 180)
            and target.is_file()
            and poster.is_file()
        ):
            size, mime = target.stat().st_size, _MIME[container]
            video = Video(width, height, duration, container, codec, sound, mime, size, rotation, is_mirrored)
            return replace(video, warnings=tuple(map(_warning, told)))
    raise UploadError("bad_content")


def _warning(told: Any) -> MediaWarning:
    match told:
        case [str(code), str(detail)] if (warning := MediaWarning(code, detail)).is_plausible:
            return warning
    raise UploadError("bad_content")
