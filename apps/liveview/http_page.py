"""A view over plain HTTP: the whole page, and forms that work without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

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
from liveview.mounted import Mounted
from liveview.rendering import render
from liveview.threads import completed

_FORM_EVENT = re.compile(r"""<form\b[^>]*?\bdj-submit\s*=\s*["']([A-Za-z_]\w*)["']""")


def get(mounted: Mounted) -> HttpResponse:
    """The answer to a GET, which may be an extension's own."""
    answer = _extensions_answer(mounted)
    if answer is not None:
        return answer
    mounted.mount()
    return render_page(mounted)


def post(mounted: Mounted) -> HttpResponse:
    """The answer to a form sent without JavaScript: the same slots, the same handler, the page as the answer."""
    answer = _extensions_answer(mounted)
    if answer is not None:
        return answer
    mounted.mount()
    return answer_form(mounted)


def _extensions_answer(mounted: Mounted) -> HttpResponse | None:
    """Of a request that is an extension's own."""
    answers = (extension.answer(mounted.request) for extension in mounted.extensions)
    return next((answer for answer in answers if answer is not None), None)


def render_page(mounted: Mounted) -> HttpResponse:
    """A mounted view's HTML in its layout."""
    return _respond(mounted, _carry_out(mounted, mounted.take_effects()))


def answer_form(mounted: Mounted) -> HttpResponse:
    """What the form's handler makes of a mounted view."""
    # A URL pushed by `mount` is for the browser's address bar; one pushed by the handler is a redirect.
    taken: list[Effect] = [each for each in mounted.take_effects() if not isinstance(each, effects.Address)]
    handler = mounted.view.live_handlers.get(mounted.request.POST.get("_event") or _sole_form_event(mounted))
    if handler is None or handler.kind != "event":
        return _bad_request("This form names no event of this page.")
    try:
        call = handler.bind(mounted.view, _fields(mounted.request))
    except BadParams as refused:
        return _bad_request(str(refused))
    try:
        accepted = [extension.accept_post(mounted.request) for extension in mounted.extensions]
        if all(accepted):
            _run(mounted, call)
        return _respond(mounted, _carry_out(mounted, taken + mounted.take_effects()))
    finally:
        for extension in mounted.extensions:
            extension.post_finished()


def _run(mounted: Mounted, call: Callable[[], Any]) -> None:
    try:
        completed(call())
    except Exception:
        mounted.finished(succeeded=False)
        raise
    mounted.finished(succeeded=True)


def _sole_form_event(mounted: Mounted) -> str:
    """The event of a page's only form, so that a form needs no hidden field to work without JavaScript."""
    found = set(_FORM_EVENT.findall(render(mounted)))
    return found.pop() if len(found) == 1 else ""


def _fields(request: HttpRequest) -> dict[str, Any]:
    """A form's fields as an event's: one value, or a list where the name comes more than once."""
    fields = {
        name: values for name, values in request.POST.lists() if name != "csrfmiddlewaretoken" and name[:1] != "_"
    }
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


def _carry_out(mounted: Mounted, taken: list[Effect]) -> list[Effect]:
    """Does what can be done without a socket, and returns what shapes the answer."""
    left: list[Effect] = []
    for effect in taken:
        match effect:
            case effects.Flash(level, text):
                number = getattr(django_messages, level.upper(), django_messages.INFO)
                django_messages.add_message(mounted.request, number, text, fail_silently=True)
            case effects.Broadcast(topic, message):
                pubsub.broadcast(topic, message)
            case effects.Address(url) if mounted.request.method == "POST":
                left.append(effects.Redirect(url))
            case _:
                left.append(effect)
    return left


def _respond(mounted: Mounted, taken: list[Effect]) -> HttpResponse:
    for effect in taken:
        if isinstance(effect, effects.Redirect):
            return HttpResponseRedirect(effect.url)
    content = render(mounted, streams.contents(mounted, taken))
    root = format_html(
        '<div id="live" data-live-socket="{}" data-live-protocol="{}">{}</div>',
        socket_url(),
        messages.PROTOCOL,
        mark_safe(content),  # noqa: S308  (a template's output: escaped where it had to be)
    )
    context = {"live_view": root, "page_title": mounted.view.page_title, "view": mounted.view}
    response = render_template(mounted.request, mounted.view.layout_name or conf().layout, context)
    patch_cache_control(response, private=True, no_cache=True)
    return response


def socket_url() -> str:
    return get_script_prefix().rstrip("/") + conf().socket_path


def _bad_request(reason: str) -> HttpResponse:
    return HttpResponseBadRequest(f"{reason}\n", content_type="text/plain")
