"""Pictures that are easy to get wrong, made here, with what a browser shows of each.

Run as a program, it writes them into a folder: `python -m uploads.tests.content.image.samples FOLDER`.
"""

from __future__ import annotations

import io
import struct
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageCms, ImageDraw, PngImagePlugin

from uploads.content.image import colours, gif
from uploads.content.image.info import Colours
from uploads.content.limits import ImageLimits

Pixel = tuple[int, int, int, int]
Chunk = tuple[bytes, bytes]

RED, GREEN, BLUE = (220, 30, 30, 255), (30, 180, 30, 255), (30, 30, 220, 255)
CLEAR: Final = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame, for how many milliseconds, and pixels that it has; where alpha is 0 the colours don't matter."""

    pixels: dict[tuple[int, int], Pixel]
    milliseconds: float = 0


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    data: bytes
    frames: tuple[Shown, ...]
    tolerance: int = 3  # of each component, for what is stored without loss

    @property
    def kind(self) -> str:
        return {"jpg": "jpeg", "hif": "heic"}.get(extension := self.name.rpartition(".")[2], extension)


_MAKERS: list[Callable[[], list[Sample]]] = []


def samples() -> list[Sample]:
    return [sample for make in _MAKERS for sample in make()]


def _makes(make: Callable[[], list[Sample]]) -> Callable[[], list[Sample]]:
    _MAKERS.append(make)
    return make


def still(name: str, data: bytes, pixels: dict[tuple[int, int], Pixel], tolerance: int = 3) -> Sample:
    return Sample(name, data, (Shown(pixels),), tolerance)


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes, damage: int = 0) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body) ^ damage)


def png(header: tuple[int, int, int, int], rows: bytes, *before: bytes, end: bool = True) -> bytes:
    """Of width, height, depth and colour type; `before` are the chunks between the header and the picture."""
    body = chunk(b"IHDR", struct.pack(">IIBBBBB", *header, 0, 0, 0)) + b"".join(before)
    body += chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + body + (chunk(b"IEND", b"") if end else b"")


def gray_png(value: int, *before: bytes) -> bytes:
    return png((8, 8, 8, 0), (b"\0" + bytes([value]) * 8) * 8, *before)


def rgb_png(colour: Sequence[int], *before: bytes) -> bytes:
    return png((8, 8, 8, 2), (b"\0" + bytes(colour[:3]) * 8) * 8, *before)


