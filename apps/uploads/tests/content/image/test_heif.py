"""The prescan of AVIF and HEIC: it believes neither boxes nor bitstreams, and decodes nothing."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from uploads.content.image.heif import unwrap
from uploads.content.image.prescan import prescan
from uploads.content.limits import ImageLimits
from uploads.errors import UploadError
from uploads.tests.content.image.samples import blue_corner, encoded, exif, heif

LIMITS = ImageLimits()
MADE: dict[str, Callable[[Image.Image], bytes]] = {
    "avif": lambda picture: encoded(picture, "AVIF", quality=80),
    "heic": heif,
}
GRID = heif(blue_corner((600, 400)), tile_size=256)


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def resized(data: bytes, width: int, height: int) -> bytes:
    """With another size in every `ispe` box."""
    head, *rest = data.split(b"ispe\0\0\0\0")
    return head + b"".join(b"ispe\0\0\0\0" + struct.pack(">II", width, height) + part[8:] for part in rest)


def refusal(data: bytes, kind: str, limits: ImageLimits = LIMITS) -> str:
    with pytest.raises(UploadError) as refused:
        prescan(data, kind, limits)
    return refused.value.code


@pytest.mark.parametrize("kind", MADE)
def test_the_size_is_read_without_decoding(kind: str) -> None:
    info = prescan(MADE[kind](blue_corner((200, 120))), kind, LIMITS)
    assert (info.width, info.height, info.frames) == (200, 120, 1)
    assert 200 * 120 <= info.patches <= 256 * 128


@pytest.mark.parametrize("kind", MADE)
def test_more_pixels_than_are_allowed_are_refused_whoever_says_so(kind: str) -> None:
    data = MADE[kind](blue_corner((200, 200)))
    small = ImageLimits(max_pixels=10_000)
    assert refusal(resized(data, 20_000, 20_000), kind) == "too_many_pixels"
    assert refusal(data, kind, small) == "too_many_pixels"
    assert refusal(resized(data, 64, 64), kind, small) == "too_many_pixels", "the bitstream says what is decoded"


@pytest.mark.parametrize("kind", MADE)
def test_a_picture_of_just_as_many_pixels_is_allowed_though_it_is_coded_in_whole_blocks(kind: str) -> None:
    data = MADE[kind](blue_corner((250, 122)))
    info = prescan(data, kind, ImageLimits(max_pixels=250 * 122, max_side=250))

    assert (info.width, info.height) == (250, 122)
    assert kind == "avif" or info.patches > 250 * 122
    assert refusal(data, kind, ImageLimits(max_pixels=250 * 122 - 1)) == "too_many_pixels"


def test_the_tiles_of_a_grid_are_counted() -> None:
    info = prescan(GRID, "heic", LIMITS)
    assert (info.width, info.height, info.patches) == (600, 400, 6 * 256 * 256)
    assert refusal(GRID, "heic", ImageLimits(max_total_frame_pixels=300_000)) == "too_much_work"


def test_a_tile_may_not_be_the_grid_itself() -> None:
    at = GRID.index(b"dimg")
    count = struct.unpack_from(">H", GRID, at + 6)[0]
    own = GRID[at + 4 : at + 6]
    assert refusal(GRID[: at + 8] + own * count + GRID[at + 8 + 2 * count :], "heic") == "bad_content"


@pytest.mark.parametrize("kind", MADE)
def test_parts_are_counted(kind: str) -> None:
    data = MADE[kind](blue_corner())
    assert prescan(data + box(b"free") * 50, kind, LIMITS).width == 96
    assert refusal(box(b"free") * 30_000 + data, kind) == "too_complex"


@pytest.mark.parametrize("kind", MADE)
def test_half_a_file_is_damaged(kind: str) -> None:
    data = MADE[kind](blue_corner((300, 300)))
    assert refusal(data[: len(data) * 9 // 10], kind) == "bad_content"
    assert refusal(data[:60], kind) == "bad_content"
    assert refusal(b"", kind) == "bad_content"


def test_a_sequence_without_a_primary_picture_is_told_apart_from_a_damaged_file() -> None:
    assert refusal(box(b"ftyp", b"msf1", bytes(4), b"hevc") + box(b"moov", bytes(40)), "heic") == "too_complex"


def test_what_no_decoder_here_reads_is_refused() -> None:
    assert refusal(heif(blue_corner()).replace(b"hvc1", b"vvc1"), "heic") == "too_complex"


def test_what_a_viewer_shows_besides_the_primary_picture_is_told() -> None:
    film = {"save_all": True, "append_images": [Image.new("RGB", (96, 64))], "duration": 100}
    pair = {"save_all": True, "append_images": [blue_corner()]}
    clear = blue_corner().convert("RGBA")

    def told(data: bytes, kind: str) -> list[str]:
        return [warning.sentence for warning in prescan(data, kind, LIMITS).beside]

    assert told(encoded(blue_corner(), "AVIF", **film), "avif") == ["It moves, but the published picture doesn't."]
    assert told(heif(Image.new("RGB", (96, 64)), **pair), "heic") == ["It has 2 pictures; one of them is published."]
    assert told(GRID + box(b"mpvd", bytes(40)), "heic") == ["The short video in it isn't published."]
    for whole in (GRID, heif(clear), heif(blue_corner(), exif=exif(1))):
        assert told(whole, "heic") == []


SMALL = {kind: make(blue_corner((40, 30))) for kind, make in MADE.items()}


@settings(deadline=None)
@given(st.sampled_from(sorted(SMALL)), st.data())
def test_no_damage_makes_it_raise_anything_else(kind: str, data: st.DataObject) -> None:
    good = SMALL[kind]
    at = data.draw(st.integers(0, len(good)))
    damaged = good[:at] + data.draw(st.binary(max_size=6)) + good[data.draw(st.integers(at, len(good))) :]
    try:
        info = prescan(damaged, kind, LIMITS)
        unwrap(damaged, LIMITS)
    except UploadError:
        return
    assert 0 < info.width * info.height <= LIMITS.max_pixels
