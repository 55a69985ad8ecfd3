"""Films with something wrong that players forgive: what is there is published, and plays."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import av
import pytest

from uploads.core.sniffing import SNIFF_BYTES, check_type
from uploads.tests import films
from uploads.tests.content.video.conftest import Process
from uploads.tests.media import video

VP8 = {"codec": "libvpx", "deadline": "realtime"}
VP9 = {"codec": "libvpx-vp9", "deadline": "realtime", "cpu-used": 8}
AV1 = {"codec": "libsvtav1", "size": (160, 128), "preset": 12, "svtav1-params": "lp=1:pred-struct=1"}


def frames(path: Path) -> list[float]:
    """When each frame is shown, in seconds. They are decoded."""
    with av.open(str(path)) as container:
        return [round(frame.time or 0.0, 3) for frame in container.decode(video=0)]


# What follows


@pytest.mark.parametrize(
    "trailer",
    [b"TAG" + b" " * 125, b"\x8d\xb4\x2d\x69" * 30 + b"8db42d694ccc418790edff439fe026bf", b"\0\0\0", bytes(1000)],
    ids=["ID3v1", "Insta360", "padding", "zeros"],
)
@pytest.mark.parametrize("movflags", ["", "faststart", "frag_keyframe+empty_moov"])
def test_what_follows_the_last_box_is_left_out(process: Process, tmp_path: Path, trailer: bytes, movflags: str) -> None:
    source = video(tmp_path / "a.mp4", movflags=movflags, g=4, bf=0)

    process(source.read_bytes() + trailer)

    assert frames(tmp_path / "made") == frames(source)


# Recordings that end early


@pytest.mark.parametrize("options", [VP8, VP9, AV1], ids=["vp8", "vp9", "av1"])
@pytest.mark.parametrize("unknown", [True, False], ids=["open clusters", "closed clusters"])
def test_a_cut_webm_recording_plays_to_its_last_whole_block(
    process: Process, tmp_path: Path, options: dict[str, Any], unknown: bool
) -> None:
    source = video(tmp_path / "a.webm", **options)
    data = films.recorded(source.read_bytes(), unknown_clusters=unknown)
    ends = films.blocks(data)
    whole = frames(source)

    process(data[: ends[-1] - 1], "webm")
    assert frames(tmp_path / "made") == whole[:-1]

    made = process(data[: ends[-3] - 1], "webm")
    assert frames(tmp_path / "made") == whole[:-3]
    assert made.duration == pytest.approx(whole[-3], abs=0.1)


def test_a_cut_recording_of_both_keeps_its_sound(process: Process, tmp_path: Path) -> None:
    source = video(tmp_path / "a.webm", sound="libopus", **VP8)
    data = films.recorded(source.read_bytes())

    made = process(data[:-1], "webm")

    assert made.audio_codec == "opus"
    assert len(frames(tmp_path / "made")) in (11, 12)


def test_a_fragmented_film_that_ends_early_plays_as_far_as_it_goes(process: Process, tmp_path: Path) -> None:
    """Of its last fragment the pictures that are whole, or none if its list of them isn't."""
    source = video(tmp_path / "a.mp4", movflags="frag_keyframe+empty_moov", g=4, bf=0, noise=60, sc_threshold=0)
    data = source.read_bytes()
    whole = frames(source)
    assert data.count(b"moof") == 3

    process(data[: data.rindex(b"mfra") - 5])
    assert frames(tmp_path / "made") == whole[:-1]

    process(data[: data.rindex(b"moof") + 50])
    assert frames(tmp_path / "made") == whole[:8]

    process(data[: data.rindex(b"mdat") + 2])
    assert frames(tmp_path / "made") == whole[:8]


def test_a_film_whose_media_box_claims_too_much_is_whole(process: Process, tmp_path: Path) -> None:
    source = video(tmp_path / "a.mp4", movflags="faststart")
    data = bytearray(source.read_bytes())
    at = data.index(b"mdat") - 4
    struct.pack_into(">I", data, at, len(data) - at + 24)

    process(bytes(data))

    assert frames(tmp_path / "made") == frames(source)


# Names and kinds