def gamma(value: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


def inserted(data: bytes, *chunks: bytes) -> bytes:
    """Behind the header of a PNG."""
    return data[:33] + b"".join(chunks) + data[33:]


# Animations


def spots(count: int = 3) -> list[Image.Image]:
    """Red but for a corner, then nothing but a spot that moves."""
    frames = [Image.new("RGBA", (40, 40), RED)]
    frames[0].putpixel((39, 39), CLEAR)
    for number in range(1, count):
        frame = Image.new("RGBA", (40, 40), CLEAR)
        ImageDraw.Draw(frame).rectangle((number * 10, 10, number * 10 + 9, 19), BLUE)
        frames.append(frame)
    return frames


@_makes
def clear_later() -> list[Sample]:
    first, *rest = spots()
    times = [300, 500, 700]
    shown = (
        Shown({(1, 1): RED, (39, 39): CLEAR}, 300),
        Shown({(1, 1): CLEAR, (14, 14): BLUE, (24, 14): CLEAR}, 500),
        Shown({(1, 1): CLEAR, (14, 14): CLEAR, (24, 14): BLUE}, 700),
    )
    many: dict[str, Any] = {"save_all": True, "append_images": rest, "duration": times, "loop": 0}
    return [
        Sample("clear-later.gif", encoded(first, "GIF", disposal=2, **many), shown),
        Sample("clear-later.png", encoded(first, "PNG", disposal=1, blend=0, **many), shown),
        Sample("clear-later.webp", encoded(first, "WEBP", lossless=True, **many), shown, 12),
    ]


@_makes
def hidden_picture() -> list[Sample]:
    red, green, blue = (Image.new("RGB", (24, 24), colour[:3]) for colour in (RED, GREEN, BLUE))
    options = {"save_all": True, "default_image": True, "append_images": [green, blue], "duration": [500, 700]}
    shown = Shown({(9, 9): GREEN}, 500), Shown({(9, 9): BLUE}, 700)
    one = encoded(red, "PNG", save_all=True, default_image=True, append_images=[green], duration=[500])
    return [Sample("hidden.png", encoded(red, "PNG", **options), shown), still("hidden-one.png", one, {(9, 9): GREEN})]


@_makes
def long_delays() -> list[Sample]:
    frames = [Image.new("RGB", (16, 16), colour[:3]) for colour in (RED, GREEN)]
    options: dict[str, Any] = {"save_all": True, "append_images": frames[1:], "duration": [100_000, 40]}
    shown = Shown({(9, 9): RED}, 100_000), Shown({(9, 9): GREEN}, 40)
    patient = encoded(frames[0], "PNG", **options | {"duration": [500, 40]})
    at = patient.index(b"fcTL")
    control = patient[at + 4 : at + 24] + struct.pack(">HHBB", 100, 1, 0, 0)
    slow = patient[: at - 4] + chunk(b"fcTL", control) + patient[at + 34 :]
    return [
        Sample("long.gif", encoded(frames[0], "GIF", **options), shown),
        Sample("long.png", slow, shown),
        Sample("long.webp", encoded(frames[0], "WEBP", lossless=True, **options), shown, 12),
    ]


@_makes
def without_end() -> list[Sample]:
    first, *rest = spots()
    film = encoded(first, "GIF", save_all=True, append_images=rest, duration=80, disposal=2, loop=0)
    shown = tuple(Shown({(1, 1): RED if not number else CLEAR}, 80) for number in range(3))
    text = chunk(b"tEXt", b"Comment\0" + b"x" * 500)
    picture = rgb_png(GREEN)
    return [
        Sample("no-trailer.gif", film[:-1], shown),
        Sample("other-trailer.gif", film[:-1] + b"\0\0\0 and more", shown),
        still("no-end.png", picture[:-12], {(4, 4): GREEN}),
        still("cut-text.png", picture[:-12] + text[:300], {(4, 4): GREEN}),
    ]


@_makes
def without_end_or_with_more() -> list[Sample]:
    both, corner = {(8, 16): RED, (56, 16): GREEN}, {(8, 8): BLUE, (80, 50): RED}
    return [
        still("no-end.jpg", encoded(halves(), "JPEG", quality=95)[:-2], both, 12),
        still("no-end-progressive.jpg", encoded(halves(), "JPEG", quality=95, progressive=True)[:-2], both, 12),
        still("filled.jpg", encoded(halves(), "JPEG", quality=95)[:-2] + bytes(300), both, 12),
        still("tagged.avif", encoded(blue_corner(), "AVIF", quality=95) + b"TAG" + b" " * 125, corner, 14),
        still("tagged.heic", heif(blue_corner()) + b"TAG" + b" " * 125, corner, 14),
    ]


# Alpha that isn't a channel


@_makes
def keys() -> list[Sample]:
    """White, or a colour, stands for nothing; what differs from it in the last bit only doesn't."""
    made = []
    for depth in (1, 2, 4, 8):
        most = (1 << depth) - 1
        row = b"\0" + b"\xff" * depth + b"\0" * depth  # eight white pixels, eight black ones
        data = png((16, 4, depth, 0), row * 4, chunk(b"tRNS", struct.pack(">H", most)))
        made.append(still(f"key-gray-{depth}.png", data, {(3, 2): CLEAR, (12, 2): (0, 0, 0, 255)}))
    row = b"\0" + b"\xff\xff" * 4 + b"\xff\xfe" * 4 + b"\x12\x34" * 4
    data = png((12, 4, 16, 0), row * 4, chunk(b"tRNS", b"\xff\xff"))
    made.append(
        still("key-gray-16.png", data, {(1, 2): CLEAR, (5, 2): (255, 255, 255, 255), (9, 2): (18, 18, 18, 255)})
    )
    row = b"\0" + bytes(RED[:3]) * 4 + bytes((220, 30, 31)) * 4
    data = png((8, 4, 8, 2), row * 4, chunk(b"tRNS", struct.pack(">3H", *RED[:3])))
    made.append(still("key-rgb-8.png", data, {(1, 2): CLEAR, (5, 2): RED}))
    row = b"\0" + struct.pack(">3H", 0xDC00, 0x1E00, 0x1E01) * 4 + struct.pack(">3H", 0xDC00, 0x1E00, 0x1E02) * 4
    data = png((8, 4, 16, 2), row * 4, chunk(b"tRNS", struct.pack(">3H", 0xDC00, 0x1E00, 0x1E01)))
    made.append(still("key-rgb-16.png", data, {(1, 2): CLEAR, (5, 2): RED}))
    for depth in (1, 2, 4, 8):
        row = (
            b"\0"
            + bytes(depth)
            + (
                b"\xff" * depth
                if depth == 1
                else b"\1" * 8
                if depth == 8
                else b"\x55" * 2
                if depth == 2
                else b"\x11" * 4
            )
        )
        palette = chunk(b"PLTE", bytes(RED[:3] + BLUE[:3])) + chunk(b"tRNS", b"\0")
        data = png((16, 4, depth, 3), row * 4, palette)
        made.append(still(f"key-palette-{depth}.png", data, {(3, 2): CLEAR, (12, 2): BLUE}))
    return made


@_makes
def beyond_the_canvas() -> list[Sample]:
    """What reaches beyond it is cut off, but for a first frame. An odd key is that of no pixel."""
    small, large = (
        encoded(Image.new("RGB", size, colour[:3]), "GIF") for size, colour in (((30, 20), RED), ((40, 40), GREEN))
    )
    (cel,), table = gif.cels(large, ImageLimits()), gif.colours(large)
    place = struct.pack("<4HB", 0, 0, 40, 40, 0x80 | large[10] & 7)
    second = b"\x21\xf9\x04\x04\x08\0\0\0\x2c" + place + table + large[slice(*cel.data)]
    data = png((8, 4, 1, 0), b"\0\xff" * 4, chunk(b"tRNS", b"\0\xff"))
    return [
        Sample("beyond.gif", small[:-1] + second + b"\x3b", (Shown({(29, 19): RED}, 0), Shown({(29, 19): GREEN}, 80))),
        still("first-beyond.gif", large[:6] + struct.pack("<HH", 30, 20) + large[10:], {(35, 35): GREEN}),
        still("key-odd.png", data, {(4, 2): (255, 255, 255, 255)}),
    ]


@_makes
def keys_out_of_place() -> list[Sample]:
    """A key before the colours that it is about, or too short for any, is none; nor is a frame beyond the canvas."""
    palette = chunk(b"PLTE", bytes(RED[:3] + BLUE[:3]))
    rows = (b"\0" + bytes(4) + b"\1" * 4) * 4
    first, *rest = (Image.new("RGB", (24, 24), colour[:3]) for colour in (RED, GREEN, BLUE))
    film = encoded(first, "PNG", save_all=True, append_images=rest, duration=500)
    at = film.index(b"fcTL", film.index(b"fcTL") + 4)
    control = film[at + 4 : at + 16] + struct.pack(">II", 12, 12) + film[at + 24 : at + 30]
    beyond = film[: at - 4] + chunk(b"fcTL", control) + film[at + 34 :]
    return [
        still("key-first.png", png((8, 4, 8, 3), rows, chunk(b"tRNS", b"\0"), palette), {(1, 2): RED, (6, 2): BLUE}),
        still("key-short.png", rgb_png(RED, chunk(b"tRNS", b"\0\xdc")), {(4, 4): RED}),
        Sample("beyond.png", beyond, (Shown({(9, 9): RED, (23, 23): RED}),)),
    ]


# Colours that aren't in a profile


@_makes
def numbers_for_colours() -> list[Sample]:
    p3 = chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))
    srgb = chunk(b"sRGB", b"\0")
    swapped = chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 30000, 60000, 64000, 33000, 15000, 6000))

    def gray(value: int) -> dict[tuple[int, int], Pixel]:
        return {(4, 4): (value, value, value, 255)}

    gray_alpha = png((8, 8, 8, 4), (b"\0" + b"\x80\xff" * 4 + b"\x80\0" * 4) * 8, gamma(1.0))
    return [
        still("gamma-1.png", gray_png(128, gamma(1.0)), gray(188)),
        still("gamma-mac.png", gray_png(128, gamma(0.55556)), gray(146)),
        still("gamma-colour.png", rgb_png((128, 0, 255), gamma(1.0)), {(4, 4): (188, 0, 255, 255)}),
        still("gamma-alpha.png", gray_alpha, {(2, 4): (188, 188, 188, 255), (6, 4): CLEAR}),
        still("gamma-srgb.png", gray_png(128, srgb, gamma(1.0)), gray(128)),
        still("gamma-usual.png", gray_png(40, gamma(0.45)), gray(40)),
        still("gamma-with-primaries.png", gray_png(20, gamma(0.45455), p3), gray(12)),
        still("primaries-only.png", rgb_png(RED, swapped), {(4, 4): RED}),
        still("gamma-damaged.png", gray_png(128, chunk(b"gAMA", struct.pack(">I", 100_000), damage=1)), gray(128)),
        still("primaries.png", rgb_png((200, 0, 0), swapped, gamma(0.45455)), {(4, 4): (0, 200, 0, 255)}, 12),
        still(
            "cicp-p3.png",
            rgb_png((180, 90, 90), chunk(b"cICP", bytes((12, 13, 0, 1)))),
            {(4, 4): (195, 85, 88, 255)},
            4,
        ),
        still("cicp-first.png", rgb_png((128, 128, 128), chunk(b"cICP", bytes((1, 8, 0, 1))), srgb), gray(188)),
        still("cicp-unknown.png", rgb_png((128, 128, 128), chunk(b"cICP", bytes((2, 2, 0, 1))), gamma(1.0)), gray(188)),
        still("primaries-p3.png", rgb_png((180, 90, 90), gamma(0.45455), p3), {(4, 4): (195, 85, 88, 255)}, 4),
    ]


