"""One turn of a view: a handler and the render after it, all or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import connections

from liveview import streams, threads
from liveview.core import effects, messages
from liveview.core.effects import Effect
from liveview.core.messages import Message
from liveview.core.state import portable, remember, restore
from liveview.encoding import encode
from liveview.mounted import Mounted
from liveview.rendering import diff, render
from liveview.socket import django_session, snapshots
from liveview.threads import completed


@dataclass(frozen=True, slots=True)
class Screen:
    """What the browser shows. The version counts changes of the HTML."""

    html: str = ""
    title: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """The outcome of one turn: the handler's value, the new screen, the patches that lead to it, and other effects."""

    value: Any
    screen: Screen
    patches: list[Message]
    effects: list[Effect]


@dataclass(frozen=True, slots=True)
class Call:
    """What to run in a turn. With `answers`, its value goes to the browser and must be JSON."""

    function: Callable[[], Any]
    is_async: bool = False
    answers: bool = False


async def take(mounted: Mounted, call: Call, screen: Screen, snapshot: str) -> Turn:
    """Runs `call` and renders. If anything raises, the view is restored and the exception propagates."""
    if not call.is_async:
        return await threads.run(partial(_all_or_nothing, mounted, call, screen, snapshot))
    before = remember(mounted.view)
    try:
        value = await _await(call.function)
    except Exception:
        await threads.run(partial(_roll_back, mounted, before))
        raise
    ready = replace(call, function=lambda: value)
    return await threads.run(partial(_all_or_nothing, mounted, ready, screen, snapshot, before))


def _all_or_nothing(
    mounted: Mounted, call: Call, screen: Screen, snapshot: str, before: dict[str, Any] | None = None
) -> Turn:
    django_session.refresh(mounted.request)
    before = remember(mounted.view) if before is None else before
    try:
        turn = _perform(mounted, call, screen)
    except Exception:
        _roll_back(mounted, before)
        raise
    kept = portable(mounted.view, vars(mounted.view))
    if snapshot and kept != portable(mounted.view, before):
        snapshots.save(mounted, snapshot, kept)
    return turn


def _perform(mounted: Mounted, call: Call, screen: Screen) -> Turn:
    value = completed(call.function())
    if call.answers:
        encode(value)
    taken = mounted.take_effects()
    for effect in taken:
        if isinstance(effect, effects.Address):
            mounted.go_to(urlsplit(effect.url).query)
    html, title = render(mounted), str(mounted.view.page_title)
    taken = streams.to_messages(mounted, taken + mounted.take_effects())
    django_session.save(mounted.request)
    mounted.finished(succeeded=True)
    version = screen.version + (html != screen.html)
    return Turn(value, Screen(html, title, version), _patches(screen, html, title), taken)


def _roll_back(mounted: Mounted, before: dict[str, Any]) -> None:
    restore(mounted.view, before)
    mounted.roll_back()
    mounted.finished(succeeded=False)


async def _await(call: Callable[[], Any]) -> Any:
    """Runs an async handler on the event loop, with a thread of its own for the ORM."""
    async with ThreadSensitiveContext():
        try:
            return await call()
        except asyncio.CancelledError as cancelled:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise RuntimeError("something that the handler waited for was cancelled") from cancelled
        finally:
            await sync_to_async(connections.close_all)()


def _patches(screen: Screen, html: str, title: str) -> list[Message]:
    found = []
    if splices := diff(screen.html, html):
        found.append(messages.patch(screen.version + 1, splices))
    if title != screen.title:
        found.append(messages.title(title))
    return found
