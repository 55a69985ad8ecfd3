"""The views that the tests mount. What `Bench` does is set by each test: any function of the view."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar, Literal
from uuid import UUID

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from liveview import LiveView, event_handler, server_function, state
from liveview.core.messages import Fields, Message, push
from liveview.extensions import Extension, Link


class Bench(LiveView):
    template_name = "bench.html"
    page_title = state("Bench")

    count = state(0)
    items: state[list[Any]] = state([])
    text = state("")
    params = state("")

    on_mount: ClassVar[Callable[[Any], Any] | None] = None
    on_run: ClassVar[Callable[[Any], Any]] = lambda view: None
    on_info: ClassVar[Callable[[Any, str, Any], Any]] = lambda view, topic, message: None
    on_restored: ClassVar[Callable[[Any], Any]] = lambda view: None
    on_result: ClassVar[Callable[[Any, str, Any], Any]] = lambda view, name, result: None

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        if type(self).on_mount is not None:
            type(self).on_mount(self)

    def handle_params(self, params: dict[str, str]) -> None:
        self.params = ",".join(f"{name}={value}" for name, value in params.items())

    def handle_info(self, topic: str, message: dict[str, Any]) -> None:
        type(self).on_info(self, topic, message)

    def handle_async(self, name: str, result: Any) -> None:
        type(self).on_result(self, name, result)

    def restored(self) -> None:
        type(self).on_restored(self)

    @event_handler
    def add(self, by: int = 1) -> None:
        self.count += by

    @event_handler
    def say(self, text: str) -> None:
        self.text = text

    @event_handler
    def fail(self) -> None:
        raise RuntimeError("as asked")

    @event_handler()
    def run(self) -> None:
        type(self).on_run(self)

    @event_handler
    async def arun(self) -> None:
        await type(self).on_run(self)

    @server_function
    def compute(self) -> Any:
        return type(self).on_run(self)

    @server_function()
    async def acompute(self) -> Any:
        return await type(self).on_run(self)

    def tick(self, by: int = 1) -> None:
        self.count += by

    def not_marked(self) -> None:
        self.count = -1


class OtherBench(Bench):
    pass


class Colour(Enum):
    RED = "red"
    BLUE = 2


NO_KEY = UUID(int=0)


class Events(LiveView):
    template_name = "bench.html"
    got = state("")

    def _note(self, **got: Any) -> None:
        self.got = repr(got)

    @event_handler
    def typed(
        self,
        whole: int = 0,
        real: float = 0.0,
        flag: bool = False,
        name: str = "",
        price: Decimal = Decimal(0),
        day: date = date.min,
        key: UUID = NO_KEY,
        colour: Colour = Colour.RED,
        size: Literal["s", "l"] = "s",
        tags: list[int] = [],  # noqa: B006
        maybe: int | None = None,
        mapping: dict[str, Any] = {},  # noqa: B006
    ) -> None:
        given = {"whole": whole, "real": real, "flag": flag, "name": name, "price": price, "day": day, "key": key}
        self._note(**given, colour=colour, size=size, tags=tags, maybe=maybe, mapping=mapping)

    @event_handler
    def needs(self, name: str) -> None:
        self._note(name=name)

    @event_handler
    def takes_all(self, **kwargs: Any) -> None:
        self.got = repr(sorted(kwargs.items()))

    @event_handler
    def filled_in(self, **kwargs: Any) -> None:
        self.got = repr(sorted(self.form_data.lists()))

    @event_handler
    def unbindable(self, thing: threading.Thread) -> None:
        self._note(thing=thing)


class Parent(LiveView):
    template_name = "bench.html"
    got = state("")

    @event_handler
    def kept(self) -> None:
        self.got = "kept"

    @event_handler
    def hidden(self) -> None:
        self.got = "hidden"

    @event_handler
    def changed(self) -> None:
        self.got = "parent"


class Child(Parent):
    def hidden(self) -> None:
        self.got = "hidden, by the child"

    @event_handler
    def changed(self) -> None:
        self.got = "child"


class Mixin:
    got: str

    @event_handler
    def mixed(self) -> None:
        self.got = "mixed"


class MixinFirst(Mixin, LiveView):
    template_name = "bench.html"
    got = state("")


class MixinLast(LiveView, Mixin):
    template_name = "bench.html"
    got = state("")


class Room(LiveView):
    template_name = "room.html"
    heard: state[list[str]] = state([])

    def mount(self, request: HttpRequest, name: str, **kwargs: Any) -> None:
        self.name = name
        if self.connected:
            self.subscribe(f"room:{name}")

    def handle_info(self, topic: str, message: dict[str, Any]) -> None:
        self.heard = [*self.heard, message["text"]]

    @event_handler
    def say(self, text: str) -> None:
        self.broadcast(f"room:{self.name}", {"text": text})

    @event_handler
    def leave(self) -> None:
        self.unsubscribe(f"room:{self.name}")


class Stream(LiveView):
    template_name = "stream.html"
    count = state(0)

    rows: ClassVar[list[dict[str, Any]]] = []

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self.stream("rows", list(type(self).rows), template="row.html")

    @event_handler
    def add(self, id: int, text: str, at: int = -1) -> None:  # noqa: A002
        self.stream_insert("rows", {"id": id, "text": text}, at=at)

    @event_handler
    def remove(self, id: int) -> None:  # noqa: A002
        self.stream_delete("rows", {"id": id})

    @event_handler
    def refill(self, ids: list[int]) -> None:
        self.stream("rows", [{"id": number, "text": "new"} for number in ids], template="row.html")

    @event_handler
    def no_id(self) -> None:
        self.count += 1
        self.stream("rows", [{"id": 1}], template="row_without_id.html")

    @event_handler
    def unknown(self) -> None:
        self.stream_insert("no_such_stream", {"id": 1})

    @event_handler
    def touch(self) -> None:
        self.count += 1


class Forms(LiveView):
    template_name = "form.html"
    page_title = "Forms"
    name = state("")
    how = state("")

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self.tags: list[str] = []

    @event_handler
    def save(self, name: str, tags: list[str] = [], how: str = "") -> None:  # noqa: B006
        self.name, self.tags, self.how = name, tags, how

    @event_handler
    def shout(self, name: str) -> None:
        self.name = name.upper()

    @event_handler
    def filled_in(self, **kwargs: Any) -> None:
        self.name = repr(sorted(self.form_data.lists()))

    @event_handler
    def go(self, name: str = "") -> None:
        self.flash(f"Goodbye {name}", "success")
        self.redirect("/public/")

    @event_handler
    def turn_page(self, name: str = "") -> None:
        self.push_url("?page=2")

    @event_handler
    async def think(self, name: str) -> None:
        self.name = f"thought of {name}"

    @event_handler
    def tell(self, name: str) -> None:
        self.broadcast("room:lobby", {"text": name})

    @server_function
    def secret(self) -> str:
        return "not for forms"


class TwoForms(Forms):
    template_name = "two_forms.html"


class Gate(LiveView):
    """A handler that waits until it is let go: by an event of another visitor, or by the test."""

    template_name = "bench.html"
    count = state(0)
    opened: ClassVar[threading.Event] = threading.Event()

    @event_handler
    def wait(self, number: int = 0) -> None:
        assert type(self).opened.wait(60)
        self.count = self.count * 10 + number

    @event_handler
    def open(self) -> None:
        type(self).opened.set()

    @event_handler
    def close(self) -> None:
        type(self).opened.clear()

    @event_handler
    def add(self) -> None:
        self.count += 1


class Chatter(Extension):
    """Answers at once, and at length."""

    messages: ClassVar[Mapping[str, Fields]] = {"chat": {}}
    link: Link

    def connected(self, link: Link) -> None:
        self.link = link

    def received(self, message: Message) -> None:
        self.link.send(push("chat", "x" * 100_000))


class Large(LiveView):
    """A megabyte."""

    template_name = "bench.html"
    extension_class = Chatter

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, text="x" * 1_000_000)


class Public(LiveView):
    template_name = "bench.html"


class Members(LoginRequiredMixin, LiveView):
    template_name = "bench.html"

    @event_handler
    def nothing(self) -> None:
        pass


class Forbidden(LiveView):
    template_name = "bench.html"

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        raise PermissionDenied


class Missing(LiveView):
    template_name = "bench.html"

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        raise Http404


class Moved(LiveView):
    template_name = "bench.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return HttpResponseRedirect("/public/")


class Broken(LiveView):
    template_name = "bench.html"

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        raise RuntimeError("mount is broken")


class BrokenRender(LiveView):
    template_name = "no_such_template.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if getattr(request, "live_ticket", None) is None:
            return HttpResponse("fine over HTTP")
        return super().get(request, *args, **kwargs)


class Thing(LiveView):
    template_name = "thing.html"
    page = state(1)

    def mount(self, request: HttpRequest, pk: int, **kwargs: Any) -> None:
        self.pk = pk

    def handle_params(self, params: dict[str, str]) -> None:
        self.page = int(params.get("page", "1"))

    @event_handler
    def turn(self, page: int) -> None:
        self.push_url(f"?page={page}")


class Greeting(LiveView):
    template_name = "greeting.html"
    clicks = state(0)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, word=_("Yes"))

    @event_handler
    def click(self) -> None:
        self.clicks += 1