def profile(kind: str = "sRGB") -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(kind)).tobytes()  # type: ignore[arg-type]


# What browsers put up with


@_makes
def much_said() -> list[Sample]:
    long = bytes(3_000_000)
    shown = {(4, 4): GREEN}
    compressed = zlib.compress(long)
    padded = profile() + long  # longer than it says
    return [
        still("long-ztxt.png", rgb_png(GREEN, chunk(b"zTXt", b"History\0\0" + compressed)), shown),
        still("long-itxt.png", rgb_png(GREEN, chunk(b"iTXt", b"workflow\0\1\0\0\0" + compressed)), shown),
        still("long-text.png", rgb_png(GREEN, chunk(b"tEXt", b"workflow\0" + b"x" * len(long))), shown),
        still("long-iccp.png", rgb_png(GREEN, chunk(b"iCCP", b"p\0\0" + zlib.compress(padded))), shown),
        still("damaged-iccp.png", rgb_png(GREEN, chunk(b"iCCP", b"p\0\0" + zlib.compress(profile()), damage=7)), shown),
        still("damaged-text.png", rgb_png(GREEN, chunk(b"tEXt", b"Comment\0hello", damage=7)), shown),
        still("damaged-exif.png", rgb_png(GREEN, chunk(b"eXIf", exif(6), damage=7)), shown),
        still("unknown.png", rgb_png(GREEN, chunk(b"quAd", bytes(100), damage=7)), shown),
        still("ztxt-method.png", rgb_png(GREEN, chunk(b"zTXt", b"Comment\0\1" + compressed)), shown),
    ]


