"""The boxes of an MP4 or QuickTime file (ISO/IEC 14496-12), read before a decoder does.

A demuxer believes what the tables say: three kilobytes can describe thirty million samples. So every count is held
against the bytes that are there. What isn't known here, or isn't where it belongs, is shown to the demuxer as `free`
space: titles, positions, chapters, tracks that are neither pictures nor sound.
"""

from __future__ import annotations

import re
import struct
import sys
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import mul
from typing import Any, Final, Literal, NamedTuple

from uploads.content.limits import VideoLimits, check_count
from uploads.content.video import extras
from uploads.content.video.info import Edit, VideoInfo, check_size
from uploads.content.video.masked_file import Veil
from uploads.content.warnings import CHAPTERS, DATA, TIMECODE
from uploads.errors import UploadError

# What is shown to the demuxer, by the box that it is in. Boxes named here as parents are walked.
_KNOWN: Final[dict[bytes, frozenset[bytes]]] = {
    parent.encode(): frozenset(children.encode().split())
    for parent, children in {
        "": "ftyp moov moof mdat free skip wide",
        "moov": "mvhd trak mvex",
        "trak": "tkhd edts mdia",
        "edts": "elst",
        "mdia": "mdhd hdlr minf",
        "minf": "vmhd smhd dinf stbl",
        "dinf": "dref",
        "stbl": "stsd stts ctts stsc stsz stz2 stco co64 stss",
        "mvex": "trex",
        "moof": "mfhd traf",
        "traf": "tfhd tfdt trun",
    }.items()
}
_VIDEO: Final = {
    **dict.fromkeys((b"avc1", b"avc3"), "h264"),
    **dict.fromkeys((b"hvc1", b"hev1", b"dvh1", b"dvhe"), "hevc"),
    b"vp08": "vp8",
    b"vp09": "vp9",
    b"av01": "av1",
}
# Sound that is copied: `mp4a` is AAC if its description says so, and else may be any of MPEG's.
_COPIED: Final = frozenset({b"Opus", b"fLaC", b".mp3"})
_AAC: Final = re.compile(rb"esds.{4}\x03.{3,12}?\x04[\x80-\xff]{0,3}[\0-\x7f][\x40\x66-\x68][\x14\x15]", re.DOTALL)
_MAX_DESCRIPTION: Final = 1 << 20  # bytes of a track's sample description, the decoder's own header included
_MAX_EDITS: Final = 1000
_REST: Final = 0x7FFF_FFFF  # ticks of the movie's clock: longer than any
# Tracks by their handlers. `text` may be chapters, which another track says then.
_SUBTITLES: Final = frozenset({b"sbtl", b"subt", b"clcp", b"text"})
_NO_DATA: Final = frozenset({b"vide", b"soun", b"hint", b"odsm", b"sdsm"}) | _SUBTITLES
_LENS: Final = b"mebx"  # what each iPhone notes of lens, light and faces: nobody has ever looked at it
_FREE: Final = b"free"
# Boxes are parsed wherever they stand, also inside a sample description; there they are never in an honest file.
_MISPLACED: Final = re.compile(
    rb"cmov|co64|ctts|dref|elst|mdia|minf|moof|moov|stbl|stco|stsc|stss|stsz|stts|stz2|traf|trak|trun"
)


class _Box(NamedTuple):
    kind: bytes
    at: int
    body: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.body


@dataclass(slots=True)
class _Track:
    at: int
    number: int = 0
    is_on: bool = True
    handlers: set[bytes] = field(default_factory=set)
    codecs: list[bytes] = field(default_factory=list)
    size: tuple[int, int] = (0, 0)
    edits: list[tuple[int, int]] = field(default_factory=list)  # how long, by the movie's clock, and from where
    timescale: int = 0
    samples: int = 0
    ticks: int = 0
    ahead: int = 0  # ticks
    is_copied: bool = False  # of sound
    is_raw: bool = False  # every sample lasts one tick: uncompressed sound, which is indexed by chunk

    @property
    def is_video(self) -> bool:
        return b"vide" in self.handlers

    @property
    def is_sound(self) -> bool:
        return self.handlers == {b"soun"}


def walk(veil: Veil, limits: VideoLimits) -> VideoInfo:
    """Looks at every box outside the media data, and hides from `veil`'s reader what isn't known."""
    return _Walk(veil, limits).whole()


