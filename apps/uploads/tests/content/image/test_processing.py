from __future__ import annotations

import contextlib
import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageStat, PngImagePlugin

from uploads import content
from uploads.content import ChildLimits, ImageLimits, Rendered, Rendition, Sandbox, process_image
from uploads.content.image import formats, processing, rendering, work
from uploads.content.image.info import ImageInfo
from uploads.content.image.prescan import prescan
from uploads.core.names import parse_name
from uploads.core.sniffing import SNIFF_BYTES, check_type
from uploads.errors import UploadError
from uploads.tests.content.image.samples import heif, p3
from uploads.tests.corpus import Corpus

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 180, 30), (30, 30, 220), (255, 255, 255)
COLOURS = {"red": RED, "green": GREEN, "blue": BLUE, "white": WHITE}
INVERSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
PNG_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"}


def quadrants(width: int = 160, height: int = 120) -> Image.Image:
    picture = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(picture)
    draw.rectangle([0, 0, width // 2 - 1, height // 2 - 1], fill=RED)
    draw.rectangle([width // 2, 0, width, height // 2 - 1], fill=GREEN)
    draw.rectangle([0, height // 2, width // 2 - 1, height], fill=BLUE)
    return picture


def film(count: int = 4) -> list[Image.Image]:
    """Frames that each differ from the last in one place only."""
    frames = []
    for number in range(count):
        frame = quadrants()
        ImageDraw.Draw(frame).rectangle([number * 20, 50, number * 20 + 15, 70], fill="black")
        frames.append(frame)
    return frames


def corners(picture: Image.Image) -> list[Any]:
    right, bottom = picture.width - 4, picture.height - 4
    return [picture.convert("RGB").getpixel(place) for place in ((3, 3), (right, 3), (3, bottom), (right, bottom))]


def alike(pixel: Any, colour: tuple[int, int, int], tolerance: int = 60) -> bool:
    return sum(abs(a - b) for a, b in zip(pixel, colour, strict=True)) < tolerance


Process = Callable[..., tuple[Rendered, Image.Image]]


@pytest.fixture
def process(tmp_path: Path) -> Process:
    """Save a picture, process it, and open what came out."""

    def run(picture: Image.Image | bytes, kind: str, options: dict[str, Any] | None = None, **rendition: Any) -> Any:
        source, path = tmp_path / "source", tmp_path / "made"
        if isinstance(picture, bytes):
            source.write_bytes(picture)
        else:
            picture.save(source, kind, **(options or {}))
        limits = rendition.pop("limits", None)
        (made,) = process_image(source, kind, [Rendition(path, **{"max_side": 4096} | rendition)], limits)
        assert made.size == path.stat().st_size
        return made, Image.open(io.BytesIO(path.read_bytes()))

    return run


def outcome(corpus: Corpus, entry: dict[str, Any], folder: Path) -> str | None:
    """The code an entry is refused with, or None; what is stored of it must be what the manifest expects."""
    limits = corpus.manifest["limits"][entry["app"]]
    data = corpus.data(entry)
    source, stored, small = folder / "source", folder / "stored", folder / "small"
    source.write_bytes(data)
    try:
        name = parse_name(entry["client_name"])
        if name.extension not in limits["ext"]:
            raise UploadError("bad_ext")
        if not data:
            raise UploadError("empty")
        if len(data) > limits["max_bytes"]:
            raise UploadError("too_large")
        file_type = check_type(name.extension, data[:SNIFF_BYTES])
        assert file_type is not None
        side = 1024 if entry["app"] == "avatars" else 16_384
        renditions = [
            Rendition(stored, side, frames=limits["store_frames"]),
            Rendition(small, 64, square=True, format="webp"),
        ]
        first, second = process_image(source, file_type.key, renditions, ImageLimits(max_frames=limits["max_frames"]))
    except UploadError as error:
        assert not stored.exists() and not small.exists()
        return error.code
    assert second.width == second.height <= 64
    assert_stored(first, stored.read_bytes(), entry.get("expect", {}), side, gallery=entry["app"] == "gallery")
    return None


def assert_stored(made: Rendered, data: bytes, expect: dict[str, Any], side: int, *, gallery: bool) -> None:
    assert not [marker for marker in expect.get("must_not_contain", []) if marker.encode() in data]
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (made.width, made.height) and max(picture.size) <= side
        assert picture.mode in ("L", "RGB", "RGBA", "P")
        assert Image.MIME[picture.format or ""] == made.mime
        assert not dict(picture.getexif()) and not {"icc_profile", "xmp", "exif", "comment"} & set(picture.info)
        assert getattr(picture, "n_frames", 1) == made.frames == (expect.get("frames", made.frames) if gallery else 1)
        assert picture.size == (expect.get("width", made.width), expect.get("height", made.height))
        if "corners" in expect:
            wanted = [COLOURS[expect["corners"][corner]] for corner in ("tl", "tr", "bl", "br")]
            assert all(alike(pixel, colour, 130) for pixel, colour in zip(corners(picture), wanted, strict=True))


@pytest.mark.parametrize("app", ["avatars", "gallery"])
def test_every_picture_of_the_corpus_gets_its_outcome(corpus: Corpus, app: str, tmp_path: Path) -> None:
    wrong = []
    for entry in corpus.entries(app):
        for leftover in tmp_path.iterdir():
            leftover.unlink()
        try:
            got = outcome(corpus, entry, tmp_path)
        except AssertionError as error:
            got = f"stored badly: {error}"
        if got != entry.get("code"):
            wrong.append((entry["name"], entry["client_name"], entry.get("code"), got))
    assert len(corpus.entries(app)) > 100
    assert not wrong


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("orientation", INVERSE)
def test_a_picture_is_stored_upright(process: Process, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    made, picture = process(quadrants().transpose(INVERSE[orientation]), kind, {"exif": exif})
    assert (made.width, made.height) == (160, 120)
    assert all(map(alike, corners(picture), (RED, GREEN, BLUE, WHITE)))
    assert 0x0112 not in picture.getexif()


def test_a_picture_in_other_colours_is_stored_in_those_that_browsers_assume(process: Process) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
    _, picture = process(Image.new("RGB", (8, 8), (255, 0, 0)), "png", {"icc_profile": swapped})
    red, green, _ = picture.convert("RGB").getpixel((4, 4))
    assert green > 200 > red


def test_no_chunk_of_a_stored_png_says_anything_but_the_picture(process: Process, tmp_path: Path) -> None:
    process(quadrants(), "png", {"dpi": (300, 300), "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"})
    data, at, kinds = (tmp_path / "made").read_bytes(), 8, set()
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        kinds.add(kind)
        at += 12 + length
    assert kinds <= PNG_CHUNKS


@pytest.mark.parametrize("size", [(160, 120), (120, 160), (3000, 2), (1, 1)])
def test_the_longer_side_is_bounded_and_nothing_is_enlarged(process: Process, size: tuple[int, int]) -> None:
    made, picture = process(Image.new("RGB", size), "png", max_side=150)
    scale = min(1, 150 / max(size))
    assert picture.size == (made.width, made.height) == tuple(max(1, round(side * scale)) for side in size)


def test_a_square_is_cut_out_of_the_middle(process: Process) -> None:
    wide = Image.new("RGB", (300, 100), BLUE)
    wide.paste(RED, (100, 0, 200, 100))
    made, picture = process(wide, "png", max_side=50, square=True)
    assert (made.width, made.height) == (50, 50)
    assert all(alike(pixel, RED, 5) for pixel in corners(picture))


def test_a_large_jpeg_is_still_sharp_when_made_small(process: Process) -> None:
    made, picture = process(quadrants(4000, 3000), "jpeg", max_side=400)
    assert (made.width, made.height) == (400, 300)
    assert all(map(alike, corners(picture), (RED, GREEN, BLUE, WHITE)))
    assert alike(picture.getpixel((196, 3)), RED) and alike(picture.getpixel((203, 3)), GREEN)


def test_a_see_through_picture_gets_a_white_ground_in_a_format_without_alpha(process: Process) -> None:
    clear = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    made, picture = process(clear, "png", format="jpeg")
    assert made.mime == "image/jpeg" and alike(picture.getpixel((10, 10)), WHITE, 10)


@pytest.mark.parametrize("kind", ["gif", "png", "webp"])
@pytest.mark.parametrize("side", [4096, 80])
def test_an_animation_keeps_its_frames_their_times_and_its_loop(process: Process, kind: str, side: int) -> None:
    first, *rest = film()
    durations = [50, 100, 150, 200]
    options = {"save_all": True, "append_images": rest, "duration": durations, "loop": 3, "lossless": True}
    made, picture = process(first, kind, options, frames=300, max_side=side)
    assert made.frames == 4 and picture.info["loop"] == 3
    times = []
    for number, frame in enumerate(film()):
        picture.seek(number)
        shown = picture.convert("RGB")
        times.append(picture.info["duration"])
        assert all(map(alike, corners(shown), (RED, GREEN, BLUE, WHITE)))
        marks = [(at * 20 + 8, 54) for at in range(4)]
        for mark in marks:
            place = (mark[0] * shown.width // 160, mark[1] * shown.height // 120)
            assert alike(shown.getpixel(place), frame.getpixel(mark), 120), (number, mark)
    assert times == durations


@pytest.mark.parametrize("kind", ["gif", "png", "webp"])
def test_nothing_is_said_in_an_animation_that_its_frames_do_not_show(process: Process, kind: str) -> None:
    first, *rest = film()
    exif = Image.Exif()
    exif[0x010E] = "Private: 10 Main Street"  # ImageDescription
    said: dict[str, Any] = {"comment": b"Private: 10 Main Street", "exif": exif.tobytes(), "xmp": b"<x>Private</x>"}
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "Private: 10 Main Street")
    options = {"save_all": True, "append_images": rest, "duration": 50, "pnginfo": text, **said}
    source = io.BytesIO()
    first.save(source, kind, **options)
    assert b"Private" in source.getvalue()

    made, _ = process(first, kind, options, frames=300)

    assert made.frames == 4
    assert b"Private" not in made.path.read_bytes()


@pytest.mark.parametrize("kind", ["gif", "png", "webp"])
def test_what_was_see_through_in_an_animation_stays_so(process: Process, kind: str) -> None:
    frames = [Image.new("RGBA", (40, 40), (0, 0, 0, 0)) for _ in range(3)]
    for number, frame in enumerate(frames):
        ImageDraw.Draw(frame).ellipse([number * 12, 2, number * 12 + 11, 13], fill=(*RED, 255))
    options = {"save_all": True, "append_images": frames[1:], "duration": 50, "disposal": 2, "lossless": True}
    if kind == "webp":
        del options["disposal"]
    made, picture = process(frames[0], kind, options, frames=9)
    assert made.frames == 3
    for number in range(3):
        picture.seek(number)
        shown = picture.convert("RGBA")
        opaque = [at for at in range(3) if shown.getpixel((at * 12 + 6, 8))[3] > 200]
        assert opaque == [number]


@pytest.mark.parametrize(("frames", "format", "kept"), [(1, "same", 1), (2, "same", 2), (9, "jpeg", 1), (9, "webp", 4)])
def test_as_many_frames_are_kept_as_were_asked_for(process: Process, frames: int, format: str, kept: int) -> None:  # noqa: A002
    first, *rest = film()
    made, picture = process(first, "gif", {"save_all": True, "append_images": rest}, frames=frames, format=format)
    assert made.frames == getattr(picture, "n_frames", 1) == kept
    assert [warning.code for warning in made.warnings] == (["still"] if kept == 1 else [])


def test_the_film_of_a_motion_photo_is_told_to_be_left_out(process: Process) -> None:
    film = b"\0\0\0\x18ftypmp42" + bytes(400)
    photo = io.BytesIO()
    Image.new("RGB", (60, 40)).save(photo, "JPEG")

    made, _ = process(photo.getvalue() + b"trailer" + film, "jpeg")

    assert [warning.sentence for warning in made.warnings] == ["The short video in it isn't published."]
    assert process(photo.getvalue() + b"ftyp of nothing", "jpeg")[0].warnings == ()


def test_an_animation_with_fewer_frames_than_it_claims_is_stored_with_those_it_has(process: Process) -> None:
    first, *rest = film(3)
    encoded = io.BytesIO()
    first.save(encoded, "PNG", save_all=True, append_images=rest)
    head, _, tail = encoded.getvalue().partition(b"acTL")
    claim = b"acTL" + struct.pack(">II", 7, 0)
    made, _ = process(head + claim + struct.pack(">I", zlib.crc32(claim)) + tail[12:], "png", frames=9)
    assert made.frames == 3


def test_one_job_makes_several_renditions_in_their_order(tmp_path: Path) -> None:
    first, *rest = film()
    first.save(tmp_path / "source", "GIF", save_all=True, append_images=rest)
    renditions = [
        Rendition(tmp_path / "moving", 100, frames=9),
        Rendition(tmp_path / "still", 50, format="webp"),
        Rendition(tmp_path / "square", 30, square=True, format="jpeg"),
    ]
    made = process_image(tmp_path / "source", "gif", renditions)
    assert [(each.path.name, each.width, each.height, each.frames, each.mime) for each in made] == [
        ("moving", 100, 75, 4, "image/gif"),
        ("still", 50, 38, 1, "image/webp"),
        ("square", 30, 30, 1, "image/jpeg"),
    ]


def test_smaller_sizes_look_like_what_is_made_of_the_picture_itself(tmp_path: Path) -> None:
    noise = [Image.effect_noise((120, 90), 90 + number).resize((1800, 1350)) for number in range(3)]
    picture = ImageChops.add(Image.merge("RGB", noise), Image.effect_noise((1800, 1350), 20).convert("RGB"), 2)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(p3()))
    picture.save(tmp_path / "source", "png", icc_profile=profile.tobytes())
    sides = {"small": 200, "large": 900, "square": 100}  # in any order
    asked = [Rendition(tmp_path / name, side, square=name == "square") for name, side in sides.items()]

    process_image(tmp_path / "source", "png", asked)

    srgb = ImageCms.profileToProfile(picture, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert srgb is not None
    for name, side in sides.items():
        whole = srgb.crop((225, 0, 1575, 1350)) if name == "square" else srgb.copy()
        whole.thumbnail((side, side), Image.Resampling.LANCZOS)
        with Image.open(tmp_path / name) as made:
            assert made.size == whole.size
            assert max(ImageStat.Stat(ImageChops.difference(made.convert("RGB"), whole)).rms) < 6, name


@pytest.mark.parametrize("kind", ["gif", "jpeg", "webp"])
def test_no_other_decoder_than_the_sniffed_types_own_is_tried(process: Process, kind: str) -> None:
    """The walker would refuse it too: the decoder is asked on its own."""
    source = io.BytesIO()
    quadrants().save(source, "PNG")
    with pytest.raises(Image.UnidentifiedImageError):
        rendering._Source(source, source.getvalue(), ImageInfo(kind, 160, 120), ImageLimits()).open()


def test_a_decoder_that_finds_a_larger_picture_than_the_prescan_is_stopped() -> None:
    source = rendering._Source(io.BytesIO(), b"", ImageInfo("png", 9, 8), ImageLimits())
    with pytest.raises(UploadError) as refused:
        rendering._decoded(Image.new("L", (9, 9)), source)
    assert refused.value.code == "bad_content"


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_an_end_is_damaged_if_more_is_missing(process: Process, *, progressive: bool) -> None:
    whole = io.BytesIO()
    quadrants().save(whole, "JPEG", quality=95, progressive=progressive)
    data = whole.getvalue()

    _, made = process(data[:-2], "jpeg")

    assert all(alike(pixel, colour) for pixel, colour in zip(corners(made), (RED, GREEN, BLUE, WHITE), strict=True))
    for missing in (4, 12, len(data) // 3):
        with pytest.raises(UploadError) as refused:
            process(data[:-missing], "jpeg")
        assert refused.value.code == "bad_content"


def test_an_empty_file_is_bad_content(process: Process) -> None:
    with pytest.raises(UploadError) as refused:
        process(b"", "png")
    assert refused.value.code == "bad_content"


@pytest.fixture
def hostile() -> Iterator[Sandbox]:
    with contextlib.closing(Sandbox(worker="uploads.tests.content.hostile_jobs")) as sandbox:
        yield sandbox


def test_a_crashing_decoder_is_bad_content_and_the_next_picture_works(hostile: Sandbox, tmp_path: Path) -> None:
    good, bad, out = tmp_path / "good.png", tmp_path / "bad.png", tmp_path / "out.png"
    quadrants().save(good)
    bad.write_bytes(b"CRASH")
    with pytest.raises(UploadError) as refused:
        process_image(bad, "png", [Rendition(out, 100)], sandbox=hostile)
    assert refused.value.code == "bad_content"
    assert not out.exists(), "what the decoder wrote before it crashed"
    (made,) = process_image(good, "png", [Rendition(out, 100)], sandbox=hostile)
    assert made.width == 100


def test_a_picture_that_needs_too_much_memory_is_bad_content(tmp_path: Path) -> None:
    source = tmp_path / "source"
    Image.new("RGB", (5000, 5000)).save(source, "PNG")  # 100 MB, decoded
    for megabytes, code in ((190, "bad_content"), (1024, None)):
        try:
            process_image(source, "png", [Rendition(tmp_path / "out", 64)], child=ChildLimits(megabytes << 20))
            got = None
        except UploadError as error:
            got = error.code
        assert got == code


class _Liar(Sandbox):
    """A sandbox whose child was taken over, and says whatever it likes."""

    def __init__(self, says: Any, tells: Any = None) -> None:
        self._says, self._tells = says, tells

    def run(self, job: str, arguments: Any, limits: ChildLimits, **more: Any) -> Any:
        Path(arguments["renditions"][0]["path"]).write_bytes(b"<script>")
        if self._tells is not None:
            more["told"](self._tells)
        return self._says


@pytest.mark.parametrize(
    "says",
    [
        None,
        [],
        [[10, 10, 1]] * 2,
        [[10, 10]],
        [[True, 10, 1]],
        [["<b>", 10, 1]],
        [[0, 10, 1]],
        [[101, 10, 1]],
        [[10, 10, 2]],
        [{"width": 10}],
    ],
)
def test_what_a_child_says_is_held_against_what_was_asked(says: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(UploadError) as refused:
        process_image(tmp_path / "source", "png", [Rendition(out, 100)], sandbox=_Liar(says))
    assert refused.value.code == "bad_content"
    assert not out.exists()


@pytest.mark.parametrize("tells", ["", [], [0], [2, 10, 10, 1], [-1, 10, 10, 1], [[], 10, 10, 1], [0, 101, 10, 1]])
def test_what_a_child_tells_before_is_held_against_it_as_well(
    tells: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processing, "LONG", -1.0)
    sizes = [Rendition(tmp_path / "out", 100), Rendition(tmp_path / "other", 100)]
    with pytest.raises(UploadError) as refused:
        liar = _Liar([[10, 10, 1]] * 2, tells)
        process_image(tmp_path / "source", "png", sizes, first_made=pytest.fail, sandbox=liar)
    assert refused.value.code == "bad_content"


def test_the_smallest_is_whole_before_the_others_are_begun_and_goes_if_they_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processing, "LONG", 0.0)
    source, large, small = (tmp_path / name for name in ("source", "large", "small"))
    Image.linear_gradient("L").resize((600, 400)).save(source, "JPEG")
    os.mkfifo(large)  # the child waits for somebody to read it, and a picture that isn't a file is refused
    seen: list[Any] = []

    def look(made: Rendered) -> None:
        with Image.open(made.path) as picture:
            picture.load()
            seen.append((made.path, made.size, made.width, made.height, picture.size, made.path.stat().st_size))
        assert large.read_bytes()

    with pytest.raises(UploadError, match="damaged"):
        process_image(source, "jpeg", [Rendition(large, 600), Rendition(small, 60)], first_made=look)
    ((path, size, *sides, shown, length),) = seen
    assert (path, sides, shown, size) == (small, [60, 40], (60, 40), length)
    assert not small.exists()


def test_of_a_small_picture_nothing_is_told_before_all_of_it_is_there(tmp_path: Path) -> None:
    source = tmp_path / "source"
    Image.new("RGB", (600, 400)).save(source, "JPEG")
    sizes = [Rendition(tmp_path / "large", 600), Rendition(tmp_path / "small", 60)]
    assert len(process_image(source, "jpeg", sizes, first_made=pytest.fail)) == 2


def test_a_film_of_flat_colours_is_stored_for_next_to_nothing(process: Process) -> None:
    """Its frames stay as they are: what is expected of the work doesn't hang on how large the picture is."""
    bars = [(bar * 20, 255 - bar * 20, 99) for bar in range(12)]
    empty = Image.new("P", (1280, 720), 12)
    empty.putpalette([level for colour in (*bars, WHITE, RED) for level in colour])
    for bar in range(12):
        ImageDraw.Draw(empty).rectangle([bar * 100, 0, bar * 100 + 60, 720], fill=bar)
    frames = [empty.copy() for _ in range(200)]
    for number, frame in enumerate(frames):
        ImageDraw.Draw(frame).ellipse([number * 5, 200 + number, number * 5 + 150, 350 + number], fill=13)
    source = io.BytesIO()
    frames[0].save(source, "GIF", save_all=True, append_images=frames[1:], duration=40, loop=0)
    info = prescan(source.getvalue(), "gif", ImageLimits())
    rendition = Rendition(Path("/nowhere"), 2048, frames=300)
    assert work.seconds(info, [rendition]) < 1.5
    assert work.seconds(replace(info, patches=200 * 1280 * 720), [rendition]) > 5

    made, picture = process(source.getvalue(), "gif", frames=300)

    assert made.frames == 200 and made.size < 2 * len(source.getvalue())
    for number in (0, 77, 199):
        picture.seek(number)
        assert ImageChops.difference(picture.convert("RGB"), frames[number].convert("RGB")).getbbox() is None


def test_what_would_take_too_long_is_refused_for_what_it_is(process: Process) -> None:
    first, *rest = film()
    options = {"save_all": True, "append_images": rest}
    source = io.BytesIO()
    first.save(source, "WEBP", **options)
    expected = work.seconds(prescan(source.getvalue(), "webp", ImageLimits()), [Rendition(Path("/nowhere"), 99, 9)])
    with pytest.raises(UploadError) as refused:
        process(source.getvalue(), "webp", max_side=99, frames=9, limits=ImageLimits(max_seconds=expected / 2))
    assert refused.value.code == "too_much_work" and "too long to process" in refused.value.message
    process(source.getvalue(), "webp", max_side=99, frames=9, limits=ImageLimits(max_seconds=expected * 2))


def test_a_child_gets_more_time_than_any_picture_may_be_expected_to_take() -> None:
    least, most = work.child_limits(0), work.child_limits(ImageLimits().max_seconds)
    assert 10 <= least.cpu_seconds < least.wall_seconds
    assert 4 * ImageLimits().max_seconds <= most.cpu_seconds < most.wall_seconds


def test_without_its_decoder_a_picture_is_refused_with_those_that_are_accepted(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "_DECODERS", {"avif": "PIL._avif", "heic": "pillow_heif_is_missing"})
    assert content.accept("jpeg", "avif", "heic") == ".jpg,.jpeg,.avif"
    with pytest.raises(UploadError) as refused:
        process(heif(quadrants()), "heic")
    assert refused.value == UploadError(
        "bad_ext", "This kind of picture isn't supported. Choose a JPEG, PNG, WebP, GIF or AVIF."
    )


@pytest.mark.parametrize("loop", [None, 0, 3])
@pytest.mark.parametrize("target", ["webp", "png"])
def test_an_animation_is_played_as_often_in_another_format(process: Process, loop: int | None, target: str) -> None:
    """A GIF says how often again."""
    first, *rest = film()
    options = {"save_all": True, "append_images": rest} | ({} if loop is None else {"loop": loop})
    _, picture = process(first, "gif", options, frames=9, format=target)
    assert picture.info["loop"] == {None: 1, 0: 0, 3: 4}[loop]
