"""The child's side of `processing.py`: the only module that hands a visitor's picture to a decoder."""

from __future__ import annotations

import contextlib
import io
import itertools
import mmap
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

from PIL import GifImagePlugin, Image, ImageChops, JpegImagePlugin, PngImagePlugin, WebPImagePlugin
from PIL.Image import Resampling, Transpose

from uploads.content.image import animation, heif, jpeg, png, webp
from uploads.content.image.colours import to_srgb
from uploads.content.image.exif import orientation
from uploads.content.image.formats import published
from uploads.content.image.info import Buffer, Colours, ImageInfo, Wrapping
from uploads.content.image.prescan import prescan
from uploads.content.image.processing import Rendition
from uploads.content.image.work import is_copied
from uploads.content.limits import ImageLimits
from uploads.errors import UploadError

# Importing a plugin registers it: a child that has to search for its decoder would import all of them.
_PILLOW: Final = {
    "gif": GifImagePlugin.GifImageFile.format,
    "jpeg": JpegImagePlugin.JpegImageFile.format,
    "png": PngImagePlugin.PngImageFile.format,
    "webp": WebPImagePlugin.WebPImageFile.format,
    "avif": "AVIF",
    "heic": "HEIF",
}
# A child may start no threads, which these do of their own accord.
with contextlib.suppress(ModuleNotFoundError):
    from PIL import AvifImagePlugin

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
with contextlib.suppress(ModuleNotFoundError):
    import pillow_heif

    pillow_heif.register_heif_opener(decode_threads=0, thumbnails=False, depth_images=False, aux_images=False)
_UPRIGHT: Final = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_LARGE: Final = 8_000_000  # pixels from which the last per cent of an encoder or a filter isn't worth the time
_TINY: Final = 64 * 64
_FEW: Final = 256  # colours of what is drawn
_WEBP_SIDE: Final = 16_383
_STRIP: Final = 256  # lines that are compared at a time


@dataclass(frozen=True, slots=True)
class _Source:
    file: IO[bytes]
    data: Buffer
    info: ImageInfo
    limits: ImageLimits
    wrapping: Wrapping = Wrapping()

    def open(self) -> Image.Image:
        self.file.seek(0)
        file = self.file if self.wrapping.data is None else io.BytesIO(self.wrapping.data)
        return Image.open(file, formats=[_PILLOW[self.info.kind] or ""])


def render(arguments: dict[str, Any]) -> Generator[list[int], None, list[list[int]]]:
    """Make every rendition; `[width, height, frames]` of each, in their order.

    Tells of each still once it is written, the smallest first: `[index, width, height, frames]`.
    """
    kind, limits = arguments["kind"], ImageLimits(**arguments["limits"])
    renditions = [Rendition(**each | {"path": Path(each["path"])}) for each in arguments["renditions"]]
    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    with open(arguments["source"], "rb") as file, _mapped(file) as data:
        info = prescan(data, kind, limits, max(rendition.frames for rendition in renditions))
        with _about_the_file():
            source = _Source(file, data, info, limits, _unwrapped(data, kind, limits))
        # Stills first: an animation needs the memory that the first frame occupies.
        made = yield from _written(source, renditions)
        made |= _animations(source, renditions)
    return [made[rendition.path] for rendition in renditions]


def _mapped(file: IO[bytes]) -> mmap.mmap:
    try:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:  # an empty file
        raise UploadError("bad_content") from None


def _unwrapped(data: Buffer, kind: str, limits: ImageLimits) -> Wrapping:
    match kind:
        case "jpeg":
            return jpeg.unwrap(data)
        case "png":
            return png.unwrap(data)
        case "webp":
            return webp.unwrap(data)
        case "avif":
            return heif.unwrap(data, limits)  # Pillow makes Exif's orientation of the container's
        case "heic":
            return replace(heif.unwrap(data, limits), orientation=1)  # the decoder has it turned already
    return Wrapping()


def _written(source: _Source, renditions: list[Rendition]) -> Generator[list[int], None, dict[Path, list[int]]]:
    made = {}
    for shown, rendition in _stills(source, renditions):
        _save(shown, rendition, source.info.kind)
        made[rendition.path] = [*shown.size, 1]
        yield [renditions.index(rendition), *made[rendition.path]]
    return made


def _stills(source: _Source, renditions: list[Rendition]) -> Iterator[tuple[Image.Image, Rendition]]:
    """Fitted; the smallest first, from the frame itself, as it is what a visitor waits for.

    The first frame is decoded once for all renditions, and always: no file is accepted undecoded.
    """
    with _about_the_file():
        frame, turn = _first_frame(source, max(rendition.max_side for rendition in renditions))
        frame = _turned(frame, turn)
    stills = sorted(
        (rendition for rendition in renditions if not _moves(source, rendition)),
        key=lambda rendition: rendition.max_side,
    )
    for smallest in stills[:1]:
        yield to_srgb(_fitted(frame, smallest, source.info.kind), source.wrapping.colours), smallest
    larger = [(frame, source.wrapping.colours)]  # the smallest last
    for rendition in reversed(stills[1:]):
        base, said = _base(larger, rendition)
        shown = to_srgb(_fitted(base, rendition, source.info.kind), said)
        if not rendition.square:
            larger.append((shown, Colours()))
        yield shown, rendition


