"""A mounted view: what the runtime keeps about it, and everything that the runtime does with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from django.http import HttpRequest, QueryDict
from django.middleware.csrf import get_token
from django.utils.functional import SimpleLazyObject

from liveview.conf import conf
from liveview.contracts import Topics, View
from liveview.core import effects
from liveview.core.attachments import Attachments, Timer
from liveview.core.effects import Effect
from liveview.core.plain import is_plain
from liveview.core.state import public_items, remember, restore
from liveview.core.streams import Stream
from liveview.extensions import Extension
from liveview.threads import completed, is_on_loop

E = TypeVar("E", bound=Extension)


@dataclass
class Ticket:
    """On the request that a socket makes for its page: `get` puts the view in here and renders nothing."""

    topics: Topics
    mounted: Mounted | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """What to go back to if a handler raises."""

    state: dict[str, Any]
    attachments: Attachments


def ticket_of(request: HttpRequest) -> Ticket | None:
    """None for a request of a browser's own."""
    return getattr(request, "live_ticket", None)


class Mounted:
    """One view, with its extensions. Methods that call the application belong to a thread, in the view's turn."""

    def __init__(self, view: View, extension_classes: tuple[type[Extension], ...]) -> None:
        ticket = ticket_of(view.request)
        self.view = view
        self.topics = ticket.topics if ticket is not None else None  # of its socket
        self.query: dict[str, str] = {}  # of the page's URL
        self.form_data: QueryDict = QueryDict()  # what the latest event brought
        self.effects: list[Effect] = []
        self.streams: dict[str, Stream] = {}
        self.extensions = tuple(extension(self) for extension in extension_classes)
        self.attachments = Attachments()  # what handlers have begun
        self.is_fresh = True  # what is begun now belongs to `mount`, which runs again when the page comes back
        self.stays_as_it_is = False  # a handler says so of the page: nothing is rendered after it
        self.show: Callable[[], None] = lambda: None  # sends what the page looks like by now; while a handler runs
        self.advised: set[str] = set()  # what its developer has been told
        self._subscribed: list[str] = []  # topics, since the last turn
        self._timers = count()
        self._csrf_token = ""

    @property
    def request(self) -> HttpRequest:
        return self.view.request

    @property
    def title(self) -> str:
        """Of the page; empty if the view has none."""
        own = str(self.view.page_title)
        return own and own + conf().title_suffix

    # What the application does
    def mount(self) -> None:
        completed(self.view.mount(self.request, **self.view.kwargs))
        self.go_to(self.request.GET.urlencode())

    def go_to(self, query: str) -> None:
        """The URL has this query from now on."""
        self.query = dict(parse_qsl(query, keep_blank_values=True))
        self.handle_params()

    def handle_params(self) -> None:
        completed(self.view.handle_params(dict(self.query)))

    def shown(self) -> None:
        """What has been done up to now stays done, whatever still happens."""
        self._subscribed = []

    def finished(self, *, succeeded: bool) -> None:
        """A handler and the render after it have succeeded, or one of them has raised."""
        if succeeded:
            self.shown()
        for extension in self.extensions:
            extension.handler_finished(succeeded)

    def remember(self) -> Remembered:
        """Everything that a handler may change."""
        return Remembered(remember(self.view), self.attachments)

    def roll_back(self, before: Remembered) -> None:
        """Drops what a failed handler has changed and asked for."""
        restore(self.view, before.state)
        self.attachments = before.attachments
        self.drop_effects()

    def drop_effects(self) -> None:
        """Drops what a failed handler asked for, and undoes what was done at once."""
        self.effects, self.stays_as_it_is = [], False
        for topic in self._subscribed:
            assert self.topics is not None
            self.topics.unsubscribe_now(topic)
        self._subscribed = []

    def filled_in(self, params: Mapping[str, Any]) -> None:
        """The arguments of an event, as a form would have posted them."""
        fields = QueryDict(mutable=True)
        for name, value in params.items():
            for each in value if isinstance(value, list) else [value]:
                if each is not False and each is not None:  # as from a checkbox that isn't checked
                    fields.appendlist(name, "on" if each is True else str(each))
        fields._mutable = False
        self.form_data = fields

    # What a handler asked for
    def take_effects(self) -> list[Effect]:
        taken, self.effects = self.effects, []
        return taken

    def take_rest(self) -> bool:
        """Whether the page stays as it is this time."""
        stays, self.stays_as_it_is = self.stays_as_it_is, False
        return stays

    def subscribe(self, topic: str) -> None:
        """At once, so that the handler misses nothing from here on; on the event loop, which must not block, later."""
        if self.topics is None:
            return
        if is_on_loop():
            self.effects.append(effects.Subscribe(topic))
        elif self.topics.subscribe_now(topic):
            self._subscribed.append(topic)
        if not self.is_fresh:
            self.attachments = self.attachments.joined(topic)

    def unsubscribe(self, topic: str) -> None:
        self.effects.append(effects.Unsubscribe(topic))
        if not self.is_fresh:
            self.attachments = self.attachments.parted(topic)

    def send_after(self, seconds: float, name: str, params: dict[str, Any]) -> None:
        key = next(self._timers)
        self.effects.append(effects.Later(seconds, name, params, key, self.is_fresh))
        if not self.is_fresh and is_plain(params):  # what can't be kept outside of this process ends with it
            self.attachments = self.attachments.timed(Timer(key, time.time() + seconds, name, params))

    def start(self, name: str, function: Callable[[], Any]) -> None:
        self.effects.append(effects.Start(name, function))
        if not self.is_fresh:
            self.attachments = self.attachments.started(name)

    def stop(self, name: str) -> None:
        self.effects.append(effects.Stop(name))
        self.attachments = self.attachments.ended(name)

    def resume(self, attachments: Attachments) -> None:
        """Takes up what the page's handlers had begun on the socket before. What it no longer has is left out."""
        now = time.time()
        timers = tuple(timer for timer in attachments.timers if callable(getattr(type(self.view), timer.name, None)))
        self.attachments = replace(attachments, timers=timers)
        for topic in attachments.topics:
            self.subscribe(topic)
        self.effects += [effects.Unsubscribe(topic) for topic in attachments.left]
        for timer in timers:
            self.effects.append(effects.Later(max(0, timer.due - now), timer.name, timer.params, timer.key, False))
        completed(self.view.restored())

    def stream(self, name: str) -> Stream:
        try:
            return self.streams[name]
        except KeyError:
            raise ValueError(f"There is no stream {name!r} yet: call stream({name!r}, …) in mount.") from None

    def extension(self, wanted: type[E]) -> E:
        return next(extension for extension in self.extensions if isinstance(extension, wanted))

    # What templates see
    def template(self) -> str:
        if not self.view.template_name:
            raise TypeError(f"{type(self.view).__name__} needs a template_name")
        return self.view.template_name

    def context(self) -> dict[str, Any]:
        """Everything the view's template sees."""
        context: dict[str, Any] = dict(public_items(self.view))
        for extension in self.extensions:
            context |= extension.context()
        return {**context, **self.view.get_context_data(), "view": self.view, "csrf_token": self._token()}

    def item_context(self, item: Any, dom_id: str) -> dict[str, Any]:
        """What the template of a stream's item sees."""
        own = {"view": self.view, "request": self.request, "csrf_token": self._token()}
        return {**own, "item": item, "dom_id": dom_id}

    def _token(self) -> Any:
        """Asked for only by a page that has a form: it sets a cookie.

        Masked once per mount, as a new mask for each render would be a patch for each render.
        """

        def token() -> str:
            self._csrf_token = self._csrf_token or get_token(self.request)
            return self._csrf_token

        return SimpleLazyObject(token)
