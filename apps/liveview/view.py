"""`LiveView`: a page that keeps its state on the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qsl

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.utils.functional import SimpleLazyObject
from django.views import View

from liveview import http_page, streams
from liveview.core import effects, messages, urls
from liveview.core.effects import Effect
from liveview.core.handlers import Handler, collect
from liveview.core.state import declared, public_items, state
from liveview.encoding import encode
from liveview.extensions import Extension
from liveview.socket.subscriptions import Inbox
from liveview.streams import Stream
from liveview.threads import completed, is_on_loop

E = TypeVar("E", bound=Extension)


@dataclass(slots=True)
class Live:
    """What the runtime keeps about one view."""

    extensions: tuple[Extension, ...]
    inbox: Inbox | None = None  # of its socket
    effects: list[Effect] = field(default_factory=list)
    streams: dict[str, Stream] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)  # those that `handle_params` got last
    joined: list[str] = field(default_factory=list)  # topics, since the last turn
    csrf_token: str = ""


class LiveView(View):
    """A Django class-based view whose page stays connected.

    `template_name` is the part of the page that is live; the setting `LIVEVIEW["LAYOUT"]`, or `layout_name`, is the
    page around it. `mount` runs for the first GET and again when the page's socket opens; `connected` tells them apart.
    """

    template_name: ClassVar[str] = ""
    layout_name: ClassVar[str | None] = None
    extension_class: ClassVar[type[Extension] | None] = None  # of a mixin; every class of the MRO may name one
    http_method_names = ["get", "post", "head", "options"]

    page_title: str | state[str] = ""

    live_state: ClassVar[dict[str, state[Any]]] = {}
    live_handlers: ClassVar[dict[str, Handler]] = {}
    live_extension_classes: ClassVar[tuple[type[Extension], ...]] = ()
    live_reserved: ClassVar[frozenset[str]] = frozenset({"request", "args", "kwargs", "head", "_live"})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.live_state = declared(cls)
        cls.live_handlers = collect(cls)
        for name in cls.live_handlers:
            if name.startswith("_") or hasattr(LiveView, name):
                raise TypeError(f"{cls.__name__}.{name} can't be called by browsers: take another name.")
        named = [vars(base).get("extension_class") for base in cls.__mro__]
        cls.live_extension_classes = tuple(dict.fromkeys(extension for extension in named if extension))

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        if not apps.is_installed("liveview"):
            raise ImproperlyConfigured('LiveViews need "liveview" in INSTALLED_APPS.')
        return super().as_view(**initkwargs)

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        extensions = tuple(extension(self) for extension in self.live_extension_classes)
        ticket = getattr(request, "live_ticket", None)
        self._live = Live(extensions, inbox=ticket.inbox if ticket is not None else None)

    # What an application writes
    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        """Sets up the state; `kwargs` are those of the URL. Runs for the HTTP page, and again on the socket."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """More for the template than the view's state and public attributes."""
        return kwargs

    def handle_params(self, params: dict[str, str]) -> None:
        """Runs after `mount`, after `push_url` and when the browser goes back; `params` is the address's query."""

    def handle_info(self, topic: str, message: dict[str, Any]) -> None:
        """Something was broadcast to a topic that this view subscribed to."""

    # What a handler may ask for
    @property
    def connected(self) -> bool:
        """Whether the view is on a socket (and not answering a plain HTTP request)."""
        return self._live.inbox is not None

    def push_event(self, name: str, detail: Any = None) -> None:
        """Dispatches a DOM event `live:name` with `detail` (JSON) on the page's window."""
        encode(detail)  # raises here, in the handler, what would raise too late otherwise
        self._live.effects.append(effects.Send(messages.push(name, detail)))

    def flash(self, text: str, level: str = "info") -> None:
        """Shows a passing message. Without a socket it goes to Django's messages."""
        self._live.effects.append(effects.Flash(level, str(text)))

    def push_url(self, url: str, *, replace: bool = False) -> None:
        """Changes the query in the address bar without leaving the view: `push_url("?page=2")`.

        Raises `ValueError` for the URL of another page; that is what `redirect` is for.
        """
        self._live.effects.append(effects.Address(urls.of_page(url, self.request.path), replace))

    def redirect(self, url: str) -> None:
        """Leaves for another page: a path, or a whole `http` or `https` URL. Raises `ValueError` for any other."""
        self._live.effects.append(effects.Redirect(urls.target(url)))

    def send_after(self, seconds: float, method: Callable[..., Any] | str, **params: Any) -> None:
        """Calls a method of this view (any method) after `seconds`, if it is still connected then."""
        name = method if isinstance(method, str) else method.__name__
        if not callable(getattr(self, name, None)):
            raise ValueError(f"{type(self).__name__} has no method {name!r}.")
        self._live.effects.append(effects.Later(seconds, name, params))

    def subscribe(self, topic: str) -> None:
        """From now on `handle_info` gets what is broadcast to `topic`: subscribe first, then look at the database.

        In an async handler, from the end of the handler on.
        """
        if self._live.inbox is None:
            return
        if is_on_loop():
            self._live.effects.append(effects.Subscribe(topic))
        elif self._live.inbox.subscribe_now(topic):
            self._live.joined.append(topic)

    def unsubscribe(self, topic: str) -> None:
        self._live.effects.append(effects.Unsubscribe(topic))

    def broadcast(self, topic: str, message: dict[str, Any]) -> None:
        """Tells every view that subscribed to `topic`, this one and those in other processes included."""
        encode(message)
        self._live.effects.append(effects.Broadcast(topic, message))

    def stream(
        self, name: str, items: Iterable[Any], *, template: str, key: Callable[[Any], Any] | None = None
    ) -> None:
        """Fills the element with `dj-stream="name"` with one rendering of `template` for each item.

        `template` sees `item`, `view` and `dom_id`, and must be one element with `id="{{ dom_id }}"`. `key` tells items
        apart; by default it is a primary key or `id`. The items aren't kept: a change is sent with `stream_insert` and
        `stream_delete`, or with this again.
        """
        self._live.streams[name] = streams.declare(name, template, key)
        self._live.effects.append(effects.Fill(name, items))

    def stream_insert(self, name: str, item: Any, *, at: int = -1) -> None:
        """Puts an item at the end of a stream or at an index, or in place of the one with the same key."""
        self.live_stream(name)
        self._live.effects.append(effects.Insert(name, item, at))

    def stream_delete(self, name: str, item: Any) -> None:
        """Takes an item out of a stream."""
        self._live.effects.append(effects.Delete(name, self.live_stream(name).dom_id(item)))

    # Plain HTTP
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        ticket = getattr(request, "live_ticket", None)
        if ticket is None and (answer := self._extensions_answer()) is not None:
            return answer
        self.live_mount()
        if ticket is None:
            return http_page.render_page(self)
        ticket.view = self
        return HttpResponse(status=204)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A form sent without JavaScript: the same slots, the same handler, the page as the answer."""
        answer = self._extensions_answer()
        if answer is not None:
            return answer
        self.live_mount()
        return http_page.answer_form(self)

    def _extensions_answer(self) -> HttpResponse | None:
        """Of a request that is an extension's own."""
        answers = (extension.answer(self.request) for extension in self.live_extensions)
        return next((answer for answer in answers if answer is not None), None)

    # For the runtime
    def live_mount(self) -> None:
        completed(self.mount(self.request, **self.kwargs))  # type: ignore[func-returns-value]  # may be async
        self.live_params(self.request.GET.urlencode())

    def live_params(self, query: str) -> None:
        self._live.params = dict(parse_qsl(query, keep_blank_values=True))
        completed(self.handle_params(dict(self._live.params)))  # type: ignore[func-returns-value]

    def live_template(self) -> str:
        if not self.template_name:
            raise TypeError(f"{type(self).__name__} needs a template_name")
        return self.template_name

    def live_context(self) -> dict[str, Any]:
        """Everything the template sees."""
        context: dict[str, Any] = dict(public_items(self))
        for extension in self.live_extensions:
            context |= extension.context()
        return {**context, **self.get_context_data(), "view": self, "csrf_token": self._csrf_token()}

    def live_item_context(self, item: Any, dom_id: str) -> dict[str, Any]:
        """What the template of a stream's item sees."""
        own = {"view": self, "request": self.request, "csrf_token": self._csrf_token()}
        return {**own, "item": item, "dom_id": dom_id}

    def live_stream(self, name: str) -> Stream:
        try:
            return self._live.streams[name]
        except KeyError:
            raise ValueError(f"There is no stream {name!r} yet: call stream({name!r}, …) in mount.") from None

    def live_extension(self, wanted: type[E]) -> E:
        return next(extension for extension in self.live_extensions if isinstance(extension, wanted))

    @property
    def live_extensions(self) -> tuple[Extension, ...]:
        return self._live.extensions

    @property
    def live_query(self) -> dict[str, str]:
        return self._live.params

    def live_finished(self, *, succeeded: bool) -> None:
        if succeeded:
            self._live.joined = []
        for extension in self.live_extensions:
            extension.handler_finished(succeeded)

    def live_roll_back(self) -> None:
        """What a failed handler asked for isn't done, and what was done at once is undone."""
        self._live.effects = []
        for topic in self._live.joined:
            assert self._live.inbox is not None
            self._live.inbox.unsubscribe_now(topic)
        self._live.joined = []

    def live_take_effects(self) -> list[Effect]:
        taken, self._live.effects = self._live.effects, []
        return taken

    def _csrf_token(self) -> Any:
        """Asked for only by a page that has a form: it sets a cookie.

        Masked once per mount, as a new mask for each render would be a patch for each render.
        """

        def token() -> str:
            self._live.csrf_token = self._live.csrf_token or get_token(self.request)
            return self._live.csrf_token

        return SimpleLazyObject(token)