class _Walk:
    def __init__(self, veil: Veil, limits: VideoLimits) -> None:
        self._veil = veil
        self._limits = limits
        self._parts = 0
        self._samples = 0
        self._bytes = 0
        self._tracks: list[_Track] = []
        self._movies = 0
        self._is_fragmented = False
        self._rests: list[
            tuple[int, int]
        ] = []  # where an edit list says that a stretch has no length, and in how many bytes
        self._timescale = 0
        self._track = _Track(0)
        self._chapters: set[int] = set()  # numbers of tracks
        self._extras: set[str] = set()
        self._readers: Final[dict[bytes, Callable[[_Box], object]]] = {
            b"tkhd": self._tkhd,
            b"hdlr": self._hdlr,
            b"mvhd": self._mvhd,
            b"mdhd": self._mdhd,
            b"dref": self._dref,
            b"elst": self._elst,
            b"stsd": self._stsd,
            b"stts": self._stts,
            b"stsz": self._stsz,
            b"stz2": self._stz2,
            b"trun": self._trun,
            b"ctts": self._ctts,
            b"stsc": lambda box: self._table(box, 12),
            b"stco": lambda box: self._table(box, 4),
            b"co64": lambda box: self._table(box, 8),
            b"stss": lambda box: self._table(box, 4),
        }

    def whole(self) -> VideoInfo:
        for box in self._top():
            self._movies += box.kind == b"moov"
            check_count(self._movies, 1, "bad_content")
            if box.kind in (b"moov", b"moof") and box.length > self._limits.max_header:
                raise UploadError("too_complex")
            if box.kind == b"moof":
                self._track = _Track(0)
            self._enter(box)
            self._veil.end = box.end
        if not self._tracks:
            raise UploadError("bad_content")
        for at, width in self._rests if not self._is_fragmented else ():
            self._veil.cover(at, _REST.to_bytes(width, "big"))
        return self._judge()

    def _top(self) -> Iterator[_Box]:
        """The known boxes of the file, as far as they are whole."""
        at, size = 0, self._veil.size
        while at + 8 <= size:
            check_count(self._part(), self._limits.max_parts, "too_complex")
            box = self._fitting(at, size, is_top=True)
            if box is None:
                return self._end_at(at)
            if box.kind in _KNOWN[b""]:
                yield box
            else:
                self._veil.cover(at + 4, _FREE)
            at = box.end

    def _end_at(self, at: int) -> None:
        """What begins there has no end. Raises `UploadError("bad_content")` if the film isn't whole without it."""
        kind = self._veil.peek(at + 4, 4)
        if kind not in _KNOWN[b""]:
            # Behind a film, no player looks for boxes: tags of sound files (ID3v1) and what cameras keep there
            # (Insta360) aren't any.
            is_whole = self._movies > 0
        else:
            # A recorder that died in a fragment. Nothing promises how many there would have been, and players show
            # what is there: all fragments before, and of this one the pictures that arrived.
            is_whole = self._is_fragmented and kind in (b"moof", b"mdat")
            if kind == b"mdat":
                # A media box that claims more than its samples take may lack what is in none of them.
                is_whole |= self._movies > 0 and at + 8 + self._bytes <= self._veil.size
                self._veil.end = self._veil.size
        if not is_whole:
            raise UploadError("bad_content")

    def _enter(self, box: _Box) -> None:
        """Reads a box that is known, and those inside it; the table above bounds how deep that goes."""
        if box.kind == b"trak":
            self._track = _Track(box.at)
            self._tracks.append(self._track)
            check_count(len(self._tracks), self._limits.max_tracks, "too_complex")
        if box.kind == b"mvex":
            self._is_fragmented = True
        if (reader := self._readers.get(box.kind)) is not None:
            reader(box)
        elif box.kind in _KNOWN:
            for child in self._boxes(box.body, box.end, box.kind):
                self._enter(child)
        if box.kind == b"trak":
            self._end_track()

    def _boxes(self, at: int, end: int, parent: bytes) -> Iterator[_Box]:
        """The known boxes from `at` to `end`; others are hidden. Zeros, or what is shorter than a box, end the list."""
        while at + 8 <= end and any(self._veil.peek(at, 8)):
            check_count(self._part(), self._limits.max_parts, "too_complex")
            box = self._box(at, end)
            if box.kind in _KNOWN[parent]:
                yield box
            else:
                self._hide(box, parent)
            at = box.end

    def _hide(self, box: _Box, parent: bytes) -> None:
        if parent == b"moov" and box.kind in (b"udta", b"meta"):
            self._extras |= extras.in_boxes(self._veil, box.kind, box.body, box.end)
        elif parent == b"trak" and box.kind == b"tref":
            self._chapters |= extras.references(self._veil, box.body, box.end)
        self._veil.cover(box.at + 4, _FREE)

    def _part(self) -> int:
        self._parts += 1
        return self._parts

    def _box(self, at: int, end: int) -> _Box:
        box = self._fitting(at, end)
        if box is None:
            raise UploadError("bad_content")
        return box

    def _fitting(self, at: int, end: int, *, is_top: bool = False) -> _Box | None:
        """The box at `at`; None if it doesn't end where it must."""
        head = self._veil.peek(at, 16)
        length, kind = struct.unpack_from(">I4s", head)
        body = at + 8
        if length == 1 and len(head) == 16:
            (length,), body = struct.unpack_from(">Q", head, 8), at + 16
        elif length == 0 and is_top:
            length = end - at
        return _Box(kind, at, body, at + length) if body <= at + length <= end else None

    # Boxes
    def _tkhd(self, box: _Box) -> None:
        is_long = self._veil.peek(box.body, 1) == b"\1"
        self._track.is_on = bool(self._veil.peek(box.body + 3, 1)[0] & 1) if box.length > 3 else False
        self._track.number = int.from_bytes(self._veil.peek(box.body + (20 if is_long else 12), 4))

    def _hdlr(self, box: _Box) -> None:
        self._track.handlers.add(self._read(box, 8, "4s")[0])

    def _mvhd(self, box: _Box) -> None:
        (version,) = self._read(box, 0, "B")
        (self._timescale,) = self._read(box, 20 if version == 1 else 12, "I")

    def _mdhd(self, box: _Box) -> None:
        (version,) = self._read(box, 0, "B")
        (self._track.timescale,) = self._read(box, 20 if version == 1 else 12, "I")

    def _dref(self, box: _Box) -> None:
        """Media in another file is never looked for."""
        (count,) = self._read(box, 4, "I")
        at = box.body + 8
        for _ in range(min(count, self._limits.max_parts)):
            if at + 12 > box.end:
                break
            check_count(self._part(), self._limits.max_parts, "too_complex")
            entry = self._box(at, box.end)
            (flags,) = self._read(entry, 0, "I")
            if not flags & 1 and self._veil.peek(entry.body + 4, min(entry.length - 4, 4096)).strip(b"\0"):
                raise UploadError("bad_content")
            at = entry.end

    def _elst(self, box: _Box) -> None:
        (version,) = self._read(box, 0, "B")
        entry = struct.Struct(">QqI" if version == 1 else ">IiI")
        count = self._table(box, entry.size)
        check_count(count, _MAX_EDITS, "too_complex")
        found = [numbers[:2] for numbers in entry.iter_unpack(self._veil.take(box.body + 8, count * entry.size))]
        if found and found[-1][0] == 0 <= found[-1][1]:
            # Of fragments FFmpeg knows that this is all that is left, and of other films it shows nothing.
            found[-1] = _REST, found[-1][1]
            self._rests.append((box.body + 8 + (count - 1) * entry.size, 8 if version == 1 else 4))
        self._track.edits = found

    def _stsd(self, box: _Box) -> None:
        if box.length > _MAX_DESCRIPTION:
            raise UploadError("too_complex")
        data = self._veil.take(box.body, box.length)
        if _MISPLACED.search(data):
            raise UploadError("too_complex")
        at = 8
        while at + 16 <= len(data):
            length, kind = struct.unpack_from(">I4s", data, at)
            if length < 16 or at + length > len(data):
                raise UploadError("bad_content")
            self._track.codecs.append(kind)
            if kind in _COPIED or kind == b"mp4a" and _AAC.search(data, at, at + length):
                self._track.is_copied = True
            if length >= 36:  # for pictures, that is; nobody asks for the size of a sound
                width, height = struct.unpack_from(">HH", data, at + 32)
                self._track.size = max(self._track.size[0], width), max(self._track.size[1], height)
            at += length

    def _stts(self, box: _Box) -> None:
        """How long the samples last: the only duration that isn't merely claimed."""
        numbers = self._pairs(box, "I")
        counts, ticks = numbers[0::2], numbers[1::2]
        self._track.is_raw = list(ticks) == [1]
        self._track.ticks = sum(map(mul, counts, (tick if tick < 1 << 31 else 0 for tick in ticks)))
        self._add_samples(sum(counts))

    def _ctts(self, box: _Box) -> None:
        """How much later than it is decoded each picture is shown: signed in QuickTime, and since version 1."""
        self._track.ahead = max(self._track.ahead, -min(self._pairs(box, "i")[1::2], default=0))

    def _stsz(self, box: _Box) -> None:
        size, count = self._read(box, 4, "II")
        if count * (size or 4) > (self._veil.size if size else box.length - 12):
            raise UploadError("too_complex")
        self._bytes += count * size if size else sum(self._numbers(box.body + 12, count, "I"))
        self._add_samples(count)

    def _stz2(self, box: _Box) -> None:
        bits, count = self._read(box, 7, "BI")
        if bits not in (4, 8, 16) or count * bits > 8 * (box.length - 12) + 7:
            raise UploadError("too_complex")
        self._add_samples(count)

    def _add_samples(self, count: int) -> None:
        """The tables of a track are about the same samples: the highest count is the one to bound."""
        self._track.samples = max(self._track.samples, count)

    def _trun(self, box: _Box) -> None:
        flags, count = self._read(box, 0, "II")
        head, each = 8 + 4 * (flags & 0x005).bit_count(), 4 * (flags & 0xF00).bit_count()
        if count * each > box.length - head:
            raise UploadError("too_complex")
        self._samples += count
        check_count(self._samples, self._limits.max_samples, "too_complex")

    def _table(self, box: _Box, each: int) -> int:
        """The number of entries, `each` bytes long, of a box that has as many as it says."""
        count: int = self._read(box, 4, "I")[0]
        if count * each > box.length - 8 or count > self._limits.max_samples:
            raise UploadError("too_complex")
        return count

    def _pairs(self, box: _Box, kind: Literal["I", "i"]) -> array[int]:
        """The entries of a table of pairs, one number after the other."""
        return self._numbers(box.body + 8, 2 * self._table(box, 8), kind)

    def _numbers(self, at: int, count: int, kind: Literal["I", "i"]) -> array[int]:
        numbers = array(kind)
        assert numbers.itemsize == 4
        numbers.frombytes(self._veil.take(at, 4 * count))
        if sys.byteorder == "little":
            numbers.byteswap()
        return numbers

    def _read(self, box: _Box, offset: int, fields: str) -> tuple[Any, ...]:
        layout = struct.Struct(">" + fields)
        if offset + layout.size > box.length:
            raise UploadError("bad_content")
        return layout.unpack(self._veil.take(box.body + offset, layout.size))

    # What it all means
    def _end_track(self) -> None:
        """Hides a track that is neither pictures that browsers know nor sound."""
        track = self._track
        if track.is_video and any(codec in _VIDEO for codec in track.codecs):
            check_size(*track.size, self._limits)
            if track.timescale and track.ticks / track.timescale > self._limits.max_seconds:
                raise UploadError("too_long")
        elif not track.is_sound:
            self._veil.cover(track.at + 4, _FREE)
            return
        if not (track.is_sound and track.is_raw):
            self._samples += track.samples
            check_count(self._samples, self._limits.max_samples, "too_complex")

    def _judge(self) -> VideoInfo:
        pictures = [track for track in self._tracks if track.is_video]
        playable = [track for track in pictures if any(codec in _VIDEO for codec in track.codecs)]
        sounds = [track for track in self._tracks if track.is_sound]
        check_count(len(playable) + len(sounds), self._limits.max_streams, "too_complex")
        if not pictures:
            raise UploadError("no_video")
        if not playable:
            raise UploadError("unsupported_codec" if any(track.codecs for track in pictures) else "bad_content")
        if not any(track.samples for track in playable) and not self._is_fragmented:
            raise UploadError("bad_content")
        first = playable[0]
        others = [track for track in self._tracks if not self._has_chapters(track)]
        return VideoInfo(
            "mp4",
            next(_VIDEO[codec] for codec in first.codecs if codec in _VIDEO),
            *first.size,
            is_fragmented=self._is_fragmented,
            ahead=max(track.ahead / (track.timescale or 1) for track in playable),
            converted=max(
                (self._seconds(track) for track in sounds if track.codecs and not track.is_copied), default=0.0
            ),
            sound=next((track.codecs[0].decode("latin-1") for track in sounds if track.codecs), ""),
            edits=tuple(tuple(self._edits(track)) for track in playable),
            pictures=sum(track.is_video and bool(track.codecs) for track in others),
            subtitles=sum(not _SUBTITLES.isdisjoint(track.handlers) for track in others),
            extras=frozenset(self._extras).union(*map(self._extra, self._tracks)),
        )

    def _has_chapters(self, track: _Track) -> bool:
        """Another track says so; FFmpeg forgets that for the track beside its own list if there is a timecode."""
        is_beside = CHAPTERS in self._extras and b"text" in track.handlers and not track.is_on
        return not track.is_sound and (track.number in self._chapters or is_beside)

    def _extra(self, track: _Track) -> Iterator[str]:
        """What a track is that is neither pictures nor sound nor subtitles."""
        if self._has_chapters(track):
            yield CHAPTERS
        elif b"tmcd" in track.handlers:
            yield TIMECODE
        elif track.handlers.difference(_NO_DATA) and _LENS not in track.codecs:
            yield DATA

    def _edits(self, track: _Track) -> Iterator[Edit]:
        at = 0
        for lasting, media in track.edits if self._timescale else ():
            begin, at = at, at + lasting
            if media >= 0:
                yield Edit(
                    begin * track.timescale // self._timescale, media, lasting * track.timescale // self._timescale
                )

    def _seconds(self, track: _Track) -> float:
        """How long a track is, or may be at most."""
        known = track.ticks / track.timescale if track.timescale else 0.0
        return self._limits.max_seconds if self._is_fragmented else min(known, self._limits.max_seconds)
