"""Re-encode a visitor's picture: upright, without metadata, in the requested sizes."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from uploads.content.image import formats, work
from uploads.content.image.info import ImageInfo
from uploads.content.image.prescan import prescan
from uploads.content.limits import ChildLimits, ImageLimits
from uploads.content.sandbox.pool import SANDBOX, Sandbox
from uploads.content.warnings import MediaWarning
from uploads.core.sniffing import FILE_TYPES
from uploads.errors import UploadError

Format = Literal["same", "jpeg", "png", "gif", "webp"]

_MIME: Final = {file_type.key: file_type.mime for file_type in FILE_TYPES}


@dataclass(frozen=True, slots=True)
class Rendition:
    """A picture to make: at most `max_side` pixels on its longer side, never larger than the source.

    `frames` is how many frames of an animation to keep; 1 makes a still. `square` cuts the middle out first. "same" is
    the source's own format, or WebP for AVIF and HEIC, which not every browser shows. A file at `path` is replaced.
    """

    path: Path
    max_side: int
    frames: int = 1
    square: bool = False
    format: Format = "same"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A picture that was made: `size` in bytes, the sides in pixels. `warnings` say what isn't in it."""

    path: Path
    width: int
    height: int
    mime: str
    size: int
    frames: int
    warnings: tuple[MediaWarning, ...] = ()


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

    Blocks until it's done: for worker threads. Without `child`, the child's limits follow what it has to do. Raises
    `UploadError` ("bad_content", "bad_ext", "too_many_pixels", "too_many_frames", "too_much_work", "too_complex",
    "storage_full", "busy"); no rendition is left behind then.
    """
    limits = limits or ImageLimits()
    formats.check(kind)
    info = _prescanned(source, kind, limits, renditions)
    seconds = work.seconds(info, renditions) if info else 0.0
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
            replace(child or work.child_limits(seconds), threads=kind == "heic"),
            seconds=seconds,
            reads=[source.absolute()],
            writes=[rendition.path.absolute() for rendition in renditions],
        )
        return [_rendered(kind, info, *pair) for pair in _paired(renditions, made)]
    except BaseException:
        for rendition in renditions:
            rendition.path.unlink(missing_ok=True)
        raise


def _prescanned(source: Path, kind: str, limits: ImageLimits, renditions: Sequence[Rendition]) -> ImageInfo | None:
    """Raises `UploadError` for what the child would refuse at once: nobody waits for a turn for that."""
    try:
        with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            info = prescan(data, kind, limits, max((rendition.frames for rendition in renditions), default=1))
    except (OSError, ValueError):  # it is gone, or empty: the child will say so
        return None
    if work.seconds(info, renditions) > limits.max_seconds:
        raise UploadError("too_much_work")
    return info


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


def _rendered(kind: str, info: ImageInfo | None, rendition: Rendition, numbers: list[int]) -> Rendered:
    width, height, frames = numbers
    mime = _MIME[formats.published(kind) if rendition.format == "same" else rendition.format]
    warnings = info.beside if info else ()
    if info and info.frames > 1 and (rendition.frames == 1 or mime == _MIME["jpeg"]):
        warnings = (MediaWarning("still"), *warnings)
    return Rendered(rendition.path, width, height, mime, rendition.path.stat().st_size, frames, warnings)
