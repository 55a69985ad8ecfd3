"""Messages of one socket that wait until the running handler has given back the files it was lent."""

from __future__ import annotations

from typing import Final

from liveview.core.messages import Message
from uploads.entries.registry import Uploads

MOST: Final = 500  # besides cancellations, of which there is one in a row for an upload


class Deferred:
    """In order of arrival. Asked about each message that comes, however many wait."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._messages: list[Message] = []
        self._latest: dict[str, str] = {}  # ref → type of the last message that waits
        self._slots: set[str] = set()

    def concerns(self, message: Message) -> bool:
        """Whether a message would end or replace a lent file, or follows one that would."""
        ref, slot = message["ref"], message.get("slot")
        return self._uploads.is_lent(ref, slot) or ref in self._latest or slot in self._slots

    def add(self, message: Message) -> bool:
        """False if too many wait already."""
        ref, kind = message["ref"], message["type"]
        if kind != "upload_cancel" and len(self._messages) >= MOST:
            return False
        if kind != "upload_cancel" or self._latest.get(ref) != kind:
            self._messages.append(message)
            self._latest[ref] = kind
            if "slot" in message:
                self._slots.add(message["slot"])
        return True

    def take(self) -> list[Message]:
        """All of them; none waits then."""
        messages, self._messages = self._messages, []
        self._latest.clear()
        self._slots.clear()
        return messages
