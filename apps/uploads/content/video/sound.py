"""Sound that browsers don't play, made into some that they do: AAC in an MP4, Opus in a WebM.

It stays where it is in time: gaps are filled with silence, and a sound that begins late still does.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import av
from av.codec.context import Flags
from av.filter import Graph

from uploads.errors import UploadError

if TYPE_CHECKING:
    from av import AudioFrame, Packet
    from av.container import InputContainer, OutputContainer

ENCODERS: Final = {"mp4": "aac", "webm": "libopus"}
_RATES: Final = {"mp4": (48_000, 44_100, 32_000, 24_000, 22_050, 16_000), "webm": (48_000,)}
_LAYOUTS: Final = ("mono", "stereo", "3.0", "4.0", "5.0", "5.1")  # others become stereo, and so do
_LONG: Final = 2 * 4 * 3600  # seconds, of all channels together: it is they that take time
_BITS: Final = 96_000  # a second, of each channel
_GAP: Final = 5.0  # seconds; a longer one is no longer filled
_TRIED: Final = 50  # packets that may be broken at the beginning


class Beginning(NamedTuple):
    """Of a stream: the first packet, and the first frame that is made of it or one soon after."""

    packet: bytes
    frame: AudioFrame

    @property
    def is_mp3(self) -> bool:
        """Of MPEG's sound, whose three layers have one name in an MP4, browsers play the third alone."""
        return len(self.packet) > 1 and self.packet[1] >> 1 & 3 == 1


def beginning(source: InputContainer, stream: Any) -> Beginning | None:
    """None if nothing can be decoded."""
    stream.codec_context.thread_count = 1  # a child may start no threads
    first = b""
    for number, packet in enumerate(source.demux(stream)):
        first = first or bytes(packet)
        if frames := _decoded(stream, packet):
            return Beginning(first, frames[0])
        if number == _TRIED:
            break
    return None


class Converter:
    """Makes packets of a new stream of `made` from those of `stream`, which begins with a frame like `first`.

    `seconds` is how long that may be, and `most` how long it must not become.
    """

    def __init__(
        self, made: OutputContainer, container: str, stream: Any, first: AudioFrame, seconds: float, most: float
    ) -> None:
        rates = _RATES[container]
        rate = first.sample_rate if first.sample_rate in rates else rates[0]
        form = layout(first, seconds)
        self._most = most
        self._decoded = 0.0
        self._stream = stream
        stream.codec_context.thread_count = 1
        self.made: Any = made.add_stream(ENCODERS[container], rate=rate, layout=form)
        context: Any = self.made.codec_context
        context.bit_rate = _BITS * context.layout.nb_channels
        context.thread_count = 1
        context.flags |= Flags.bitexact  # or it writes its name and version
        self._rate, self._format, self._layout = rate, context.format.name, form
        self._graph: Graph | None = None
        self._shape: tuple[Any, ...] = ()
        self._next = 0.0  # seconds

    def take(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """What becomes of one of the source's packets. Those that can't be decoded are left out."""
        for frame in _decoded(self._stream, packet):
            yield from self._put(frame)

    def end(self) -> Iterator[Packet[Any]]:
        """What is still to come, once there are no more packets."""
        for frame in _decoded(self._stream, None):
            yield from self._put(frame)
        yield from self._drained()
        yield from self.made.encode(None)

    def _put(self, frame: AudioFrame) -> Iterator[Packet[Any]]:
        self._decoded += frame.samples / frame.sample_rate
        if self._decoded > self._most:  # whatever its packets say of their times
            raise UploadError("too_long")
        begins = frame.time if frame.time is not None else self._next
        shape = frame.sample_rate, frame.format.name, frame.layout.name
        if shape != self._shape or abs(begins - self._next) > _GAP:
            yield from self._drained()
            self._graph, self._shape = self._graph_for(frame), shape
        self._next = begins + frame.samples / frame.sample_rate
        assert self._graph is not None
        self._graph.push(frame)
        yield from self._pulled()

    def _graph_for(self, frame: AudioFrame) -> Graph:
        graph = Graph()
        begin = graph.add(
            "abuffer",
            time_base=str(frame.time_base),
            sample_rate=str(frame.sample_rate),
            sample_fmt=frame.format.name,
            channel_layout=frame.layout.name,
        )
        fill = graph.add("aresample", **{"async": "1", "min_hard_comp": "0.02"})
        form = {"sample_rates": str(self._rate), "sample_fmts": self._format, "channel_layouts": self._layout}
        graph.link_nodes(begin, fill, graph.add("aformat", **form), graph.add("abuffersink")).configure()
        graph.set_audio_frame_size(self.made.codec_context.frame_size or 1024)
        return graph

    def _drained(self) -> Iterator[Packet[Any]]:
        if self._graph is not None:
            self._graph.push(None)
            yield from self._pulled()
            self._graph = None

    def _pulled(self) -> Iterator[Packet[Any]]:
        assert self._graph is not None
        while True:
            try:
                frame = self._graph.pull()
            except (BlockingIOError, EOFError):
                return
            yield from self.made.encode(frame)


def layout(frame: AudioFrame, seconds: float) -> str:
    """The channels that a converted sound gets."""
    channels = frame.layout.nb_channels
    is_kept = channels <= 2 or channels <= len(_LAYOUTS) and channels * seconds <= _LONG
    return _LAYOUTS[channels - 1] if is_kept else "stereo"


def _decoded(stream: Any, packet: Packet[Any] | None) -> list[AudioFrame]:
    try:
        return list(stream.decode(packet))
    except av.FFmpegError as error:
        if error.errno == errno.ENOMEM:
            raise
        return []
