"""The sink in the bucket: what plain slots take, where `UPLOADS["STAGING"]` is "bucket".

The bytes are written to a scratch file on this machine's disk first, and sent on from there a part at a time. Whoever
looks into the file reads the scratch copy; what counts is in the bucket. Another machine resumes after the last part,
or after the tail that a parked upload has left, with a scratch file whose beginning is missing. That is fetched once,
when the upload is complete.

What nobody could resume, and is shorter than a part, is only in the scratch file: it ends with its process anyway.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from django.core.files.uploadedfile import UploadedFile

from liveview.process import here
from uploads import threads
from uploads.core.contracts import Entry, Found, Hold, Sealed
from uploads.errors import UploadError
from uploads.s3 import staged, tails
from uploads.s3.options import options
from uploads.s3.parts import PartThreads
from uploads.s3.staged import Section, StagedParts
from uploads.s3.tails import Tail
from uploads.staging.files import NOTE, TAIL, StagedFile, StagingFile

logger = logging.getLogger("uploads.s3")

T = TypeVar("T")

PATIENCE: Final = 60.0  # seconds that an upload waits for a bucket that is away; its bytes are safe on the disk
PAUSE: Final = 1.0  # seconds between two tries, and two looks whether anybody still wants it
ENDS: Final = 16  # ends of parts whose digests are kept, at most: any of those under way may be the last that arrives
TRIES: Final = 3  # to complete one whose parts another machine replaces meanwhile
PARTING: Final = 5.0  # the same of one whose page or request has gone: it is in the way of whoever resumes it


class StagedObject:
    """One upload in the bucket, and its scratch file.

    Its record has: the `multipart` upload, if one was begun, and its `part_size`; `ends`, the SHA-256 of what is before
    the ends of the last parts; whether it is `whole`, an object; and which `scratch` file, of all machines, had the
    latest bytes.
    """

    is_remote = True
    is_staged = True

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._scratch = StagingFile(entry.upload.id, entry.upload.size)
        self._state: dict[str, Any] = {}
        self._type = ""  # what its record says that it is
        self._parts: StagedParts | None = None
        self._tail: Tail | None = None
        self._said = ("", 0)  # what the bucket says of the bytes before the offset
        self._over = threading.Event()
        self._is_discarded = False
        self.is_broken = False
        self._patience = PATIENCE
        self._lock = threading.Lock()  # held while it is parked
        self._beside = self._scratch.sibling(NOTE)  # which copy the scratch file is, and how much of it is missing

    # What the scratch file knows
    @property
    def path(self) -> Path:
        return self._scratch.path

    @property
    def on_disk(self) -> int:
        return self._scratch.on_disk

    @property
    def outlives(self) -> bool:
        """A new one finds what the record knows of."""
        return not self.is_broken or self._entry.hold.is_held

    def sibling(self, name: str) -> Path:
        return self._scratch.sibling(name)

    def file(self, name: str, content_type: str) -> UploadedFile[Any]:
        made = BucketFile(self.path, name, content_type)
        made.key = staged.key_of(self._entry.upload.id) if self._is_whole else ""
        return made

    # What the bucket knows
    @property
    def durable(self) -> int:
        if self._is_whole:
            return self._scratch.durable
        return max(self._parts.end if self._parts else 0, self._tail.end if self._tail else 0)

    @property
    def tail(self) -> tuple[str, int]:
        return self._said if self._said[1] > self._scratch.tail[1] else self._scratch.tail

    @property
    def _is_whole(self) -> bool:
        return bool(self._state.get("whole"))

    @property
    def _part_size(self) -> int:
        return int(self._state.get("part_size") or staged.part_size(self._entry.upload.size))

    def recall(self, writer: Mapping[str, Any]) -> None:
        state = writer.get("staged")
        self._type = str(writer.get("type") or "")
        self._state = dict(state) if isinstance(state, dict) and "part_size" in state else {}
        if self._state.get("multipart"):
            self._parts = StagedParts(self._entry.upload.id, self._state["multipart"], self._part_size)

    def measure(self) -> int | None:
        if not self._state:
            return self._scratch.measure()
        if not self._look():
            return None
        start = self._end
        longest = max((one.tail.end for one in self._tails() if one.tail.start == start), default=start)
        here_ = self._scratch.measure() or 0 if self._is_latest() else 0
        return max(longest, here_)

    @property
    def _end(self) -> int:
        """Bytes that are in parts, or the object."""
        size = self._entry.upload.size
        return size if self._is_whole else min(self._parts.end, size) if self._parts else 0

    def _look(self) -> bool:
        """Asks the bucket what it has; False if it has nothing of what it should have."""
        upload, parts = self._entry.upload, self._parts
        if parts is not None and not self._is_whole and parts.measure(upload.size):
            return True
        if parts is None and not self._is_whole:
            return True  # only a tail, if that
        self._state["whole"] = staged.is_whole(upload.id, upload.size)  # or completed, and nobody could say so
        return self._is_whole

    def _tails(self) -> list[tails.Listed]:
        return [] if self._is_whole else list(tails.listed(f"{self._entry.upload.id}."))

    # In the order of an upload's life
    def reopen(self, hold: Hold) -> Found:
        self.recall(hold.writer)
        if not self._state:  # nothing of it is in the bucket: a short one, or one of a version that staged on the disk
            return self._scratch.reopen(hold)
        try:
            return self._reopen(hold)
        except UploadError as failure:
            if failure.code != "storage_unavailable":
                raise
            raise UploadError("locked", failure.sentence) from None  # no reason to give up what it has: ask again

    def _reopen(self, hold: Hold) -> Found:
        if not self._look():
            raise UploadError("unknown_ref")
        start = self._end
        is_here = self._is_latest() and (self._scratch.measure() or -1) >= start
        missing = self._note()[1] if is_here else start
        if missing and not self._type:  # its first bytes are out of reach, and nobody has written down what they were
            raise UploadError("unknown_ref")
        if is_here:
            self._scratch.missing = missing
            self._tail = Tail(self._entry.upload.id, *self._state["tail"]) if "tail" in self._state else None
            found = self._scratch.reopen(hold)
        else:
            found = self._fetch_tail(hold, start)
        if found.offset and not found.head:
            found = Found(found.offset, content_type=self._type)
        return found

    def _fetch_tail(self, hold: Hold, start: int) -> Found:
        """Goes on after what is in the bucket."""
        upload = self._entry.upload
        most = min(upload.size - start, self._part_size - 1)
        loaded = None if self._is_whole else tails.load(upload.id, start, most)
        found = self._scratch.start_at(hold, start, loaded.body if loaded else b"")
        self._state.pop("tail", None)
        if loaded is not None:
            self._state["tail"] = [loaded.tail.start, loaded.tail.end]
            self._tail, self._said = loaded.tail, (loaded.digest, loaded.length)
        else:
            digest, length = self._state.get("ends", {}).get(str(start), ("", 0))
            self._said = str(digest), int(length)
        self._claim()
        return found

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        self._scratch.write(pieces)
        if self._scratch.is_over or self._scratch.durable < self._part_size:
            return
        try:
            if self._parts is None:
                self._begin()
            if not self._over.is_set():
                self._send(max(options().part_size, self._part_size))
        except UploadError as failure:
            self.is_broken = failure.passes
            raise

    def seal(self) -> str:
        with threads.aside():
            if not self._is_whole:
                self._complete()
            if self._scratch.missing:
                self._scratch.fill(staged.read(self._entry.upload.id, self._scratch.missing))
                self._mark()
        return self._scratch.seal()

    def finish(self) -> Sealed:
        return self._scratch.finish()

    def park(self) -> None:
        with self._lock:
            if not self._over.is_set() and not self._scratch.is_over and self._entry.hold.is_held:
                self._patience = PARTING
                with contextlib.suppress(UploadError):  # what isn't in the bucket is sent again, unless resumed here
                    self._leave()
            self._over.set()
            self._scratch.park()

    def discard(self, cause: BaseException | None) -> None:
        """Another thread asks the bucket later, so that consuming an upload needn't wait for it."""
        self._is_discarded = True
        self._over.set()
        if self._scratch.remove() and (self._state or self._parts):
            self._state = {}
            self._remove_later()

    def _remove_later(self) -> None:
        try:
            here(PartThreads).submit(self._remove)
        except RuntimeError:  # the process ends
            self._remove()

    def _remove(self) -> None:
        try:
            staged.remove(self._entry.upload.id, self._parts)
        except UploadError:
            logger.warning("could not remove a staged upload; left to the janitor")

    # Steps
    def _begin(self) -> None:
        """Its multipart upload, which its record knows before a byte is there."""
        upload = self._entry.upload
        made = self._patiently(lambda: staged.begin(upload.id, self._entry.content_type))
        self._state = {"part_size": self._part_size, "multipart": made, "ends": {}}
        self._parts = StagedParts(upload.id, made, self._part_size)
        if self._is_discarded:  # meanwhile
            self._remove_later()
        else:
            self._claim()

    def _send(self, behind: int, *, is_all: bool = False) -> None:
        """Sends what is due, and waits until at most so many bytes are not in the bucket."""
        assert self._parts is not None
        parts, length, began = self._parts, self._scratch.durable, time.monotonic()
        self._push(length, is_all=is_all)
        while length - min(parts.end, length) > behind and not self._over.is_set():
            failed = parts.failed_since
            if failed is not None and time.monotonic() - max(failed, began) > self._patience:
                raise UploadError("storage_unavailable")
            parts.wait(PAUSE)
            if failed is not None:
                self._over.wait(PAUSE)
            self._expect_wanted()
            self._push(length, is_all=is_all)
        if self._tail is not None and self._tail.start < parts.end:  # not before its part is there
            self._drop_tail()

    def _complete(self) -> None:
        upload = self._entry.upload
        if self._parts is not None or upload.size >= self._part_size:
            if self._parts is None:
                self._begin()
            assert self._parts is not None
            parts = self._parts
            for _try in range(TRIES):
                self._send(0, is_all=True)
                self._expect_wanted()
                if self._patiently(lambda: parts.complete(upload.id, upload.size)):
                    break
                if parts.end < self._scratch.missing:  # nobody here has what it was
                    raise UploadError("bad_digest")
            else:
                raise UploadError("storage_unavailable")
        elif self._entry.hold.is_held:
            self._patiently(lambda: staged.put(upload.id, self.path, upload.size, self._entry.content_type))
            self._drop_tail()
        else:
            return
        self._state = {"part_size": self._part_size, **self._state, "whole": True}
        self._save()

    def _leave(self) -> None:
        """What is short of a part becomes a tail; a resume on another machine continues after it."""
        if self._is_whole or not self._entry.hold.is_ours():
            return
        parts, length = self._parts, self._scratch.durable
        if parts is not None:
            self._send(self._part_size - 1)
        start = parts.end if parts is not None else 0
        tail = Tail(self._entry.upload.id, start, length)
        if tail == self._tail or not 0 < tail.size < self._part_size:
            return
        if not self._state:
            self._state = {"part_size": self._part_size, "multipart": "", "ends": {}}
            self._claim()
        digest, known = self._digest(length)
        with Section(self.path, start, tail.size) as body:
            tails.put(tail, body, digest, known)
        before, self._tail = self._tail, tail
        self._state["tail"] = [start, length]
        self._save()
        if before is not None and before.start == start:  # the new one contains it
            tails.delete(before)

    def _drop_tail(self) -> None:
        if self._tail is not None:
            tails.delete(self._tail)
            self._tail = None
            self._state.pop("tail", None)

    def _push(self, length: int, *, is_all: bool) -> None:
        """Sends a few parts. The record knows of their ends first: never less than the bucket has."""
        assert self._parts is not None
        ends, size = self._state["ends"], self._part_size
        most = options().parallel_parts
        due = range(self._parts.end + size, length + 1, size)[:most]
        new = {str(end): self._digest(end) for end in due if str(end) not in ends}
        if new:
            self._state["ends"] = dict(list({**ends, **new}.items())[-min(ENDS, most + 1) :])
            self._save()
        self._parts.send(self.path, length, is_all=is_all)

    def _digest(self, end: int) -> tuple[str, int]:
        """SHA-256 of the last bytes before `end`, as far as they are here, and their number."""
        start = max(self._scratch.missing, end - TAIL)
        with Section(self.path, start, end - start) as section:
            return hashlib.sha256(section.readall() or b"").hexdigest(), end - start

    def _patiently(self, step: Callable[[], T]) -> T:
        """The bucket may be away, full or forbidden for a while: nothing is lost meanwhile, nor given up afterwards."""
        until = time.monotonic() + self._patience
        while True:
            try:
                return step()
            except UploadError as failure:
                if failure.code != "storage_unavailable":
                    raise
                if time.monotonic() > until:
                    raise UploadError("storage_unavailable") from None
            self._over.wait(PAUSE)
            self._expect_wanted()

    def _expect_wanted(self) -> None:
        if self._over.is_set() or self._scratch.is_over:
            raise UploadError("superseded")
        self._entry.hold.keep()

    # Which scratch file has the latest bytes
    def _claim(self) -> None:
        """This one does from now on."""
        self._state["scratch"] = secrets.token_hex(8)
        self._mark()
        self._save()

    def _mark(self) -> None:
        self._beside.write_text(json.dumps([self._state["scratch"], self._scratch.missing]))

    def _note(self) -> tuple[str, int]:
        try:
            name, missing = json.loads(self._beside.read_text())
            return str(name), int(missing)
        except (OSError, ValueError, TypeError):
            return "", 0

    def _is_latest(self) -> bool:
        name, _missing = self._note()
        return name != "" and name == self._state.get("scratch")

    def _save(self) -> None:
        content_type = self._entry.content_type or self._type  # nothing is known to an entry before it is resumed
        self._entry.hold.record_writer({"type": content_type, "staged": self._state})


class BucketFile(StagedFile):
    """A staged upload that a storage in the same bucket copies there, from `key`; empty if it has none."""

    key = ""
