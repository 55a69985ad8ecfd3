"""Live views that say what reached them, wait when told to, and fail when told to."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from typing import Any

from django.contrib.auth import get_user_model, login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from liveview import LiveView, event_handler, server_function, state

GATE_OPENS_WITHIN = 30  # seconds; then the test that closed it has failed anyway

_gates: defaultdict[str, threading.Event] = defaultdict(threading.Event)


class Recorder(LiveView):
    """Keeps a log of its events on the page.

    `gate` is a prefix of the test's own gates; `hold` stops the socket's mount at the first of them, a cookie lets it
    fail.
    """

    log: state[list[str]] = state([])
    page_title = state("Lab")

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self.gate = request.GET.get("gate", "")
        if self.connected and "hold" in request.GET:
            _gates[f"{self.gate}-0"].wait(GATE_OPENS_WITHIN)
        if self.connected and request.COOKIES.get("lab") == "broken":
            raise RuntimeError("the lab is broken")

    def note(self, line: str) -> None:
        self.log = [*self.log, line]

    @event_handler
    def record(self, **params: Any) -> None:
        self.note(json.dumps(params, sort_keys=True))

    @event_handler
    def wait(self, gate: str, **params: Any) -> None:
        """Goes on when the test opens the gate."""
        if not _gates[gate].wait(GATE_OPENS_WITHIN):
            raise TimeoutError(gate)
        self.note(f"waited {json.dumps(params, sort_keys=True)}")

    @event_handler
    def fail(self, **params: Any) -> None:
        self.note("never seen")
        raise RuntimeError("as asked")


class Bench(Recorder):
    template_name = "lab/bench.html"

    @event_handler
    def typed(self, count: int, ratio: float, is_on: bool, photo_id: str) -> None:
        self.note(repr((count, ratio, is_on, photo_id)))

    @event_handler
    def say(self, text: str, level: str) -> None:
        self.flash(text, level)

    @event_handler
    def rename(self, title: str) -> None:
        self.page_title = title

    @event_handler
    def push(self, name: str, detail: str) -> None:
        self.push_event(name, json.loads(detail))

    @event_handler
    def go(self, url: str) -> None:
        self.redirect(url)

    @server_function
    def add(self, a: int, b: int) -> int:
        return a + b

    @server_function
    def broken(self) -> None:
        raise RuntimeError("as asked")


class Forms(Recorder):
    template_name = "lab/forms.html"
    is_shut = state(False)
    extra = state(False)
    names: state[list[str]] = state(["ann", "bob"])

    @event_handler
    def leave(self) -> None:
        self.redirect("/lab/plain/")

    @event_handler
    def shut(self, gate: str) -> None:
        """Disables a button that was not, and adds another, while the form may be on its way."""
        _gates[gate].wait(GATE_OPENS_WITHIN)
        self.is_shut = True
        self.extra = True


class Native(Recorder):
    """One form that works without JavaScript."""

    template_name = "lab/native.html"

    @event_handler
    def save(self, name: str = "") -> None:
        self.note(f"saved {name} {'live' if self.connected else 'posted'}")

    @event_handler
    def discard(self, name: str = "") -> None:
        self.note(f"discarded {name} {'live' if self.connected else 'posted'}")


class Mistaken(Recorder):
    """A page whose developer has mistyped everything."""

    template_name = "lab/mistaken.html"

    @event_handler
    def save(self) -> None:
        self.note("saved")


class Address(Recorder):
    """Its state is in the address."""

    template_name = "lab/address.html"
    tab = state("first")

    def handle_params(self, params: dict[str, str]) -> None:
        self.tab = params.get("tab", "first")

    @event_handler
    def turn_to(self, tab: str) -> None:
        self.push_url(f"?tab={tab}")


def plain(request: HttpRequest) -> HttpResponse:
    """No live root, but the script."""
    return render(request, "lab/plain.html")


def open_gate(request: HttpRequest, gate: str) -> HttpResponse:
    _gates[gate].set()
    return HttpResponse(status=204)


def sign_in(request: HttpRequest) -> HttpResponse:
    user, _created = get_user_model().objects.get_or_create(username="visitor")
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponse("signed in")


def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponse("signed out")
