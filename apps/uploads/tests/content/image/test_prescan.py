from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from uploads.content.image.info import ImageInfo
from uploads.content.image.prescan import prescan
from uploads.content.limits import ImageLimits
from uploads.content.warnings import MediaWarning
from uploads.errors import UploadError

LIMITS = ImageLimits()


def png(*chunks: tuple[bytes, bytes], end: bool = True) -> bytes:
    parts = [*chunks, (b"IEND", b"")] if end else chunks
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


def ihdr(width: int, height: int) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)


def fctl(width: int = 1, height: int = 1, x: int = 0, y: int = 0) -> tuple[bytes, bytes]:
    return b"fcTL", struct.pack(">5IHHBB", 0, width, height, x, y, 1, 20, 0, 0)


IDAT = (b"IDAT", b"pixels")


def gif(width: int, height: int, *blocks: bytes, trailer: bytes = b"\x3b") -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + b"".join(blocks) + trailer


def gif_frame(width: int = 1, height: int = 1, x: int = 0, y: int = 0) -> bytes:
    return b"\x2c" + struct.pack("<4HB", x, y, width, height, 0) + b"\x02\x02\x44\x01\x00"


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    parts = (kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks)
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def u24(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(3, "little") for number in numbers)


def vp8x(width: int, height: int) -> tuple[bytes, bytes]:
    return b"VP8X", b"\x02\0\0\0" + u24(width - 1, height - 1)