# Orientation


def exif(orientation: int) -> bytes:
    made = Image.Exif()
    made[0x0112] = orientation
    return made.tobytes().removeprefix(b"Exif\0\0")


def halves() -> Image.Image:
    picture = Image.new("RGB", (64, 32), RED[:3])
    picture.paste(GREEN[:3], (32, 0, 64, 32))
    return picture


XMP: Final = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


@_makes
def turned_by_hearsay() -> list[Sample]:
    """Browsers don't turn them."""
    lying = {(8, 16): RED, (56, 16): GREEN}
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    raw = PngImagePlugin.PngInfo()
    body = b"Exif\0\0" + exif(6)
    raw.add_text("Raw profile type exif", f"\nexif\n{len(body):8d}\n{body.hex()}\n")
    return [
        still("xmp-turn.jpg", encoded(halves(), "JPEG", xmp=XMP, quality=95), lying, 12),
        still("xmp-turn.png", encoded(halves(), "PNG", pnginfo=text), lying),
        still("raw-exif.png", encoded(halves(), "PNG", pnginfo=raw), lying),
        still("xmp-turn.webp", encoded(halves(), "WEBP", xmp=XMP, lossless=True), lying, 12),
    ]


@_makes
def turned() -> list[Sample]:
    upright = {(16, 8): RED, (16, 56): GREEN}
    return [
        still("turned.jpg", encoded(halves(), "JPEG", exif=b"Exif\0\0" + exif(6), quality=95), upright, 12),
        still("turned.png", inserted(encoded(halves(), "PNG"), chunk(b"eXIf", exif(6))), upright),
    ]


