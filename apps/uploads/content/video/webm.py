"""The elements of a WebM file (RFC 8794, RFC 9559), read before a decoder does.

What isn't needed to copy pictures and sound is shown to the demuxer as a `Void`: tags, attachments, chapters, and the
tables of positions that it would follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from uploads.content.limits import VideoLimits, check_count
from uploads.content.video import extras
from uploads.content.video.info import VideoInfo, check_size
from uploads.content.video.masked_file import Veil
from uploads.content.warnings import DATA, TITLE
from uploads.errors import UploadError

_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067
_INFO, _TRACKS, _CLUSTER = 0x1549A966, 0x1654AE6B, 0x1F43B675
_VOID, _CRC = 0xEC, 0xBF
_BLOCKS: Final = frozenset({0xA3, 0xA0})  # alone, and with what is said about it
_HIDDEN: Final = frozenset({0x114D9B74, 0x1C53BB6B, 0x1043A770, 0x1254C367, 0x1941A469})
_TOP: Final = frozenset({_INFO, _TRACKS, _CLUSTER, _SEGMENT, _EBML}) | _HIDDEN
_TIMESTAMP_SCALE, _TIMESTAMP = 0x2AD7B1, 0xE7
_TRACK, _TYPE, _CODEC, _ENCODINGS = 0xAE, 0x83, 0x86, 0x6D80
_VIDEO, _WIDTH, _HEIGHT = 0xE0, 0xB0, 0xBA
_SIDES: Final = frozenset({_WIDTH, _HEIGHT})
_PICTURES = 1  # a track's type
_SOUND, _SUBTITLES = 2, 17
_TITLE = 0x7BA9
_COPIED: Final = frozenset({b"A_OPUS", b"A_VORBIS"})
_CODECS: Final = {
    b"V_VP8": "vp8",
    b"V_VP9": "vp9",
    b"V_AV1": "av1",
    # Not WebM's, but Chrome records them into it.
    b"V_MPEG4/ISO/AVC": "h264",
    b"V_MPEGH/ISO/HEVC": "hevc",
}
_MAX_TABLE: Final = 1 << 20  # bytes of Info or Tracks, the decoders' own headers included


class _Element(NamedTuple):
    ident: int
    at: int
    body: int
    end: int | None  # None: until something follows that can't be inside


@dataclass(slots=True)
class _Track:
    kind: int = 0
    codec: bytes = b""
    width: int = 0
    height: int = 0


def walk(veil: Veil, limits: VideoLimits) -> VideoInfo:
    """Looks at every element down to the blocks' own, and hides from `veil`'s reader what isn't needed."""
    return _Walk(veil, limits).whole()


