"""With DEBUG, a developer is told what can't work: in the log, and in the browser's console."""

from __future__ import annotations

import logging
import traceback

from django.conf import settings

from liveview.core import messages
from liveview.core.advice import DIRECTIVES, EVENTS, advise, meant
from liveview.core.effects import Effect, Send
from liveview.mounted import Mounted

logger = logging.getLogger("liveview.advice")

ADVICE = "advice"  # what the browser's console shows as an error


def on_page(mounted: Mounted, html: str) -> list[Effect]:
    """What is wrong in this HTML and hasn't been said of this page yet."""
    if not settings.DEBUG:
        return []
    directives = {*DIRECTIVES, *(name for extension in mounted.extensions for name in extension.directives)}
    checks = [lambda name, value: _event(mounted, name, value), *(each.advice for each in mounted.extensions)]
    told = []
    for sentence in advise(html, directives, checks):
        if sentence not in mounted.advised:
            mounted.advised.add(sentence)
            logger.warning("%s: %s", mounted.template(), sentence)
            told.append(sentence)
    return [Send(messages.push(ADVICE, sentence)) for sentence in told]


def on_event(mounted: Mounted, name: str, kind: str) -> str:
    """Why there is no such event or server function."""
    view = type(mounted.view)
    if callable(getattr(view, name, None)):
        return f"{view.__name__}.{name} isn't marked with @{'event_handler' if kind == 'event' else 'server_function'}."
    names = [each for each, handler in view.live_handlers.items() if handler.kind == kind]
    return f"{view.__name__} has no {'event' if kind == 'event' else 'server function'} {name!r}{meant(name, names)}"


def last_lines(raised: BaseException) -> str:
    """Of its traceback: where it was raised, and what it says."""
    return "".join(traceback.format_exception(raised)[-2:]).rstrip()


def _event(mounted: Mounted, name: str, value: str) -> str | None:
    handler = mounted.view.live_handlers.get(value)
    if name not in EVENTS or not value or (handler is not None and handler.kind == "event"):
        return None
    return f"{name}={value!r}: {on_event(mounted, value, 'event')}"