def behind_start(data: bytes, *segments: bytes) -> bytes:
    return data[:2] + b"".join(segments) + data[2:]


def before_scan(data: bytes, *segments: bytes) -> bytes:
    at = 2
    while data[at + 1] != 0xDA:
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data[:at] + b"".join(segments) + data[at:]


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def told(kind: int, count: int, value: bytes, start: bytes = b"Exif\0\0") -> bytes:
    """An orientation of that type of number."""
    return segment(0xE1, start + b"MM\0*\0\0\0\x08\0\1" + struct.pack(">HHI4s", 0x0112, kind, count, value) + bytes(4))


@_makes
def odd_segments() -> list[Sample]:
    """Where browsers find a JPEG's orientation and profile, and where they don't."""
    plain = encoded(halves(), "JPEG", quality=95)
    lying, upright = {(8, 16): RED, (56, 16): GREEN}, {(16, 8): RED, (16, 56): GREEN}
    six = told(3, 1, b"\0\6")
    flat = encoded(Image.new("RGB", (64, 64), (180, 90, 90)), "JPEG", quality=95)
    is_p3, is_not = {(9, 9): (195, 85, 88, 255)}, {(9, 9): (180, 90, 90, 255)}
    profile = p3()
    half = len(profile) // 2

    def part(number: int, count: int, body: bytes) -> bytes:
        return segment(0xE2, b"ICC_PROFILE\0" + bytes((number, count)) + body)

    whole, first, second = part(1, 1, profile), part(1, 2, profile[:half]), part(2, 2, profile[half:])
    scene = encoded(halves(), "PNG")
    return [
        still("exif-late.jpg", before_scan(plain, six), upright, 12),
        still("exif-twice.jpg", behind_start(plain, six, told(3, 1, b"\0\3")), upright, 12),
        still("exif-filled.jpg", behind_start(plain, told(3, 1, b"\0\6", b"Exif\0\1")), upright, 12),
        still("exif-long.jpg", behind_start(plain, told(4, 1, b"\0\0\0\6")), lying, 12),
        still("exif-two.jpg", behind_start(plain, told(3, 2, b"\0\6\0\1")), lying, 12),
        still("exif-cut.jpg", behind_start(plain, segment(0xE1, six[4:-6])), lying, 12),
        still("exif-prefixed.png", inserted(scene, chunk(b"eXIf", b"Exif\0\0" + exif(6))), lying),
        still("exif-late.png", scene[:-12] + chunk(b"eXIf", exif(6)) + scene[-12:], lying),
        still("icc-late.jpg", before_scan(flat, whole), is_p3, 8),
        still("icc-twice.jpg", behind_start(flat, whole, whole), is_p3, 8),
        still("icc-parts.jpg", behind_start(flat, second, first), is_p3, 8),
        still("icc-half.jpg", behind_start(flat, first), is_not, 8),
        still("icc-zero.jpg", behind_start(flat, part(0, 1, profile)), is_not, 8),
    ]


