"""How another package shares a view's socket, forms and template context.

The uploads package does this; the runtime knows nothing about it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, ClassVar, Protocol

from django.http import HttpRequest, HttpResponse

from liveview.contracts import Host
from liveview.core.messages import Fields, Message


class Link(Protocol):
    """What an extension may do with the socket of its view, on the event loop only."""

    def send(self, message: Message) -> None: ...
    def rerender(self) -> None:
        """Render once the view has finished what it is doing. Repeated calls are merged."""

    def spawn(self, work: Awaitable[None]) -> None:
        """Run in the background for as long as the socket is open."""

    async def call(self, function: Callable[[], None]) -> bool:
        """Run `function` like a handler of the view, when its turn comes, in a thread. False if it raised."""

    def violation(self, reason: str, ref: str | None = None) -> None:
        """The client broke the protocol, with its message of this `ref`. Three of these close the socket."""

    def close(self, code: int) -> None: ...


class Form(Protocol):
    """The form on the page that was posted."""

    def has(self, attribute: str) -> bool: ...

    @property
    def is_sent(self) -> bool:
        """False if a button with `dj-click` sent it, which leaves the rest of the form alone."""


class Extension:
    """One per view. Every hook does nothing unless overridden."""

    messages: ClassVar[Mapping[str, Fields]] = {}
    directives: ClassVar[frozenset[str]] = frozenset()  # the attributes `dj-…` that its script knows

    def __init__(self, mounted: Host) -> None:
        """`mounted` is a `liveview.mounted.Mounted`."""
        self.view = mounted.view

    def context(self) -> dict[str, Any]:
        """Added to the template's context. May run in any thread."""
        return {}

    def connected(self, link: Link) -> None:
        """The view is mounted on a socket."""

    def received(self, message: Message) -> None:
        """A checked message of one of `messages`. Must not block."""

    def received_binary(self, frame: bytes) -> bool:
        """A binary message; True if it was this extension's. Must not block."""
        return False

    def handler_finished(self, succeeded: bool) -> None:
        """A handler of the view has returned or raised. Runs in the handler's thread."""

    def answer(self, request: HttpRequest) -> HttpResponse | None:
        """A request of the extension's own to the page's URL. Runs before `mount`, which it may call itself.

        None for any other: the page is rendered, or its form is handled.
        """
        return None

    def advice(self, directive: str, value: str) -> str | None:
        """What is wrong with an attribute on the page, for its developer; None if nothing is."""
        return None

    def file_inputs(self) -> Iterable[str]:
        """Names of the page's file inputs that are this extension's."""
        return ()

    def accept_post(self, request: HttpRequest, form: Form) -> bool:
        """A form was posted without JavaScript. False keeps the handler from running."""
        return True

    def post_finished(self) -> None:
        """The answer to `accept_post`'s request has been rendered."""

    async def closed(self) -> None:
        """The socket is gone, or the view is being replaced."""
