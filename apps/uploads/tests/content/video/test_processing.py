from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from uploads.content import ChildLimits, MediaWarning, Sandbox, Video, VideoLimits, prescan_video
from uploads.content.video import remuxing
from uploads.content.video.info import VideoInfo
from uploads.content.video.masked_file import Veil
from uploads.content.video.prescan import prescan
from uploads.content.video.processing import child_limits
from uploads.core.names import parse_name
from uploads.core.sniffing import SNIFF_BYTES, check_type
from uploads.errors import UploadError
from uploads.tests.content.video.conftest import Process
from uploads.tests.corpus import Corpus
from uploads.tests.media import LEFT, REST, TOP, video


def refusal(process: Process, source: Path | bytes, kind: str = "mp4", **options: Any) -> str:
    with pytest.raises(UploadError) as refused:
        process(source, kind, **options)
    return refused.value.code


def alike(pixel: Any, colour: tuple[int, int, int]) -> bool:
    return sum(abs(a - b) for a, b in zip(pixel, colour, strict=True)) < 90


# What the demuxer may open, were a prescan to let it through


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_a_demuxer_is_never_guessed(tmp_path: Path, kind: str) -> None:
    """Of a file that FFmpeg would know by itself, and which is neither."""
    source = video(tmp_path / "film.avi")
    info = VideoInfo(kind, "h264", 160, 120)

    with source.open("rb") as file, remuxing._about_the_file(), pytest.raises(av.FFmpegError):
        remuxing._copy(Veil(file), info, str(tmp_path / "made"), VideoLimits())


@pytest.mark.parametrize("wall", ["protocol_whitelist", "enable_drefs", "use_absolute_path", None])
def test_a_film_whose_pictures_are_in_another_file_does_not_get_them(tmp_path: Path, wall: str | None) -> None:
    """Each option by itself keeps that file closed; without any of them it is opened."""
    film = video(tmp_path / "film.mp4")
    hostile = tmp_path / "hostile.mp4"
    hostile.write_bytes(_pictures_elsewhere(film.read_bytes(), film))
    options = {"enable_drefs": "1", "use_absolute_path": "1"}
    if wall is not None:
        options |= {wall: remuxing._OPEN["mp4"][wall]}

    with hostile.open("rb") as file, av.open(file, "r", format="mov", container_options=options) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]

    assert any(packet.strip(b"\0") for packet in packets) == (wall is None)


def _pictures_elsewhere(data: bytes, film: Path) -> bytes:
    """The same film, whose bytes are an alias of another file: as QuickTime's "alis" names it, by an absolute path."""
    at = data.index(b"url \0\0\0\1") - 4
    path = bytes(film)
    record = bytes(10) + bytes(28) + bytes(12) + bytes(64) + bytes(16) + bytes(4) + bytes(16)
    record += struct.pack(">HH", 2, len(path)) + path + bytes(len(path) % 2) + struct.pack(">HH", 0xFFFF, 0)
    alias = struct.pack(">I4sI", 12 + len(record), b"alis", 0) + record
    grown = len(alias) - 12
    made = bytearray(data[:at] + alias + data[at + 12 :])
    for name in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        place = made.index(name) - 4
        struct.pack_into(">I", made, place, struct.unpack_from(">I", made, place)[0] + grown)
    start = made.index(b"mdat")
    assert start < at, "the index comes last, so that the offsets in it still hold"
    made[start + 4 : made.index(b"moov") - 4] = bytes(made.index(b"moov") - 8 - start)
    return bytes(made)


# The corpus


def outcome(corpus: Corpus, entry: dict[str, Any], process: Process, folder: Path) -> str | None:
    """The code an entry is refused with, or None; what is made of it must be what the manifest expects."""
    data, limits = corpus.data(entry), corpus.manifest["limits"]["videos"]
    try:
        name = parse_name(entry["client_name"])
        if name.extension not in limits["ext"]:
            raise UploadError("bad_ext")
        if not data:
            raise UploadError("empty")
        file_type = check_type(name.extension, data[:SNIFF_BYTES])
        assert file_type is not None
        made = process(data, file_type.key)
    except UploadError as error:
        assert not (folder / "made").exists() and not (folder / "poster").exists()
        return error.code
    assert_made(made, folder, entry.get("expect", {}))
    return None