@_makes
def profiles_of_webp() -> list[Sample]:
    """One that isn't announced counts no more than that of an animation."""
    flat, gray = (Image.new("RGB", (64, 64), colour) for colour in ((180, 90, 90), (90, 90, 90)))
    still_one = encoded(flat, "WEBP", lossless=True, icc_profile=p3())
    film = encoded(
        flat, "WEBP", lossless=True, icc_profile=p3(), save_all=True, append_images=[gray], duration=[100, 200]
    )
    is_p3, is_not = {(9, 9): (195, 85, 88, 255)}, {(9, 9): (180, 90, 90, 255)}
    silent = still_one[:20] + b"\0" + still_one[21:]
    return [
        still("p3.webp", still_one, is_p3, 8),
        still("p3-unannounced.webp", silent, is_not, 8),
        Sample("p3-film.webp", film, (Shown(is_not, 100), Shown({(9, 9): (90, 90, 90, 255)}, 200)), 8),
    ]


# AVIF and HEIC


def heif(picture: Image.Image, **options: Any) -> bytes:
    """HEIC; the encoder comes with the decoder, without which there is none of these samples."""
    import pillow_heif

    pillow_heif.register_heif_opener()
    return encoded(picture, "HEIF", quality=95, **options)


@_makes
def high_dynamic_range() -> list[Sample]:
    """The numbers are Chromium's."""
    cicp = {name: chunk(b"cICP", bytes((9, code, 0, 1))) for name, code in (("pq", 16), ("hlg", 18), ("video", 14))}
    flat = encoded(Image.new("RGB", (64, 64), (128, 128, 128)), "AVIF", quality=100)

    def gray(value: int) -> dict[tuple[int, int], Pixel]:
        return {(4, 4): (value, value, value, 255)}

    return [
        still("hdr-pq.png", rgb_png((128, 128, 128), cicp["pq"]), gray(132)),
        still("hdr-pq-bright.png", rgb_png((220, 220, 220), cicp["pq"]), gray(255)),
        still("hdr-hlg.png", gray_png(128, cicp["hlg"]), gray(99)),
        still("hdr-hlg-bright.png", rgb_png((190, 190, 190), cicp["hlg"]), gray(185)),
        still("video.png", rgb_png((128, 128, 128), cicp["video"]), gray(121)),
        still("hdr-pq.avif", with_nclx(flat, 9, 16), gray(132), 14),
        still("hdr-hlg.avif", with_nclx(flat, 9, 18), gray(99), 14),
        still("video.avif", with_nclx(flat, 1, 1), gray(128), 14),
    ]


def p3() -> bytes:
    """A profile of Display P3 with sRGB's curve."""
    return colours._profile(Colours(cicp=(12, 13)))


def with_nclx(data: bytes, primaries: int, transfer: int) -> bytes:
    """The numbers that an encoder has written, replaced."""
    at = data.index(b"nclx")
    return data[: at + 4] + struct.pack(">HH", primaries, transfer) + data[at + 8 :]


