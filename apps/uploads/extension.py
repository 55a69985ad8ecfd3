"""The uploads of one view, on its socket or in its POST.

Messages are obeyed at once, on the event loop. Nothing here renders: a view is rendered again when an entry appears,
fails or is ready.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.http import HttpRequest, HttpResponse

from liveview.core.limits import Bucket
from liveview.core.messages import CloseCode, Fields, Message
from liveview.extensions import Extension, Link
from uploads import janitor, threads
from uploads.core import messages
from uploads.core.contracts import Progress
from uploads.core.machine import State, Step
from uploads.entries.entry import UploadEntry
from uploads.entries.registry import Uploads
from uploads.entries.validation import judge_ours
from uploads.errors import UploadError
from uploads.external import ExternalEntry
from uploads.fallback.forms import accept_post
from uploads.fallback.requests import Fallback
from uploads.socket.deferred import Postponed
from uploads.socket.direct import DirectUploads
from uploads.socket.receiver import Receiver
from uploads.socket.resumption import Resumption
from uploads.writers import causes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liveview import LiveView
    from liveview.mounted import Mounted

T = TypeVar("T")

TELL_EVERY = 0.5  # seconds between two calls of a slot's `progress` for one upload


class Shown(dict[str, Any]):
    """`{{ uploads }}`, which remembers whether the template looked at it: if not, an entry's change renders nothing."""

    was_read = False

    def __getitem__(self, name: str) -> Any:
        self.was_read = True
        return super().__getitem__(name)


