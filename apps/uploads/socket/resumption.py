"""Uploads that outlive their socket.

The store knows who sends what; where the bytes end is measured on resume. A lease says which page may write: the page's
next socket takes it over, any other page waits until it is free.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from django.http import HttpRequest

from liveview.core.messages import Message
from liveview.extensions import Link
from uploads import events, threads
from uploads.conf import conf
from uploads.core import messages
from uploads.core.slots import Slot
from uploads.entries import drive
from uploads.entries.entry import UploadEntry, entry_of, is_remote
from uploads.entries.registry import Uploads
from uploads.errors import UploadError
from uploads.owners import owner_of
from uploads.staging import leftovers
from uploads.stores import Record, StateStore, get_store, hold
from uploads.stores.hold import StoredHold

logger = logging.getLogger("uploads")


class Resumption:
    """The resumable uploads of one view on one socket."""

    def __init__(
        self, request: HttpRequest, uploads: Uploads, link: Link, adopt: Callable[[UploadEntry], None]
    ) -> None:
        self._request, self._uploads, self._link, self._adopt = request, uploads, link, adopt
        self._is_renewing = False

    def begin(self, entry: UploadEntry, holder: str) -> None:
        """Makes a new upload resumable. Without its store it continues as one that isn't. Blocks."""
        try:
            store, ttl = _store_of(entry.slot)
            record = hold.record_of(entry, owner_of(self._request), self._request.path, entry.slot.name, entry.folder)
            store.save(record, ttl)
            entry.hold = hold.take(store, record, holder, ttl)
            if store is not get_store() and not entry.sink.is_remote:
                leftovers.keep(entry.sibling(leftovers.KEPT))
        except UploadError:  # it has expired already
            return
        except Exception:  # noqa: BLE001  (whatever the store's driver raises)
            logger.exception("could not store upload record")

    async def resume(self, message: Message) -> tuple[UploadEntry | None, UploadError | None]:
        """The entry, its offset measured; or why not: `locked` or what passes, to be tried again, or anything else, to
        start over.

        An upload that is refused as `cancelled` on adoption is removed.
        """
        try:
            thread = threads.checking(is_remote=is_remote(self._uploads.slot(message["slot"])))
            entry = await threads.handed_over(thread, partial(self._resume, message), UploadEntry.park)
            try:
                self._adopt(entry)
            except UploadError as unwanted:
                if unwanted.code == "cancelled":
                    entry.cancel()
                await asyncio.shield(thread(entry.discard if entry.is_over else entry.park))
                raise
        except UploadError as refused:
            return None, refused
        except Exception:  # noqa: BLE001
            logger.exception("could not resume upload")
            return None, UploadError("storage_unavailable")  # its store may be away: no reason to start over
        self.keep_renewing()
        return entry, None

    def park(self) -> None:
        """The socket is gone: the bytes stay, to be resumed. Blocks. A store that is away keeps no other upload."""
        for entry in self._held():
            if not entry.slot.resumable:
                continue  # its record is for cleaning up
            self._uploads.staged.discard(entry)
            try:
                entry.park()
            except Exception:  # noqa: BLE001  (its lease will expire)
                logger.exception("could not park an upload")
            else:
                events.tell("interrupted", entry)

    def _resume(self, message: Message) -> UploadEntry:
        slot = self._uploads.slot(message["slot"])
        store, ttl = _store_of(slot)
        record = store.load(message["upload_id"])
        if record is None or not self._is_mine(record, message):
            raise UploadError("unknown_ref")
        entry = entry_of(record, slot, message["ref"], hold.take_again(store, record, message["holder"], ttl))
        drive.resume(entry, self._uploads.uploader)
        return entry

    def _is_mine(self, record: Record, message: Message) -> bool:
        """Absent and not yours get the same answer."""
        here = (owner_of(self._request), self._request.path, message["slot"], message["size"])
        return (record.owner, record.page, record.slot, record.size) == here

    async def put_back(self, entry: UploadEntry) -> None:
        """Takes it off the page, and parks it."""
        self._uploads.staged.discard(entry)
        if self._uploads.entries.get(entry.ref) is entry:
            del self._uploads.entries[entry.ref]
        await threads.checking(is_remote=entry.sink.is_remote)(entry.park)

    # Leases
    def keep_renewing(self) -> None:
        """From now on, for as long as the socket is open."""
        if not self._is_renewing:
            self._is_renewing = True
            self._link.spawn(self._renew())

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(conf().lease / 3)
            for entry in self._held():
                try:
                    is_ours = not isinstance(entry.hold, StoredHold) or await threads.check(entry.hold.renew)
                except Exception:  # noqa: BLE001
                    logger.warning("could not renew upload lease", exc_info=True)
                    continue
                if not is_ours and entry.fail(UploadError("superseded")):
                    await self.superseded(entry)

    def _held(self) -> list[UploadEntry]:
        return [entry for entry in list(self._uploads.staged) if entry.hold.is_held and not entry.is_over]

    async def superseded(self, entry: UploadEntry) -> None:
        """Another socket has resumed it: this one lets go, and leaves the bytes alone."""
        entry.let_go()
        await self.put_back(entry)
        self._link.send(messages.error(entry.ref, UploadError("superseded")))


def _store_of(slot: Slot) -> tuple[StateStore, float]:
    options = dict(slot.resumable_store_options)
    return get_store(slot.resumable_store, options), float(options.get("ttl", conf().upload_state_ttl))
