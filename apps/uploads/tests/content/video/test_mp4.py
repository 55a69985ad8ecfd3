from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uploads.content.limits import VideoLimits
from uploads.content.video.info import VideoInfo
from uploads.content.video.masked_file import Veil
from uploads.content.video.prescan import prescan
from uploads.content.warnings import CHAPTERS, DATA, TIMECODE
from uploads.errors import UploadError
from uploads.tests.content.scanning import Scan, refusal, shown
from uploads.tests.media import video

FTYP = b"\0\0\0\x14ftypisom\0\0\0\0isom"


def box(kind: str, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind.encode()) + body


def full(kind: str, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def u32(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


def visual(codec: str = "avc1", width: int = 160, height: int = 120, *inside: bytes) -> bytes:
    return box(codec, bytes(24), struct.pack(">HH", width, height), bytes(50), *inside)


TABLES = {
    "stsd": full("stsd", u32(1), visual()),
    "stts": full("stts", u32(1, 12, 1000)),
    "stsc": full("stsc", u32(1, 1, 12, 1)),
    "stsz": full("stsz", u32(10, 12)),
    "stco": full("stco", u32(1, 100)),
}


def stbl(**tables: bytes) -> bytes:
    return box("stbl", *(TABLES | tables).values())


def trak(
    *, handler: str = "vide", timescale: int = 12_000, dref: bytes = b"", edits: bytes = b"", **tables: bytes
) -> bytes:
    dref = dref or full("dref", u32(1), full("url ", flags=1))
    return box(
        "trak",
        full("tkhd", bytes(80)),
        edits,
        box(
            "mdia",
            full("mdhd", u32(0, 0, timescale, 0, 0)),
            full("hdlr", u32(0), handler.encode(), bytes(13)),
            box("minf", full("vmhd", bytes(8)), box("dinf", dref), stbl(**tables)),
        ),
    )


def movie(*tracks: bytes, before: bytes = b"", after: bytes = b"", inside: bytes = b"") -> bytes:
    tracks = tracks or (trak(),)
    return FTYP + before + box("moov", full("mvhd", bytes(96)), *tracks, inside) + box("mdat", bytes(400)) + after


def test_a_movie_is_what_its_tables_say(scan: Scan) -> None:
    info, veil = scan(movie())

    assert info == VideoInfo("mp4", "h264", 160, 120)
    assert shown(veil) == movie()


@pytest.mark.parametrize(
    ("fourcc", "codec"),
    [
        ("avc1", "h264"),
        ("avc3", "h264"),
        ("hvc1", "hevc"),
        ("hev1", "hevc"),
        ("vp08", "vp8"),
        ("vp09", "vp9"),
        ("av01", "av1"),
    ],
)
def test_pictures_that_browsers_play(scan: Scan, fourcc: str, codec: str) -> None:
    assert scan(movie(trak(stsd=full("stsd", u32(1), visual(fourcc)))))[0].codec == codec


@pytest.mark.parametrize(
    "data",
    [
        b"",
        FTYP,
        FTYP + b"\0\0\0",
        FTYP + box("moov"),
        movie()[:-300],
        movie()[:300],
        movie(after=movie()[20:]),
        movie(box("trak")),
        movie(trak(stsz=full("stsz", u32(10, 0)), stts=full("stts", u32(0)))),
        movie(trak(stsd=full("stsd", u32(1), b"\xff\xff\xff\xffavc1" + bytes(20)))),
        movie(trak(stsd=full("stsd", u32(1), b"\0\0\0\x08avc1" + bytes(20)))),
        movie(trak(stts=full("stts"))),
        movie(inside=b"\0\0\0\0free"),
        movie(inside=b"\0\0\0\x07free"),
        movie(after=b"\0\0\0\x01free\xff\xff\xff\xff\xff\xff\xff\xff"),
        movie(after=b"\0\0\0\x01free\0\0\0\0\0\0\0\x08"),
    ],
)
def test_a_container_that_is_not_whole_is_bad_content(scan: Scan, data: bytes) -> None:
    assert refusal(scan, data) in ("bad_content", "no_video")


def test_sizes_of_64_bits_and_to_the_end_are_understood(scan: Scan) -> None:
    scan(movie(after=b"\0\0\0\x01free" + struct.pack(">Q", 20) + bytes(4)))
    scan(movie(after=b"\0\0\0\0free" + bytes(100)))


def test_a_few_bytes_of_padding_are_not_shown(scan: Scan) -> None:
    assert shown(scan(movie(after=b"\0\0\0\0"))[1]) == movie()


# Tables that can't be true


@pytest.mark.parametrize(
    "table",
    [
        {"stsz": full("stsz", u32(0, 30_000_000))},
        {"stsz": full("stsz", u32(1, 30_000_000))},
        {"stsz": full("stz2", b"\0\0\0\x08", u32(30_000_000))},
        {"stsz": full("stz2", b"\0\0\0\x03", u32(1), bytes(8))},
        {"stts": full("stts", u32(30_000_000))},
        {"stts": full("stts", u32(1, 30_000_000, 1))},
        {"stts": full("stts", u32(2, 2_000_000, 1, 2_000_000, 2))},
        {"stsc": full("stsc", u32(2, 1, 12, 1))},
        {"stco": full("stco", u32(2, 100))},
        {"stco": full("co64", u32(1, 0))},
        {"ctts": full("ctts", u32(2, 1, 1))},
        {"stss": full("stss", u32(2, 1))},
        {"stsd": full("stsd", u32(1), visual(), bytes(1 << 20))},
        {"stsd": full("stsd", u32(1), visual("avc1", 1, 1, trak()))},
        {"edits": box("edts", full("elst", u32(2, 0, 0, 0)))},
        {"edits": box("edts", full("elst", u32(1001), bytes(12 * 1001)))},
    ],
)
@pytest.mark.parametrize("handler", ["vide", "soun"])
def test_a_table_that_can_not_be_true_is_too_complex(scan: Scan, table: dict[str, bytes], handler: str) -> None:
    if handler == "soun" and table.get("stts") == full("stts", u32(1, 30_000_000, 1)):
        return  # that is uncompressed sound, which has a table of chunks instead
    assert refusal(scan, movie(trak(), trak(handler=handler, **table))) == "too_complex"


def test_uncompressed_sound_has_millions_of_samples_and_a_short_table(scan: Scan) -> None:
    sound = {"stsd": full("stsd", u32(1), box("sowt", bytes(28))), "stts": full("stts", u32(1, 190, 1))}
    tables = sound | {"stsz": full("stsz", u32(2, 190))}

    scan(movie(trak(), trak(handler="soun", **tables)), max_samples=12)

    assert refusal(scan, movie(trak(stts=full("stts", u32(1, 190, 1)))), max_samples=12) == "too_complex"


def test_samples_of_all_tracks_are_counted_together(scan: Scan) -> None:
    scan(movie(trak(), trak(handler="soun")), max_samples=24)

    assert refusal(scan, movie(trak(), trak(handler="soun")), max_samples=23) == "too_complex"


def fragment(count: int, flags: int = 0, body: bytes = b"") -> bytes:
    return box(
        "moof", full("mfhd", u32(1)), box("traf", full("tfhd", u32(1)), full("trun", u32(count), body, flags=flags))
    )


def fragmented(*fragments: bytes) -> bytes:
    none = {"stsz": full("stsz", u32(0, 0)), "stts": full("stts", u32(0))}
    return movie(trak(**none), inside=box("mvex", full("trex", bytes(20))), after=b"".join(fragments))


def test_fragments_are_counted_too(scan: Scan) -> None:
    scan(fragmented(fragment(10), fragment(10)), max_samples=20)
    scan(fragmented(fragment(2, 0x300, bytes(16)), fragment(2, 0x305, bytes(24))))

    assert refusal(scan, fragmented(fragment(10), fragment(11)), max_samples=20) == "too_complex"
    assert refusal(scan, fragmented(fragment(1 << 31))) == "too_complex"
    assert refusal(scan, fragmented(fragment(3, 0x300, bytes(16)))) == "too_complex"
    assert refusal(scan, fragmented(fragment(3, 0x305, bytes(24)))) == "too_complex"


def test_parts_tracks_and_streams_are_counted(scan: Scan) -> None:
    many = b"".join(box("free") for _ in range(100))
    scan(movie(after=many), max_parts=130)
    assert refusal(scan, movie(after=many), max_parts=100) == "too_complex"

    sensors = [trak(handler="meta") for _ in range(31)]
    scan(movie(trak(), *sensors))
    assert refusal(scan, movie(trak(), *sensors, trak(handler="meta"))) == "too_complex"

    assert refusal(scan, movie(*(trak() for _ in range(9)))) == "too_complex"
    assert refusal(scan, movie(trak(), *(trak(handler="soun") for _ in range(8)))) == "too_complex"


def test_a_header_has_a_limit(scan: Scan) -> None:
    assert refusal(scan, movie(inside=box("udta", bytes(5000))), max_header=4000) == "too_complex"


@pytest.mark.parametrize(("width", "height"), [(8193, 10), (10, 8193), (6001, 6001)])
def test_a_frame_has_a_limit(scan: Scan, width: int, height: int) -> None:
    assert refusal(scan, movie(trak(stsd=full("stsd", u32(1), visual("avc1", width, height))))) == "too_many_pixels"


def test_durations_are_summed_up_and_not_read(scan: Scan) -> None:
    twelve_hours = full("stts", u32(1, 12, 12_000 * 3600))

    assert refusal(scan, movie(trak(stts=twelve_hours))) == "too_long"
    scan(movie(trak(stts=full("stts", u32(1, 12, 0xFFFFFFFF)))))  # a negative number, to a demuxer


@pytest.mark.parametrize(
    ("url", "is_fine"),
    [
        (full("url ", flags=1), True),
        (full("alis", flags=1), True),
        (full("url "), True),
        (full("url ", b"file:///etc/passwd\0"), False),
        (full("alis", b"somewhere"), False),
    ],
)
def test_media_in_another_file_is_refused(scan: Scan, url: bytes, is_fine: bool) -> None:
    data = movie(trak(dref=full("dref", u32(1), url)))
    if is_fine:
        scan(data)
    else:
        assert refusal(scan, data) == "bad_content"


# What the demuxer sees


def test_what_is_not_known_is_free_space_to_the_demuxer(scan: Scan) -> None:
    secret = box("udta", box("meta", b"SECRET"))
    data = movie(trak(), trak(handler="meta"), inside=secret, before=box("uuid", b"x") + box("sidx", b"y"))

    seen = shown(scan(data + box("mfra"))[1])

    assert len(seen) == len(data)
    assert not [kind for kind in (b"udta", b"uuid", b"sidx", b"mfra") if kind in seen]
    assert (seen.count(b"trak"), seen.count(b"free")) == (1, 4)


def test_a_compressed_header_is_not_unpacked(scan: Scan) -> None:
    data = FTYP + box("moov", box("cmov", box("dcom", b"zlib"), box("cmvd", bytes(100))))

    assert refusal(scan, data) == "bad_content"


def test_pictures_that_nobody_plays_are_left_out_beside_those_that_are(scan: Scan) -> None:
    jpeg = trak(stsd=full("stsd", u32(1), visual("jpeg")))

    assert shown(scan(movie(jpeg, trak()))[1]).count(b"trak") == 1
    assert refusal(scan, movie(jpeg)) == "unsupported_codec"
    assert refusal(scan, movie(trak(handler="soun"))) == "no_video"


def test_pictures_that_are_shown_before_they_are_decoded_are_told(scan: Scan) -> None:
    early = full("ctts", u32(3, 1, 0, 1, 2000, 1, (1 << 32) - 1000), version=1)

    assert scan(movie())[0].ahead == 0
    assert scan(movie(trak(ctts=early)))[0].ahead == 1000 / 12_000


def numbered(track: bytes, number: int, *more: bytes) -> bytes:
    made = bytearray(track + b"".join(more))
    struct.pack_into(">I", made, 0, len(made))
    struct.pack_into(">I", made, made.index(b"tkhd") + 16, number)
    return bytes(made)


def test_subtitles_are_counted_and_chapters_are_not(scan: Scan) -> None:
    subtitles = [trak(handler="sbtl"), trak(handler="text"), trak(handler="subt")]
    chapters = [numbered(trak(handler="text"), 7), numbered(trak(stsd=full("stsd", u32(1), visual("jpeg"))), 8)]

    info, _ = scan(movie(trak(), *subtitles))
    assert (info.subtitles, info.pictures, info.extras) == (3, 1, frozenset())
    pictures = numbered(trak(), 1, box("tref", box("chap", u32(7, 8))))
    info, _ = scan(movie(*chapters, pictures))
    assert (info.subtitles, info.pictures, info.extras) == (0, 1, {CHAPTERS})


@pytest.mark.parametrize(
    ("handler", "codec", "extras"),
    [
        ("meta", "gpmd", {DATA}),
        ("data", "camm", {DATA}),
        ("tmcd", "tmcd", {TIMECODE}),
        ("meta", "mebx", set()),
        ("hint", "rtp ", set()),
        ("odsm", "mp4s", set()),
    ],
)
def test_tracks_of_data_are_told(scan: Scan, handler: str, codec: str, extras: set[str]) -> None:
    data = trak(handler=handler, stsd=full("stsd", u32(1), box(codec, bytes(40))))

    assert scan(movie(trak(), data))[0].extras == extras


def test_a_track_that_is_no_ones_to_play_counts_as_one(scan: Scan) -> None:
    jpeg = trak(stsd=full("stsd", u32(1), visual("jpeg")))

    assert scan(movie(trak(), jpeg))[0].pictures == 2


@pytest.mark.parametrize("trailer", [b"TAG" + b" " * 125, b"\xff" * 64, b"insv\x01\x02\x03\x04" * 9, bytes(64)])
def test_what_is_no_box_behind_the_last_one_is_not_shown(scan: Scan, trailer: bytes) -> None:
    assert shown(scan(movie(after=trailer))[1]).rstrip(b"\0") == movie().rstrip(b"\0")
    assert refusal(scan, FTYP + trailer) in ("bad_content", "no_video")


def test_padding_within_a_box_ends_its_list(scan: Scan) -> None:
    scan(movie(inside=bytes(32)))


def test_a_media_box_may_claim_more_than_its_samples_take(scan: Scan) -> None:
    scan(movie()[:-100])
    assert refusal(scan, movie()[:-300]) == "bad_content"


def test_a_recording_that_ends_in_a_fragment_is_shown_as_far_as_it_goes(scan: Scan) -> None:
    whole = fragmented(fragment(10), box("mdat", bytes(100)))
    media = fragment(10) + box("mdat", bytes(100))

    for lost in (1, 60, 100):
        assert shown(scan(whole + media[:-lost])[1]) == whole + media[:-lost]
    for left in (9, 40):
        assert shown(scan(whole + media[:left])[1]) == whole
    assert refusal(scan, movie() + media[:40]) == "bad_content"


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_damage_makes_the_walk_fail_in_another_way(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.mp4"
    good = bytearray(movie(trak(edits=box("edts", full("elst", u32(1), bytes(12)))), trak(handler="soun")))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.sampled_from([0, 1, 8, 127, 128, 255]))
    path.write_bytes(good[: data.draw(st.integers(0, len(good)))])
    with path.open("rb") as file:
        try:
            _, veil = prescan(file, "mp4", VideoLimits())
        except UploadError as refused:
            assert refused.code in {
                "bad_content",
                "too_complex",
                "no_video",
                "unsupported_codec",
                "too_many_pixels",
                "too_long",
            }
        else:
            assert len(shown(veil)) <= veil.size


# The veil


def test_a_veil_covers_wherever_one_begins_to_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(100)))
    with path.open("rb") as file:
        veil = Veil(file)
        for at, patch in ((50, b"middle"), (0, b"first"), (97, b"end")):
            veil.cover(at, patch)
        veil.end = 99
        whole = bytearray(range(100))
        whole[0:5], whole[50:56], whole[97:100] = b"first", b"middle", b"end"
        for start in range(99):
            for length in (1, 3, 7, 60, 200):
                veil.seek(start)
                assert veil.read(length) == whole[start : min(start + length, 99)]
        assert veil.seek(0, io.SEEK_END) == veil.tell() == 99
        assert veil.read(10) == b""
        assert veil.peek(0, 3) == bytes(range(3))


def test_what_is_covered_does_not_reach_what_is_made(scan: Scan, tmp_path: Path) -> None:
    """The demuxer is given titles as free space: it can't even know them."""
    data = video(tmp_path / "a.mp4", metadata={"title": "SECRET"}).read_bytes()

    assert b"udta" not in shown(scan(data)[1])
