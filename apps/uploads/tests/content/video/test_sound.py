"""Sound that browsers play is copied, other sound converted, and what can't be is told."""

from __future__ import annotations

import contextlib
from array import array
from pathlib import Path
from typing import Any

import av
import pytest

from uploads.content import MediaWarning, VideoLimits
from uploads.errors import UploadError
from uploads.tests import films
from uploads.tests.content.video.conftest import Process
from uploads.tests.media import video

LOUD = 3000  # of 32,768


def heard(path: Path) -> tuple[float, float]:
    """When the tone begins, seconds after the pictures do, and how long the sound is; what a player makes of them."""
    with av.open(str(path)) as container:
        pictures = next(container.decode(video=0)).time or 0.0
    samples: array[int] = array("h")
    begin: float | None = None
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=48_000)
        for frame in container.decode(audio=0):
            begin = frame.time if begin is None else begin
            _add(samples, resampler.resample(frame))
    _add(samples, resampler.resample(None))
    assert begin is not None
    tone = next(number for number, sample in enumerate(samples) if abs(sample) > LOUD)
    return begin + tone / 48_000 - pictures, len(samples) / 48_000


def _add(samples: array[int], parts: list[Any]) -> None:
    for part in parts:
        samples.frombytes(bytes(part.planes[0])[: 2 * part.samples])


@pytest.mark.parametrize(
    ("name", "sound"),
    [
        ("a.mov", "pcm_s16be"),
        ("a.mov", "pcm_s24le"),
        ("a.mov", "pcm_f32le"),
        ("a.mov", "pcm_mulaw"),
        ("a.mov", "adpcm_ima_qt"),
        ("a.mov", "alac"),
        ("a.mp4", "alac"),
        ("a.mp4", "ac3"),
        ("a.mp4", "eac3"),
        ("a.mp4", "mp2"),
    ],
)
def test_sound_that_browsers_do_not_play_is_made_into_some_that_they_do(
    process: Process, tmp_path: Path, name: str, sound: str
) -> None:
    source = video(tmp_path / name, sound=sound, tone_at=0.5)

    made = process(source)

    assert (made.audio_codec, made.warnings) == ("aac", ())
    assert heard(tmp_path / "made") == (pytest.approx(0.5, abs=0.03), pytest.approx(1, abs=0.05))
    assert b"Lavc" not in (tmp_path / "made").read_bytes()


@pytest.mark.parametrize(("name", "sound"), [("a.mp4", "aac"), ("a.mp4", "libmp3lame"), ("a.webm", "libopus")])
def test_sound_that_they_play_is_copied(process: Process, tmp_path: Path, name: str, sound: str) -> None:
    codec = "libvpx" if name.endswith("webm") else "libx264"
    source = video(tmp_path / name, codec=codec, sound=sound, tone_at=0.5)

    process(source, source.suffix[1:])

    assert packets(source) == packets(tmp_path / "made")
    assert heard(tmp_path / "made")[0] == pytest.approx(0.5, abs=0.03)


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def rewritten(source: Path, target: Path, change: Any) -> Path:
    """The same packets, unless `change` says otherwise by returning None; it may give them other times."""
    with av.open(str(source)) as film, av.open(str(target), "w") as made:
        copies = {stream.index: made.add_stream_from_template(stream, opaque=True) for stream in film.streams}
        for packet in film.demux():
            if packet.dts is not None and (kept := change(packet)) is not None:
                kept.stream = copies[kept.stream_index]
                made.mux(kept)
    return target


def test_sound_that_begins_late_and_has_a_gap_stays_where_it_is(process: Process, tmp_path: Path) -> None:
    """It is AC-3 from 0.3 seconds on, lacks what is between 0.9 and 1.2, and the tone begins at 1.8."""

    def later(packet: Any) -> Any:
        if packet.stream.type == "audio":
            shift = round(0.3 / packet.time_base)
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            return None if 0.9 < packet.pts * packet.time_base < 1.2 else packet
        return packet

    source = video(tmp_path / "a.mp4", sound="ac3", seconds=2, tone_at=1.5)

    made = process(rewritten(source, tmp_path / "late.mp4", later))

    assert made.audio_codec == "aac"
    assert heard(tmp_path / "made")[0] == pytest.approx(1.8, abs=0.03)