def _base(larger: list[tuple[Image.Image, Colours]], rendition: Rendition) -> tuple[Image.Image, Colours]:
    """The smallest picture of at least twice the size: what is made of it looks like what is made of the first."""
    for shown, colours in reversed(larger):
        side = min(shown.size) if rendition.square else max(shown.size)
        if side >= 2 * rendition.max_side:
            return shown, colours
    return larger[0]


def _first_frame(source: _Source, side: int) -> tuple[Image.Image, Transpose | None]:
    """The frame without its decoder, which may hold three more of its size."""
    with source.open() as picture:
        turn = _turn(picture, source)
        if (first := next(_put_together(source), None)) is not None:
            return first.picture, turn
        if isinstance(picture, JpegImagePlugin.JpegImageFile):
            picture.draft(None, (2 * side, 2 * side))  # a JPEG can be decoded at reduced size
        frame = _decoded(picture, source)
        frame = frame._new(frame.im)
    if source.wrapping.noisy is not None:
        _check_whole(frame, source, side)
    return frame, turn


def _check_whole(frame: Image.Image, source: _Source, side: int) -> None:
    """Raises `UploadError` for a picture without an end that lacks more than that."""
    with replace(source, wrapping=replace(source.wrapping, data=source.wrapping.noisy)).open() as picture:
        picture.draft(None, (2 * side, 2 * side))
        noisy = _decoded(picture, source)
        for top in range(0, frame.height, _STRIP):
            strip = (0, top, frame.width, min(top + _STRIP, frame.height))
            if ImageChops.difference(frame.crop(strip), noisy.crop(strip)).getbbox():
                raise UploadError("bad_content")


def _animations(source: _Source, renditions: list[Rendition]) -> dict[Path, list[int]]:
    made = {}
    for rendition in renditions:
        if _moves(source, rendition):
            with rendition.path.open("wb") as file:
                made[rendition.path] = _animate(source, rendition, file)
    return made


def _animate(source: _Source, rendition: Rendition, file: IO[bytes]) -> list[int]:
    info = source.info
    with _about_the_file(), source.open() as picture:
        loop = source.wrapping.loop
        times = animation.plays(info.kind, picture.info.get("loop") if loop is None else loop)
    count = min(rendition.frames, info.frames)
    target = _format(rendition, info.kind)
    if is_copied(info, rendition, target):
        with _about_the_file():
            return [info.width, info.height, animation.copy_gif(file, source.data, info, source.limits, count, times)]
    frames = _frames(source, rendition, count)
    size, count = animation.write(file, target, frames, count, times, is_opaque=info.is_opaque)
    return [*size, count]


def _frames(source: _Source, rendition: Rendition, count: int) -> Iterator[animation.Frame]:
    """The animation's frames as they are shown, one at a time: together they don't fit into the child's memory."""
    with _about_the_file(), source.open() as picture:
        turn = _turn(picture, source)
        shown = _put_together(source) if source.info.kind in ("gif", "png") else _seeking(source, picture)
        first = next(shown, None) or animation.Frame(_decoded(picture, source), 0)
        for frame in itertools.islice(itertools.chain([first], shown), count):
            fitted = _fitted(_turned(frame.picture, turn), rendition, source.info.kind)
            yield animation.Frame(to_srgb(fitted, source.wrapping.colours), frame.duration)


def _put_together(source: _Source) -> Iterator[animation.Frame]:
    """The frames of a GIF or an animated PNG as browsers show them; Pillow doesn't always. None of other kinds."""
    if source.info.kind == "gif":
        yield from animation.gif_frames(source.data, source.info, source.limits)
    elif source.wrapping.film:
        canvas = Image.new("RGBA", png.size(source.wrapping.film))
        for patch in png.patches(source.wrapping.film):
            info = ImageInfo("png", patch.width, patch.height)
            part = replace(source, info=info, wrapping=replace(source.wrapping, data=patch.data, film=b""))
            with part.open() as picture:
                shown = _decoded(picture, part).convert("RGBA")
            before = canvas.copy() if patch.disposal == png.RESTORED else None
            if patch.is_blended:
                canvas.alpha_composite(shown, (patch.left, patch.top))
            else:
                canvas.paste(shown, (patch.left, patch.top))
            yield animation.Frame(canvas, patch.milliseconds)
            if before is not None:
                canvas = before
            elif patch.disposal == png.CLEARED:
                right, bottom = patch.left + patch.width, patch.top + patch.height
                canvas.paste((0, 0, 0, 0), (patch.left, patch.top, right, bottom))