def assert_made(made: Video, folder: Path, expect: dict[str, Any]) -> None:
    data = (folder / "made").read_bytes()
    assert not [marker for marker in expect.get("must_not_contain", []) if marker.encode() in data]
    assert not [marker for marker in (b"<script", b"onerror", b"alert(") if marker in data]
    assert made.size == len(data)
    assert 0 < made.duration <= expect.get("max_seconds", 2)
    assert (made.rotation in (90, -90)) == expect.get("rotated", False)
    assert made.mime == f"video/{made.container}"
    with av.open(str(folder / "made")) as container, Image.open(folder / "poster") as poster:
        frames = list(container.decode(video=0))
        assert frames and (poster.format, poster.size) == ("WEBP", (made.width, made.height))
        assert len(container.streams) == 1 + bool(made.audio_codec)


def test_every_video_of_the_corpus_gets_its_outcome(corpus: Corpus, process: Process, tmp_path: Path) -> None:
    wrong = []
    for entry in corpus.entries("videos"):
        for leftover in tmp_path.iterdir():
            leftover.unlink()
        try:
            got = outcome(corpus, entry, process, tmp_path)
        except AssertionError as error:
            got = f"made badly: {error}"
        if got != entry.get("code"):
            wrong.append((entry["name"], entry["client_name"], entry.get("code"), got))
    assert len(corpus.entries("videos")) > 50
    assert not wrong


def test_the_cheap_look_tells_all_but_what_only_a_decoder_knows(corpus: Corpus) -> None:
    early = {"type_mismatch", "empty", "bad_ext", "bad_name", "too_large"}
    later = []
    for entry in corpus.entries("videos"):
        if entry.get("code") in early:
            continue
        path = corpus.root / entry["name"]
        try:
            prescan_video(path, "webm" if path.suffix == ".webm" else "mp4")
            got = None
        except UploadError as error:
            got = error.code
        if got != entry.get("code"):
            later.append((entry["name"], got))
    assert later == [("badvideo/vp8_frame_12000x12000.webm", None)]


# What comes out


@pytest.mark.parametrize(
    ("name", "codec", "sound", "want"),
    [
        ("a.mp4", "libx264", "aac", ("mp4", "h264", "aac")),
        ("a.mov", "libx264", "", ("mp4", "h264", "")),
        ("a.mp4", "libvpx-vp9", "libopus", ("mp4", "vp9", "opus")),
        ("a.mp4", "libx264", "libmp3lame", ("mp4", "h264", "mp3")),
        ("a.mov", "libx264", "pcm_s16le", ("mp4", "h264", "aac")),
        ("a.mp4", "libx264", "ac3", ("mp4", "h264", "aac")),
        ("a.webm", "libvpx", "", ("webm", "vp8", "")),
        ("a.webm", "libvpx-vp9", "libopus", ("webm", "vp9", "opus")),
    ],
)
def test_pictures_are_kept_and_so_is_sound_that_browsers_play(
    process: Process, tmp_path: Path, name: str, codec: str, sound: str, want: tuple[str, str, str]
) -> None:
    source = video(tmp_path / name, codec=codec, sound=sound)

    made = process(source, want[0])

    assert (made.container, made.video_codec, made.audio_codec) == want
    assert made.duration == pytest.approx(1, abs=0.1)
    assert packets(source) == packets(tmp_path / "made")


