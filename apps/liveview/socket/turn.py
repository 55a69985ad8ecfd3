"""One turn of a view: a handler and the render after it, all or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import wait
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import connections

from liveview import advice, streams, threads
from liveview.core import effects, messages
from liveview.core.effects import Effect
from liveview.core.messages import Message
from liveview.core.state import portable
from liveview.encoding import encode
from liveview.mounted import Mounted
from liveview.rendering import diff, render
from liveview.socket import django_session, snapshots
from liveview.threads import completed

LOOK_EVERY: Final = 0.5  # seconds between two looks at whether the event loop still runs


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
    """What to run in a turn. With `answers`, its value goes to the browser and must be JSON.

    is_fresh: what it begins belongs to `mount`.
    """

    function: Callable[[], Any]
    is_async: bool = False
    answers: bool = False
    is_fresh: bool = False


Emit: TypeAlias = Callable[[Turn], Coroutine[Any, Any, None]]


async def take(mounted: Mounted, call: Call, screen: Screen, snapshot: str, emit: Emit | None) -> Turn:
    """Runs `call` and renders. If anything raises, the view is restored and the exception propagates.

    emit: sends what a handler shows before it has finished; None where the page isn't there yet.
    """
    mounted.is_fresh = call.is_fresh
    if not call.is_async:
        send = partial(_wait_for, asyncio.get_running_loop(), emit) if emit is not None else None
        return await threads.run(lambda: _Work(mounted, screen, snapshot).run(call, send))
    work = _Work(mounted, screen, snapshot)
    try:
        value = await _await(call.function)
    except Exception:
        await threads.run(work.roll_back)
        raise
    return await threads.run(partial(work.run, replace(call, function=lambda: value)))


def _wait_for(loop: asyncio.AbstractEventLoop, emit: Emit, turn: Turn) -> None:
    """Blocks. Raises `RuntimeError` if the loop ends meanwhile: a process that is to stop waits for its threads."""
    sending = asyncio.run_coroutine_threadsafe(emit(turn), loop)
    while not wait([sending], LOOK_EVERY).done:
        if not loop.is_running():
            raise RuntimeError("the server has stopped")
    sending.result()


class _Work:
    """A turn while it is taken: where it has got to, and what to go back to."""

    def __init__(self, mounted: Mounted, screen: Screen, snapshot: str) -> None:
        self._mounted, self._screen, self._snapshot = mounted, screen, snapshot
        self._before = mounted.remember()

    def run(self, call: Call, send: Callable[[Turn], None] | None = None) -> Turn:
        mounted = self._mounted
        django_session.refresh(mounted.request)
        try:
            value = self._call(call, send)
            turn = self._render(value)
            django_session.save(mounted.request)
            mounted.finished(succeeded=True)
        except Exception:
            self.roll_back()
            raise
        self._keep()
        return turn

    def roll_back(self) -> None:
        self._mounted.roll_back(self._before)
        self._mounted.finished(succeeded=False)

    def _call(self, call: Call, send: Callable[[Turn], None] | None) -> Any:
        before = self._mounted.show
        if send is not None:
            self._mounted.show = partial(self._show, send)
        try:
            value = completed(call.function())
        finally:
            self._mounted.show = before
        if call.answers:
            encode(value)
        return value

    def _show(self, send: Callable[[Turn], None]) -> None:
        """In the middle of a handler; there is no way back behind this."""
        turn = self._render(None)
        self._mounted.shown()
        self._keep()
        self._screen, self._before = turn.screen, self._mounted.remember()
        send(turn)

    def _render(self, value: Any) -> Turn:
        mounted, screen = self._mounted, self._screen
        taken = mounted.take_effects()
        for effect in taken:
            if isinstance(effect, effects.Address):
                mounted.go_to(urlsplit(effect.url).query)
        is_shown = mounted.take_rest() and screen.html
        html, title = (screen.html, screen.title) if is_shown else (render(mounted), mounted.title)
        taken = streams.to_messages(mounted, taken + mounted.take_effects())
        if html != screen.html:
            taken += advice.on_page(mounted, html)
        version = screen.version + (html != screen.html)
        return Turn(value, Screen(html, title, version), _patches(screen, html, title), taken)

    def _keep(self) -> None:
        mounted, before = self._mounted, self._before
        kept = portable(mounted.view, vars(mounted.view))
        has_changed = kept != portable(mounted.view, before.state) or mounted.attachments != before.attachments
        if self._snapshot and has_changed:
            snapshots.save(mounted, self._snapshot, kept)


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