@pytest.mark.parametrize("movflags", ["", "faststart"], ids=["media first", "index first"])
def test_a_classic_quicktime_film_is_made(process: Process, tmp_path: Path, movflags: str) -> None:
    """`ftyp` is optional there: nothing is in its place, or empty space, so that the positions still hold."""
    source = video(tmp_path / "film.mov", movflags=movflags)
    film = source.read_bytes()
    size = int.from_bytes(film[:4], "big")
    spaced = b"\0\0\0\x08wide" + struct.pack(">I4s", size - 8, b"free") + bytes(size - 16) + film[size:]

    for data in (spaced, films.moved(film[size:], -size)):
        file_type = check_type(".mov", data[:SNIFF_BYTES])

        assert file_type is not None and b"ftyp" not in data
        assert process(data, file_type.key).video_codec == "h264"
        assert frames(tmp_path / "made") == frames(source)


@pytest.mark.parametrize("sound", ["libopus", "aac", "pcm_f32le", ""])
def test_h264_in_a_webm_becomes_an_mp4(process: Process, tmp_path: Path, sound: str) -> None:
    """Chrome records it so, and other browsers play it only in an MP4."""
    source = video(tmp_path / "a.mkv", sound=sound, bf=2)

    made = process(films.named_webm(source.read_bytes()), "webm")

    assert (made.container, made.mime, made.video_codec) == ("mp4", "video/mp4", "h264")
    assert made.audio_codec == {"libopus": "opus", "": ""}.get(sound, "aac")
    assert frames(tmp_path / "made") == pytest.approx(frames(source), abs=0.002)


# Times


@pytest.mark.parametrize("count", [3, 4, 5, 24])
@pytest.mark.parametrize("codec", ["libx265", "libx264"])
def test_pictures_may_be_shown_before_they_are_decoded(
    process: Process, tmp_path: Path, codec: str, count: int
) -> None:
    """Apple's films say so with negative numbers, of which FFmpeg overlooks the last two."""
    options = {"x265-params": "log-level=none:pools=1:bframes=3:b-adapt=0"} if codec == "libx265" else {"bf": 3}
    source = video(tmp_path / "a.mov", codec=codec, seconds=count / 12, **options)
    data, offset = films.with_negative_offsets(source.read_bytes())
    assert offset > 0

    process(data)

    shown = frames(tmp_path / "made")
    assert len(shown) == count
    assert [time - shown[0] for time in shown] == pytest.approx([number / 12 for number in range(count)], abs=0.002)


def test_frames_that_are_decoded_at_the_same_time_are_kept(process: Process, tmp_path: Path) -> None:
    """Muxers want times that rise."""
    source = video(tmp_path / "a.mp4", bf=0)
    twice = films.with_box(
        source.read_bytes(),
        (*films.TABLES, b"stts"),
        lambda body: struct.pack(">8I", 0, 3, 5, 1024, 1, 0, 6, 1024),
    )

    process(twice)

    assert len(frames(tmp_path / "made")) == 12


