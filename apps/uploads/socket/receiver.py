"""The chunks of one socket: accepted on the event loop without waiting, written in threads, paid for with credit.

Each upload's chunks are gathered and written in a thread; only then is credit returned.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterable
from functools import partial
from typing import Protocol

from liveview.conf import conf as liveview_conf
from liveview.core.limits import Bucket, Strikes
from liveview.core.messages import CloseCode
from liveview.extensions import Link
from uploads import threads
from uploads.conf import conf
from uploads.core import frames, messages
from uploads.core.credit import Reach, Window
from uploads.core.frames import BadDigest, BadFrame, Chunk
from uploads.core.slots import SMALLEST_CHUNK
from uploads.entries import drive
from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError
from uploads.socket import credit_turns
from uploads.socket.stalled import Drip, Stall, is_stalled

DAMAGES = 5  # of one upload's chunks on one socket, after which it is given up
FLOOR = 64 * 1024  # bytes of credit that every socket has before its turn, and beyond what its uploads need
AT_RISK = 10_000_000  # bytes that may be lost with this process: on their way to it, or short of being durable
LEAST = 2 * 1024 * 1024  # of them on their way, however many more aren't durable


class Owner(Protocol):
    """Told what becomes of the uploads. On the event loop."""

    def has_moved(self, entry: UploadEntry) -> None:
        """More bytes are written."""

    def has_failed(self, entry: UploadEntry) -> None:
        """The machine has rejected it. A write may still be under way, of bytes that nobody wants."""

    def has_stopped(self, entry: UploadEntry, failure: UploadError) -> None:
        """It can't be written now, and what there is of it stays."""

    async def has_arrived(self, entry: UploadEntry) -> None:
        """Every byte is written."""


class Channel:
    """One upload's place on a socket: the chunks that have arrived and aren't written yet."""

    def __init__(self, number: int, entry: UploadEntry) -> None:
        self.number = number
        self.entry = entry
        self.waiting: list[Chunk] = []
        self.cost = 0  # credit that comes back once `waiting` is written
        self.damages = 0
        self.is_writing = False
        self.opened = time.monotonic()


