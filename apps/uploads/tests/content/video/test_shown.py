"""Shape, colours, rotation and mirroring of the file, of what is said of it, and of the poster are the film's."""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from uploads.errors import UploadError
from uploads.tests import films
from uploads.tests.content.video.conftest import Process
from uploads.tests.media import LEFT, REST, TOP, video

SIXTEEN_NINTHS = Fraction(64, 45)  # the shape of a pixel of wide television

Colour = tuple[int, int, int]


def poster(folder: Path) -> Image.Image:
    with Image.open(folder / "poster") as picture:
        return picture.convert("RGB")


def alike(found: Any, colour: Colour, most: int = 90) -> bool:
    return sum(abs(a - b) for a, b in zip(found, colour, strict=True)) < most


def film(folder: Path, name: str = "made") -> dict[str, Any]:
    """What a player reads of it."""
    with av.open(str(folder / name)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        frame = next(container.decode(stream))
        return {
            "aspect": stream.sample_aspect_ratio or Fraction(1),
            "size": (frame.width, frame.height),
            "colours": (context.color_primaries, context.color_trc, context.colorspace, context.color_range),
            "matrix": bytes(frame.side_data["DISPLAYMATRIX"]) if "DISPLAYMATRIX" in str(list(frame.side_data)) else b"",
            "language": [each.language for each in container.streams],
            "default": [bool(each.disposition & 1) for each in container.streams],
        }


# Shape


def wide_webm(folder: Path, codec: str) -> Path:
    path = video(folder / "a.webm", codec=codec, size=(144, 116), seconds=0.5)
    path.write_bytes(films.shown_at(path.read_bytes(), 205, 116))
    return path


def corrected(folder: Path) -> Path:
    """The stream says one thing, the box beside it another: players go by the box."""
    path = video(folder / "a.mp4", size=(144, 116), seconds=0.5, aspect=Fraction(16, 9))
    data = path.read_bytes()
    at = data.index(b"pasp") + 4
    path.write_bytes(data[:at] + struct.pack(">2I", 64, 45) + data[at + 8 :])
    return path


@pytest.mark.parametrize("source", ["libvpx", "libvpx-vp9", "mp4", "h264", "corrected"])
def test_a_film_keeps_the_shape_in_which_players_show_it(process: Process, tmp_path: Path, source: str) -> None:
    match source:
        case "mp4":
            path = video(tmp_path / "a.mp4", codec="libvpx-vp9", size=(144, 116), seconds=0.5, aspect=SIXTEEN_NINTHS)
        case "h264":
            path = video(tmp_path / "a.mov", size=(144, 116), seconds=0.5, aspect=SIXTEEN_NINTHS)
        case "corrected":
            path = corrected(tmp_path)
        case _:
            path = wide_webm(tmp_path, source)

    made = process(path, "webm" if path.suffix == ".webm" else "mp4")

    assert (made.width, made.height) == poster(tmp_path).size == (205, 116)
    shown = film(tmp_path)
    assert shown["size"] == (144, 116)
    assert float(shown["aspect"]) == pytest.approx(float(SIXTEEN_NINTHS), rel=0.005)
    data = (tmp_path / "made").read_bytes()
    if made.container == "mp4":  # what players without `pasp` go by
        assert struct.unpack_from(">2I", data, data.index(b"tkhd") + 4 + 76) == (205 << 16, 116 << 16)
    else:
        assert b"....." not in data


def test_a_film_of_tall_pixels_grows_upwards(process: Process, tmp_path: Path) -> None:
    made = process(video(tmp_path / "a.mp4", size=(160, 120), seconds=0.5, aspect=Fraction(1, 2)))

    assert (made.width, made.height) == poster(tmp_path).size == (160, 240)


def test_a_film_for_two_eyes_is_as_wide_as_both(process: Process, tmp_path: Path) -> None:
    """Side by side in one picture, as players show it that know nothing of that: not twice as wide once more."""
    source = video(tmp_path / "a.webm", codec="libvpx", size=(160, 120), seconds=0.5)
    side_by_side = films.element(0x53B8, b"\1")
    data = films.with_element(source.read_bytes(), films.PICTURES, lambda body: body + side_by_side)
    (tmp_path / "both.webm").write_bytes(data)

    made = process(data, "webm")

    assert film(tmp_path)["aspect"] == film(tmp_path, "both.webm")["aspect"] == 2
    assert (made.width, made.height) == poster(tmp_path).size == (320, 120)


def test_a_shape_that_no_screen_has_is_refused(process: Process, tmp_path: Path) -> None:
    with pytest.raises(UploadError) as refused:
        process(video(tmp_path / "a.mp4", seconds=0.5, aspect=Fraction(60, 1)))

    assert refused.value.code == "too_many_pixels"


# Rotation and mirroring

# What a step to the right and then one down become, how players get there, and the colours of the poster's upper edge,
# its left, and its right one.
TURNS = [
    ((1, 0, 0, 1), (0, False), (TOP, LEFT, REST)),
    ((-1, 0, 0, 1), (0, True), (TOP, REST, LEFT)),
    ((1, 0, 0, -1), (180, True), (REST, LEFT, REST)),
    ((-1, 0, 0, -1), (180, False), (REST, REST, LEFT)),
    ((0, 1, -1, 0), (-90, False), (LEFT, REST, TOP)),
    ((0, -1, 1, 0), (90, False), (REST, TOP, REST)),
    ((0, 1, 1, 0), (90, True), (LEFT, TOP, REST)),
    ((0, -1, -1, 0), (-90, True), (REST, REST, TOP)),
]


@pytest.mark.parametrize(("matrix", "turn", "colours"), TURNS)
def test_a_film_is_turned_and_mirrored_as_its_track_says(
    process: Process, tmp_path: Path, matrix: Any, turn: tuple[int, bool], colours: tuple[Colour, Colour, Colour]
) -> None:
    source = video(tmp_path / "a.mp4", matrix=matrix, seconds=0.25)

    made = process(source)

    assert (made.rotation, made.is_mirrored) == turn
    width, height = (120, 160) if matrix[0] == 0 else (160, 120)
    assert (made.width, made.height) == (width, height)
    picture = poster(tmp_path)
    assert picture.size == (width, height)
    places = (width * 2 // 3, 3), (3, height * 2 // 3), (width - 4, height * 2 // 3)
    found = [picture.getpixel(at) for at in places]
    assert all(map(alike, found, colours)), found
    assert film(tmp_path)["matrix"] == film(tmp_path, "a.mp4")["matrix"]


def test_a_turned_film_of_oblong_pixels(process: Process, tmp_path: Path) -> None:
    made = process(
        video(tmp_path / "a.mp4", size=(144, 116), seconds=0.25, aspect=SIXTEEN_NINTHS, matrix=(0, 1, -1, 0))
    )

    assert (made.width, made.height) == poster(tmp_path).size == (116, 205)


# Colours

BT601, BT709, BT2020 = (0.299, 0.114), (0.2126, 0.0722), (0.2627, 0.0593)  # the weights of red and blue
UNTAGGED = (2, 2, 2, 1)
AV1 = {"codec": "libsvtav1", "size": (64, 64), "seconds": 0.1, "preset": 12, "crf": 5, "svtav1-params": "lp=1"}


def levels(colour: tuple[float, float, float], weights: tuple[float, float], bits: int = 8) -> Colour:
    """The Y, Cb and Cr of a signal between 0 and 1."""
    (red, green, blue), (of_red, of_blue) = colour, weights
    luma = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
    cb, cr = (blue - luma) / (2 - 2 * of_blue), (red - luma) / (2 - 2 * of_red)
    step = 1 << bits - 8
    return round((16 + 219 * luma) * step), round((128 + 224 * cb) * step), round((128 + 224 * cr) * step)


def middle(folder: Path) -> tuple[int, ...]:
    picture = poster(folder)
    found = picture.getpixel((picture.width // 2, picture.height // 2))
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize(
    ("size", "weights", "colours"),
    [
        ((1280, 720), BT709, UNTAGGED),  # by convention, from 720 lines on
        ((720, 1280), BT709, UNTAGGED),
        ((720, 576), BT601, UNTAGGED),
        ((160, 120), BT709, (1, 1, 1, 1)),
        ((1280, 720), BT601, (6, 6, 6, 1)),
    ],
)
def test_a_poster_has_the_films_colours(
    process: Process, tmp_path: Path, size: tuple[int, int], weights: tuple[float, float], colours: Any
) -> None:
    flat = levels((200 / 255, 30 / 255, 30 / 255), weights)

    process(video(tmp_path / "a.mp4", size=size, seconds=0.1, colours=colours, flat=flat))

    assert alike(middle(tmp_path), (200, 30, 30), most=12), middle(tmp_path)


def test_a_film_of_full_range_is_not_washed_out(process: Process, tmp_path: Path) -> None:
    process(video(tmp_path / "a.mp4", seconds=0.1, colours=(1, 1, 1, 2), flat=(10, 128, 128)))

    assert alike(middle(tmp_path), (10, 10, 10), most=6)


# What Chromium 156 draws of a film of these signals, on a screen without HDR. The first white of HDR, and of a page, is
# at 0.58 in PQ and at 0.75 in HLG; what is brighter is brought together below the screen's white.
PQ, HLG = 16, 18
WIDE = [
    (9, PQ, (0.4, 0.4, 0.4), (80, 80, 80)),
    (9, PQ, (0.6, 0.6, 0.6), (200, 200, 200)),
    (9, PQ, (0.733, 0.733, 0.733), (249, 249, 249)),
    (9, PQ, (0.8, 0.8, 0.8), (255, 255, 255)),
    (9, PQ, (0.5, 0.25, 0.125), (162, 0, 0)),
    (9, HLG, (0.533, 0.533, 0.533), (106, 106, 106)),
    (9, HLG, (0.8, 0.8, 0.8), (206, 206, 206)),
    (9, HLG, (1.0, 1.0, 1.0), (254, 254, 254)),
    (9, HLG, (0.5, 0.25, 0.125), (111, 34, 13)),
    (9, 1, (0.5, 0.25, 0.125), (154, 48, 24)),
    (12, 1, (0.5, 0.25, 0.125), (137, 60, 23)),
]


@pytest.mark.parametrize(("primaries", "transfer", "signal", "shown"), WIDE)
def test_wide_colours_and_hdr_are_shown_as_a_browser_shows_them(
    process: Process, tmp_path: Path, primaries: int, transfer: int, signal: tuple[float, float, float], shown: Colour
) -> None:
    is_bt2020 = primaries == 9
    colours = primaries, transfer, 9 if is_bt2020 else 1, 1
    flat = levels(signal, BT2020 if is_bt2020 else BT709, bits=10)

    process(video(tmp_path / "a.mp4", colours=colours, flat=flat, **AV1))  # type: ignore[arg-type]

    assert alike(middle(tmp_path), shown, most=14), middle(tmp_path)
    assert film(tmp_path)["colours"] == colours


def test_a_film_that_says_how_bright_it_becomes_is_made_as_dark_as_that_takes(process: Process, tmp_path: Path) -> None:
    """These, too, are Chromium's."""
    gray = levels((0.467,) * 3, BT2020, bits=10)
    source = video(tmp_path / "a.mp4", colours=(9, PQ, 9, 1), flat=gray, **AV1)  # type: ignore[arg-type]
    found = []
    for nits in (4000, 400, 203):
        entry = (*films.TABLES, b"stsd")
        light = films.box(b"clli", struct.pack(">2H", nits, 100))
        process(films.with_box(source.read_bytes(), entry, partial(with_light, light)))
        found.append(middle(tmp_path)[0])

    assert found == [pytest.approx(shown, abs=6) for shown in (112, 138, 154)]


def with_light(light: bytes, description: bytes) -> bytes:
    return description[:8] + films.grown(description[8:], light)


def test_the_brightest_light_of_hdr_is_the_screens_white_and_nothing_is_out_of_order() -> None:
    from uploads.content.video import colours

    ramp = Image.linear_gradient("L").resize((1, 256))
    for transfer in (PQ, HLG):
        shown = colours.shown(Image.merge("RGB", [ramp] * 3), 9, transfer)
        found = [shown.getpixel((0, y))[0] for y in range(256)]  # type: ignore[index]
        assert found == sorted(found)
        assert (found[0], found[-1]) == (0, 255)
        assert math.isclose(found[148 if transfer == PQ else 191], 188 if transfer == PQ else 184, abs_tol=3)


# What changes on the way

SIZES = [(160, 120), (80, 120)]


def test_a_recording_whose_size_changes_is_shown_as_it_begins(process: Process, tmp_path: Path) -> None:
    """As a browser records a window that becomes smaller; the poster would be of that time."""
    out_path = tmp_path / "a.webm"
    parts = [
        video(tmp_path / f"{number}.webm", codec="libvpx", seconds=1, size=size) for number, size in enumerate(SIZES)
    ]
    with av.open(str(out_path), "w") as out:
        copy: Any = None
        for number, part in enumerate(parts):
            with av.open(str(part)) as source:
                stream = source.streams.video[0]
                copy = copy or out.add_stream_from_template(stream, opaque=True)
                for packet in source.demux(stream):
                    if packet.dts is not None:
                        packet.pts, packet.dts, packet.stream = (
                            packet.pts + 1000 * number,
                            packet.dts + 1000 * number,
                            copy,
                        )
                        out.mux(packet)

    made = process(out_path, "webm")

    assert (made.width, made.height) == poster(tmp_path).size == SIZES[0]


# What a track says


def test_a_track_keeps_its_language_and_says_that_it_is_the_one_to_play(process: Process, tmp_path: Path) -> None:
    source = video(tmp_path / "a.mp4", sound="aac", seconds=0.5)
    data = films.with_box(
        source.read_bytes(), (*films.TRACK, b"mdia", b"mdhd"), lambda body: body[:20] + b"\x19\x33" + body[22:]
    )

    process(data)

    shown = film(tmp_path)
    assert shown["language"] == ["fis", "und"]
    assert shown["default"] == [True, True]