@pytest.mark.parametrize("options", [{"bf": 0, "g": 1}, {"bf": 0, "g": 12}, {"bf": 2, "g": 12}])
@pytest.mark.parametrize("begin", [0, 3, 6])
def test_a_film_whose_ends_are_edited_away_begins_and_ends_there(
    process: Process, tmp_path: Path, options: dict[str, int], begin: int
) -> None:
    """By a list with one entry; pictures that others need are still there, and not shown."""
    source = video(tmp_path / "a.mp4", sound="aac", **options)
    edit = struct.pack(">5I", 0, 1, 500, 1024 * begin + 1024 * options["bf"], 0x10000)
    data = films.with_box(source.read_bytes(), (*films.TRACK, b"edts", b"elst"), lambda body: edit)
    (tmp_path / "edited.mp4").write_bytes(data)
    assert len(frames(tmp_path / "edited.mp4")) == 6

    process(data)

    assert frames(tmp_path / "made") == frames(tmp_path / "edited.mp4")
    assert pictures(tmp_path / "made")[0] == pictures(source)[begin]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.webm", VP8),
        ("a.mkv", {"bf": 2}),
        ("a.mp4", {"bf": 2, "movflags": "dash+frag_keyframe+empty_moov+default_base_moof"}),
    ],
)
def test_the_last_picture_is_shown_as_long_as_the_others(
    process: Process, tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    """A WebM says nothing of it, nor do some fragments."""
    source = video(tmp_path / name, is_counting=True, **options)
    data = films.named_webm(source.read_bytes()) if name == "a.mkv" else source.read_bytes()

    made = process(data, "mp4" if name == "a.mp4" else "webm")

    shown = frames(tmp_path / "made")
    assert len(shown) == 12
    assert made.duration == pytest.approx(shown[-1] + 1 / 12, abs=0.03)


@pytest.mark.parametrize("lasts", [5.0, 0.5, 1 / 12])
def test_a_last_picture_is_shown_no_longer_than_the_edit_list_says(
    process: Process, tmp_path: Path, lasts: float
) -> None:
    """As in a recording of a screen on which nothing moves any more, whose end is cut off."""
    source = video(tmp_path / "a.mp4", sound="aac", bf=0, g=6)
    data = films.with_box(
        source.read_bytes(),
        (*films.TABLES, b"stts"),
        lambda _: struct.pack(">6I", 0, 2, 11, 1024, 1, round(12 * 1024 * lasts)),
    )

    made = process(data)

    assert made.duration == pytest.approx(1.0, abs=0.03)
    assert len(frames(tmp_path / "made")) == 12


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("begin", [0, 6])
def test_a_stretch_without_a_length_lasts_to_the_end(
    process: Process, tmp_path: Path, begin: int, version: int
) -> None:
    """As in the header of fragments, which some programs have left there when they put these together."""
    source = video(tmp_path / "a.mp4", sound="aac", is_counting=True, bf=0, g=6)
    edit = struct.pack(">QqI" if version else ">IiI", 0, 1024 * begin, 0x10000)
    body = bytes([version, 0, 0, 0]) + struct.pack(">I", 1) + edit

    process(films.with_box(source.read_bytes(), (*films.TRACK, b"edts", b"elst"), lambda _: body))

    played = [*range(begin, 12)]
    assert seen(tmp_path / "made", [(number + 0.5) / 12 for number in range(len(played))]) == played


# Of a film of two seconds, twelve pictures each: how long and from which picture on, or None for nothing.
EDITS: dict[str, tuple[list[tuple[int, int | None]], list[int]]] = {
    "a stretch is cut out": ([(500, 0), (500, 12)], [*range(6), *range(12, 18)]),
    "in another order": ([(500, 12), (500, 0)], [*range(12, 18), *range(6)]),
    "the same twice": ([(250, 3), (250, 3)], [3, 4, 5, 3, 4, 5]),
    "nothing is cut out": ([(500, 0), (500, 6)], [*range(12)]),
    "it begins late": ([(250, None), (250, 6), (250, 12)], [6, 7, 8, 12, 13, 14]),
    "a gap, in which the last picture stays": ([(250, 0), (250, None), (250, 15)], [0, 1, 2, 2, 2, 2, 15, 16, 17]),
}


@pytest.mark.parametrize(
    "options", [{"bf": 0, "g": 6}, {"bf": 2, "g": 6}, {"bf": 0, "g": 24}, {"bf": 2, "g": 24}], ids=str
)
@pytest.mark.parametrize("name", EDITS)
def test_an_edit_list_of_several_entries_is_played_as_it_says(
    process: Process, tmp_path: Path, name: str, options: dict[str, int]
) -> None:
    """By a film without one, since players differ; and what is cut out isn't there, unless others are made from it."""
    source = video(tmp_path / "a.mp4", sound="aac", seconds=2, is_counting=True, **options)
    edits, played = EDITS[name]
    begin = 1024 * options["bf"]
    entries = [struct.pack(">IiI", lasting, -1 if at is None else begin + 1024 * at, 0x10000) for lasting, at in edits]
    body = struct.pack(">II", 0, len(entries)) + b"".join(entries)

    process(films.with_box(source.read_bytes(), (*films.TRACK, b"edts", b"elst"), lambda _: body))

    late = 3 if edits[0][1] is None else 0
    assert seen(tmp_path / "made", [(late + number + 0.5) / 12 for number in range(len(played))]) == played
    if options == {"bf": 0, "g": 6} and name == "a stretch is cut out":
        assert len(frames(tmp_path / "made")) == len(played)


def seen(path: Path, moments: list[float]) -> list[int]:
    """The numbers of the pictures that are shown at these seconds."""
    with av.open(str(path)) as container:
        shown = sorted(
            (frame.time or 0.0, round((bytes(frame.planes[0])[0] - 20) / 8)) for frame in container.decode(video=0)
        )
    return [[number for begin, number in shown if begin <= moment][-1] for moment in moments]


def pictures(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [frame.to_image().tobytes() for frame in container.decode(video=0)]
