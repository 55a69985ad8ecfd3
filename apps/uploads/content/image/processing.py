"""Re-encode a visitor's picture: upright, without metadata, in the requested sizes."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from uploads.content.image.prescan import prescan
from uploads.content.limits import ChildLimits, ImageLimits
from uploads.content.sandbox.pool import SANDBOX, Sandbox
from uploads.core.sniffing import FILE_TYPES
from uploads.errors import UploadError

PIXELS: Final = 25_000_000  # that are decoded and encoded again in a second

Format = Literal["same", "jpeg", "png", "gif", "webp"]

_MIME: Final = {file_type.key: file_type.mime for file_type in FILE_TYPES}


@dataclass(frozen=True, slots=True)
class Rendition:
    """A picture to make: at most `max_side` pixels on its longer side, never larger than the source.

    `frames` is how many frames of an animation to keep; 1 makes a still. `square` cuts the middle out first. "same" is
    the source's own format. A file that is already at `path` is replaced.
    """

    path: Path
    max_side: int
    frames: int = 1
    square: bool = False
    format: Format = "same"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A picture that was made: `size` in bytes, the sides in pixels."""

    path: Path
    width: int
    height: int
    mime: str
    size: int
    frames: int


def process_image(
    source: Path,
    kind: str,
    renditions: Sequence[Rendition],
    limits: ImageLimits | None = None,
    child: ChildLimits | None = None,
    *,
    sandbox: Sandbox = SANDBOX,
) -> list[Rendered]:
    """Check, decode and re-encode the picture at `source`, of the sniffed type `kind`, in a child process.

    Blocks until it's done: for worker threads. Raises `UploadError` ("bad_content", "too_many_pixels",
    "too_many_frames", "too_complex", "storage_full"); no rendition is left behind then.
    """
    limits = limits or ImageLimits()
    seconds = _expected(source, kind, limits, max((rendition.frames for rendition in renditions), default=1))
    arguments = {
        "source": str(source.absolute()),
        "kind": kind,
        "renditions": [asdict(rendition) | {"path": str(rendition.path.absolute())} for rendition in renditions],
        "limits": asdict(limits),
    }
    try:
        made = sandbox.run(
            "image",
            arguments,
            child or ChildLimits(),
            seconds=seconds,
            reads=[source.absolute()],
            writes=[rendition.path.absolute() for rendition in renditions],
        )
        return [_rendered(kind, *pair) for pair in _paired(renditions, made)]
    except BaseException:
        for rendition in renditions:
            rendition.path.unlink(missing_ok=True)
        raise


def _expected(source: Path, kind: str, limits: ImageLimits, keep: int) -> float:
    """Seconds. Raises `UploadError` for what the child would refuse at once: nobody waits for a turn for that."""
    try:
        with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            info = prescan(data, kind, limits, keep)
    except (OSError, ValueError):  # it is gone, or empty: the child will say so
        return 0.0
    return info.width * info.height * min(info.frames, keep) / PIXELS


def _paired(renditions: Sequence[Rendition], made: Any) -> list[tuple[Rendition, list[int]]]:
    """The child has read hostile bytes: its answer must be plausible for what was requested."""
    if isinstance(made, list) and len(made) == len(renditions):
        pairs = list(zip(renditions, made, strict=True))
        if all(_plausible(rendition, numbers) for rendition, numbers in pairs):
            return pairs
    raise UploadError("bad_content")


def _plausible(rendition: Rendition, numbers: Any) -> bool:
    if not (isinstance(numbers, list) and len(numbers) == 3 and all(type(number) is int for number in numbers)):
        return False
    width, height, frames = numbers
    sides = range(1, rendition.max_side + 1)
    return width in sides and height in sides and frames in range(1, rendition.frames + 1) and rendition.path.is_file()


def _rendered(kind: str, rendition: Rendition, numbers: list[int]) -> Rendered:
    width, height, frames = numbers
    mime = _MIME[kind if rendition.format == "same" else rendition.format]
    return Rendered(rendition.path, width, height, mime, rendition.path.stat().st_size, frames)
