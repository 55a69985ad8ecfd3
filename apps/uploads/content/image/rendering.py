"""The child's side of `processing.py`: the only module that hands a visitor's picture to a decoder."""

from __future__ import annotations

import contextlib
import io
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from PIL import GifImagePlugin, Image, ImageCms, JpegImagePlugin, PngImagePlugin, WebPImagePlugin
from PIL.Image import Resampling, Transpose

from uploads.content.image import animation
from uploads.content.image.info import ImageInfo
from uploads.content.image.prescan import prescan
from uploads.content.image.processing import Rendition
from uploads.content.limits import ImageLimits
from uploads.errors import UploadError

# Importing a plugin registers it: a child that has to search for its decoder would import all of them.
_PILLOW: Final = {
    "gif": GifImagePlugin.GifImageFile.format,
    "jpeg": JpegImagePlugin.JpegImageFile.format,
    "png": PngImagePlugin.PngImageFile.format,
    "webp": WebPImagePlugin.WebPImageFile.format,
}
_UPRIGHT: Final = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_ORIENTATION: Final = 0x0112
_SRGB: Final = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_LARGE: Final = 8_000_000  # pixels from which an encoder's last per cent isn't worth the time
_WEBP_SIDE: Final = 16_383


@dataclass(frozen=True, slots=True)
class _Source:
    file: IO[bytes]
    info: ImageInfo

    def open(self) -> Image.Image:
        self.file.seek(0)
        return Image.open(self.file, formats=[_PILLOW[self.info.kind] or ""])


def render(arguments: dict[str, Any]) -> list[list[int]]:
    """Make every rendition; `[width, height, frames]` of each, in their order."""
    kind, limits = arguments["kind"], ImageLimits(**arguments["limits"])
    renditions = [Rendition(**each | {"path": Path(each["path"])}) for each in arguments["renditions"]]
    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    with open(arguments["source"], "rb") as file:
        source = _Source(file, _scan(file, kind, limits, max(rendition.frames for rendition in renditions)))
        # Stills first: an animation needs the memory that the first frame occupies.
        made = _stills(source, renditions) | _animations(source, renditions)
    return [made[rendition.path] for rendition in renditions]


def _scan(file: IO[bytes], kind: str, limits: ImageLimits, keep: int) -> ImageInfo:
    try:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:  # an empty file
        raise UploadError("bad_content") from None
    with data:
        return prescan(data, kind, limits, keep)


def _stills(source: _Source, renditions: list[Rendition]) -> dict[Path, list[int]]:
    """The first frame is decoded once for all renditions, and always: no file is accepted undecoded."""
    with _about_the_file():
        frame, turn, profile = _first_frame(source, max(rendition.max_side for rendition in renditions))
        frame = _turned(frame, turn)
    made = {}
    for rendition in renditions:
        if not _moves(source, rendition):
            shown = _srgb(_fitted(frame, rendition, source.info.kind), profile)
            _save(shown, rendition, source.info.kind)
            made[rendition.path] = [*shown.size, 1]
    return made


def _first_frame(source: _Source, side: int) -> tuple[Image.Image, Transpose | None, bytes | None]:
    """The frame without its decoder, which may hold three more of its size."""
    with source.open() as picture:
        profile = picture.info.get("icc_profile")
        if isinstance(picture, JpegImagePlugin.JpegImageFile):
            picture.draft(None, (2 * side, 2 * side))  # a JPEG can be decoded at reduced size
        frame = _decoded(picture, source.info)
        return frame._new(frame.im), _turn(picture), profile


def _animations(source: _Source, renditions: list[Rendition]) -> dict[Path, list[int]]:
    made = {}
    for rendition in renditions:
        if _moves(source, rendition):
            with _about_the_file(), source.open() as picture:
                loop = picture.info.get("loop")
            count = min(rendition.frames, source.info.frames)
            reel = animation.Reel(_frames(source, rendition, count), count)
            with rendition.path.open("wb") as file:
                size, count = animation.write(file, _format(rendition, source.info.kind), reel, loop)
            made[rendition.path] = [*size, count]
    return made


