"""How far a form has got, for pollers: `{"uploaded": …, "length": …}` in bytes, in the shared cache."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Any, Final

from django.utils.crypto import salted_hmac

from liveview import shared_cache
from liveview.core.limits import Bucket
from liveview.process import here

FIELD: Final = "X-Progress-ID"
KEPT: Final = 600  # seconds after which progress that nobody ended is forgotten
SAVE_EVERY: Final = 0.2  # seconds
POLLS: Final = (2.0, 20.0)  # per second, and at once, for one upload
MAX_POLLERS: Final = 10_000

_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


class Polls:
    """How often each upload's progress is asked for."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, key: str) -> bool:
        bucket = self._buckets.pop(key, None) or Bucket(*POLLS)
        self._buckets[key] = bucket
        while len(self._buckets) > MAX_POLLERS:
            self._buckets.popitem(last=False)
        return bucket.take()


def is_id(progress_id: str) -> bool:
    """Whether it may be a client's name for an upload: it becomes part of a key of the cache."""
    return _ID.fullmatch(progress_id) is not None


def key_of(owner: str, address: str, progress_id: str) -> str | None:
    """The key of a visitor's upload, which no other visitor can ask for. None for an invalid id.

    One without an owner is known by their address and the id.
    """
    if not is_id(progress_id):
        return None
    whose = owner or f"address:{address}"
    return (
        "uploads.progress." + salted_hmac("uploads.progress", f"{whose}\n{progress_id}", algorithm="sha256").hexdigest()
    )


# Of these all block.
def look(key: str) -> Any:
    """None if it is done, unknown or not the visitor's."""
    return shared_cache.get(key)


def save(key: str, uploaded: int, length: int) -> None:
    shared_cache.put(key, {"uploaded": uploaded, "length": length}, KEPT)


def forget(key: str) -> None:
    shared_cache.forget(key)


def may_poll(key: str) -> bool:
    """A few times at once, and twice a second in the long run."""
    return here(Polls).take(key)
