"""A page whose markup a test writes: what the shortest forms of other people look like."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.template import engines

from liveview import LiveView, event_handler, state
from uploads import UploadMixin

THREE = {"docs": {"max_entries": 3}}


class Shortest(UploadMixin, LiveView):
    """`?markup=` is a Django template, `?slots=` has the arguments of `allow_upload` by name."""

    template_name = "lab/shortest.html"
    page_title = "Shortest"

    saved: state[list[str]] = state([])
    step = state(1)

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self.slots = json.loads(request.GET.get("slots") or json.dumps(THREE))
        self.markup = request.GET["markup"]
        for name, options in self.slots.items():
            self.allow_upload(name, **options)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**kwargs, "page": engines["django"].from_string(self.markup)}

    @event_handler
    def say(self, text: str, level: str = "info") -> None:
        self.flash(text, level)

    @event_handler
    def save(self, **fields: Any) -> None:
        names = [entry.name for slot in self.slots for entry in self.consume_uploaded_entries(slot)]
        self.saved = [*self.saved, " ".join(names) or "nothing"]

    @event_handler
    def note(self, text: str, **fields: Any) -> None:
        self.saved = [*self.saved, text]

    @event_handler
    def next(self, **fields: Any) -> None:
        self.step += 1


class WithoutSlots(LiveView):
    """A view without UploadMixin, whose `?markup=` asks for uploads all the same."""

    template_name = "lab/shortest.html"
    saved: state[list[str]] = state([])

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self.markup = request.GET["markup"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**kwargs, "page": engines["django"].from_string(self.markup)}

    @event_handler
    def save(self, **fields: Any) -> None:
        self.saved = [*self.saved, "nothing"]


def address(markup: str, **slots: dict[str, Any]) -> str:
    """Of a page with this markup."""
    return "/lab/shortest/?" + urlencode({"markup": markup, "slots": json.dumps(slots or THREE)})
