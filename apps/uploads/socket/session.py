"""The uploads of one view on its socket: what the browser says about them, and what it is told.

Messages are handled at once, on the event loop. Nothing here renders: a view is rendered again when an entry appears,
fails or is ready.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from liveview.core.limits import Bucket
from liveview.core.messages import CloseCode, Message
from liveview.extensions import Link
from uploads import janitor, threads
from uploads.conf import conf
from uploads.core import messages
from uploads.core.contracts import Progress
from uploads.entries import drive
from uploads.entries.entry import UploadEntry
from uploads.entries.registry import Uploads
from uploads.errors import UploadError
from uploads.socket.deferred import Deferred
from uploads.socket.direct import DirectUploads
from uploads.socket.receiver import Receiver
from uploads.socket.resumption import Resumption
from uploads.socket.retries import Retries
from uploads.writers import causes

if TYPE_CHECKING:
    from liveview import LiveView

logger = logging.getLogger("uploads")

OPEN_AT_ONCE = 20  # registrations that are opened before the first of them is answered
TELL_EVERY = 0.5  # seconds between two calls of a slot's `progress` for one upload


class UploadSession:
    """On the event loop unless said otherwise.

    may_differ: whether what the view's template looked at of its uploads may have changed: else nothing is rendered.
    """

    def __init__(self, view: LiveView, uploads: Uploads, link: Link, may_differ: Callable[[], bool]) -> None:
        self._view, self._uploads, self._link, self._may_differ = view, uploads, link, may_differ
        self._loop = asyncio.get_running_loop()
        self._is_closed = False
        self._receiver = Receiver(link, self)
        self.retries = Retries(link)
        self._resumption = Resumption(view.request, uploads, link, self._adopt)
        self.direct = DirectUploads(view, uploads, link, self, self.retries)
        self._registrations = Bucket(50, burst=max(2000, conf().max_entries_per_view))  # all come again at once
        self._messages = Bucket(500, burst=20_000)
        self._deferred = Deferred(uploads)
        self._to_open: deque[tuple[UploadEntry, str]] = deque()  # registrations, each with its holder
        self._is_opening = False
        self._unadmitted: list[UploadEntry] = []  # open, but what they would replace is lent to a handler
        self._resuming: dict[str, str] = {}  # ref → slot of uploads being looked up
        self._older: dict[str, set[str]] = {}  # ref of one of these, in a slot for a single file → what it replaces
        self._untold: set[UploadEntry] = set()  # ready, but another was chosen in its place: the view isn't told yet
        self._unwanted: set[str] = set()  # refs of those, if cancelled or replaced meanwhile
        self._announced: dict[str, Any] | None = None
        self._to_tell: deque[tuple[UploadEntry, str, Progress]] = deque()
        self._told: dict[UploadEntry, float] = {}  # when the view was last told of an entry's progress
        self.announce()
        if janitor.is_due():  # for servers that don't look by themselves
            link.spawn(threads.check(janitor.go_round))

    def announce(self) -> None:
        """Tells the browser the slots, and again when they have changed."""
        slots = {name: slot.describe() for name, slot in self._uploads.slots.items()}
        if slots != self._announced:
            self._announced = slots
            self._link.send(messages.config(slots, self._receiver.credit, self._receiver.max_frame))

    async def close(self) -> None:
        """The socket is gone: what can be resumed is parked, everything else is removed."""
        self._is_closed = True
        self._receiver.leave()
        await self.direct.close()
        is_remote = any(entry.sink.is_remote for entry in list(self._uploads.staged))
        await asyncio.shield(threads.checking(is_remote=is_remote)(self._resumption.park))
        await self._remove(list(self._uploads.staged), causes.session_closed())

    # From the browser
    def received(self, message: Message) -> None:
        if not self._messages.take():
            self._link.close(CloseCode.RATE)
        elif not self._deferred.concerns(message):
            self._handle(message)
        elif not self._deferred.add(message):
            self._put_off(message)

    def received_binary(self, frame: bytes) -> None:
        self._receiver.received(frame)

    def _handle(self, message: Message) -> None:
        match message["type"]:
            case "upload_register":
                self._begin(message, self._register)
            case "upload_resume":
                self._begin(message, self._resume)
            case "upload_cancel":
                self._cancel(message["ref"])
            case "upload_retry":
                self._link.spawn(self.retries.again(message["ref"]))
            case "upload_sign":
                self._link.spawn(self.direct.sign(message["ref"], message["parts"]))
            case "upload_external_done":
                self._link.spawn(self.direct.done(message["ref"]))
            case "upload_external_failed":
                self.direct.failed(message["ref"], message["code"])

    def _begin(self, message: Message, begin: Callable[[Message], None]) -> None:
        """A new or a resumed file."""
        ref = message["ref"]
        if ref in self._uploads.entries or ref in self._resuming:
            self._link.violation("duplicate ref")
            return
        if not self._registrations.take():
            self._put_off(message)
            return
        try:
            with self._forgetting():
                begin(message)
        except UploadError as refused:
            self._link.send(messages.error(ref, refused))
            if ref in self._uploads.entries:
                self._changed(self._uploads.entries[ref])

    def _put_off(self, message: Message) -> None:
        """Too much at once. The browser asks again, and what has begun stays as it is."""
        ref, limited = message["ref"], UploadError("rate_limited")
        is_begun = message["type"] == "upload_resume"
        self._link.send(messages.not_resumed(ref, limited) if is_begun else messages.error(ref, limited))

    # A new file
    def _register(self, message: Message) -> None:
        entry = self._uploads.register(
            message["slot"], message["ref"], message["name"], message["size"], message["mime"], message["path"]
        )
        self._to_open.append((entry, message["holder"] or entry.ref))
        if not self._is_opening:
            self._is_opening = True
            self._link.spawn(self._open_all())

    async def _open_all(self) -> None:
        """Answers in the order of the registrations: a page sends the files that come first, and queues the others."""
        try:
            while self._to_open:
                some = [self._to_open.popleft() for _ in range(min(len(self._to_open), OPEN_AT_ONCE))]
                for entry, refusal in await threads.check(partial(self._open_some, some)):
                    self._opened(entry, refusal)
                    if entry.is_over:
                        await self._remove([entry])  # again: it may have had no record yet when it was cancelled
        finally:
            self._is_opening = False

    def _open_some(self, some: list[tuple[UploadEntry, str]]) -> list[tuple[UploadEntry, UploadError | None]]:
        """Why each was refused, if it was. In a thread."""
        opened: list[tuple[UploadEntry, UploadError | None]] = []
        for entry, holder in some:
            try:
                self.open(entry, holder)
                opened.append((entry, None))
            except UploadError as refused:
                opened.append((entry, refused))
            except Exception:  # noqa: BLE001  (a disk that can't be asked, for example)
                logger.exception("could not open an upload")
                opened.append((entry, UploadError("server_error")))
        return opened

    def _opened(self, entry: UploadEntry, refusal: UploadError | None) -> None:
        if self._is_closed or entry.is_over:
            return
        if refusal is not None:
            self.refuse(entry, refusal)
            self._link.send(messages.error(entry.ref, refusal))
            self._changed(entry)
            return
        self.admit(entry)
        if entry.slot.external is not None:
            self._link.spawn(self.direct.begin(entry))
        else:
            self._link.send(messages.registered(entry, self._receiver.open(entry)))

    def open(self, entry: UploadEntry, holder: str) -> None:
        """Reserves what it needs and makes its record, if it has one. Blocks; raises `UploadError`."""
        drive.open(entry, self._uploads.uploader)
        if entry.slot.resumable or entry.slot.external is not None:
            self._resumption.begin(entry, holder)
            if entry.is_over:  # meanwhile: what has been stored since then goes as well
                entry.discard()

    def register(self, slot: str, ref: str, name: str, size: int, mime: str) -> UploadEntry:
        """For an upload that a handler registers. Raises `UploadError`."""
        if self._is_closed:  # the handler has outlived its socket: nobody would remove what it registers
            raise UploadError("cancelled")
        with self._forgetting():
            return self._uploads.register(slot, ref, name, size, mime)

    def admit(self, entry: UploadEntry) -> None:
        """It is open: the one before stands back, once no handler has that."""
        if entry.is_over:
            return
        if entry.hold.is_held:
            self._resumption.keep_renewing()
        if self._uploads.is_lent(entry.ref, entry.slot.name):
            self._unadmitted.append(entry)
            return
        with self._forgetting():
            self._uploads.admit(entry)
        self._changed(entry)

    def refuse(self, entry: UploadEntry, refusal: UploadError) -> None:
        with self._forgetting():
            self._uploads.refuse(entry, refusal)

    # A resumed file
    def _resume(self, message: Message) -> None:
        slot = self._uploads.slot(message["slot"])
        if slot.max_entries == 1:
            self._older[message["ref"]] = {*self._uploads.entries, *self._resuming}
        self._resuming[message["ref"]] = message["slot"]
        self._link.spawn(self._resume_later(message))

    def _adopt(self, entry: UploadEntry) -> None:
        """Raises `UploadError`: the slot has no place for it, or it is `cancelled`."""
        if entry.ref in self._unwanted:
            raise UploadError("cancelled")
        with self._forgetting():
            self._uploads.adopt(entry, self._older.get(entry.ref))

    async def _resume_later(self, message: Message) -> None:
        """The handshake of the seeds: the answer says where to continue, that it has to start over, or why it can't."""
        entry, refusal = await self._resumption.resume(message)
        del self._resuming[message["ref"]]
        self._older.pop(message["ref"], None)
        is_unwanted = message["ref"] in self._unwanted  # and has been answered
        self._unwanted.discard(message["ref"])
        if self._is_closed or is_unwanted:
            return
        if entry is None:
            self._link.send(messages.not_resumed(message["ref"], refusal or UploadError("unknown_ref")))
        elif entry.slot.external is not None:
            await self.direct.resume(entry)
            self._changed(entry)
        else:
            await self._go_on(entry)

    async def put_back(self, entry: UploadEntry, failure: UploadError) -> None:
        await self._resumption.put_back(entry)
        self._link.send(messages.not_resumed(entry.ref, UploadError("locked", failure.sentence)))

    async def _go_on(self, entry: UploadEntry) -> None:
        channel, (digest, length) = self._receiver.open(entry), entry.tail
        self._link.send(messages.resumed(entry, channel, digest, length))
        self._changed(entry)
        if entry.is_open and entry.upload.is_complete:  # the last byte arrived just before the socket was lost
            self._receiver.close(entry)
            await self.has_arrived(entry)

    # An unwanted file
    def _cancel(self, ref: str) -> None:
        entry = self._uploads.entries.get(ref)
        if entry is not None:
            with self._forgetting():
                self._uploads.drop(entry)
            self._changed(entry)
            return
        if ref in self._resuming:
            self._unwanted.add(ref)
        self._link.send(messages.cancelled(ref))

    @contextmanager
    def _forgetting(self) -> Iterator[None]:
        """Forgets the entries that leave the page within."""
        before = set(self._uploads.entries.values())
        try:
            yield
        finally:
            self._forget(before - set(self._uploads.entries.values()))

    def _forget(self, gone: Iterable[UploadEntry]) -> None:
        """Entries that were replaced or cancelled: removes the bytes."""
        gone = list(gone)
        for entry in gone:
            self._receiver.close(entry)
            self._untold.discard(entry)
            self._link.send(messages.cancelled(entry.ref))
        if gone and not self._is_closed:
            self._link.spawn(self._remove(gone))

    async def _remove(self, entries: list[UploadEntry], cause: BaseException | None = None) -> None:
        """Removes bytes, also when the socket's own tasks are being cancelled.

        cause: what a writer is told of an upload that was under way.
        """
        for entry in entries:
            entry.cancel(cause)
        is_remote = any(entry.sink.is_remote for entry in entries)
        await asyncio.shield(threads.checking(is_remote=is_remote)(partial(self._uploads.discard, entries)))

    # What becomes of an upload
    def has_moved(self, entry: UploadEntry) -> None:
        now = time.monotonic()
        if entry.slot.progress is not None and entry.is_open and now - self._told.get(entry, 0.0) > TELL_EVERY:
            self._told[entry] = now
            self._changed(entry)

    def has_failed(self, entry: UploadEntry) -> None:
        """An upload has failed. Its entry stays on the page with the reason; its bytes are removed."""
        failure = entry.upload.error
        if self._is_closed or failure is None:
            return
        if entry.is_superseded:
            self._link.spawn(self._resumption.superseded(entry))
        else:
            self._link.send(messages.error(entry.ref, failure))
            self._link.spawn(self._remove([entry]))
        self._changed(entry)
        for other in [other for other in self._untold if not self._uploads.stands_back(other)]:
            self._untold.discard(other)
            self._changed(other)

    def has_stopped(self, entry: UploadEntry, failure: UploadError) -> None:
        """Its writer has failed in passing: it goes on, where it can, on another channel."""
        self._link.spawn(self.retries.go_on(entry, partial(self.settle, entry), failure))

    async def has_arrived(self, entry: UploadEntry) -> None:
        """Every byte is here."""
        await self.retries.go_on(entry, partial(self.settle, entry))

    async def settle(self, entry: UploadEntry) -> UploadError | None:
        """Settles it, in a thread, or goes on from what its writer has; what keeps it from that for now."""
        entry.tell_page = partial(self._on_loop, partial(self._changed, entry))
        settle = partial(drive.settle, entry, partial(self._expect_fit, entry))
        who = self._uploads.uploader
        judged = threads.judge(settle, who.share, who.network) if entry.sink.is_staged else threads.remote(settle)
        outcome = await judged
        if self._uploads.entries.get(entry.ref) is not entry or self._is_closed:
            return None  # it was cancelled or replaced meanwhile
        match outcome:
            case drive.Ready():
                self._link.send(messages.ready(entry))
                self._take_place(entry)
            case drive.Refused():
                self.has_failed(entry)
            case drive.Incomplete():
                await self._go_on(entry)
            case drive.Postponed(error):
                return error
        return None

    def _take_place(self, entry: UploadEntry) -> None:
        """It is ready: of a slot for a single file, what it replaces goes. It may itself be one that stands back."""
        with self._forgetting():
            self._uploads.settled(entry)
        for ref in [ref for ref in self._older if self._resuming[ref] == entry.slot.name]:
            if entry.ref not in self._older[ref]:
                self._cancel(ref)
        if self._uploads.stands_back(entry):
            self._untold.add(entry)
        else:
            self._changed(entry)

    def _expect_fit(self, entry: UploadEntry) -> None:
        try:
            self._uploads.check_again(entry)
        except UploadError as misfit:
            if misfit.code == "too_large":
                entry.cause = causes.oversize(self._uploads.slot(entry.slot.name).max_file_size)
            raise

    def _changed(self, entry: UploadEntry) -> None:
        """Something a page may show of an entry has changed, other than its bytes: tells and renders the view."""
        if self._is_closed:
            return
        if entry.is_over:
            self._told.pop(entry, None)
        if entry.slot.progress is not None and entry.state != "registered":
            self._to_tell.append((entry, entry.state, entry.slot.progress))
            if len(self._to_tell) == 1:
                self._link.spawn(self._call_back())
        elif self._may_differ():
            self._link.rerender()

    async def _call_back(self) -> None:
        """Calls the slots' `progress` one after the other, so that hundreds of files never fill the view's queue.

        An entry that has moved on meanwhile is skipped: another call is coming for it.
        """
        while self._to_tell:
            entry, state, progress = self._to_tell[0]
            if entry.state == state:
                await self._link.call(partial(self._tell, progress, entry, state))
            self._to_tell.popleft()

    def _tell(self, progress: Progress, entry: UploadEntry, state: str) -> None:
        """In the view's turn."""
        if entry.state == state:
            progress(entry)
        else:
            self._view.skip_render()

    # From handlers, in their threads
    def cancel(self, entries: list[UploadEntry]) -> None:
        """They are off the page already."""
        self._on_loop(lambda: self._forget(entries))

    def confirm(self, ref: str) -> None:
        self._on_loop(lambda: self._link.spawn(self.direct.done(ref)))

    def handler_finished(self, consumed: list[UploadEntry]) -> None:
        self._on_loop(lambda: self._after_handler(consumed))

    def _after_handler(self, consumed: list[UploadEntry]) -> None:
        for entry in consumed:
            self._link.send(messages.consumed(entry.ref))
        self.announce()
        unadmitted, self._unadmitted = self._unadmitted, []
        for entry in unadmitted:
            self.admit(entry)
        for message in self._deferred.take():
            self._handle(message)

    def _on_loop(self, function: Callable[[], None]) -> None:
        """Calls `function` on the event loop, unless the socket is gone by then."""

        def call() -> None:
            if not self._is_closed:
                function()

        if not self._is_closed:
            self._loop.call_soon_threadsafe(call)
