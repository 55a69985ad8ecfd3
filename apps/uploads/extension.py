"""What `UploadMixin` adds to a view: its uploads, on its socket, in its forms, and where no socket gets through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from django.http import HttpRequest, HttpResponse

from liveview.core.advice import meant
from liveview.core.messages import Fields, Message
from liveview.extensions import Extension, Form, Link
from liveview.mounted import Mounted
from uploads.core import messages
from uploads.core.directives import DIRECTIVES, OF_SLOTS
from uploads.entries.registry import SlotEntries, Uploads
from uploads.socket.direct import DirectUploads
from uploads.socket.session import UploadSession

if TYPE_CHECKING:
    from liveview import LiveView


class Fallback(Protocol):
    """One request of a page without a socket; it is in `uploads.fallback`. All methods block."""

    def answer(self, request: HttpRequest) -> HttpResponse | None:
        """None for a request for the page itself, or for a browser's own form."""

    def accept(self, request: HttpRequest, form: Form) -> bool:
        """Takes the files of a form, posted or named. False if one was refused and the handler must not run."""

    def settle(self) -> None:
        """The page is rendered."""


_fallback: Callable[[Mounted, Uploads], Fallback] | None = None


def use_fallback(factory: Callable[[Mounted, Uploads], Fallback]) -> None:
    """Called when Django starts, if the folder `uploads.fallback` is there."""
    global _fallback
    _fallback = factory


class Shown(dict[str, Any]):
    """`{{ uploads }}`, which remembers what the template looked at."""

    def __init__(self, uploads: Uploads) -> None:
        super().__init__(uploads.context())
        self._uploads = uploads
        self._read = set[str]()

    def __getitem__(self, name: str) -> Any:
        self._read.add(name)
        return super().__getitem__(name)

    def may_differ(self) -> bool:
        """Whether what the template read may be something else by now: of a slot, or of all (`uploads.items`)."""
        return any(name not in self._uploads.slots or self._differs(name) for name in list(self._read))

    def _differs(self, name: str) -> bool:
        then: SlotEntries | None = self.get(name)
        return then is not None and then.may_differ(self._uploads.of(name))


class UploadsExtension(Extension):
    messages: ClassVar[Mapping[str, Fields]] = messages.CLIENT
    directives: ClassVar[frozenset[str]] = DIRECTIVES

    view: LiveView

    def __init__(self, mounted: Mounted) -> None:
        super().__init__(mounted)
        self.uploads = Uploads()
        self._session: UploadSession | None = None
        self._without_socket = _fallback(mounted, self.uploads) if _fallback is not None else None
        self._shown = Shown(self.uploads)

    def context(self) -> dict[str, Any]:
        self._shown = Shown(self.uploads)
        return {"uploads": self._shown}

    # On its socket
    def connected(self, link: Link) -> None:
        self._session = UploadSession(self.view, self.uploads, link, lambda: self._shown.may_differ())

    def received(self, message: Message) -> None:
        if self._session is not None:  # else it was sent before the view was mounted
            self._session.received(message)

    def received_binary(self, frame: bytes) -> bool:
        if self._session is None:
            return False
        self._session.received_binary(frame)
        return True

    async def closed(self) -> None:
        if self._session is not None:
            await self._session.close()

    # For handlers, in their threads
    @property
    def direct(self) -> DirectUploads:
        if self._session is None:
            raise RuntimeError("a file can be presigned on the page's socket only")
        return self._session.direct

    def cancel(self, ref: str) -> None:
        entry = self.uploads.entries.get(ref)
        if entry is None:
            return
        gone = self.uploads.drop(entry)
        if self._session is not None:
            self._session.cancel(gone)
        else:
            self.uploads.discard(gone)

    def confirm(self, ref: str) -> None:
        if self._session is not None:
            self._session.confirm(ref)

    def handler_finished(self, succeeded: bool) -> None:
        consumed = self.uploads.take_back()
        if self._session is not None:
            self._session.handler_finished(consumed)

    # Without a socket
    def answer(self, request: HttpRequest) -> HttpResponse | None:
        return self._without_socket.answer(request) if self._without_socket is not None else None

    def advice(self, directive: str, value: str) -> str | None:
        if directive not in OF_SLOTS or not value or value in self.uploads.slots:
            return None
        return f"{directive}={value!r}: there is no such slot{meant(value, self.uploads.slots)}"

    def file_inputs(self) -> Iterable[str]:
        return self.uploads.slots

    def accept_post(self, request: HttpRequest, form: Form) -> bool:
        return self._without_socket is None or self._without_socket.accept(request, form)

    def post_finished(self) -> None:
        self.uploads.take_back()  # from a handler that has raised
        if self._without_socket is not None:
            self._without_socket.settle()
        self.uploads.discard(list(self.uploads.staged))
