from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uploads.content.limits import VideoLimits
from uploads.content.video.info import VideoInfo
from uploads.content.video.prescan import prescan
from uploads.errors import UploadError
from uploads.tests.content import scanning
from uploads.tests.content.scanning import Scan, shown


def element(ident: str, *parts: bytes, unknown: bool = False, width: int = 8) -> bytes:
    body = b"".join(parts)
    mark = 1 << 7 * width
    size = mark - 1 if unknown else len(body)
    return bytes.fromhex(ident) + (mark | size).to_bytes(width, "big") + body


def number(ident: str, value: int) -> bytes:
    return element(ident, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"), width=1)


HEAD = element("1a45dfa3", element("4282", b"webm", width=1), width=1)
INFO = element("1549a966", number("2ad7b1", 1_000_000))
BLOCK = element("a3", b"\x81\0\0\x80", bytes(30))


def track(*more: bytes, kind: int = 1, codec: bytes = b"V_VP8", width: int = 160, height: int = 120) -> bytes:
    sides = element("e0", number("b0", width), number("ba", height)) if kind == 1 else b""
    return element("ae", number("d7", 1), number("83", kind), element("86", codec), sides, *more)


def cluster(time: int = 0, *blocks: bytes, unknown: bool = False) -> bytes:
    return element("1f43b675", number("e7", time), *(blocks or (BLOCK,)), unknown=unknown)


def tracks(*entries: bytes) -> bytes:
    return element("1654ae6b", *(entries or (track(),)))


def webm(*parts: bytes, unknown: bool = False) -> bytes:
    return HEAD + element("18538067", *(parts or (INFO, tracks(), cluster())), unknown=unknown)


def refusal(scan: Scan, data: bytes, **limits: float) -> str:
    return scanning.refusal(scan, data, kind="webm", **limits)


@pytest.mark.parametrize(
    ("codec", "name"), [(b"V_VP8", "vp8"), (b"V_VP9", "vp9"), (b"V_AV1", "av1"), (b"V_VP8\0\0", "vp8")]
)
def test_a_file_is_what_its_tracks_say(scan: Scan, codec: bytes, name: str) -> None:
    data = webm(INFO, tracks(track(codec=codec), track(kind=2, codec=b"A_OPUS")), cluster())

    info, veil = scan(data, "webm")

    assert info == VideoInfo("webm", name, 160, 120)
    assert shown(veil) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD,
        HEAD[:10],
        HEAD + HEAD,
        webm()[:-1],
        webm()[:60],
        webm(INFO, cluster()),
        webm(INFO, tracks()),
        webm(INFO, element("1654ae6b"), cluster()),
        webm(INFO, tracks(), cluster(), element("a0", bytes(9))),
        webm(INFO, element("1654ae6b", track(), unknown=True)),
        webm(INFO, tracks(element("ae", number("83", 1), unknown=True)), cluster()),
        webm(INFO, tracks(), cluster(), b"\0"),
        webm(INFO, tracks(), cluster(), b"\x1f\x43"),
        webm(INFO, tracks(), cluster(0, b"\xa3\xff", unknown=True)),
        webm(INFO, tracks(element("ae", element("83", bytes(9)))), cluster()),
        webm(INFO, tracks(track(codec=bytes(65))), cluster()),
    ],
)
def test_a_container_that_is_not_whole_is_bad_content(scan: Scan, data: bytes) -> None:
    assert refusal(scan, data) == "bad_content"


def test_a_live_recording_says_nowhere_how_long_it_is(scan: Scan) -> None:
    live = webm(INFO, tracks(), cluster(0, BLOCK, BLOCK, unknown=True), cluster(900, BLOCK, unknown=True), unknown=True)

    assert scan(live, "webm")[0].codec == "vp8"
    assert refusal(scan, live, max_seconds=0.8) == "too_long"