class _Walk:
    def __init__(self, veil: Veil, limits: VideoLimits) -> None:
        self._veil = veil
        self._limits = limits
        self._parts = 0
        self._scale = 1_000_000  # nanoseconds
        self._tracks: list[_Track] = []
        self._first: int | None = None
        self._lasting = 0.0  # seconds
        self._blocks = 0
        self._extras: set[str] = set()
        self._is_open = False  # nothing says where the file ends

    def whole(self) -> VideoInfo:
        head = self._element(0, self._veil.size)
        if head.ident != _EBML or head.end is None:
            raise UploadError("bad_content")
        segment = self._element(head.end, self._veil.size)
        if segment.ident != _SEGMENT:
            raise UploadError("bad_content")
        self._is_open = segment.end is None
        end = self._veil.size if segment.end is None else segment.end
        self._veil.end = segment.body
        try:
            while self._veil.end < end:
                self._veil.end = self._top(self._element(self._veil.end, end), end)
        except UploadError as error:
            # A recorder that died. It had promised no end, and players show what is there: all but the last block.
            if not (self._is_open and self._blocks and error.code == "bad_content"):
                raise
        if not self._blocks:
            raise UploadError("bad_content")
        return self._judge()

    def _top(self, element: _Element, end: int) -> int:
        """Reads one element of the segment; where the next begins."""
        if element.ident == _CLUSTER:
            return self._cluster(element, end)
        if element.end is None:
            raise UploadError("bad_content")
        if element.ident in _HIDDEN:
            self._hide(element)
        elif element.ident in (_INFO, _TRACKS):
            if element.end - element.body > _MAX_TABLE:
                raise UploadError("too_complex")
            self._info(element) if element.ident == _INFO else self._read_tracks(element)
        elif element.ident not in (_VOID, _CRC):
            raise UploadError("bad_content")
        return element.end

    def _hide(self, element: _Element) -> None:
        """A `Void` of the same length: one byte that names it, then the size in what is left of the header."""
        assert element.end is not None
        self._extras |= extras.in_element(self._veil, element.ident, element.body, element.end)
        width = min(element.body - element.at - 1, 8)
        size = element.end - element.at - 1 - width
        self._veil.cover(element.at, b"\xec" + (1 << 7 * width | size).to_bytes(width, "big"))

    def _info(self, info: _Element) -> None:
        for child in self._children(info):
            if child.ident == _TIMESTAMP_SCALE:
                self._scale = self._number(child)
            elif child.ident == _TITLE and child.end != child.body:
                self._extras.add(TITLE)

    def _read_tracks(self, tracks: _Element) -> None:
        for entry in self._children(tracks):
            if entry.ident == _TRACK:
                self._tracks.append(self._track(entry))
                check_count(len(self._tracks), self._limits.max_streams, "too_complex")

    def _track(self, entry: _Element) -> _Track:
        track = _Track()
        for child in self._children(entry):
            if child.ident == _TYPE:
                track.kind = self._number(child)
            elif child.ident == _CODEC:
                track.codec = self._bytes(child, 64).rstrip(b"\0")
            elif child.ident == _VIDEO:
                sides = {side.ident: self._number(side) for side in self._children(child) if side.ident in _SIDES}
                track.width, track.height = sides.get(_WIDTH, 0), sides.get(_HEIGHT, 0)
            elif child.ident == _ENCODINGS:  # compressed blocks: WebM has none, and they may inflate without end
                raise UploadError("too_complex")
        return track

    def _cluster(self, cluster: _Element, end: int) -> int:
        """Blocks are for the demuxer; they are stepped over one by one only if nothing says where they end."""
        if cluster.end is None:
            return self._open_cluster(cluster.body, end)
        for child in self._children(cluster):
            if child.ident == _TIMESTAMP:
                self._time(self._number(child))
                break
        self._blocks += 1
        return cluster.end

    def _open_cluster(self, at: int, end: int) -> int:
        """Where something follows that can't be inside. What is whole until then is shown to the demuxer."""
        while at < end and self._ident(at) not in _TOP:
            child = self._element(at, end)
            if child.end is None:
                raise UploadError("bad_content")
            if child.ident == _TIMESTAMP:
                self._time(self._number(child))
            self._veil.end = at = child.end
        return at

    def _time(self, timestamp: int) -> None:
        self._first = timestamp if self._first is None else self._first
        self._lasting = max(self._lasting, (timestamp - self._first) * self._scale / 1e9)
        if self._lasting > self._limits.max_seconds:
            raise UploadError("too_long")

    # Elements
    def _children(self, parent: _Element) -> Iterator[_Element]:
        assert parent.end is not None
        at = parent.body
        while at < parent.end:
            child = self._element(at, parent.end)
            if child.end is None:
                raise UploadError("bad_content")
            yield child
            at = child.end

    def _element(self, at: int, end: int) -> _Element:
        head = self._veil.peek(at, 12)
        ident_width = _width(head, 0, 4)
        size_width = _width(head, ident_width, 8)
        size = int.from_bytes(head[ident_width : ident_width + size_width], "big") & (1 << 7 * size_width) - 1
        body = at + ident_width + size_width
        ident = int.from_bytes(head[:ident_width], "big")
        last: int | None = body + size
        if size == (1 << 7 * size_width) - 1:
            last = None
        elif body + size > end:
            if not (self._is_open and ident == _CLUSTER):
                raise UploadError("bad_content")
            last = None  # its blocks are looked at one by one, here and by the demuxer
            self._veil.cover(at + ident_width, ((1 << 7 * size_width + 1) - 1).to_bytes(size_width, "big"))
        self._count(ident)
        return _Element(ident, at, body, last)

    def _count(self, ident: int) -> None:
        if ident in _BLOCKS:
            self._blocks += 1
            check_count(self._blocks, self._limits.max_samples, "too_complex")
        else:
            self._parts += 1
            check_count(self._parts, self._limits.max_parts, "too_complex")

    def _ident(self, at: int) -> int:
        head = self._veil.peek(at, 4)
        return int.from_bytes(head[: _width(head, 0, 4)], "big")

    def _number(self, element: _Element) -> int:
        return int.from_bytes(self._bytes(element, 8), "big")

    def _bytes(self, element: _Element, most: int) -> bytes:
        assert element.end is not None
        if element.end - element.body > most:
            raise UploadError("bad_content")
        return self._veil.take(element.body, element.end - element.body)

    def _judge(self) -> VideoInfo:
        if not self._tracks:
            raise UploadError("bad_content")
        pictures = [track for track in self._tracks if track.kind == _PICTURES]
        if not pictures:
            raise UploadError("no_video")
        first = next((track for track in pictures if track.codec in _CODECS), None)
        if first is None:
            raise UploadError("unsupported_codec")
        check_size(first.width, first.height, self._limits)
        is_converted = any(track.kind == _SOUND and track.codec not in _COPIED for track in self._tracks)
        return VideoInfo(
            "webm",
            _CODECS[first.codec],
            first.width,
            first.height,
            converted=self._lasting if is_converted else 0.0,
            pictures=len(pictures),
            subtitles=sum(track.kind == _SUBTITLES for track in self._tracks),
            extras=frozenset(self._extras | {DATA} if self._has_data() else self._extras),
        )

    def _has_data(self) -> bool:
        return any(track.kind not in (_PICTURES, _SOUND, _SUBTITLES) for track in self._tracks)


def _width(data: bytes, at: int, most: int) -> int:
    """How many bytes the number at `at` takes: its leading zero bits say so."""
    if at >= len(data) or (width := 9 - data[at].bit_length()) > most or at + width > len(data):
        raise UploadError("bad_content")
    return width
