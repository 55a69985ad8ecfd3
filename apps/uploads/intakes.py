"""What the HTTP ways in accept, and who gets the finished files.

A page's slots belong to its view. A request that no page has prepared needs another answer to "may this be sent here,
and what then?": an intake, which an app registers by name when Django starts:

    class PhotosConfig(AppConfig):
        def ready(self):
            intakes.register("photos", accept="image/*", max_file_size=20_000_000, receive=keep_photo)

`receive(entry, owner)` is called once, in a thread, with an `UploadEntry` that has passed every check, as a handler
would get it. `owner` is what `uploads.owners.owner_of` says of the visitor, or `url:…` where there was no session.
What it returns, if anything, is the name by which the client may refer to the file from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from uploads import virus_scan
from uploads.core.contracts import Validator
from uploads.core.slots import Accept, Slot
from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError

Receive: TypeAlias = Callable[[UploadEntry, str], str | None]


@dataclass(frozen=True, slots=True)
class Intake:
    """`slot` says what is accepted; `takes_empty` whether files of zero bytes are."""

    slot: Slot
    receive: Receive
    takes_empty: bool = False

    @property
    def name(self) -> str:
        return self.slot.name

    @property
    def max_size(self) -> int:
        """Bytes."""
        return self.slot.max_file_size


_registered: Final[dict[str, Intake]] = {}


def register(
    name: str,
    *,
    accept: str = "",
    max_file_size: int = 10_000_000,
    validators: Sequence[Validator] = (),
    receive: Receive,
    takes_empty: bool = False,
) -> Intake:
    """Accepts files under `name`, an identifier; a second call replaces the first.

    accept, max_file_size (bytes) and validators mean what they mean for `allow_upload`. There is no writer: what
    arrives by HTTP is staged, so that a lost connection costs nothing.
    """
    made = Slot(
        name=name,
        accept=Accept.parse(accept),
        accept_text=accept,
        max_file_size=max_file_size,
        validators=(*validators, *virus_scan.everywhere()),
        resumable=True,
    )
    _registered[name] = Intake(made, receive, takes_empty)
    return _registered[name]


def unregister(name: str) -> None:
    _registered.pop(name, None)


def names() -> list[str]:
    return sorted(_registered)


def get(name: str) -> Intake:
    """The intake of that name; "" is the only one there is. Raises `UploadError("unknown_slot")`."""
    if not name and len(_registered) == 1:
        return next(iter(_registered.values()))
    if name not in _registered:
        raise UploadError("unknown_slot")
    return _registered[name]
