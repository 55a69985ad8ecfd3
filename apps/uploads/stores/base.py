"""The contracts of upload-state stores: the seeds' three methods, and what our own stores add."""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from functools import wraps
from typing import Any, Final, Protocol, Self, TypeVar

from uploads.errors import UploadError

logger = logging.getLogger("uploads")

MAX_RECORD: Final = 16_384  # bytes of a record as JSON


class UploadStateStore(ABC):
    """Enough for a custom store. Each method may be a coroutine function. (Seed: seeds/001, "Custom store".)"""

    @abstractmethod
    def get_offset(self, upload_id: str) -> int | None | Awaitable[int | None]:
        """The last confirmed offset in bytes, or None for an unknown upload."""

    @abstractmethod
    def set_offset(self, upload_id: str, offset: int) -> None | Awaitable[None]:
        """The first `offset` bytes are confirmed."""

    @abstractmethod
    def clear_offset(self, upload_id: str) -> None | Awaitable[None]:
        """The upload has been consumed, refused or cancelled."""


@dataclass(frozen=True, slots=True)
class Record:
    """An upload that may be resumed. `size` is in bytes; `page` is the path of the page that it belongs to.

    `writer` is what the slot's writer needs to resume, as JSON (its `state`, and the content `type` it was given), or
    what a direct upload needs (`external`). `http` is what a way in by HTTP keeps, all text; see
    `uploads.http.shared.records`.
    """

    id: str
    owner: str
    page: str
    slot: str
    name: str
    size: int
    client_type: str = ""
    folder: str = ""
    writer: dict[str, Any] = field(default_factory=dict)
    http: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self | None:
        """None for anything that isn't a record: a store's content isn't trusted beyond that."""
        if len(text) > MAX_RECORD:
            return None
        try:
            fields: Any = json.loads(text)
            record = cls(**fields)
        except (ValueError, TypeError, RecursionError):
            return None
        texts = (record.id, record.owner, record.page, record.slot, record.name, record.client_type, record.folder)
        is_sound = all(isinstance(text, str) for text in texts) and type(record.size) is int and record.owner != ""
        return record if is_sound and isinstance(record.writer, dict) and _is_texts(record.http) else None


def _is_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for pair in value.items() for text in pair)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write. Of two leases of one upload, the one with the larger `token` counts."""

    upload_id: str
    holder: str
    token: int


class StateStore(Protocol):
    """Our own stores. All methods block; they are called in threads.

    `ttl` and `seconds` are seconds from now. A holder is the name of one loaded page: it may take over its own lease,
    so that a new socket of the same page needn't wait for the old one to die.
    """

    def save(self, record: Record, ttl: float) -> None: ...
    def replace(self, record: Record) -> None:
        """Replaces the record of a known upload. Its offset, its lease and its expiry stay."""

    def load(self, upload_id: str) -> Record | None: ...
    def touch(self, upload_id: str, ttl: float) -> None:
        """The record is needed for `ttl` seconds more."""

    def forget(self, upload_id: str) -> None:
        """Removes the record and its lease."""

    def acquire(self, upload_id: str, holder: str, seconds: float) -> Lease | None:
        """The lease, or None while another holder has it."""

    def renew(self, lease: Lease, seconds: float) -> bool:
        """False if the lease was taken over or went to another holder."""

    def release(self, lease: Lease) -> None: ...

    def prune(self) -> int:
        """Removes expired records; how many, if they don't expire by themselves."""

    def get_offset(self, upload_id: str) -> int | None: ...
    def set_offset(self, upload_id: str, offset: int) -> None: ...
    def clear_offset(self, upload_id: str) -> None: ...


K = TypeVar("K", bound=type[Any])


def translated(kind: K) -> K:
    """A decorator for stores: whatever their driver raises becomes `UploadError("storage_unavailable")`.

    The first failure is logged, and the next one after the store has worked again.
    """
    kind.is_failing = False
    for name in (name for name in vars(StateStore) if not name.startswith("_")):
        setattr(kind, name, _translated(getattr(kind, name)))
    return kind


def _translated(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            answer = method(self, *args, **kwargs)
        except UploadError:
            raise
        except Exception as failure:
            if not self.is_failing:
                logger.exception("upload state store failed")
            self.is_failing = True
            raise UploadError("storage_unavailable") from failure
        self.is_failing = False
        return answer

    return call
