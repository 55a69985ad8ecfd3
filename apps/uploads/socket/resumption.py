"""Uploads that outlive their socket.

What is kept is who sends what; where the bytes end is measured when somebody comes back for them. A lease says which
page may write: its own next socket takes it over, any other page waits until it is free.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from django.http import HttpRequest

from liveview.core.messages import Message
from liveview.extensions import Link
from uploads import events, threads
from uploads.conf import conf
from uploads.core import messages
from uploads.core.machine import Step
from uploads.core.names import parse_name
from uploads.core.slots import Slot
from uploads.entries.entry import UploadEntry
from uploads.entries.registry import Uploads
from uploads.errors import UploadError
from uploads.external import ExternalEntry
from uploads.owners import owner_of
from uploads.stores import Record, StateStore, get_store
from uploads.stores.lease import Keeper

logger = logging.getLogger("uploads")


class Resumption:
    """The resumable uploads of one view on one socket."""

    def __init__(
        self, request: HttpRequest, uploads: Uploads, link: Link, adopt: Callable[[UploadEntry], None]
    ) -> None:
        self._request, self._uploads, self._link, self._adopt = request, uploads, link, adopt
        self._is_renewing = False

    async def begin(self, entry: UploadEntry, holder: str) -> None:
        """Makes a new upload one that can be resumed. Without its store it goes on as one that can't."""
        try:
            await threads.check(partial(self._begin, entry, holder))
        except Exception:  # noqa: BLE001  (whatever the store's driver raises)
            logger.exception("could not keep the state of an upload")
        self._keep_renewing()

    async def resume(self, message: Message) -> tuple[UploadEntry | None, UploadError | None]:
        """The entry, its offset measured; or why not: `locked`, or anything else for which one must start over.

        What is refused as `cancelled` when it would be adopted is removed.
        """
        try:
            slot = self._uploads.slot(message["slot"])
            pool = threads.drive if slot.is_elsewhere else threads.check
            entry = await pool(partial(self._resume, message))
            try:
                self._adopt(entry)
            except UploadError as unwanted:
                if unwanted.code == "cancelled":
                    entry.advance(Step.CANCEL, unwanted)
                await pool(entry.discard if entry.is_over else entry.park)
                raise
        except UploadError as refused:
            return None, refused
        except Exception:  # noqa: BLE001
            logger.exception("could not resume an upload")
            return None, UploadError("unknown_ref")
        self._keep_renewing()
        return entry, None

    def park(self) -> None:
        """The socket is gone. The bytes stay, and whoever comes next may have them. Blocks."""
        for entry in [entry for entry in self._uploads.staged if entry.keeper is not None and not entry.is_over]:
            if not entry.slot.resumable:
                continue  # its record is for those who clean up
            self._uploads.staged.discard(entry)
            entry.park()
            events.tell("interrupted", entry)

    # In threads
    def _begin(self, entry: UploadEntry, holder: str) -> None:
        store, ttl = _store_of(entry.slot)
        record = Record(
            id=entry.upload.id,
            owner=owner_of(self._request),
            page=self._request.path,
            slot=entry.slot.name,
            name=entry.name,
            size=entry.size,
            client_type=entry.client_type,
            folder=entry.folder,
        )
        store.save(record, ttl)
        lease = store.acquire(entry.upload.id, holder, conf().lease)
        if lease is not None:
            entry.keeper = Keeper(store, lease, ttl, record)

    def _resume(self, message: Message) -> UploadEntry:
        slot = self._uploads.slot(message["slot"])
        store, ttl = _store_of(slot)
        record = store.load(message["upload_id"])
        if record is None or not self._is_mine(record, message):
            raise UploadError("unknown_ref")
        lease = store.acquire(record.id, message["holder"], conf().lease)
        if lease is None:
            raise UploadError("locked")
        kind = UploadEntry if slot.external is None else ExternalEntry
        name = replace(parse_name(record.name), folder=record.folder)
        entry = kind(record.id, message["ref"], slot, name, record.size, record.client_type)
        entry.keeper = Keeper(store, lease, ttl, record)
        try:
            entry.reopen()
        except UploadError as refused:
            if refused.code == "locked":  # by the end of a call to its writer, or a storage that doesn't answer
                store.release(lease)
            else:
                entry.discard()
            raise
        return entry

    def _is_mine(self, record: Record, message: Message) -> bool:
        """Absent and not yours are the same answer."""
        here = (owner_of(self._request), self._request.path, message["slot"], message["size"])
        return (record.owner, record.page, record.slot, record.size) == here

    # Leases
    def _keep_renewing(self) -> None:
        if not self._is_renewing:
            self._is_renewing = True
            self._link.spawn(self._renew())

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(conf().lease / 3)
            for entry in [entry for entry in self._uploads.staged if entry.keeper is not None and not entry.is_over]:
                try:
                    is_ours = entry.keeper is not None and await threads.check(entry.keeper.renew)
                except Exception:  # noqa: BLE001
                    logger.warning("could not renew a lease", exc_info=True)
                    continue
                if not is_ours and entry.fail(UploadError("superseded")):
                    await self.superseded(entry)

    async def superseded(self, entry: UploadEntry) -> None:
        """Another socket goes on with it: this one lets go, and leaves the bytes alone."""
        entry.keeper = None
        self._uploads.staged.discard(entry)
        if self._uploads.entries.get(entry.ref) is entry:
            del self._uploads.entries[entry.ref]
        await (threads.drive if entry.slot.writer else threads.check)(entry.park)
        self._link.send(messages.error(entry.ref, UploadError("superseded")))


def _store_of(slot: Slot) -> tuple[StateStore, float]:
    options = dict(slot.resumable_store_options)
    return get_store(slot.resumable_store, options), float(options.get("ttl", conf().upload_state_ttl))
