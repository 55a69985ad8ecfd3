"""A view over plain HTTP: the whole page, and forms that work without JavaScript."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib import messages as django_messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect, QueryDict
from django.shortcuts import render as render_template
from django.urls import get_script_prefix
from django.utils.cache import patch_cache_control
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from liveview import pubsub, refusals, streams
from liveview.conf import conf
from liveview.core import effects, messages
from liveview.core.effects import Effect
from liveview.core.handlers import BadParams, Handler
from liveview.core.html_forms import HtmlForm, forms_in
from liveview.mounted import Mounted
from liveview.rendering import render
from liveview.threads import completed

logger = logging.getLogger("liveview")


class PostedForm:
    """A form that a browser posted, and what the page says of it. The page is rendered once that is asked for."""

    def __init__(self, mounted: Mounted) -> None:
        self._mounted = mounted

    @cached_property
    def event(self) -> str:
        """Its handler's name: a page's only form needs no field or button that says it."""
        return self._mounted.request.POST.get("_event") or self._sole_event()

    def has(self, attribute: str) -> bool:
        """Whether the form has this attribute."""
        return any(form.event == self.event and attribute in form.attributes for form in self._forms)

    @property
    def is_sent(self) -> bool:
        """False if it was the wrapping of a button with `dj-click`, which sends no form where there is JavaScript."""
        is_button = any(self.event in form.clicks for form in self._forms)
        return not is_button or any(form.event == self.event for form in self._forms)

    def fields(self, files: set[str]) -> QueryDict:
        """What the visitor filled in. An empty input of `files` is posted like an empty text: it isn't one."""
        fields = self._mounted.request.POST.copy()
        for name, values in self._mounted.request.POST.lists():
            if name == "csrfmiddlewaretoken" or name.startswith("_") or (name in files and not any(values)):
                del fields[name]
        fields._mutable = False
        return fields

    @cached_property
    def _forms(self) -> list[HtmlForm]:
        return forms_in(render(self._mounted))

    def _sole_event(self) -> str:
        found = {form.event for form in self._forms if form.event}
        return found.pop() if len(found) == 1 else ""


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
    form = PostedForm(mounted)
    handler = mounted.view.live_handlers.get(form.event)
    if handler is None or handler.kind != "event":
        return _not_understood(mounted.request, "This form doesn't name an action of this page.")
    fields = form.fields({name for extension in mounted.extensions for name in extension.file_inputs()})
    try:
        call = handler.bind(mounted.view, _params(handler, fields))
    except BadParams as refused:
        return _not_understood(mounted.request, f"{form.event}: {refused}")
    mounted.form_data = fields
    try:
        accepted = [extension.accept_post(mounted.request, form) for extension in mounted.extensions]
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


def _params(handler: Handler, fields: QueryDict) -> dict[str, Any]:
    """A form's fields as an event's: one value, or a list where the name comes more than once.

    An empty one that the handler doesn't know may be a file input of the page's own.
    """
    params = {name: values[0] if len(values) == 1 else values for name, values in fields.lists()}
    return {name: value for name, value in params.items() if value != "" or handler.takes(name)}


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
    context = {"live_view": root, "page_title": mounted.title, "view": mounted.view}
    response = render_template(mounted.request, mounted.view.layout_name or conf().layout, context)
    patch_cache_control(response, private=True, no_cache=True)
    return response


def socket_url() -> str:
    return get_script_prefix().rstrip("/") + conf().socket_path


def _not_understood(request: HttpRequest, reason: str) -> HttpResponse:
    """A developer is told why; visitors aren't told what there is."""
    logger.log(logging.WARNING if settings.DEBUG else logging.INFO, "refused: %s", reason)
    if settings.DEBUG:
        return HttpResponseBadRequest(f"{reason}\n", content_type="text/plain")
    return refusals.NOT_UNDERSTOOD.response(request)