class Receiver:
    """All channels of a socket, and its window of credit."""

    def __init__(self, link: Link, owner: Owner) -> None:
        self._link, self._owner = link, owner
        self._channels: dict[int, Channel] = {}
        self._ended: dict[int, int] = {}  # channel → the credit granted when it ended, in that order
        self._numbers = 0
        self._reach = Reach(conf().window)
        self._window = Window(min(FLOOR, self._reach.limit))
        self._senders = credit_turns.senders()
        self._has_left = False
        self._stall = Stall(conf().idle)
        self._drip = Drip(liveview_conf().body_rate * liveview_conf().body_seconds)
        self._had_begun: set[Channel] = set()  # when that was last judged
        self._is_watching = False
        self._unknown = Strikes(20, per=60)
        self._idle = Bucket(500, burst=20_000)  # frames that bring no bytes
        self.max_frame = conf().max_frame

    @property
    def credit(self) -> int:
        """The total that may have been sent by now, in bytes of whole frames."""
        return self._window.granted

    def open(self, entry: UploadEntry) -> int:
        """The channel for the entry's chunks."""
        self._numbers += 1
        self._channels[self._numbers] = Channel(self._numbers, entry)
        self._ask()
        if not self._is_watching:
            self._is_watching = True
            self._link.spawn(self._watch())
        return self._numbers

    def close(self, entry: UploadEntry) -> None:
        """Accepts no more chunks of this entry. A write under way is finished."""
        for number, channel in list(self._channels.items()):
            if channel.entry is entry:
                del self._channels[number]
                self._ended[number] = self._window.granted
        while self._ended and self._window.used > (oldest := next(iter(self._ended.items())))[1]:
            del self._ended[oldest[0]]

    def leave(self) -> None:
        """The socket is gone. A write under way is finished."""
        if not self._has_left:
            self._senders.settled(self._window.used - self._window.settled)
        self._has_left = True
        self._senders.leave(self)

    def received(self, frame: bytes) -> None:
        if not self._has_left:  # more than was granted as well: `leave` gives back all that is unsettled
            self._senders.arrived(self, len(frame))
        is_granted = self._window.spend(len(frame))
        self._reach.arrived(self._window.used, time.monotonic())
        if not is_granted:
            self._link.close(CloseCode.OVERRUN)
            return
        self._stall.moved()
        try:
            chunk = frames.decode(frame)
        except BadFrame:
            self._link.close(CloseCode.PROTOCOL)
            return
        if not self._take(chunk, len(frame)):
            self._settle(len(frame))
            if not self._idle.take():
                self._link.close(CloseCode.RATE)

    def _take(self, chunk: Chunk, cost: int) -> bool:
        """Accepts a chunk; True if its credit comes back later, with the write."""
        channel = self._channels.get(chunk.channel)
        if channel is None:
            self._unknown_channel(chunk.channel)
            return False
        entry, length = channel.entry, len(chunk.payload)
        if cost > self.max_frame:
            self._link.violation("frame exceeds max_frame")
            return False
        if length < SMALLEST_CHUNK and chunk.offset + length < entry.size:
            self._link.violation("chunk too small")
            return False
        if entry.slot.verify is (chunk.digest is None):
            self._link.violation("missing digest" if entry.slot.verify else "unexpected digest")
            return False
        match drive.feed(entry, chunk.payload, chunk.offset):
            case drive.Write():
                self._gather(channel, chunk, cost)
                return True
            case drive.Misplaced(offset):
                self._link.send(messages.error(entry.ref, UploadError("bad_offset"), offset))
            case drive.Refused(error):
                self._fail(channel, error)
            case drive.Late() | drive.Replay():
                pass
        return False

    def _gather(self, channel: Channel, chunk: Chunk, cost: int) -> None:
        self._drip.received(len(chunk.payload))
        channel.waiting.append(chunk)
        channel.cost += cost
        if not channel.is_writing:
            channel.is_writing = True
            self._link.spawn(self._write(channel))

    async def _watch(self) -> None:
        """Ends uploads that stand still or never begin, and a socket that drips."""
        period = liveview_conf().body_seconds
        judged = time.monotonic()
        while self._channels:
            stalls = self._stall.left if self._stall.limit else math.inf
            await asyncio.sleep(min(stalls, judged + period - time.monotonic(), conf().unbegun or math.inf))
            channels = list(self._channels.values())
            if self._stall.limit and not self._stall.left:
                self._time_out(channel for channel in channels if is_stalled(channel.entry))
                self._stall.moved()
            if conf().unbegun:
                since = time.monotonic() - conf().unbegun
                self._time_out(c for c in channels if c.opened <= since and not c.entry.upload.received)
            if time.monotonic() >= judged + period:
                judged = time.monotonic()
                if self._drips(channels):
                    self._link.close(CloseCode.IDLE)
        self._is_watching = False

    def _time_out(self, channels: Iterable[Channel]) -> None:
        timeout = UploadError("timeout")
        for channel in channels:
            if channel.entry.is_open and channel.entry.fail(timeout):
                self._fail(channel, timeout)

    def _drips(self, channels: Iterable[Channel]) -> bool:
        may_send = self._window.used < self._window.granted
        before = self._had_begun
        self._had_begun = {c for c in channels if 0 < c.entry.upload.received < c.entry.size}
        return self._drip.is_dripping(counts=may_send and bool(before & self._had_begun))

    def _fail(self, channel: Channel, error: UploadError) -> None:
        """Reports an upload that ended, or was stopped, with this very error."""
        if error.code == "session_ended":
            self._link.close(CloseCode.SESSION_ENDED)
        elif channel.entry.is_open and error.passes:
            self.close(channel.entry)
            self._owner.has_stopped(channel.entry, error)
        elif channel.entry.upload.error == error:
            self.close(channel.entry)
            self._owner.has_failed(channel.entry)

    def _unknown_channel(self, number: int) -> None:
        """A chunk in transit when its upload ended is no violation.

        Such chunks fit into the credit granted by then: the client learns of the end before it gets any more.
        """
        if not 0 < number <= self._numbers:
            self._link.violation("unknown channel")
        elif self._window.used > self._ended.get(number, 0) and self._unknown.add():
            self._link.violation("chunk for an ended upload")

    async def _write(self, channel: Channel) -> None:
        """Writes what has been gathered, again and again, until nothing waits."""
        entry = channel.entry
        write = threads.remote if entry.sink.is_remote else threads.write
        while channel.waiting and entry.is_open:
            batch, cost = channel.waiting, channel.cost
            channel.waiting, channel.cost = [], 0
            verify = partial(frames.verify, batch) if entry.slot.verify else None
            try:
                await write(partial(drive.commit, entry, [chunk.payload for chunk in batch], verify))
            except BadDigest:
                cost += channel.cost
                channel.waiting, channel.cost = [], 0
                self._damaged(channel)
            except UploadError as failure:
                self._fail(channel, failure)
                if entry.is_open:  # what follows would leave a gap
                    cost += channel.cost
                    channel.waiting, channel.cost = [], 0
                    drive.rewind(entry)
            self._settle(cost, channel)
            self._owner.has_moved(entry)
        channel.is_writing = False
        if channel.cost:
            self._settle(channel.cost)
            channel.waiting, channel.cost = [], 0
        if entry.is_open and entry.upload.is_complete:
            self.close(entry)
            await self._owner.has_arrived(entry)

    def _damaged(self, channel: Channel) -> None:
        """Nothing of the batch was written: its bytes are asked for again."""
        entry, damage = channel.entry, UploadError("bad_digest")
        channel.damages += 1
        if channel.damages < DAMAGES:
            self._link.send(messages.error(entry.ref, damage, drive.rewind(entry)))
        elif entry.fail(damage):
            self._fail(channel, damage)

    def _settle(self, cost: int, channel: Channel | None = None) -> None:
        self._window.settle(cost)
        if not self._has_left:
            self._senders.settled(cost)
        self._grant()
        offsets = [(channel.number, channel.entry.upload.written)] if channel and channel.entry.is_open else []
        self._tell(offsets)
        self._ask()

    # Credit
    def _ask(self) -> None:
        """Gets what credit can be granted, now or when it is this socket's turn."""
        if self._senders.has_turn(self):
            self.admitted()
        elif not self._has_left and self._window.granted - self._window.used < self._senders.enough:
            self._senders.ask(self)

    def admitted(self) -> None:
        if self._grant():
            self._tell([])

    def _grant(self) -> bool:
        if not self._senders.has_turn(self):
            return False
        unsettled = self._window.used - self._window.settled
        allowance = self._senders.allowance(self, self._most(), unsettled)
        before = self._window.granted
        if not self._window.grant(min(allowance, unsettled + FLOOR + self._needed())):
            return False
        self._reach.granted(before, self._window.used, time.monotonic())
        return True

    def _most(self) -> int:
        """Bytes in transit. What waits for a bucket that is slow, or busy, is to be sent again if the process ends."""
        entries = [channel.entry for channel in self._channels.values()]
        held = [entry.upload for entry in entries if entry.hold.is_held and entry.sink.is_remote]
        if not held:
            return self._reach.limit
        return min(self._reach.limit, max(LEAST, AT_RISK - max(each.written - each.durable for each in held)))

    def _needed(self) -> int:
        """Roughly the bytes of frames that open uploads still need; more credit would only stay with a silent page.

        Headers are less than a twentieth of them.
        """
        missing = 0
        for channel in self._channels.values():
            missing += channel.entry.size - channel.entry.upload.received
            if missing >= self._reach.limit:
                break
        return missing + missing // 20

    def _tell(self, offsets: list[tuple[int, int]]) -> None:
        self._link.send(messages.progress(offsets, self._window.granted, self._window.settled, self._senders.min_frame))
