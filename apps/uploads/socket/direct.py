"""The direct uploads of one view: what the browser may do at external storage, and what it did.

Whatever the browser says is a hint. The storage is asked whether the bytes have arrived.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from liveview.core.limits import Bucket
from liveview.extensions import Link
from liveview.socket.subscriptions import Subscriptions
from liveview.threads import is_on_loop
from uploads import threads
from uploads.conf import conf
from uploads.core import messages
from uploads.core.contracts import Grant
from uploads.entries import drive
from uploads.entries.entry import UploadEntry
from uploads.entries.registry import Uploads
from uploads.errors import UploadError
from uploads.external import RemoteSink, topic_of
from uploads.socket.retries import Retries

if TYPE_CHECKING:
    from liveview import LiveView

logger = logging.getLogger("uploads")

WAIT: Final = 60.0  # seconds that a handler's thread waits for the event loop


class Owner(Protocol):
    """Opens uploads, and is told what becomes of them. On the event loop unless said otherwise."""

    def register(self, slot: str, ref: str, name: str, size: int, mime: str) -> UploadEntry:
        """A new entry of the view, or `UploadError`."""

    def open(self, entry: UploadEntry, holder: str) -> None:
        """Reserves what it needs and makes its record. Blocks; raises `UploadError`."""

    def admit(self, entry: UploadEntry) -> None: ...

    def refuse(self, entry: UploadEntry, refusal: UploadError) -> None: ...

    def has_failed(self, entry: UploadEntry) -> None: ...

    async def settle(self, entry: UploadEntry) -> UploadError | None: ...

    async def put_back(self, entry: UploadEntry, failure: UploadError) -> None:
        """It can't be resumed now: parks it again, and says so."""


