"""Where a direct upload is in S3, in the form in which its record stores it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self

from uploads.stores import Record

VIA: Final = "browser"  # tells these from the states of writers


@dataclass(frozen=True, slots=True)
class Handle:
    """The browser writes to `key`; an accepted object has the key `final`, which is usually the same.

    `multipart` is the id of the multipart upload, empty for a file sent in one piece; `part_size` is in bytes.
    """

    bucket: str
    key: str
    final: str
    multipart: str = ""
    part_size: int = 0

    @property
    def is_moved(self) -> bool:
        return self.key != self.final

    def to_state(self) -> dict[str, Any]:
        return {**asdict(self), "via": VIA}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self | None:
        """None if the state isn't a handle's."""
        if state.get("via") != VIA:
            return None
        try:
            handle = cls(**{name: value for name, value in state.items() if name != "via"})
        except TypeError:
            return None
        sound = all(isinstance(getattr(handle, field.name), str) for field in fields(cls) if field.type == "str")
        return handle if sound and type(handle.part_size) is int else None

    @classmethod
    def of(cls, record: Record | None) -> Self | None:
        """The handle in a record, if that is a direct upload's."""
        state = record.writer.get("state") if record is not None else None
        return cls.from_state(state) if isinstance(state, dict) else None
