"""What a film has besides pictures and sound: it isn't published, and its owner is told."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uploads.content import MediaWarning, VideoLimits
from uploads.content.video.prescan import prescan
from uploads.content.warnings import COVER, FILES, NOTES, TITLE, without
from uploads.tests import films
from uploads.tests.content.scanning import Scan
from uploads.tests.content.video.conftest import Process
from uploads.tests.content.video.test_mp4 import movie
from uploads.tests.content.video.test_webm import INFO, cluster, element, tracks, webm
from uploads.tests.films import box
from uploads.tests.media import video


def with_extras(source: Path, target: Path, attach: tuple[str, ...] = (), **options: str) -> Path:
    """The film with chapters and words, and files of these names."""
    with av.open(str(source)) as film, av.open(str(target), "w", options=options) as out:
        out.metadata.update({"title": "Seehundstation", "comment": "Nur für Oma", "timecode": "01:02:03:04"})
        second = {"start": 0, "end": 1, "time_base": Fraction(1)}
        out.set_chapters([{"id": 1, **second, "metadata": {"title": "Kapitel Eins"}}])  # type: ignore[typeddict-item]
        for name in attach:
            out.add_attachment(name, "text/plain", b"Beilage")
        copies: Any = {stream: out.add_stream_from_template(stream, opaque=True) for stream in film.streams}
        for packet in film.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream]
                out.mux(packet)
    return target


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as film:
        return [bytes(packet) for packet in film.demux(film.streams.video[0]) if packet.size]


@pytest.mark.parametrize(
    ("name", "codec", "attach", "extras"),
    [
        ("a.mp4", "libx264", (), "chapters, title, notes and timecode"),
        ("a.mov", "libx264", (), "chapters, title, notes and timecode"),
        ("a.mkv", "libvpx", ("Rede.txt",), "chapters, title, notes and attached files"),
        ("a.mkv", "libvpx", ("cover.jpg",), "chapters, title, notes and cover picture"),
        ("a.webm", "libvpx", (), "chapters, title and notes"),
    ],
)
def test_it_is_left_out_and_told(
    process: Process, tmp_path: Path, name: str, codec: str, attach: tuple[str, ...], extras: str
) -> None:
    source = with_extras(video(tmp_path / f"plain-{name}", codec=codec), tmp_path / name, attach)
    kind = "mp4" if codec == "libx264" else "webm"
    data = source.read_bytes()
    assert all(word.encode() in data for word in ("Seehundstation", "Kapitel Eins", "Oma"))

    made = process(films.named_webm(data) if name == "a.mkv" else data, kind)

    assert made.warnings == (MediaWarning("without", extras),)
    assert made.warnings[0].sentence == f"The published video comes without its {extras}."
    published = (tmp_path / "made").read_bytes()
    assert not any(word.encode() in published for word in ("Seehundstation", "Kapitel", "Oma", "Beilage"))
    assert packets(tmp_path / "made") == packets(source)


def test_what_programs_write_of_themselves_is_nothing_to_miss(process: Process, tmp_path: Path) -> None:
    said = {"encoder": "Camera 1.0", "creation_time": "2026-11-30T12:00:00", "location": "+48.1+011.5/"}
    for name, codec in (("a.mp4", "libx264"), ("a.webm", "libvpx")):
        assert process(video(tmp_path / name, codec=codec, metadata=said), name[2:]).warnings == ()


def item(kind: bytes, text: bytes) -> bytes:
    return box(kind, box(b"data", bytes(8) + text))


def listed(*items: bytes, keys: tuple[bytes, ...] = (), is_quicktime: bool = False) -> bytes:
    named = box(b"keys", struct.pack(">II", 0, len(keys)) + b"".join(box(b"mdta", key) for key in keys))
    inside = box(b"hdlr", bytes(25)) + (named if keys else b"") + box(b"ilst", b"".join(items))
    return box(b"meta", inside if is_quicktime else bytes(4) + inside)


APPLE = (b"com.apple.quicktime.make", b"com.apple.quicktime.title", b"com.apple.quicktime.location.ISO6709")


@pytest.mark.parametrize(
    ("inside", "extras"),
    [
        (box(b"udta", listed(item(b"covr", b"JPEG"), item(b"\xa9too", b"Lavf"))), {COVER}),
        (box(b"udta", listed(item(b"\xa9nam", b""), item(b"desc", b"Text"))), {NOTES}),
        (box(b"udta", box(b"\xa9nam", b"\0\3\0\0abc") + box(b"\xa9xyz", b"\0\3\0\0+48")), {TITLE}),
        (box(b"udta", box(b"\xa9nam", bytes(4))), set()),
        (listed(item(b"\0\0\0\1", b"Apple"), item(b"\0\0\0\2", b"Text"), keys=APPLE, is_quicktime=True), {TITLE}),
        (listed(item(b"\0\0\0\1", b"Apple"), item(b"\0\0\0\3", b"+48"), keys=APPLE), set()),
        (box(b"udta", box(b"chpl", b"\1" + bytes(7) + b"\1" + bytes(8) + b"\1a")), {"chapters"}),
        (box(b"udta", box(b"chpl", b"\1" + bytes(8) + bytes(4))), set()),
        (box(b"udta", b"\0\0\0\x05odd" + bytes(20)), set()),
    ],
)
def test_the_words_of_a_movie(scan: Scan, inside: bytes, extras: set[str]) -> None:
    assert scan(movie(inside=inside))[0].extras == extras


def tag(name: bytes, text: bytes) -> bytes:
    return element("7373", element("67c8", element("45a3", name), element("4487", text)))


@pytest.mark.parametrize(
    ("part", "extras"),
    [
        (element("1254c367", tag(b"ENCODER", b"x"), tag(b"DURATION", b"1")), set()),
        (element("1254c367", tag(b"ENCODER", b"x"), tag(b"Artist", b"Ada")), {NOTES}),
        (element("1254c367", tag(b"TITLE", b"")), set()),
        (element("1043a770", element("45b9", element("b6", b"\x91\x81\0"))), {"chapters"}),
        (element("1043a770"), set()),
        (element("1941a469", element("61a7", element("466e", b"Cover.png"))), {COVER}),
        (element("1941a469", element("61a7", element("466e", b"font.ttf"))), {FILES}),
        (element("1254c367", b"\0\0\0\0" + b"\xff" * 9), set()),
    ],
)
def test_the_words_of_a_webm(scan: Scan, part: bytes, extras: set[str]) -> None:
    assert scan(webm(INFO, tracks(), part, cluster()), "webm")[0].extras == extras


@given(noise=st.binary(max_size=200), at=st.sampled_from(["udta", "meta", "1254c367", "1043a770", "1941a469"]))
@settings(max_examples=150, deadline=None)
def test_nothing_there_costs_a_film(tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: str) -> None:
    path = tmp_path_factory.getbasetemp() / "odd"
    is_mp4 = at in ("udta", "meta")
    path.write_bytes(
        movie(inside=box(at.encode(), noise)) if is_mp4 else webm(INFO, tracks(), element(at, noise), cluster())
    )
    with path.open("rb") as file:
        prescan(file, "mp4" if is_mp4 else "webm", VideoLimits())


def test_only_what_can_be_missing_is_plausible() -> None:
    for extras in ({TITLE}, {TITLE, COVER}, {TITLE, COVER, FILES}):
        assert (said := without(extras)) is not None and said.is_plausible
    assert without(set()) is None
    for detail in ("", "title and ", "cover picture, title", "anything"):
        assert not MediaWarning("without", detail).is_plausible