class DirectUploads:
    """On the event loop unless said otherwise."""

    def __init__(self, view: LiveView, uploads: Uploads, link: Link, owner: Owner, retries: Retries) -> None:
        self._view, self._uploads = view, uploads
        self._link, self._owner, self._retries = link, owner, retries
        self._loop = asyncio.get_running_loop()
        self._subscriptions = Subscriptions(self._informed)
        self._waiting: dict[str, UploadEntry] = {}  # by topic
        self._heard: dict[UploadEntry, float] = {}  # when its browser has last asked for permission
        self._is_watching = False
        self._signatures = Bucket(5, burst=100)  # messages that ask for some, each for at most a hundred

    # What the browser asks for
    async def begin(self, entry: UploadEntry) -> None:
        """Answers a registration that is open: without a record, what is stored would be an orphan."""
        try:
            with _answered():
                await self._mint(entry)
                await self._expect(entry)
                grant = await threads.remote(_sink(entry).at_storage.grant)
        except UploadError as failure:
            await self._give_up(entry, failure)
            return
        if entry.is_open:
            self._hear(entry)
            self._link.send(messages.registered(entry, 0, grant))

    async def resume(self, entry: UploadEntry) -> None:
        """Answers a resume. The entry's offset is how many bytes the storage has."""
        try:
            with _answered():
                grant = await threads.remote(_sink(entry).at_storage.grant)
        except UploadError as failure:
            if failure.passes:
                await self._owner.put_back(entry, failure)
            else:
                self._fail(entry, failure)
            return
        await self._listen(entry)
        self._hear(entry)
        self._link.send(messages.resumed(entry, 0, "", 0, grant))

    async def sign(self, ref: str, parts: list[int]) -> None:
        """Fresh permissions, for these parts or for the whole upload."""
        entry = self._find(ref)
        if entry is not None:
            await self._retries.go_on(entry, partial(self._sign, entry, parts))

    async def _sign(self, entry: UploadEntry, parts: list[int]) -> UploadError | None:
        """Who asks for many waits for them: an upload is under way, and its next parts come after these."""
        await asyncio.sleep(self._signatures.book())
        try:
            with _answered():
                grant = await threads.remote(partial(_sink(entry).at_storage.sign, parts))
        except UploadError as failure:
            if failure.passes:
                return failure
            if failure.code == "bad_offset":
                self._link.violation("unknown part number", entry.ref)
            else:
                self._fail(entry, failure)
            return None
        self._hear(entry)
        self._link.send(messages.signed(entry.ref, grant))
        return None

    async def done(self, ref: str) -> None:
        """The browser or the storage says that all has been sent. Said twice, the storage is asked once."""
        entry = self._find(ref)
        if entry is not None:
            await self._retries.go_on(entry, partial(self._arrive, entry))
            await self._stop_listening()

    async def _arrive(self, entry: UploadEntry) -> UploadError | None:
        """A failure that passes costs nothing of what the storage has."""
        try:
            with _answered():
                await threads.remote(partial(drive.arrived, entry))
        except UploadError as failure:
            if failure.passes:
                return failure
            self._fail(entry, failure)
            return None
        return await self._owner.settle(entry) if entry.is_open else None

    def failed(self, ref: str, code: str) -> None:
        """The browser gives up."""
        entry = self._find(ref)
        if entry is not None:
            self._fail(entry, UploadError(code))

    async def close(self) -> None:
        await self._subscriptions.close()

    # What a handler asks for, in its thread
    def presign(self, slot: str, name: str, size: int, mime: str) -> Grant:
        """Registers a file; `{"ref", "upload_id", "external"}`. Blocks; raises `UploadError`."""
        if is_on_loop():
            raise RuntimeError("presign_upload would stop the event loop here: use a handler that isn't async.")
        ref = f"made-{secrets.token_hex(8)}"
        entry = self._on_loop(self._register(slot, ref, name, size, mime))
        try:
            self._on_loop(self._open(entry, ref))
            self._on_loop(self._admit(entry))
        except UploadError as refused:
            self._on_loop(self._refuse(entry, refused))
            raise
        try:
            _sink(entry).begin(self._view)
            self._on_loop(self._expect(entry))
            grant = _sink(entry).at_storage.grant()
        except UploadError as failure:
            self._on_loop(self._give_up(entry, failure))
            raise
        self._loop.call_soon_threadsafe(self._hear, entry)
        return {"ref": ref, "upload_id": entry.upload.id, "external": grant}

    def sign_now(self, ref: str, parts: list[int]) -> Grant:
        """Blocks; raises `UploadError`."""
        entry = self._find(ref)
        if entry is None:
            raise UploadError("unknown_ref")
        return _sink(entry).at_storage.sign(parts)

    async def _register(self, slot: str, ref: str, name: str, size: int, mime: str) -> UploadEntry:
        if self._uploads.slot(slot).external is None:
            raise ValueError(f"the slot {slot!r} has no presigner: give allow_upload its external=")
        return self._owner.register(slot, ref, name, size, mime)

    async def _open(self, entry: UploadEntry, holder: str) -> None:
        """In a thread of ours: the handler's may be within a transaction, which would keep the record to itself."""
        await threads.check(partial(self._owner.open, entry, holder))

    async def _admit(self, entry: UploadEntry) -> None:
        self._owner.admit(entry)

    async def _refuse(self, entry: UploadEntry, refusal: UploadError) -> None:
        self._owner.refuse(entry, refusal)

    async def _give_up(self, entry: UploadEntry, failure: UploadError) -> None:
        if entry.is_over:  # cancelled meanwhile: what has been stored since then is removed as well
            await threads.remote(entry.discard)
        self._fail(entry, failure)

    def _on_loop(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT)

    def _hear(self, entry: UploadEntry) -> None:
        """Its browser has, or has again, what it needs to send: from here on it may be silent for a while."""
        if conf().unbegun:
            self._heard[entry] = time.monotonic()
        if self._heard and not self._is_watching:
            self._is_watching = True
            self._link.spawn(self._watch())

    async def _watch(self) -> None:
        """Ends uploads of which nothing more was heard, as others end that never begin: they keep a place."""
        while self._heard:
            await asyncio.sleep(max(0.0, min(self._heard.values()) + conf().unbegun - time.monotonic()))
            for entry, heard in list(self._heard.items()):
                is_late = time.monotonic() - heard >= conf().unbegun
                if is_late and entry.is_open and not self._retries.is_trying(entry):
                    self._fail(entry, UploadError("timeout"))
                if is_late or not entry.is_open:
                    del self._heard[entry]
        self._is_watching = False

    # Steps
    async def _mint(self, entry: UploadEntry) -> None:
        """Raises `UploadError`. An application's function uses the view: so it is called in the view's turn."""
        failures: list[UploadError | None] = []

        def mint() -> None:
            try:
                _sink(entry).begin(self._view)
            except UploadError as refused:
                failures.append(refused)
            else:
                failures.append(None)

        assert entry.slot.external is not None
        if entry.slot.external.needs_view:
            await self._link.call(mint)
        else:
            await threads.remote(mint)
        failure = failures[0] if failures else UploadError("server_error")  # or it has raised, and that is logged
        if failure is not None:
            raise failure

    async def _expect(self, entry: UploadEntry) -> None:
        """Stores what the webhook, a resume and the cleanup have to know, and listens."""
        state = {"type": entry.content_type, "state": dict(_sink(entry).at_storage.state)}
        try:
            await threads.check(partial(entry.hold.record_writer, state))
        except ValueError:  # a name and a key that together are too long for a record
            raise UploadError("bad_name") from None
        await self._listen(entry)

    async def _listen(self, entry: UploadEntry) -> None:
        """What the webhook says is of use, and not needed."""
        topic = topic_of(entry.upload.id)
        self._waiting[topic] = entry
        try:
            await self._subscriptions.subscribe(topic)
        except Exception:  # noqa: BLE001  (whatever the channel layer raises)
            logger.warning("direct upload: could not subscribe to S3 events", exc_info=True)

    async def _stop_listening(self) -> None:
        for topic in [topic for topic, entry in self._waiting.items() if not entry.is_open]:
            del self._waiting[topic]
            await self._subscriptions.unsubscribe(topic)

    async def _informed(self, topic: str, _message: dict[str, Any]) -> None:
        """The webhook has heard of an upload."""
        entry = self._waiting.get(topic)
        if entry is not None:
            await self.done(entry.ref)

    def _fail(self, entry: UploadEntry, failure: UploadError) -> None:
        if entry.fail(failure):
            self._owner.has_failed(entry)

    def _find(self, ref: str) -> UploadEntry | None:
        """An upload whose bytes may still come."""
        entry = self._uploads.entries.get(ref)
        if entry is None or not entry.is_open or not isinstance(entry.sink, RemoteSink):
            return None
        return entry if entry.sink.remote is not None else None


@contextmanager
def _answered() -> Iterator[None]:
    """Whatever a presigner, a storage or a store raises, the browser waits for an answer: it is an `UploadError`."""
    try:
        yield
    except UploadError:
        raise
    except OSError:  # the network's, of a presigner of the application
        logger.warning("direct upload: storage did not respond", exc_info=True)
        raise UploadError("storage_unavailable") from None
    except Exception:  # noqa: BLE001
        logger.exception("direct upload: storage or state store failed")
        raise UploadError("server_error") from None


def _sink(entry: UploadEntry) -> RemoteSink:
    assert isinstance(entry.sink, RemoteSink)
    return entry.sink