class UploadsExtension(Extension):
    messages: ClassVar[Mapping[str, Fields]] = messages.CLIENT
    view: LiveView

    def __init__(self, mounted: Mounted) -> None:
        super().__init__(mounted)
        self.uploads = Uploads()
        self._fallback = Fallback(mounted, self.uploads)
        self._link: Link | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._registrations = Bucket(50, burst=2000)
        self._messages = Bucket(500, burst=20_000)
        self._postponed = Postponed(self.uploads)
        self._resuming: dict[str, str] = {}  # ref → slot of what is being looked up
        self._unwanted: set[str] = set()  # refs of those that were cancelled or replaced meanwhile
        self._announced: dict[str, Any] | None = None
        self._shown = Shown()
        self._to_tell: deque[tuple[UploadEntry, State, Progress]] = deque()
        self._told: dict[UploadEntry, float] = {}  # when the view was last told of an entry's progress

    def context(self) -> dict[str, Any]:
        self._shown = Shown(self.uploads.context())
        return {"uploads": self._shown}

    # The socket
    def connected(self, link: Link) -> None:
        self._link, self._loop = link, asyncio.get_running_loop()
        self._receiver = Receiver(link, self)
        self._resumption = Resumption(self.view.request, self.uploads, link, self._adopt)
        self.direct = DirectUploads(self.view, self.uploads, self._resumption, link, self)
        self._announce()
        if janitor.is_due():
            link.spawn(self._sweep())

    async def _sweep(self) -> None:
        await threads.check(janitor.prune)

    def received(self, message: Message) -> None:
        if self._link is None:
            return  # sent before the view was mounted
        if not self._messages.take():
            self._link.close(CloseCode.RATE)
        elif not self._postponed.concerns(message):
            self._obey(message)
        elif not self._postponed.add(message):
            self._link.send(messages.error(message["ref"], UploadError("rate_limited")))

    def received_binary(self, frame: bytes) -> bool:
        if self._link is None:
            return False
        self._receiver.received(frame)
        return True

    async def closed(self) -> None:
        if self._link is None:
            return
        self._link = None
        self._receiver.leave()
        await self.direct.close()
        await asyncio.shield(_pool(self.uploads.staged)(self._resumption.park))
        await self._remove(list(self.uploads.staged), causes.session_closed())

    # Messages
    def _obey(self, message: Message) -> None:
        match message["type"]:
            case "upload_register":
                self._begin(message, self._register)
            case "upload_resume":
                self._begin(message, self._resume)
            case "upload_cancel":
                self._cancel(message["ref"])
            case "upload_sign":
                self._expect_link().spawn(self.direct.sign(message["ref"], message["parts"]))
            case "upload_external_done":
                self._expect_link().spawn(self.direct.done(message["ref"]))
            case "upload_external_failed":
                self.direct.failed(message["ref"], message["code"])

    def _announce(self) -> None:
        """Tells the browser the slots, again when they have changed."""
        slots = {name: slot.describe() for name, slot in self.uploads.slots.items()}
        if self._link is not None and slots != self._announced:
            self._announced = slots
            self._link.send(messages.config(slots, self._receiver.credit, self._receiver.max_frame))

    def _begin(self, message: Message, begin: Callable[[Message], None]) -> None:
        """A file, new or known from before: whatever it replaces goes."""
        link, ref = self._expect_link(), message["ref"]
        if ref in self.uploads.entries or ref in self._resuming:
            link.violation("a ref twice")
            return
        if not self._registrations.take():
            link.send(messages.error(ref, UploadError("rate_limited")))
            return
        try:
            with self._replacing():
                begin(message)
        except UploadError as refused:
            link.send(messages.error(ref, refused))
        if ref in self.uploads.entries:
            self._changed(self.uploads.entries[ref])

    def _register(self, message: Message) -> None:
        entry = self.uploads.register(
            message["slot"], message["ref"], message["name"], message["size"], message["mime"], message["path"]
        )
        if entry.slot.max_entries == 1:
            for ref in [ref for ref, slot in self._resuming.items() if slot == entry.slot.name]:
                self._cancel(ref)
        if isinstance(entry, ExternalEntry):
            self._expect_link().spawn(self.direct.begin(entry, message["holder"] or entry.ref))
        elif entry.slot.resumable:
            self._expect_link().spawn(self._register_resumable(entry, message["holder"] or entry.ref))
        else:
            self._expect_link().send(messages.registered(entry, self._receiver.open(entry)))

    async def _register_resumable(self, entry: UploadEntry, holder: str) -> None:
        await self._resumption.begin(entry, holder)
        if entry.is_over:
            await self._remove([entry])  # again: it had no record yet when it was cancelled
        elif self._link is not None:
            self._link.send(messages.registered(entry, self._receiver.open(entry)))

    def _resume(self, message: Message) -> None:
        self.uploads.slot(message["slot"])
        self._resuming[message["ref"]] = message["slot"]
        self._expect_link().spawn(self._resume_later(message))

    def _adopt(self, entry: UploadEntry) -> None:
        """Raises `UploadError`: the slot has no place for it, or it is `cancelled`."""
        if entry.ref in self._unwanted:
            raise UploadError("cancelled")
        with self._replacing():
            self.uploads.adopt(entry)

    async def _resume_later(self, message: Message) -> None:
        """The handshake of the seeds: the answer says where to go on, or that it has to start over, or why it can't."""
        entry, refusal = await self._resumption.resume(message)
        del self._resuming[message["ref"]]
        is_unwanted = message["ref"] in self._unwanted  # and has been answered
        self._unwanted.discard(message["ref"])
        if self._link is None or is_unwanted:
            return
        if entry is None:
            self._link.send(messages.not_resumed(message["ref"], refusal or UploadError("unknown_ref")))
            return
        if isinstance(entry, ExternalEntry):
            await self.direct.go_on(entry)
            self._changed(entry)
            return
        channel, (digest, length) = self._receiver.open(entry), entry.tail
        self._link.send(messages.resumed(entry, channel, digest, length))
        self._changed(entry)
        if entry.seal():  # the last byte arrived just before the socket went
            self._receiver.close(entry)
            await self.has_arrived(entry)

    def _cancel(self, ref: str) -> None:
        entry = self.uploads.entries.get(ref)
        if entry is not None:
            self.uploads.drop(entry)
            self._forget([entry])
            self._changed(entry)
        elif ref in self._resuming:
            self._unwanted.add(ref)
        self._expect_link().send(messages.cancelled(ref))

    @contextmanager
    def _replacing(self) -> Iterator[None]:
        """What goes from the page within is forgotten."""
        before = set(self.uploads.entries.values())
        try:
            yield
        finally:
            self._forget(before - set(self.uploads.entries.values()))

    def _forget(self, gone: Iterable[UploadEntry]) -> None:
        """Entries that were replaced or cancelled: remove the bytes."""
        gone = list(gone)
        for entry in gone:
            self._receiver.close(entry)
        if gone and self._link is not None:
            self._link.spawn(self._remove(gone))

    def register(self, slot: str, ref: str, name: str, size: int, mime: str) -> UploadEntry:
        """For an upload that a handler registers. Raises `UploadError`."""
        with self._replacing():
            return self.uploads.register(slot, ref, name, size, mime)

    # What becomes of an upload
    def has_moved(self, entry: UploadEntry) -> None:
        now = time.monotonic()
        if entry.slot.progress is not None and entry.is_open and now - self._told.get(entry, 0.0) > TELL_EVERY:
            self._told[entry] = now
            self._changed(entry)

    def has_failed(self, entry: UploadEntry) -> None:
        """An upload has ended badly. Its entry stays on the page with the reason; its bytes go."""
        failure = entry.upload.error
        if self._link is None or failure is None:
            return
        if failure.code == "superseded":
            self._link.spawn(self._resumption.superseded(entry))
        else:
            self._link.send(messages.error(entry.ref, failure))
            self._link.spawn(self._remove([entry]))
        self._changed(entry)

    async def has_arrived(self, entry: UploadEntry) -> None:
        """Every byte is here: check them, in a thread."""
        entry.advance(Step.CHECK)
        failure = self._misfit(entry) or await self._judged(entry)
        if failure is not None:
            if entry.fail(failure):
                self.has_failed(entry)
        elif entry.advance(Step.ACCEPT) and self._link is not None:
            self._link.send(messages.ready(entry))
            self._changed(entry)

    async def _judged(self, entry: UploadEntry) -> UploadError | None:
        judged = partial(judge_ours, entry)
        return await (threads.drive(judged) if entry.slot.is_elsewhere else threads.judge(judged, self.uploads.owner))

    def _misfit(self, entry: UploadEntry) -> UploadError | None:
        try:
            self.uploads.check_again(entry)
        except UploadError as misfit:
            if misfit.code == "too_large":
                entry.cause = causes.oversize(self.uploads.slot(entry.slot.name).max_file_size)
            return misfit
        return None

    def _changed(self, entry: UploadEntry) -> None:
        """Something about an entry that a page may show, other than its bytes: the view is told and rendered again."""
        if self._link is None:
            return
        if entry.is_over:
            self._told.pop(entry, None)
        if entry.slot.progress is not None and entry.state is not State.REGISTERED:
            self._to_tell.append((entry, entry.state, entry.slot.progress))
            if len(self._to_tell) == 1:
                self._link.spawn(self._call_back(self._link))
        elif self._shown.was_read:
            self._link.rerender()

    async def _call_back(self, link: Link) -> None:
        """Calls the slots' `progress` one after the other, so that hundreds of files never fill the view's queue.

        An entry that has gone on meanwhile is passed over: another call is coming for it.
        """
        while self._to_tell:
            entry, state, progress = self._to_tell[0]
            if entry.state is state:
                await link.call(partial(_tell, progress, entry, state))
            self._to_tell.popleft()

    async def _remove(self, entries: list[UploadEntry], cause: BaseException | None = None) -> None:
        """Removes bytes, also when the socket's own tasks are being cancelled.

        cause: what a writer is told of an upload that was under way.
        """
        for entry in entries:
            if entry.advance(Step.CANCEL, UploadError("cancelled")):
                entry.cause = cause
        await asyncio.shield(_pool(entries)(partial(self.uploads.discard, entries)))

    def _expect_link(self) -> Link:
        assert self._link is not None
        return self._link

    # Handlers
    def cancel(self, ref: str) -> None:
        """For `cancel_upload`, from a handler's thread."""
        entry = self.uploads.entries.get(ref)
        if entry is None:
            return
        self.uploads.drop(entry)
        self._on_loop(lambda link: self._forget([entry]))
        self._on_loop(lambda link: link.send(messages.cancelled(ref)))
        if self._loop is None:
            self.uploads.discard([entry])

    def confirm(self, ref: str) -> None:
        """For `confirm_upload`, from a handler's thread."""
        self._on_loop(lambda link: link.spawn(self.direct.done(ref)))

    def handler_finished(self, succeeded: bool) -> None:
        consumed = self.uploads.take_back()
        self._on_loop(lambda link: self._after_handler(link, consumed))

    def _after_handler(self, link: Link, consumed: list[UploadEntry]) -> None:
        for entry in consumed:
            link.send(messages.consumed(entry.ref))
        self._announce()
        for message in self._postponed.take():
            self._obey(message)

    def _on_loop(self, function: Callable[[Link], None]) -> None:
        """Calls `function` on the event loop, unless the socket is gone by then."""

        def call() -> None:
            if self._link is not None:
                function(self._link)

        if self._loop is not None and self._link is not None:
            self._loop.call_soon_threadsafe(call)

    # Without a socket
    def answer(self, request: HttpRequest) -> HttpResponse | None:
        return self._fallback.answer(request)

    def accept_post(self, request: HttpRequest) -> bool:
        accepted = accept_post(self.uploads, request)
        return self._fallback.claims.accept(request) and accepted

    def post_finished(self) -> None:
        self.uploads.take_back()  # from a handler that has raised
        self._fallback.claims.settle()
        self.uploads.discard(list(self.uploads.staged))


def _pool(entries: Iterable[UploadEntry]) -> Callable[[Callable[[], T]], Awaitable[T]]:
    """The threads for the end of these entries: a slow writer's must not hold up what needs none."""
    return threads.drive if any(entry.slot.is_elsewhere for entry in entries) else threads.check


def _tell(progress: Progress, entry: UploadEntry, state: State) -> None:
    if entry.state is state:
        progress(entry)