def blue_corner(size: tuple[int, int] = (96, 64)) -> Image.Image:
    picture = Image.new("RGB", size, RED[:3])
    picture.paste(BLUE[:3], (0, 0, size[0] // 2, size[1] // 2))
    return picture


@_makes
def avif() -> list[Sample]:
    corner = {(8, 8): BLUE, (80, 50): RED}
    flat = Image.new("RGB", (64, 64), (180, 90, 90))
    clear = blue_corner()
    clear.putalpha(Image.new("L", clear.size, 255))
    clear.paste((0, 0, 0, 0), (48, 0, 96, 32))
    is_p3 = {(9, 9): (195, 85, 88, 255)}
    film = {"save_all": True, "append_images": [Image.new("RGB", (96, 64))], "duration": 100}
    return [
        still("plain.avif", encoded(blue_corner(), "AVIF", quality=95), corner, 14),
        still("turned.avif", encoded(halves(), "AVIF", quality=95, exif=exif(6)), {(16, 8): RED, (16, 56): GREEN}, 14),
        still("mirrored.avif", encoded(halves(), "AVIF", quality=95, exif=exif(2)), {(8, 8): GREEN, (56, 8): RED}, 14),
        still("p3-profile.avif", encoded(flat, "AVIF", quality=95, icc_profile=p3()), is_p3, 14),
        still("p3-numbers.avif", with_nclx(encoded(flat, "AVIF", quality=95), 12, 13), is_p3, 14),
        still("clear.avif", encoded(clear, "AVIF", quality=95), corner | {(80, 8): CLEAR}, 14),
        still("film.avif", encoded(blue_corner(), "AVIF", quality=95, **film), corner, 14),
    ]


def deep_avif(gray: float, primaries: int, transfer: int) -> bytes:
    """Of ten bits for each colour. `gray` is a signal between 0 and 1."""
    import av

    from uploads.tests.media import own_priority

    file = io.BytesIO()
    with own_priority(), av.open(file, "w", format="avif") as out:
        options = {"crf": "5", "preset": "8", "svtav1-params": "lp=1"}
        stream: Any = out.add_stream("libsvtav1", rate=1, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p10le"
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = primaries, transfer, 9, 1
        frame = av.VideoFrame(64, 64, "yuv420p10le")
        for plane, level in zip(frame.planes, (round(64 + 876 * gray), 512, 512), strict=True):
            plane.update(level.to_bytes(2, "little") * (plane.buffer_size // 2))
        frame.pts = 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


@_makes
def deep() -> list[Sample]:
    """Chromium shows films of these signals so as well."""

    def gray(value: int) -> dict[tuple[int, int], Pixel]:
        return {(9, 9): (value, value, value, 255)}

    return [
        still("deep-pq.avif", deep_avif(0.4, 9, 16), gray(80), 8),
        still("deep-pq-bright.avif", deep_avif(0.6, 9, 16), gray(200), 8),
        still("deep-hlg.avif", deep_avif(0.533, 9, 18), gray(106), 8),
        still("deep-hlg-bright.avif", deep_avif(0.8, 9, 18), gray(206), 8),
        still("deep.avif", deep_avif(0.502, 1, 13), gray(128), 6),
    ]


@_makes
def heic() -> list[Sample]:
    corner = {(8, 8): BLUE, (80, 50): RED}
    flat = Image.new("RGB", (64, 64), (180, 90, 90))
    clear = blue_corner()
    clear.putalpha(Image.new("L", clear.size, 255))
    clear.paste((0, 0, 0, 0), (48, 0, 96, 32))
    is_p3 = {(9, 9): (195, 85, 88, 255)}
    large = {(99, 99): BLUE, (900, 300): RED, (200, 590): RED}
    others = {"save_all": True, "append_images": [blue_corner()], "primary_index": 1}
    upright = {(16, 8): RED, (16, 56): GREEN}
    deep = heif(Image.new("I;16", (64, 64), 40_000))
    return [
        still("plain.heic", heif(blue_corner()), corner, 14),
        still("grid.heic", heif(blue_corner((1000, 600)), tile_size=256), large, 14),
        still("turned.heic", heif(halves(), exif=b"Exif\0\0" + exif(6)), upright, 14),
        still("turned.hif", heif(halves(), exif=b"Exif\0\0" + exif(8)), {(16, 8): GREEN, (16, 56): RED}, 14),
        still("p3-profile.heic", heif(flat, icc_profile=p3()), is_p3, 14),
        still("p3-numbers.heic", with_nclx(heif(flat), 12, 13), is_p3, 14),
        still("clear.heic", heif(clear), corner | {(80, 8): CLEAR}, 14),
        still("deep.heic", deep, {(9, 9): (156, 156, 156, 255)}, 6),
        still("second.heic", heif(Image.new("RGB", (96, 64)), **others), corner, 14),
    ]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    for sample in samples():
        (folder / sample.name).write_bytes(sample.data)
