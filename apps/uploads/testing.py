"""`liveview.testing` for views with uploads.

with mount("/avatars/", client) as page:
    page.upload("avatar", "me.png", data)
    page.submit("save_avatar")
"""

from __future__ import annotations

from django.test import Client

from liveview.core.messages import Message
from liveview.testing import LivePage
from uploads.core import frames

__all__ = ["Refused", "UploadPage", "mount"]


class Refused(AssertionError):
    """The upload ended with an error; `code` and `message` are as a browser gets them."""

    def __init__(self, answer: Message) -> None:
        self.code: str = answer["code"]
        self.message: str = answer["message"]
        super().__init__(f"{self.code}: {self.message}")


class UploadPage(LivePage):
    """A mounted view that takes files."""

    credit = 0
    sent = 0

    def __init__(self, url: str, client: Client | None = None, origin: str = "http://testserver") -> None:
        super().__init__(url, client, origin)
        self._channels: dict[int, str] = {}  # channel → ref
        self._refused: dict[str, Message] = {}

    def upload(self, slot: str, name: str, data: bytes, *, mime: str = "", chunk: int = 65_536) -> str:
        """Sends a file and waits until it is ready; its ref. Raises `Refused`."""
        ref, channel = self.register(slot, name, len(data), mime=mime)
        self.send_rest(channel, data, chunk=chunk)
        self.upload_answer(ref, "upload_ready")
        return ref

    def register(self, slot: str, name: str, size: int, *, mime: str = "", ref: str = "") -> tuple[str, int]:
        """Announces a file; its ref and its channel. Raises `Refused`."""
        ref = ref or f"test-{self._next_ref()}"
        message = {"type": "upload_register", "slot": slot, "ref": ref, "name": name, "size": size, "mime": mime}
        since = len(self.received)
        self.send(message)
        answer = self.upload_answer(ref, "upload_registered", since)
        return ref, answer["channel"]

    def register_resumable(self, slot: str, name: str, size: int, holder: str = "page") -> tuple[str, int]:
        """Announces a file that is to outlive this socket; its upload id and its channel. Raises `Refused`."""
        ref = f"test-{self._next_ref()}"
        message = {"type": "upload_register", "slot": slot, "ref": ref, "name": name, "size": size, "mime": ""}
        self.send({**message, "holder": holder})
        answer = self.upload_answer(ref, "upload_registered")
        return answer["upload_id"], answer["channel"]

    def resume(self, slot: str, upload_id: str, size: int, holder: str = "page") -> Message:
        """Asks to resume an upload; the server's `upload_resume_ack`."""
        ref = f"test-{self._next_ref()}"
        message = {"type": "upload_resume", "slot": slot, "ref": ref, "upload_id": upload_id, "size": size}
        self.send({**message, "offset": 0, "holder": holder})
        return self.upload_answer(ref, "upload_resume_ack")

    def send_rest(self, channel: int, data: bytes, offset: int = 0, chunk: int = 65_536) -> None:
        """Sends `data` from `offset` on."""
        for at in range(offset, len(data), chunk):
            if not self.send_chunk(channel, at, data[at : at + chunk]):
                break

    def send_chunk(self, channel: int, offset: int, payload: bytes, digest: bytes | None = None) -> bool:
        """Sends one chunk when there is credit for it; False if the server has refused the file meanwhile.

        digest: SHA-256 of the payload, for a slot that verifies.
        """
        frame = frames.encode(channel, offset, payload, digest)
        while self.sent + len(frame) > self.credit:
            if self._channels.get(channel) in self._refused:
                return False
            self._handle(self._next())
        self.sent += len(frame)
        self.send_bytes(frame)
        return True

    def upload_answer(self, ref: str, kind: str, since: int = 0) -> Message:
        """The message of that type about `ref`, waited for if need be. Raises `Refused` if it is an error instead.

        since: how many of the messages `received` are too old to count.
        """

        def is_answer(message: Message) -> bool:
            return message.get("ref") == ref and message["type"] == kind

        if ref not in self._refused:
            early = next(filter(is_answer, self.received[since:]), None)
            answer = early or self.wait_until(lambda message: is_answer(message) or ref in self._refused)
            if is_answer(answer):
                return answer
        raise Refused(self._refused.pop(ref))

    def connect(self) -> UploadPage:
        self.sent = 0
        self._channels, self._refused = {}, {}
        super().connect()
        self.send({"type": "heartbeat"})  # answered after what a view with uploads says first
        answer = self.wait_until(lambda message: message["type"] in ("upload_config", "heartbeat"))
        assert answer["type"] == "upload_config", f"the view at {self.url} takes no uploads: it has no UploadMixin"
        return self

    reconnect = connect

    def _handle(self, message: Message) -> None:
        super()._handle(message)
        match message["type"]:
            case "upload_config" | "upload_progress":
                self.credit = message["credit"]
            case "upload_registered":
                self._channels[message["channel"]] = message["ref"]
            case "upload_error" if "offset" not in message:
                self._refused[message["ref"]] = message


def mount(url: str, client: Client | None = None) -> UploadPage:
    """The view at `url`, as `client`'s visitor gets it."""
    page = UploadPage(url, client)
    page.client.get(url)
    return page