@pytest.mark.parametrize("unknown", [True, False])
def test_a_recording_that_ends_early_is_shown_up_to_its_last_whole_block(scan: Scan, unknown: bool) -> None:
    """A recorder that dies has promised nothing: neither of the file nor, it may be, of the cluster."""
    whole = webm(
        INFO, tracks(), cluster(0, BLOCK, BLOCK, unknown=True), cluster(900, BLOCK, unknown=True), unknown=True
    )
    last = cluster(1800, BLOCK, BLOCK, unknown=unknown)

    for left in (len(last) - 1, len(last) - 30, len(last) - len(BLOCK) + 1):
        seen = shown(scan(whole + last[:left], "webm")[1])
        assert len(seen) == len(whole + last) - len(BLOCK)
        scan(seen, "webm")
    for junk in (last[:3], last[:9], bytes(50)):
        assert shown(scan(whole + junk, "webm")[1])[: len(whole)] == whole
    assert refusal(scan, webm(INFO, tracks(), cluster(0, BLOCK))[:-1]) == "bad_content"
    assert refusal(scan, webm(INFO, tracks(), unknown=True) + cluster(0, BLOCK, unknown=True)[:-1]) == "bad_content"


def test_no_pictures_and_those_that_nobody_plays(scan: Scan) -> None:
    assert refusal(scan, webm(INFO, tracks(track(kind=2, codec=b"A_OPUS")), cluster())) == "no_video"
    assert refusal(scan, webm(INFO, tracks(track(codec=b"V_THEORA")), cluster())) == "unsupported_codec"


@pytest.mark.parametrize(("width", "height"), [(8193, 10), (10, 8193), (6001, 6001)])
def test_a_frame_has_a_limit(scan: Scan, width: int, height: int) -> None:
    assert refusal(scan, webm(INFO, tracks(track(width=width, height=height)), cluster())) == "too_many_pixels"


def test_time_is_that_of_the_clusters(scan: Scan) -> None:
    hours = [cluster(time * 3_600_000) for time in (1, 5, 6)]

    assert refusal(scan, webm(INFO, tracks(), *hours)) == "too_long"
    scan(webm(INFO, tracks(), *hours[:2]), "webm")
    slow = element("1549a966", number("2ad7b1", 1_000_000_000))
    assert refusal(scan, webm(slow, tracks(), cluster(0), cluster(20_000))) == "too_long"


def test_parts_and_tracks_are_counted(scan: Scan) -> None:
    blocks = [BLOCK] * 100
    live = webm(INFO, tracks(), cluster(0, *blocks, unknown=True))
    scan(live, "webm", max_parts=30, max_samples=100)
    assert refusal(scan, live, max_samples=99) == "too_complex"
    scan(webm(INFO, tracks(), cluster(0, *blocks)), "webm", max_parts=30)

    assert refusal(scan, webm(INFO, tracks(*[track()] * 9), cluster())) == "too_complex"
    assert refusal(scan, webm(INFO, tracks(track(element("63a2", bytes(1 << 20)))), cluster())) == "too_complex"
    assert refusal(scan, webm(element("1549a966", bytes(1 << 21)), tracks(), cluster())) == "too_complex"


def test_compressed_blocks_are_refused(scan: Scan) -> None:
    assert refusal(scan, webm(INFO, tracks(track(element("6d80", bytes(4)))), cluster())) == "too_complex"


@pytest.mark.parametrize("width", range(1, 9))
@pytest.mark.parametrize("ident", ["114d9b74", "1c53bb6b", "1043a770", "1254c367", "1941a469"])
def test_what_is_not_needed_is_void_to_the_demuxer(scan: Scan, ident: str, width: int) -> None:
    data = webm(INFO, tracks(), element(ident, b"SECRET", width=width), cluster())

    _, veil = scan(data, "webm")
    seen = shown(veil)

    assert len(seen) == len(data)
    assert bytes.fromhex(ident) not in seen
    again, _ = scan(seen, "webm")
    assert again.codec == "vp8"
    assert re.search(rb"\xec[\x00-\xff]{4,11}SECRET\x1f\x43\xb6\x75", seen)


def test_what_follows_the_segment_is_not_shown(scan: Scan) -> None:
    assert shown(scan(webm() + b"<script>", "webm")[1]) == webm()


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_damage_makes_the_walk_fail_in_another_way(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.webm"
    good = bytearray(webm(INFO, tracks(), element("1254c367", bytes(9)), cluster(), cluster(9, BLOCK, unknown=True)))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.sampled_from([0, 1, 8, 127, 128, 255]))
    path.write_bytes(good[: data.draw(st.integers(0, len(good)))])
    with path.open("rb") as file:
        try:
            _, veil = prescan(file, "webm", VideoLimits())
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