def test_sound_is_measured_by_what_it_becomes(process: Process, tmp_path: Path) -> None:
    """Its packets may all say that they are of the same moment."""
    source = video(tmp_path / "a.mov", sound="alac", seconds=2)

    def still(packet: Any) -> Any:
        if packet.stream.type == "audio":
            packet.pts = packet.dts = packet.dts // 1000
        return packet

    film = rewritten(source, tmp_path / "still.mov", still)

    assert process(film, limits=VideoLimits(max_seconds=2.5)).audio_codec == "aac"
    with pytest.raises(UploadError) as refused:
        process(film, limits=VideoLimits(max_seconds=1.99))
    assert refused.value.code == "too_long"


@pytest.mark.parametrize(("channels", "kept"), [("5.1", 6), ("7.1", 2), ("mono", 1)])
def test_channels_are_kept_as_far_as_browsers_know_them(
    process: Process, tmp_path: Path, channels: str, kept: int
) -> None:
    made = process(video(tmp_path / "a.mov", sound="pcm_s16le", layout=channels))

    assert made.warnings == ((MediaWarning("two_channels", "8"),) if channels == "7.1" else ())
    with av.open(str(tmp_path / "made")) as container:
        assert container.streams.audio[0].channels == kept


def test_packets_that_can_not_be_decoded_are_silent(process: Process, tmp_path: Path) -> None:
    source = video(tmp_path / "a.mp4", sound="ac3", tone_at=0.7)
    data, sync, at = bytearray(source.read_bytes()), b"\x0b\x77", 0
    for number in range(12):
        at = data.index(sync, at + 2)
        if number in (4, 5, 6):
            data[at : at + 200] = bytes(200)

    process(bytes(data))

    assert heard(tmp_path / "made")[0] == pytest.approx(0.7, abs=0.03)


def test_a_webm_gets_opus(process: Process, tmp_path: Path) -> None:
    """Nobody records it, but FLAC in WebM is easily made."""
    source = video(tmp_path / "a.mkv", codec="libvpx", sound="flac", tone_at=0.5)

    made = process(films.named_webm(source.read_bytes()), "webm")

    assert (made.container, made.audio_codec) == ("webm", "opus")
    assert heard(tmp_path / "made")[0] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(("fourcc", "known_as"), [(b"dtsc", "DTS"), (b"ac-4", "AC-4"), (b"zzzz", "an unknown format")])
def test_sound_that_can_not_be_converted_is_told(
    process: Process, tmp_path: Path, fourcc: bytes, known_as: str
) -> None:
    source = video(tmp_path / "a.mp4", sound="ac3")
    data = source.read_bytes()
    assert data.count(b"ac-3") == 1

    made = process(data.replace(b"ac-3", fourcc))

    assert made.audio_codec == ""
    (told,) = made.warnings
    assert told == MediaWarning("silent", known_as)
    assert told.sentence == f"Its sound ({known_as}) can't be played in browsers, so the published video is silent."


def test_a_film_without_sound_has_lost_none(process: Process, tmp_path: Path) -> None:
    made = process(video(tmp_path / "a.mp4"))

    assert (made.audio_codec, made.warnings) == ("", ())


@pytest.mark.parametrize("order", [("ac3", "aac"), ("aac", "ac3")])
def test_of_two_sounds_the_playable_one_is_kept_and_it_is_told(
    process: Process, tmp_path: Path, order: tuple[str, str]
) -> None:
    with contextlib.ExitStack() as opened:
        both = [
            opened.enter_context(av.open(str(video(tmp_path / f"{sound}.mp4", sound=sound, tone_at=0.5))))
            for sound in order
        ]
        out = opened.enter_context(av.open(str(tmp_path / "both.mp4"), "w"))
        streams: list[Any] = [both[0].streams.video[0], both[0].streams.audio[0], both[1].streams.audio[0]]
        copies: list[Any] = [out.add_stream_from_template(stream, opaque=True) for stream in streams]
        for stream, copy in zip(streams, copies, strict=True):
            stream.container.seek(0)
            for packet in stream.container.demux(stream):
                if packet.dts is not None:
                    packet.stream = copy
                    out.mux(packet)

    made = process(tmp_path / "both.mp4")

    assert made.audio_codec == "aac"
    assert made.warnings == (MediaWarning("one_sound", "2"),)
    assert packets(tmp_path / "made") == packets(tmp_path / "aac.mp4")


@pytest.mark.parametrize("says", [MediaWarning("silent", "AC-3"), MediaWarning("no_subtitles")])
def test_a_warning_is_plausible_if_it_can_be_shown(says: MediaWarning) -> None:
    assert says.is_plausible and says.sentence.endswith(".")
    assert not MediaWarning("other").is_plausible
    assert not MediaWarning("silent", "x" * 100).is_plausible
    assert not MediaWarning("silent", "a\nb").is_plausible
