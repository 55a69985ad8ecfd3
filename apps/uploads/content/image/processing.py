"""Re-encode a visitor's picture: upright, without metadata, in the requested sizes."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Sequence
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

LONG: Final = 0.5  # seconds of work from which one picture is worth showing before the others
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
    first_made: Callable[[Rendered], object] | None = None,
    sandbox: Sandbox = SANDBOX,
) -> list[Rendered]:
    """Check, decode and re-encode the picture at `source`, of the sniffed type `kind`, in a child process.

    Blocks until it's done: for worker threads. Without `child`, the child's limits follow what it has to do. Raises
    `UploadError` ("bad_content", "bad_ext", "too_many_pixels", "too_many_frames", "too_much_work", "too_complex",
    "storage_full", "busy"); no rendition is left behind then.

    first_made: called in this thread with the smallest still once that is written, while the others are being made, if
        all of them are expected to take long (`LONG`). It can be shown already, but a failure may follow, and its file
        must stay where it is: copy it.
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
    tell = _once(first_made, kind, info, renditions) if first_made and seconds > LONG else None
    try:
        made = sandbox.run(
            "image",
            arguments,
            replace(child or work.child_limits(seconds), threads=kind == "heic"),
            seconds=seconds,
            reads=[source.absolute()],
            writes=[rendition.path.absolute() for rendition in renditions],
            told=tell,
        )
        return [_rendered(kind, info, *pair) for pair in _paired(renditions, made)]
    except BaseException:
        for rendition in renditions:
            rendition.path.unlink(missing_ok=True)
        raise


def _once(
    tell: Callable[[Rendered], object], kind: str, info: ImageInfo | None, renditions: Sequence[Rendition]
) -> Callable[[Any], None]:
    """Passes on the first that a child tells of, if that is plausible and not the last to be made."""
    said = list[Any]()

    def told(numbers: Any) -> None:
        said.append(numbers)
        if len(said) > 1 or len(renditions) == 1:
            return
        if not (isinstance(numbers, list) and numbers and numbers[0] in range(len(renditions))):
            raise UploadError("bad_content")
        rendition = renditions[int(numbers[0])]
        if not _plausible(rendition, numbers[1:]):
            raise UploadError("bad_content")
        tell(_rendered(kind, info, rendition, numbers[1:]))

    return told


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