def _frames(source: _Source, rendition: Rendition, count: int) -> Iterator[animation.Frame]:
    """The animation's frames as they are shown, one at a time: together they don't fit into the child's memory."""
    with _about_the_file(), source.open() as picture:
        profile = picture.info.get("icc_profile")
        for number in range(count):
            try:
                picture.seek(number)
            except EOFError:  # fewer than the file claims
                return
            shown = _turned(_decoded(picture, source.info), _turn(picture))
            shown = _srgb(_fitted(shown, rendition, source.info.kind), profile)
            yield animation.Frame(shown, picture.info.get("duration", 0))


def _moves(source: _Source, rendition: Rendition) -> bool:
    return min(rendition.frames, source.info.frames) > 1 and _format(rendition, source.info.kind) != "jpeg"


def _format(rendition: Rendition, kind: str) -> str:
    return kind if rendition.format == "same" else rendition.format


@contextlib.contextmanager
def _about_the_file() -> Iterator[None]:
    """Whatever a decoder raises is about the file; Pillow's exceptions have no base class of their own."""
    try:
        yield
    except UploadError:
        raise
    except Exception as error:
        raise UploadError("bad_content") from error


def _decoded(picture: Image.Image, info: ImageInfo) -> Image.Image:
    """The current frame in one of the modes L, RGB, RGBA and CMYK."""
    if picture.width > info.width or picture.height > info.height:  # the decoder sees another size than the prescan
        raise UploadError("bad_content")
    picture.load()
    match picture.mode:
        case "I;16" | "I;16B" | "I" | "F":
            return picture.point(lambda value: value / 256).convert("L")
        case "1":
            return picture.convert("L")
        case "L" | "RGB" | "RGBA" | "CMYK" if "transparency" not in picture.info:
            return picture
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _turn(picture: Image.Image) -> Transpose | None:
    try:
        return _UPRIGHT.get(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # garbled metadata is dropped with the rest of it
        return None


def _turned(frame: Image.Image, turn: Transpose | None) -> Image.Image:
    return frame if turn is None else frame.transpose(turn)


def _fitted(frame: Image.Image, rendition: Rendition, kind: str) -> Image.Image:
    left = top = 0
    width, height = frame.size
    if rendition.square:
        side = min(width, height)
        left, top, width, height = (width - side) // 2, (height - side) // 2, side, side
    longest = min(rendition.max_side, _WEBP_SIDE if _format(rendition, kind) == "webp" else rendition.max_side)
    scale = min(1, longest / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size == frame.size:
        return frame
    return frame.resize(size, Resampling.LANCZOS, (left, top, left + width, top + height), reducing_gap=3.0)


def _srgb(frame: Image.Image, profile: bytes | None) -> Image.Image:
    """Converted to sRGB, which browsers assume for a picture without a profile. A bad profile is dropped."""
    if profile:
        mode = "RGBA" if frame.mode == "RGBA" else "RGB"
        with contextlib.suppress(Exception):
            given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            frame = ImageCms.profileToProfile(frame, given, _SRGB, outputMode=mode) or frame
    return frame.convert("RGB") if frame.mode == "CMYK" else frame


def _save(frame: Image.Image, rendition: Rendition, kind: str) -> None:
    target = _format(rendition, kind)
    if target == "jpeg" and frame.mode == "RGBA":
        paper = Image.new("RGB", frame.size, "white")
        paper.paste(frame, mask=frame.getchannel("A"))
        frame = paper
    frame.info = {}  # encoders would write what is in it
    with rendition.path.open("wb") as file:
        try:
            frame.save(file, _PILLOW[target], **_options(target, large=frame.width * frame.height > _LARGE))
        except ValueError as error:  # what libwebp raises when it is out of memory
            raise UploadError("bad_content") from error


def _options(target: str, *, large: bool) -> dict[str, Any]:
    match target:
        case "jpeg":
            return {"quality": 85, "progressive": not large, "optimize": not large}
        case "png":
            return {"compress_level": 2 if large else 6}
        case "webp":
            return {"quality": 82, "method": 1 if large else 4}
    return {}