def _seeking(source: _Source, picture: Image.Image) -> Iterator[animation.Frame]:
    for number in itertools.count():
        try:
            picture.seek(number)
        except EOFError:  # perhaps there are fewer than the file claims
            return
        yield animation.Frame(_decoded(picture, source), picture.info.get("duration", 0))


def _moves(source: _Source, rendition: Rendition) -> bool:
    return min(rendition.frames, source.info.frames) > 1 and _format(rendition, source.info.kind) != "jpeg"


def _format(rendition: Rendition, kind: str) -> str:
    return published(kind) if rendition.format == "same" else rendition.format


@contextlib.contextmanager
def _about_the_file() -> Iterator[None]:
    """Whatever a decoder raises is about the file; Pillow's exceptions have no base class of their own."""
    try:
        yield
    except UploadError:
        raise
    except Exception as error:
        raise UploadError("bad_content") from error


def _decoded(picture: Image.Image, source: _Source) -> Image.Image:
    """The current frame in one of the modes L, RGB, RGBA and CMYK."""
    _check_size(picture, source.info)
    picture.load()
    _check_size(picture, source.info)
    if source.wrapping.key and picture.mode in ("1", "L", "I;16", "RGB"):
        return _without_key(picture, source)
    match picture.mode:
        case "I;16" | "I;16B" | "I" | "F":
            return picture.point(lambda value: value / 256).convert("L")
        case "1":
            return picture.convert("L")
        case "L" | "RGB" | "RGBA" | "CMYK" if "transparency" not in picture.info:
            return picture
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _check_size(picture: Image.Image, info: ImageInfo) -> None:
    if picture.width > info.width or picture.height > info.height:  # the decoder sees another size than the prescan
        raise UploadError("bad_content")


def _without_key(picture: Image.Image, source: _Source) -> Image.Image:
    """A PNG's frame with the colour made transparent that stands for nothing: compared in all of its bits."""
    depth = source.wrapping.depth
    key = [value if depth > 8 else value & 255 for value in source.wrapping.key]  # as Chromium takes it
    if depth < 8:
        key = [value * 255 // ((1 << depth) - 1) for value in key]  # as Pillow spreads them
    if picture.mode == "I;16":
        samples = picture.tobytes()
        high, low = (Image.frombytes("L", picture.size, samples[byte::2]) for byte in (1, 0))
        shown, planes = high, [(high, key[0] >> 8), (low, key[0] & 255)]
    else:
        shown = picture.convert("L") if picture.mode == "1" else picture
        planes = [(plane, value >> (8 if depth > 8 else 0)) for plane, value in zip(shown.split(), key, strict=True)]
        if depth > 8:  # Pillow keeps the high bytes of colours only
            planes += [(plane, value & 255) for plane, value in zip(_low_bytes(source).split(), key, strict=True)]
    alpha = Image.new("L", picture.size, 0)
    for plane, value in planes:
        alpha = ImageChops.lighter(alpha, plane.point([255 * (number != value) for number in range(256)]))
    made = shown.convert("RGB")
    made.putalpha(alpha)
    return made


def _low_bytes(source: _Source) -> Image.Image:
    with source.open() as picture:
        picture.tile = [tile._replace(args="RGB;16L") for tile in picture.tile]  # type: ignore[attr-defined]
        picture.load()
        return picture._new(picture.im)


def _turn(picture: Image.Image, source: _Source) -> Transpose | None:
    """Only Exif's word counts, as in browsers; `getexif` would take XMP's as well."""
    said = source.wrapping
    exif = picture.info.get("exif", b"") if said.exif is None else said.exif
    return _UPRIGHT.get(said.orientation or orientation(exif))


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
    how = Resampling.BICUBIC if frame.width * frame.height > _LARGE else Resampling.LANCZOS
    return frame.resize(size, how, (left, top, left + width, top + height), reducing_gap=3.0)


def _save(frame: Image.Image, rendition: Rendition, kind: str) -> None:
    target = _format(rendition, kind)
    if target == "jpeg" and frame.mode == "RGBA":
        paper = Image.new("RGB", frame.size, "white")
        paper.paste(frame, mask=frame.getchannel("A"))
        frame = paper
    frame.info = {}  # encoders would write what is in it
    with rendition.path.open("wb") as file:
        try:
            frame.save(file, _PILLOW[target], **_options(target, frame))
        except ValueError as error:  # what libwebp raises when it is out of memory
            raise UploadError("bad_content") from error


def _options(target: str, frame: Image.Image) -> dict[str, Any]:
    pixels = frame.width * frame.height
    large = pixels > _LARGE
    match target:
        case "jpeg":
            return {"quality": 85, "progressive": not large, "optimize": not large}
        case "png":
            return {"compress_level": 2 if large else 6}
        case "webp" if pixels <= _TINY or (pixels <= _LARGE and frame.getcolors(_FEW)):
            return {"lossless": True, "quality": 50, "method": 2}  # drawn, not taken: colours would run into each other
        case "webp":
            return {"quality": 82, "method": 1 if large else 2}  # 4 saves 3 per cent, and takes twice as long
    return {}
