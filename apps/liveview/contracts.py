"""Protocols for what a module needs of another that is built on top of it."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from django.http import HttpRequest

from liveview.core.handlers import Handler
from liveview.core.state import Stateful


class View(Stateful, Protocol):
    """A `LiveView`, as the runtime sees it: what its class declares, and what an application writes."""

    template_name: ClassVar[str]
    layout_name: ClassVar[str | None]
    live_handlers: ClassVar[dict[str, Handler]]
    request: HttpRequest
    kwargs: Any

    @property
    def page_title(self) -> Any: ...

    # These five and `get_context_data` are the application's; they return nothing, or an awaitable.
    def mount(self, request: HttpRequest, **kwargs: Any) -> Any: ...
    def handle_params(self, params: dict[str, str]) -> Any: ...
    def handle_info(self, topic: str, message: dict[str, Any]) -> Any: ...
    def handle_async(self, name: str, result: Any) -> Any: ...
    def restored(self) -> Any: ...
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]: ...


class Host(Protocol):
    """What an extension belongs to: a `Mounted`."""

    @property
    def view(self) -> View: ...


class Topics(Protocol):
    """The subscriptions of a socket, from a handler's thread."""

    def subscribe_now(self, topic: str) -> bool: ...
    def unsubscribe_now(self, topic: str) -> None: ...