def packets(path: Path) -> list[bytes]:
    """The encoded pictures: they are copied, never encoded again."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def test_an_mp4_begins_with_its_index(process: Process, tmp_path: Path) -> None:
    process(video(tmp_path / "a.mp4", seconds=2))

    data = (tmp_path / "made").read_bytes()

    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_hevc_has_the_name_that_apples_players_know(process: Process, tmp_path: Path) -> None:
    hevc = {"x265-params": "log-level=none:pools=1"}
    process(video(tmp_path / "a.mp4", codec="libx265", seconds=0.25, **hevc))

    data = (tmp_path / "made").read_bytes()

    assert b"hvc1" in data and b"hev1" not in data


def test_nothing_that_was_said_about_the_video_is_kept(process: Process, tmp_path: Path) -> None:
    said = {"title": "SECRET", "location": "+48.8584+002.2945/", "artist": "SECRET", "comment": "SECRET"}
    for name in ("a.mp4", "a.mov"):
        process(video(tmp_path / name, metadata=said, movflags="use_metadata_tags"))
        data = (tmp_path / "made").read_bytes()
        assert b"SECRET" not in data and b"48.8584" not in data
    process(video(tmp_path / "a.webm", codec="libvpx", metadata=said), "webm")
    data = (tmp_path / "made").read_bytes()
    assert b"SECRET" not in data and b"48.8584" not in data


@pytest.mark.parametrize(
    ("rotation", "size", "colours"),
    [
        (0, (160, 120), (TOP, LEFT, REST)),
        (-90, (120, 160), (LEFT, REST, TOP)),
        (90, (120, 160), (REST, TOP, REST)),
        (180, (160, 120), (REST, REST, LEFT)),
    ],
)
def test_a_poster_is_upright_and_the_video_says_how_to_turn_it(
    process: Process, tmp_path: Path, rotation: int, size: tuple[int, int], colours: tuple[Any, ...]
) -> None:
    """The colours are those of the upper edge, the left and the right."""
    made = process(video(tmp_path / "a.mp4", rotation=rotation))

    assert (made.width, made.height) == size
    assert made.rotation == rotation
    with Image.open(tmp_path / "poster") as poster:
        width, height = poster.size
        above, left, right = (width * 2 // 3, 3), (3, height * 2 // 3), (width - 4, height * 2 // 3)
        found = [poster.convert("RGB").getpixel(at) for at in (above, left, right)]
        assert all(map(alike, found, colours)), found
    with av.open(str(tmp_path / "made")) as container:
        assert abs(next(container.decode(video=0)).rotation) == abs(rotation)


def test_a_poster_is_no_larger_than_asked_for(process: Process, tmp_path: Path) -> None:
    made = process(video(tmp_path / "a.mp4", size=(640, 360)), limits=VideoLimits(poster_side=100))

    with Image.open(tmp_path / "poster") as poster:
        assert poster.size == (100, 56)
    assert (made.width, made.height) == (640, 360)


def test_a_poster_is_of_a_moment_into_the_video(process: Process, tmp_path: Path) -> None:
    """Many begin in black; the white square is where it is a second later."""
    process(video(tmp_path / "a.mp4", seconds=2, g=6, bf=0))

    with Image.open(tmp_path / "poster") as poster:
        row = [sum(poster.convert("RGB").getpixel((x, 64))) > 600 for x in range(80, 120)]  # type: ignore[arg-type]
    assert row.index(True) in range(10, 15)


def test_a_recording_that_begins_late_is_moved_to_the_start(process: Process, tmp_path: Path) -> None:
    source = video(tmp_path / "a.webm", codec="libvpx", output_ts_offset=0)
    with av.open(str(source)) as early, av.open(str(tmp_path / "late.webm"), "w") as late:
        copy = late.add_stream_from_template(early.streams.video[0], opaque=True)
        for packet in early.demux(video=0):
            if packet.dts is not None:
                packet.pts, packet.dts = (packet.pts or 0) + 100_000, packet.dts + 100_000
                packet.stream = copy
                late.mux(packet)

    assert process(tmp_path / "late.webm", "webm").duration == pytest.approx(1, abs=0.1)


# Limits


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"max_pixels": 160 * 120}, None),
        ({"max_pixels": 160 * 120 - 1}, "too_many_pixels"),
        ({"max_side": 159}, "too_many_pixels"),
        ({"max_seconds": 1.2}, None),
        ({"max_seconds": 0.9}, "too_long"),
        ({"max_samples": 12}, None),
        ({"max_samples": 11}, "too_complex"),
        ({"max_streams": 0}, "too_complex"),
    ],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "fragmented.mp4"])
def test_a_limit_holds(process: Process, tmp_path: Path, name: str, limits: dict[str, Any], code: str | None) -> None:
    codec = "libvpx" if name.endswith("webm") else "libx264"
    movflags = "frag_keyframe+empty_moov" if name.startswith("fragmented") else ""
    source = video(tmp_path / name, codec=codec, movflags=movflags, bf=0)
    kind = source.suffix[1:]
    if code is None:
        assert process(source, kind, limits=VideoLimits(**limits)).width == 160
    else:
        assert refusal(process, source, kind, limits=VideoLimits(**limits)) == code


def test_time_is_measured_and_not_believed(process: Process, tmp_path: Path) -> None:
    """Time stamps of fragments can't be told from the tables in front."""
    source = bytearray(video(tmp_path / "a.mp4", movflags="frag_keyframe+empty_moov", g=4, bf=0).read_bytes())
    at = source.rindex(b"tfdt") + 8
    source[at : at + 8] = struct.pack(">Q", 10**10)

    assert refusal(process, bytes(source)) == "too_long"