def anmf(width: int = 1, height: int = 1, x: int = 0, y: int = 0) -> tuple[bytes, bytes]:
    return b"ANMF", u24(x // 2, y // 2, width - 1, height - 1, 40) + b"\0"


def jpeg(*segments: tuple[int, bytes], end: bytes = b"\xff\xd9") -> bytes:
    return b"\xff\xd8" + b"".join(b"\xff" + bytes([m]) + struct.pack(">H", len(b) + 2) + b for m, b in segments) + end


def sof(width: int, height: int) -> tuple[int, bytes]:
    return 0xC0, struct.pack(">BHHB", 8, height, width, 1)


SOS = (0xDA, b"\1\1\0\0\x3f\0")


def still(kind: str, width: int, height: int) -> bytes:
    return {
        "gif": lambda: gif(width, height, gif_frame()),
        "jpeg": lambda: jpeg(sof(width, height), SOS),
        "png": lambda: png(ihdr(width, height), IDAT),
        "webp": lambda: webp(vp8x(width, height)),
    }[kind]()


def animation(kind: str, frames: int, side: int = 1) -> bytes:
    return {
        "gif": lambda: gif(side, side, *[gif_frame()] * frames),
        "png": lambda: png(ihdr(side, side), IDAT, *[fctl()] * frames),
        "webp": lambda: webp(vp8x(side, side), *[anmf()] * frames),
    }[kind]()


def refusal(data: bytes, kind: str, limits: ImageLimits = LIMITS, keep: int = 1) -> str:
    with pytest.raises(UploadError) as refused:
        prescan(data, kind, limits, keep)
    return refused.value.code


KINDS = ["gif", "jpeg", "png", "webp"]
ANIMATED = ["gif", "png", "webp"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_shape_is_read_without_decoding(kind: str) -> None:
    assert prescan(still(kind, 160, 120), kind, LIMITS) == ImageInfo(kind, 160, 120, 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("format_options", "mode"), [({}, "RGB"), ({"progressive": True, "lossless": True}, "L")])
def test_what_pillow_writes_is_read_as_pillow_reads_it(kind: str, format_options: dict[str, bool], mode: str) -> None:
    encoded = io.BytesIO()
    Image.radial_gradient("L").resize((161, 119)).convert(mode).save(encoded, kind, **format_options)
    assert prescan(encoded.getvalue(), kind, LIMITS) == ImageInfo(kind, 161, 119, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_limits_themselves_are_allowed_and_one_more_is_not(kind: str) -> None:
    limits = ImageLimits(max_pixels=10_000, max_side=200)
    assert prescan(still(kind, 100, 100), kind, limits).width == 100
    assert prescan(still(kind, 200, 1), kind, limits).width == 200
    assert refusal(still(kind, 100, 101), kind, limits) == "too_many_pixels"
    assert refusal(still(kind, 201, 1), kind, limits) == "too_many_pixels"
    assert refusal(still(kind, 1, 201), kind, limits) == "too_many_pixels"


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_a_picture_without_pixels_is_damaged(kind: str) -> None:
    assert refusal(still(kind, 0, 8), kind) == "bad_content"
    assert refusal(still(kind, 8, 0), kind) == "bad_content"


@pytest.mark.parametrize("kind", ANIMATED)
def test_frames_are_counted(kind: str) -> None:
    assert prescan(animation(kind, 1000), kind, LIMITS).frames == 1000
    assert refusal(animation(kind, 1001), kind) == "too_many_frames"


@pytest.mark.parametrize("kind", ANIMATED)
def test_a_flood_of_frames_ends_the_walk_at_the_limit_and_not_at_the_end(kind: str) -> None:
    limits = ImageLimits(max_chunks=1001 + 3)
    assert refusal(animation(kind, 5000), kind, limits) == "too_many_frames"


def test_a_claimed_number_of_frames_counts_like_a_real_one() -> None:
    data = png(ihdr(1, 1), (b"acTL", struct.pack(">II", 0x7FFFFFFF, 0)), IDAT)
    assert refusal(data, "png") == "too_many_frames"


@pytest.mark.parametrize("kind", ANIMATED)
def test_only_frames_that_are_kept_cost_pixels(kind: str) -> None:
    data = animation(kind, 10, side=100)
    limits = ImageLimits(max_total_frame_pixels=99_999)
    assert prescan(data, kind, limits, keep=9).frames == 10
    assert refusal(data, kind, limits, keep=10) == "too_many_frames"


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("gif", gif(8, 8, gif_frame(8, 65535))),
        ("gif", gif(8, 8, gif_frame(8, 8, x=65000))),
        ("png", png(ihdr(8, 8), IDAT, fctl(8, 0x7FFFFFFF))),
        ("webp", webp(vp8x(8, 8), anmf(8, 1 << 24))),
        ("webp", webp(vp8x(8, 8), anmf(8, 8, x=1 << 24))),
        ("webp", webp(vp8x(8, 8), (b"VP8 ", bytes(6) + b"\xff\x3f\xff\x3f"))),
        ("webp", webp(vp8x(8, 8), (b"VP8L", b"\x2f\xff\xff\xff\xff"))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_frame_can_not_be_larger_than_its_canvas_admits(kind: str, data: bytes) -> None:
    assert refusal(data, kind) == "too_many_pixels"


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("gif", lambda n: gif(1, 1, *[b"\x21\xfe\x01x\0"] * (n - 1), gif_frame())),
        ("jpeg", lambda n: jpeg(*[(0xFE, b"x")] * (n - 2), sof(1, 1), SOS)),
        ("png", lambda n: png(ihdr(1, 1), *[(b"tEXt", b"k\0v")] * (n - 3), IDAT)),
        ("webp", lambda n: webp(vp8x(1, 1), *[(b"XXXX", b"")] * (n - 1))),
    ],
)
def test_chunks_are_counted(kind: str, make: Callable[[int], bytes]) -> None:
    limits = ImageLimits(max_chunks=50)
    assert prescan(make(50), kind, limits).width == 1
    assert refusal(make(51), kind, limits) == "too_complex"


def test_scans_are_counted() -> None:
    assert prescan(jpeg(sof(1, 1), *[SOS] * 100), "jpeg", LIMITS).width == 1
    assert refusal(jpeg(sof(1, 1), *[SOS] * 101), "jpeg") == "too_complex"


def test_two_sizes_in_one_jpeg_are_refused() -> None:
    assert refusal(jpeg(sof(8, 8), sof(9000, 9000), SOS), "jpeg") == "bad_content"


def test_restarts_stuffing_and_fill_bytes_belong_to_the_scan() -> None:
    scan = b"pixels\xff\x00\xff\xd0\xff\xd7\xff\xff\xff\x00"
    assert prescan(jpeg(sof(8, 8), SOS, end=scan + b"\xff\xff\xd9"), "jpeg", LIMITS).width == 8


def test_what_follows_the_picture_is_not_looked_at() -> None:
    tail = b"PK\x03\x04" + b"\xff\xda\0\x02" * 200
    for kind in KINDS:
        assert prescan(still(kind, 8, 8) + tail, kind, LIMITS).width == 8


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        ([0x20020002, 0x00020002], "2"),  # a camera with two lenses
        ([0x00020003] * 3, "3"),
        ([0x00030000, 0x00010001, 0x00010002], None),  # previews
        ([0x00030000, 0x00000000], None),  # a map of light
    ],
)
def test_the_other_pictures_of_a_jpeg_are_told(order: str, kinds: list[int], told: str | None) -> None:
    entries = b"".join(struct.pack(f"{order}4I", kind, 5000, 0, 0) for kind in kinds)
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IH", 8, 1)
    listed = head + struct.pack(f"{order}HHIII", 0xB002, 7, len(entries), 26, 0) + entries
    data = still("jpeg", 8, 8)
    body = b"MPF\0" + listed
    found = [
        prescan(data[:2] + b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body + data[2:], "jpeg", LIMITS).beside
        for body in (body, body[:30], body[:12])
    ]

    assert found == [((MediaWarning("one_of_several", told),) if told else ()), (), ()]


