"""A view over plain HTTP: the whole page, and forms that work without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages as django_messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import render as render_template
from django.urls import get_script_prefix
from django.utils.cache import patch_cache_control
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from liveview import pubsub, streams
from liveview.conf import conf
from liveview.core import effects, messages
from liveview.core.effects import Effect
from liveview.core.handlers import BadParams
from liveview.rendering import render
from liveview.threads import completed

if TYPE_CHECKING:
    from liveview.view import LiveView

_FORM_EVENT = re.compile(r"""<form\b[^>]*?\bdj-submit\s*=\s*["']([A-Za-z_]\w*)["']""")


def render_page(view: LiveView) -> HttpResponse:
    """The answer to a GET: the view's HTML in its layout."""
    return _respond(view, _carry_out(view, view.live_take_effects()))


def answer_form(view: LiveView) -> HttpResponse:
    """The answer to a POST: what the form's handler made of the page."""
    # An address that `mount` asks for is for the browser's address bar; one that the handler asks for leads somewhere.
    taken: list[Effect] = [each for each in view.live_take_effects() if not isinstance(each, effects.Address)]
    handler = view.live_handlers.get(view.request.POST.get("_event") or _sole_form_event(view))
    if handler is None or handler.kind != "event":
        return _bad_request("This form names no event of this page.")
    try:
        call = handler.bind(view, _fields(view.request))
    except BadParams as refused:
        return _bad_request(str(refused))
    try:
        accepted = [extension.accept_post(view.request) for extension in view.live_extensions]
        if all(accepted):
            _run(view, call)
        return _respond(view, _carry_out(view, taken + view.live_take_effects()))
    finally:
        for extension in view.live_extensions:
            extension.post_finished()


def _run(view: LiveView, call: Callable[[], Any]) -> None:
    try:
        completed(call())
    except Exception:
        view.live_finished(succeeded=False)
        raise
    view.live_finished(succeeded=True)


def _sole_form_event(view: LiveView) -> str:
    """The event of a page's only form, so that a form needs no hidden field to work without JavaScript."""
    found = set(_FORM_EVENT.findall(render(view)))
    return found.pop() if len(found) == 1 else ""


def _fields(request: HttpRequest) -> dict[str, Any]:
    """A form's fields as an event's: one value, or a list where the name comes more than once."""
    fields = {
        name: values for name, values in request.POST.lists() if name != "csrfmiddlewaretoken" and name[:1] != "_"
    }
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


def _carry_out(view: LiveView, taken: list[Effect]) -> list[Effect]:
    """Does what can be done without a socket; what is left shapes the answer."""
    left: list[Effect] = []
    for effect in taken:
        match effect:
            case effects.Flash(level, text):
                number = getattr(django_messages, level.upper(), django_messages.INFO)
                django_messages.add_message(view.request, number, text, fail_silently=True)
            case effects.Broadcast(topic, message):
                pubsub.broadcast(topic, message)
            case effects.Address(url) if view.request.method == "POST":
                left.append(effects.Redirect(url))
            case _:
                left.append(effect)
    return left


def _respond(view: LiveView, taken: list[Effect]) -> HttpResponse:
    for effect in taken:
        if isinstance(effect, effects.Redirect):
            return HttpResponseRedirect(effect.url)
    content = render(view, streams.contents(view, taken))
    root = format_html(
        '<div id="live" data-live-socket="{}" data-live-protocol="{}">{}</div>',
        socket_url(),
        messages.PROTOCOL,
        mark_safe(content),  # noqa: S308  (a template's output: escaped where it had to be)
    )
    context = {"live_view": root, "page_title": view.page_title, "view": view}
    response = render_template(view.request, view.layout_name or conf().layout, context)
    patch_cache_control(response, private=True, no_cache=True)
    return response


def socket_url() -> str:
    return get_script_prefix().rstrip("/") + conf().socket_path


def _bad_request(reason: str) -> HttpResponse:
    return HttpResponseBadRequest(f"{reason}\n", content_type="text/plain")