def test_a_decoder_that_finds_larger_pictures_than_the_container_says_is_stopped(
    process: Process, tmp_path: Path
) -> None:
    data = bytearray(video(tmp_path / "a.mp4", size=(640, 480)).read_bytes())
    at = data.index(b"avc1", data.index(b"stsd")) + 28
    assert struct.unpack_from(">HH", data, at) == (640, 480)
    struct.pack_into(">HH", data, at, 16, 16)

    assert refusal(process, bytes(data), limits=VideoLimits(max_side=600)) == "too_many_pixels"


def test_frames_that_the_index_promises_must_be_there(process: Process, tmp_path: Path) -> None:
    """Every box is whole, and the first frames can be decoded."""
    data = bytearray(video(tmp_path / "a.mp4", bf=0, movflags="faststart", noise=80, seconds=2).read_bytes())
    at = data.index(b"mdat") - 4
    del data[len(data) * 2 // 3 :]
    struct.pack_into(">I", data, at, len(data) - at)

    assert refusal(process, bytes(data)) == "bad_content"


def test_a_key_frame_that_would_fill_the_memory_is_not_decoded(process: Process, tmp_path: Path) -> None:
    data = bytearray(video(tmp_path / "a.webm", codec="libvpx").read_bytes())
    struct.pack_into("<HH", data, data.index(b"\x9d\x01\x2a") + 3, 16_383, 16_383)

    assert refusal(process, bytes(data), "webm") == "too_many_pixels"


def test_noise_in_a_good_container_is_bad_content(process: Process, tmp_path: Path) -> None:
    head, mark, rest = video(tmp_path / "a.mp4").read_bytes().partition(b"mdat")
    pictures, moov, index = rest.rpartition(b"moov")
    (tmp_path / "noise.mp4").write_bytes(head + mark + bytes(len(pictures) - 4) + pictures[-4:] + moov + index)
    prescan_video(tmp_path / "noise.mp4", "mp4")

    assert refusal(process, tmp_path / "noise.mp4") == "bad_content"


def test_a_child_may_write_as_much_as_it_read_and_not_much_more(process: Process, tmp_path: Path) -> None:
    source = video(tmp_path / "a.mp4", seconds=3, size=(640, 480), qp=0)
    size = source.stat().st_size

    assert refusal(process, source, child=replace(child_limits(size), file_bytes=size // 2)) == "too_complex"
    assert process(source, child=replace(child_limits(size), file_bytes=size * 2)).width == 640


def test_the_limits_of_a_child_grow_with_the_file_and_its_memory_does_not() -> None:
    small, large = child_limits(1_000_000), child_limits(500_000_000)

    assert large.file_bytes > 500_000_000 * 1.1
    assert 60 <= large.cpu_seconds < large.wall_seconds < 600
    assert small.cpu_seconds < large.cpu_seconds
    assert small.address_space == large.address_space == ChildLimits().address_space


def test_a_child_has_the_time_that_its_sound_takes_to_convert() -> None:
    """A second takes 0.006 of one channel, and 0.036 of six, which are kept only of short films."""
    short, long = child_limits(1_000_000), child_limits(1_000_000, 4 * 3600)

    assert long.cpu_seconds - short.cpu_seconds >= 4 * 3600 * 0.02 * 3
    assert long.wall_seconds > 2 * long.cpu_seconds


class Watched(Sandbox):
    """Notes what each of its children may use."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed: list[ChildLimits] = []

    def run(self, job: str, arguments: Mapping[str, Any], limits: ChildLimits, **more: Any) -> Any:
        self.allowed.append(limits)
        return super().run(job, arguments, limits, **more)


def with_sound(film: Path, tone: Path, target: Path, seconds: int) -> Path:
    """The film with a tone at its beginning, whose last packet comes again in its last second."""
    with contextlib.ExitStack() as opened:
        out = opened.enter_context(av.open(str(target), "w"))
        sources = [opened.enter_context(av.open(str(path))) for path in (film, tone)]
        templates: list[Any] = [sources[0].streams.video[0], sources[1].streams.audio[0]]
        copies: list[Any] = [out.add_stream_from_template(template, opaque=True) for template in templates]
        for template, copy in zip(templates, copies, strict=True):
            for packet in template.container.demux(template):
                if packet.dts is not None:
                    last, base = bytes(packet), packet.time_base
                    packet.stream = copy
                    out.mux(packet)
        again = av.Packet(last)
        again.stream, again.time_base = copies[1], base
        again.pts = again.dts = round((seconds - 1) / base)
        out.mux(again)
    return target


def test_the_longest_film_is_published_and_its_child_has_the_time_for_it(process: Process, tmp_path: Path) -> None:
    """Four hours, with a picture a second. Only its sound's length says how much of it there is to convert."""
    kept: list[Path] = []
    tone = video(tmp_path / "tone.mp4", sound="ac3", seconds=3, tone_at=2)
    with contextlib.closing(Watched()) as sandbox:
        for seconds in (60, 4 * 3600):
            flat = video(
                tmp_path / f"{seconds}.mp4",
                seconds=seconds,
                fps=1,
                size=(16, 16),
                flat=(90, 128, 128),
                preset="ultrafast",
            )
            kept.append(with_sound(flat, tone, tmp_path / f"{seconds} with sound.mp4", seconds))
            made = process(kept[-1], sandbox=sandbox)

    short, long = sandbox.allowed
    assert long.cpu_seconds - short.cpu_seconds >= (4 * 3600 - 60) * 0.02 * 3  # see the test above
    assert long.wall_seconds > 2 * long.cpu_seconds
    assert (made.duration, made.audio_codec) == (pytest.approx(4 * 3600, abs=0.1), "aac")
    with av.open(str(tmp_path / "made")) as published:
        times = sorted(packet.pts * packet.time_base for packet in published.demux(video=0) if packet.pts is not None)
    assert times == list(range(4 * 3600))
    assert refusal(process, kept[-1], limits=VideoLimits(max_seconds=14_390)) == "too_long"


@pytest.mark.parametrize(
    ("name", "sound", "seconds"),
    [("a.mp4", "aac", 0), ("a.mov", "aac", 0), ("a.mp4", "libopus", 0), ("a.mp4", "mp2", 1), ("a.mov", "pcm_s16be", 1)],
)
def test_sound_that_may_have_to_be_converted_is_known_before(
    tmp_path: Path, name: str, sound: str, seconds: float
) -> None:
    with video(tmp_path / name, sound=sound).open("rb") as file:
        info, _ = prescan(file, "mp4", VideoLimits())

    assert info.converted == pytest.approx(seconds, abs=0.05)


def test_a_large_file_is_never_in_memory(process: Process, tmp_path: Path) -> None:
    """Half of what the file has, libraries included."""
    source = tmp_path / "large.mp4"
    with av.open(str(video(tmp_path / "a.mp4", size=(1280, 720), qp=0, bf=0, seconds=0.5))) as small:
        template = small.streams.video[0]
        taken = [packet for packet in small.demux(template) if packet.dts is not None]
        with av.open(str(source), "w") as out:
            copy: Any = out.add_stream_from_template(template, opaque=True)
            filler = struct.pack(">IB", 8_000_000, 12) + b"\xff" * 7_999_998 + b"\x80"
            payload = bytes(taken[0]) + filler
            for number in range(61):
                packet = av.Packet(payload)
                packet.stream, packet.time_base = copy, template.time_base
                packet.pts = packet.dts = number * 1024
                packet.is_keyframe = True
                out.mux(packet)
    assert source.stat().st_size > 480_000_000

    limits = replace(child_limits(source.stat().st_size), address_space=240 << 20)

    assert process(source, child=limits).size > 480_000_000


# The sandbox


@pytest.mark.parametrize(
    "text", ["#EXTM3U\n#EXTINF:10,\n{url}\n#EXT-X-ENDLIST\n", "ffconcat version 1.0\nfile {url}\n"]
)
def test_a_playlist_leads_nowhere(process: Process, tmp_path: Path, text: str) -> None:
    """The first bytes give it away before; the demuxers are asked on their own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/secret.ts"
        for kind in ("mp4", "webm"):
            assert refusal(process, text.format(url=url).encode(), kind) == "bad_content"
        with pytest.raises(BlockingIOError):
            server.accept()


def test_no_other_demuxer_than_the_sniffed_types_own_is_tried(process: Process, tmp_path: Path) -> None:
    mp4, webm = video(tmp_path / "a.mp4"), video(tmp_path / "a.webm", codec="libvpx")

    assert refusal(process, mp4, "webm") == "bad_content"
    assert refusal(process, webm, "mp4") == "bad_content"


@pytest.fixture
def hostile() -> Iterator[Sandbox]:
    with contextlib.closing(Sandbox(worker="uploads.tests.content.hostile_jobs")) as sandbox:
        yield sandbox


class _Liar(Sandbox):
    """A sandbox whose child was taken over, and says whatever it likes."""

    def __init__(self, says: Any) -> None:
        self._says = says

    def run(self, job: str, arguments: Any, limits: ChildLimits, **files: Any) -> Any:
        assert job == "video"
        for name in ("target", "poster"):
            Path(arguments[name]).write_bytes(b"<script>")
        return self._says


HONEST: dict[str, Any] = {
    "width": 160,
    "height": 120,
    "duration": 1.0,
    "container": "mp4",
    "video_codec": "h264",
    "audio_codec": "aac",
    "rotation": 0,
    "is_mirrored": False,
    "warnings": [["silent", "AC-3"]],
}


@pytest.mark.parametrize(
    "says",
    [
        None,
        [],
        {name: value for name, value in HONEST.items() if name != "warnings"},
        *(
            HONEST | {name: value}
            for name, value in [
                ("width", "160"),
                ("width", 0),
                ("width", 9000),
                ("height", -1),
                ("duration", float("nan")),
                ("duration", 1e9),
                ("container", "html"),
                ("video_codec", "<b>"),
                ("audio_codec", "<b>"),
                ("rotation", 1000),
                ("is_mirrored", "no"),
                ("warnings", [["silent"]]),
                ("warnings", [["other", ""]]),
                ("warnings", [["silent", "x" * 1000]]),
            ]
        ),
    ],
)
def test_what_a_child_says_is_held_against_what_can_be(process: Process, tmp_path: Path, says: Any) -> None:
    assert refusal(process, b"x", sandbox=_Liar(says)) == "bad_content"
    assert not (tmp_path / "made").exists() and not (tmp_path / "poster").exists()


def test_an_honest_child_is_believed(process: Process) -> None:
    made = process(b"x", sandbox=_Liar(HONEST))

    assert (made.video_codec, made.warnings) == ("h264", (MediaWarning("silent", "AC-3"),))


def test_a_child_that_runs_out_of_memory_is_bad_content(process: Process, tmp_path: Path) -> None:
    source = video(tmp_path / "a.mp4", size=(6000, 4000), seconds=0.1)

    assert refusal(process, source, child=ChildLimits(address_space=190 << 20)) == "bad_content"
    assert process(source).width == 6000


def test_pictures_need_no_pyav() -> None:
    """The zygote of every project loads both kinds of jobs."""
    code = """
import sys
sys.modules["av"] = None
sys.path.insert(0, sys.argv[1])
from uploads.content.sandbox import worker
for target in worker.JOBS.values():
    worker._load(target)
"""
    folder = Path(__file__).resolve().parents[4]
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, timeout=60)