def test_the_end_may_be_missing_or_something_else() -> None:
    assert prescan(png(ihdr(8, 8), IDAT, end=False), "png", LIMITS).width == 8
    assert prescan(png(ihdr(8, 8), IDAT, (b"tEXt", b"k\0v"), end=False)[:-5], "png", LIMITS).width == 8
    assert prescan(jpeg(sof(8, 8), SOS, end=b""), "jpeg", LIMITS).width == 8
    assert prescan(gif(8, 8, gif_frame(), trailer=b""), "gif", LIMITS).frames == 1
    assert prescan(gif(8, 8, gif_frame(), b"?", gif_frame()), "gif", LIMITS).frames == 1


def test_a_refusal_names_the_limit() -> None:
    for data, limits, told in (
        (animation("gif", 4), ImageLimits(max_frames=3), r"The limit is 3\."),
        (still("png", 200, 60), ImageLimits(max_pixels=10_000), "limit is 0.01 million, and 16,384 on a side"),
        (animation("gif", 9, side=100), ImageLimits(max_total_frame_pixels=20_000), "limit is 0.02 million pixels"),
    ):
        with pytest.raises(UploadError, match=told):
            prescan(data, "png" if data[1:4] == b"PNG" else "gif", limits, keep=9)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("png", png(ihdr(8, 8), IDAT, end=False)[:-9]),
        ("png", png(ihdr(8, 8))),
        ("png", png(IDAT)),
        ("png", png(ihdr(8, 8), ihdr(9000, 9000), IDAT)),
        ("png", png(ihdr(8, 8), end=False) + b"\x7f\xff\xff\xffIDAT" + bytes(40)),
        ("gif", gif(8, 8)),
        ("gif", gif(0, 8, gif_frame(0, 8))),
        ("gif", gif(8, 8, gif_frame(), trailer=b"")[:-1]),
        ("gif", gif(8, 8, b"?", gif_frame())),
        ("gif", b"GIF89a"),
        ("jpeg", jpeg(sof(8, 8), SOS, end=b"")[:-1]),
        ("jpeg", jpeg(sof(8, 8))),
        ("jpeg", jpeg(SOS)),
        ("jpeg", b"\xff\xd8\xff"),
        ("webp", webp()),
        ("webp", webp(vp8x(8, 8))[:-1]),
        ("webp", webp(vp8x(8, 8)).replace(b"RIFF\x16", b"RIFF\x1a")),
        ("webp", webp(vp8x(8, 8)).replace(b"VP8X\x0a", b"VP8X\xff")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_container_that_is_not_whole_is_damaged(kind: str, data: bytes) -> None:
    assert refusal(data, kind) == "bad_content"


@settings(deadline=None)
@given(st.sampled_from(KINDS), st.data())
def test_no_damage_makes_it_raise_anything_else(kind: str, data: st.DataObject) -> None:
    good = animation(kind, 3, side=20) if kind in ANIMATED else still(kind, 20, 20)
    at = data.draw(st.integers(0, len(good)))
    damaged = good[:at] + data.draw(st.binary(max_size=6)) + good[data.draw(st.integers(at, len(good))) :]
    try:
        info = prescan(damaged, kind, LIMITS)
    except UploadError:
        return
    assert 0 < info.width * info.height <= LIMITS.max_pixels
