"""`LiveView`: a page that keeps its state on the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.views import View

from liveview import http_page
from liveview.background import Result
from liveview.core import effects, messages, streams, urls
from liveview.core.handlers import Handler, collect
from liveview.core.state import declared, state
from liveview.encoding import encode
from liveview.extensions import Extension
from liveview.mounted import Mounted, ticket_of
from liveview.threads import is_on_loop

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise  # what `gettext_lazy` returns, by the name of its stubs

E = TypeVar("E", bound=Extension)


class LiveView(View):
    """A Django class-based view whose page stays connected.

    `template_name` is the part of the page that is live; the setting `LIVEVIEW["LAYOUT"]`, or `layout_name`, is the
    page around it. `mount` runs for the first GET and again when the page's socket opens; `connected` tells them apart.
    """

    template_name: ClassVar[str] = ""
    layout_name: ClassVar[str | None] = None
    extension_class: ClassVar[type[Extension] | None] = None  # of a mixin; every class of the MRO may name one
    http_method_names = ["get", "post", "head", "options"]

    page_title: str | _StrPromise | state[str] = ""

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
                raise TypeError(f"{cls.__name__}.{name} can't be called by browsers: choose another name.")
        named = [vars(base).get("extension_class") for base in cls.__mro__]
        cls.live_extension_classes = tuple(dict.fromkeys(extension for extension in named if extension))

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        if not apps.is_installed("liveview"):
            raise ImproperlyConfigured('LiveViews need "liveview" in INSTALLED_APPS.')
        return super().as_view(**initkwargs)

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self._live = Mounted(self, self.live_extension_classes)

    # What an application writes
    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        """Sets up the state; `kwargs` are those of the URL. Runs for the HTTP page, and again on the socket."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Further context for the template, besides the view's state and public attributes."""
        return kwargs

    def handle_params(self, params: dict[str, str]) -> None:
        """Runs after `mount`, after `push_url` and when the browser goes back; `params` is the query of the URL."""

    def handle_info(self, topic: str, message: dict[str, Any]) -> None:
        """Something was broadcast to a topic that this view subscribed to."""

    def handle_async(self, name: str, result: Result) -> None:
        """Background work has a result, or something to show before that."""

    def restored(self) -> None:
        """The page is back on a new socket, with the state of before: what it needs besides state can be begun here.

        Runs after `mount` and `handle_params`, and after what handlers had begun was taken up again.
        """

    # What a handler may ask for
    @property
    def form_data(self) -> QueryDict:
        """What the latest event brought, for a Django form: `NoteForm(self.form_data)`."""
        return self._live.form_data

    @property
    def connected(self) -> bool:
        """Whether the view is on a socket (and not answering a plain HTTP request)."""
        return self._live.topics is not None

    def push_event(self, name: str, detail: Any = None) -> None:
        """Dispatches a DOM event `live:name` with `detail` (JSON) on the page's window."""
        encode(detail)  # fails here, in the handler, and not when it is too late
        self._live.effects.append(effects.Send(messages.push(name, detail)))

    def flash(self, text: str, level: str = "info") -> None:
        """Shows a passing message. Without a socket it goes to Django's messages."""
        self._live.effects.append(effects.Flash(level, str(text)))

    def push_url(self, url: str, *, replace: bool = False) -> None:
        """Changes the query in the address bar without leaving the view: `push_url("?page=2")`.

        Raises `ValueError` for the URL of another page: use `redirect` for that.
        """
        self._live.effects.append(effects.Address(urls.of_page(url, self.request.path), replace))

    def redirect(self, url: str) -> None:
        """Sends the visitor elsewhere: a path, or a full `http` or `https` URL. Raises `ValueError` for any other."""
        self._live.effects.append(effects.Redirect(urls.target(url)))

    def send_after(self, seconds: float, method: Callable[..., Any] | str, **params: Any) -> None:
        """Calls a method of this view (any method) after `seconds`, if it is still connected by then."""
        name = method if isinstance(method, str) else method.__name__
        if not callable(getattr(self, name, None)):
            raise ValueError(f"{type(self).__name__} has no method {name!r}.")
        self._live.send_after(seconds, name, params)

    def subscribe(self, topic: str) -> None:
        """From now on `handle_info` gets what is broadcast to `topic`: subscribe first, then read the database.

        In an async handler, this takes effect at the end of the handler.
        """
        self._live.subscribe(topic)

    def unsubscribe(self, topic: str) -> None:
        self._live.unsubscribe(topic)

    def render_now(self) -> None:
        """Shows the page as it is by now, in the middle of a handler that takes long.

        What has been shown stays, even if the handler raises afterwards. Without a socket this does nothing, and in an
        async handler it raises `RuntimeError`.
        """
        if is_on_loop():
            raise RuntimeError("render_now() blocks: a handler that is async can't call it. See start_async.")
        self._live.show()

    def skip_render(self) -> None:
        """Nothing that the page shows has changed in this handler, so it isn't rendered after it.

        Messages, streams and events reach the page all the same. It saves a render where a handler only takes note of
        something; what has changed nevertheless is shown by the next render.
        """
        self._live.stays_as_it_is = True

    def start_async(self, name: str, function: Callable[[], Any]) -> None:
        """Runs `function` in the background while the page goes on; `handle_async(name, result)` hears of it.

        A plain function gets a thread with database connections of its own, an async one runs on the event loop. What a
        generator yields is told as it comes, at most ten times a second. It takes the place of work of the same name.
        """
        self._live.start(name, function)

    def cancel_async(self, name: str) -> None:
        """Ends background work: `handle_async` hears no more of it, and a generator ends at its next `yield`."""
        self._live.stop(name)

    def broadcast(self, topic: str, message: dict[str, Any]) -> None:
        """Sends to every view subscribed to `topic`, including this one and those in other processes."""
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
        self._live.stream(name)
        self._live.effects.append(effects.Insert(name, item, at))

    def stream_delete(self, name: str, item: Any) -> None:
        """Removes an item from a stream."""
        self._live.effects.append(effects.Delete(name, self._live.stream(name).dom_id(item)))

    # Plain HTTP
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        ticket = ticket_of(request)
        if ticket is None:
            return http_page.get(self._live)
        self._live.mount()
        ticket.mounted = self._live
        return HttpResponse(status=204)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A form sent without JavaScript."""
        return http_page.post(self._live)

    # What the mixin of an extension may ask for
    def live_extension(self, wanted: type[E]) -> E:
        """This view's own instance of an extension class."""
        return self._live.extension(wanted)
