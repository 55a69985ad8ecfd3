"""One socket's view, as an actor: messages take turns, and every turn ends with a patch."""

from __future__ import annotations

import asyncio
import inspect
import logging
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import translation
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from liveview import advice, pubsub, threads
from liveview.background import Result, Works
from liveview.conf import conf
from liveview.core import effects, messages, urls
from liveview.core.effects import Effect
from liveview.core.handlers import BadParams, Kind
from liveview.core.limits import Bucket, Strikes
from liveview.core.messages import BadMessage, CloseCode, Message, TooLong
from liveview.extensions import Extension
from liveview.mounted import Mounted
from liveview.process import here
from liveview.socket import mounting, reloading, session_watch, snapshots
from liveview.socket import turn as turns
from liveview.socket.actor import Actor
from liveview.socket.connection_limit import ConnectionLimit, Pass
from liveview.socket.django_session import Standing
from liveview.socket.outbox import Outbox
from liveview.socket.subscriptions import Subscriptions
from liveview.socket.turn import Call, Screen, Turn
from liveview.visitors import visitor_at

logger = logging.getLogger("liveview")


class _PerSession(ConnectionLimit):
    """The sockets of one session."""


class LiveSession:
    """Everything on one socket. `send` and `close` queue; neither blocks.

    The output of a turn goes through `_tell`, as the next turn waits for it; everything else through `send`.
    """

    def __init__(self, scope: dict[str, Any], outbox: Outbox) -> None:
        self.send, self._tell, self._close = outbox.answer, outbox.tell, outbox.close
        self.mounted: Mounted | None = None
        self._scope = scope
        self._actor = Actor(lambda raised: self._failed(raised, None), outbox.has_room)
        self._conf = conf()
        self._subscriptions = Subscriptions(self._informed)
        self._extensions: tuple[Extension, ...] = ()
        self._grammar = dict(messages.CLIENT)
        self._bucket = Bucket(self._conf.events_per_second, burst=4 * self._conf.events_per_second)
        self._strikes = Strikes(3, per=60)
        self._failures = 0
        self._screen = Screen()
        self._language: str | None = None  # in which the last turn rendered the page
        self._spoken: str | None = None  # which is active in the task that reads from the socket
        self._snapshot = ""
        self._render_queued = False
        self._pass: Pass | None = None
        self._share = asyncio.Semaphore()
        self._works = Works(self._heard)
        self._results: dict[str, Result] = {}  # of works, before the view has been told

    # Life
    def start(self) -> None:
        self._actor.start()
        if settings.DEBUG:
            reloading.opened(self, self.rerender)
        self._actor.put_later(self._conf.mount_seconds, self._expect_mount)

    def close(self, code: int) -> None:
        if code == CloseCode.SESSION_ENDED:
            self._works.leave("")
        self._actor.end()
        self._close(code)

    def leave(self) -> None:
        """The socket is gone: no other turn begins."""
        self._actor.end()

    async def closed(self) -> None:
        """After that: waits for a handler that is running, then releases everything."""
        try:
            await self._actor.ended()
        finally:
            if self._pass is not None:
                self._pass.leave()
            for extension in self._extensions:
                try:
                    await extension.closed()
                except Exception:  # noqa: BLE001  (what is behind it may be away; the others close as well)
                    logger.exception("could not close an extension of a page")
            await self._subscriptions.close()
            self._works.leave(self._snapshot)
            if self._snapshot:
                await threads.run(partial(snapshots.touch, self._snapshot))

    # From the socket
    def received(self, raw: str) -> None:
        self._speak()
        try:
            message = messages.parse(raw, self._grammar, self._conf.max_message)
        except BadMessage as bad:
            self._refuse(bad)
            return
        if message["type"] not in messages.CLIENT:
            self._received_extension(message)
        elif not self._bucket.take() or self._actor.waiting >= self._conf.max_queue:
            self._limited(message.get("ref"))
        elif message["type"] == "heartbeat":
            self.send(messages.heartbeat())
        else:
            self._actor.put(partial(self._handle, message))

    def received_binary(self, frame: bytes) -> None:
        self._speak()
        if not any(extension.received_binary(frame) for extension in self._extensions):
            self.violation("unexpected binary message")

    def _speak(self) -> None:
        """The page's language, which turns know: here is the task that reads from the socket."""
        if self._spoken != self._language and self._language is not None:
            translation.activate(self._language)
            self._spoken = self._language

    def _received_extension(self, message: Message) -> None:
        for extension in self._extensions:
            if message["type"] in extension.messages:
                extension.received(message)

    def _refuse(self, bad: BadMessage) -> None:
        """The answer has the message's own ref: a form that waits for it must not wait for ever."""
        if isinstance(bad, TooLong) and bad.ref is not None:
            if self._bucket.take():
                most = number_format(self._conf.max_message, use_l10n=True, force_grouping=True)
                sentence = _("That is too long. The limit is %(most)s bytes.") % {"most": most}
                self.send(messages.error("too_large", sentence, ref=bad.ref))
            else:
                self._limited(bad.ref)
        else:
            self.violation(str(bad), bad.ref)

    async def _handle(self, message: Message) -> None:
        try:
            await self._handlers[message["type"]](self, message)
        except Exception as raised:  # noqa: BLE001  (the application's code may raise anything)
            self._failed(raised, message.get("ref"))

    def _limited(self, ref: int | str | None) -> None:
        sentence = _("Too many requests at once. Wait a moment and try again.")
        self.send(messages.error("rate_limited", sentence, ref=ref))
        if self._bucket.debt > 2 * self._bucket.burst:
            self.close(CloseCode.RATE)

    # Link, for extensions
    def violation(self, reason: str, ref: int | str | None = None) -> None:
        logger.info("protocol violation: %s", reason)
        self.send(messages.error("bad_message", _("The server didn't understand this page. Reload it."), ref=ref))
        if self._strikes.add():
            self.close(CloseCode.PROTOCOL)

    def rerender(self) -> None:
        if not self._render_queued:
            self._render_queued = True
            self._actor.put(self._rerender)

    def spawn(self, work: Awaitable[None]) -> None:
        self._actor.spawn(work)

    async def call(self, function: Callable[[], None]) -> bool:
        return await self._actor.in_turn(partial(self._turn, Call(function)))

    # Mount
    async def _expect_mount(self) -> None:
        """Takes its turn, so that a mount in progress counts."""
        if self.mounted is None:
            self.close(CloseCode.IDLE)

    async def _mount(self, message: Message) -> None:
        if message["protocol"] != messages.PROTOCOL:
            self.send(messages.reload())
        elif self.mounted is not None:
            self.violation("duplicate mount")
        else:
            match await threads.run(partial(mounting.mount, self._scope, message["url"], self._subscriptions)):
                case mounting.Moved(url):
                    self.send(messages.redirect(url))
                case mounting.Refused("server_error"):
                    self._failed(None, None)
                case mounting.Refused(code):
                    self.send(messages.error(code, _("This page can't be connected.")))
                case mounting.Accepted(mounted, standing):
                    await self._connect(mounted, standing, message["snapshot"])
            if self.mounted is None:
                await self._subscriptions.leave_all()

    async def _connect(self, mounted: Mounted, standing: Standing | None, wanted: str | None) -> None:
        if not self._admitted(standing):
            return
        turn = await self._attempt(mounted, Call(partial(snapshots.begin, mounted, wanted), is_fresh=True), None)
        if turn is None:
            for extension in mounted.extensions:
                await extension.closed()
            return
        if (payer := threads.payer.get()) is not None:
            payer.settle()
        self.mounted, self._screen = mounted, turn.screen
        beginning: snapshots.Beginning = turn.value
        self._snapshot = beginning.name
        self._extensions = mounted.extensions
        for extension in self._extensions:
            self._grammar |= extension.messages
        screen, most = turn.screen, self._conf.max_message
        self._tell(
            messages.mounted(screen.version, screen.html, screen.title, self._snapshot, beginning.restored, most)
        )
        if beginning.is_anothers:
            self._tell(messages.reload())
        for extension in self._extensions:
            extension.connected(self)
        self.spawn(self._watch(standing))
        await self._carry_out(turn.effects)
        self._works.resume(self._snapshot, mounted.attachments.works)

    def _admitted(self, standing: Standing | None) -> bool:
        """Who has no session shares threads with all others of the same address, whose sockets are counted already."""
        if standing is None:
            self._works.whose = f"address:{visitor_at((self._scope.get('client') or [''])[0])}"
            self._share = threads.share(self._works.whose)
            return True
        if self._pass is None:
            self._pass = here(_PerSession).enter(standing.key, self._conf.max_sockets)
        if self._pass is None:
            self.send(messages.error("too_many_sockets", _("This site is open in too many tabs. Close some.")))
            self.close(CloseCode.RATE)
            return False
        self._works.whose = standing.key
        self._share = threads.share(standing.key)
        return True

    async def _watch(self, standing: Standing | None) -> None:
        """Closes the socket when its session has ended; until then, keeps the visitor's snapshot from expiring."""
        with session_watch.watched(standing, partial(self.close, CloseCode.SESSION_ENDED)):
            while True:
                await asyncio.sleep(self._conf.snapshot_ttl / 4)
                await threads.run(partial(snapshots.touch, self._snapshot))

    # Turns
    async def _event(self, message: Message) -> None:
        call = self._find(message, "event")
        if call is not None and await self._take(call, message["ref"]):
            self._tell(messages.ack(message["ref"]))

    async def _call(self, message: Message) -> None:
        call = self._find(message, "function")
        if call is not None and (turn := await self._take(call, message["ref"])):
            self._tell(messages.result(message["ref"], turn.value))

    def _find(self, message: Message, kind: Kind) -> Call | None:
        """The call that a message asks for; None if it has been refused."""
        ref, mounted = message["ref"], self.mounted
        if mounted is None:
            self.send(messages.error("not_mounted", _("The page isn't connected yet."), ref=ref))
            return None
        handler = mounted.view.live_handlers.get(message["name"])
        if handler is None or handler.kind != kind:
            refused = messages.error("unknown_event", _("This page has no such action."), ref=ref)
            self._refuse_call(refused, advice.on_event(mounted, message["name"], kind))
            return None
        try:
            call = Call(handler.bind(mounted.view, message["params"]), handler.is_async, answers=kind == "function")
            mounted.filled_in(message["params"])
            return call
        except BadParams as bad:
            self._refuse_call(messages.error("bad_params", str(bad), ref=ref), f"{message['name']}: {bad}")
        except TypeError as wrong:
            self._failed(wrong, ref)
        return None

    def _refuse_call(self, refused: Message, reason: str) -> None:
        """A developer is told why; visitors aren't told what there is."""
        logger.log(logging.WARNING if settings.DEBUG else logging.INFO, "refused: %s", reason)
        self.send({**refused, "message": reason} if settings.DEBUG else refused)

    async def _url(self, message: Message) -> None:
        """The visitor went back or forward in the browser's history."""
        mounted, url = self.mounted, message["url"]
        if mounted is None or not urls.is_path(url):
            return
        parts = urlsplit(url)
        if parts.path == mounted.request.path:
            await self._turn(Call(partial(mounted.go_to, parts.query)))
        else:
            self.send(messages.redirect(url))

    async def _send_html(self, _message: Message) -> None:
        if self.mounted is not None:
            self._tell(messages.html(self._screen.version, self._screen.html))

    async def _rerender(self) -> None:
        self._render_queued = False
        await self._turn(Call(lambda: None))

    async def _turn(self, call: Call) -> bool:
        return await self._take(call) is not None

    async def _informed(self, topic: str, message: dict[str, Any]) -> None:
        """Waits for its turn: what a slow view can't keep up with stays in the channel layer, which has a limit."""

        async def inform() -> bool:
            if self.mounted is None:
                return False
            method = self.mounted.view.handle_info
            async with threads.unasked():
                return await self._turn(Call(partial(method, topic, message), inspect.iscoroutinefunction(method)))

        await self._actor.in_turn(inform)

    async def _take(self, call: Call, ref: int | None = None) -> Turn | None:
        """Takes one turn and sends its output. None if it failed, which the visitor has been told."""
        turn = await self._attempt(self.mounted, call, ref) if self.mounted is not None else None
        if turn is not None:
            await self._emit(turn)
        return turn

    async def _emit(self, turn: Turn) -> None:
        self._screen = turn.screen
        for message in turn.patches:
            self._tell(message)
        await self._carry_out(turn.effects)

    async def _attempt(self, mounted: Mounted, call: Call, ref: int | None) -> Turn | None:
        try:
            async with self._share:
                emit = self._emit if self.mounted is not None else None
                turn = await turns.take(mounted, call, self._screen, self._snapshot, emit)
        except Exception as raised:  # noqa: BLE001  (the application's code may raise anything)
            self._failed(raised, ref)
            return None
        self._failures, self._language = 0, translation.get_language()
        return turn

    def _failed(self, raised: Exception | None, ref: int | None) -> None:
        error_id = secrets.token_hex(4)
        where = type(self.mounted.view).__name__ if self.mounted is not None else "mounting"
        logger.error("%s failed [%s]", where, error_id, exc_info=raised)
        sentence = _("Something went wrong on our side.")
        if settings.DEBUG and raised is not None:
            sentence += f"\n{advice.last_lines(raised)}"
        self.send(messages.error("server_error", sentence, ref=ref, error_id=error_id))
        self._failures += 1
        if self._failures > 1:
            self.close(CloseCode.PROTOCOL)

    # What a turn asked for
    async def _carry_out(self, taken: list[Effect]) -> None:
        for effect in taken:
            match effect:
                case effects.Send(message):
                    self._tell(message)
                case effects.Address(url, replace):
                    self._tell(messages.url(url, replace))
                case effects.Redirect(url):
                    self._tell(messages.redirect(url))
                case effects.Flash(level, text):
                    self._tell(messages.flash(level, text))
                case effects.Broadcast(topic, message):
                    await pubsub.abroadcast(topic, message)
                case effects.Later() if not self._actor.is_over:
                    self._later(effect)
                case effects.Start(name, function) if not self._actor.is_over:
                    self._works.start(name, function)
                case effects.Stop(name):
                    self._works.cancel(name)
                case effects.Subscribe(topic) if not self._actor.is_over:
                    await self._subscriptions.subscribe(topic)
                case effects.Unsubscribe(topic) if not self._actor.is_over:
                    await self._subscriptions.unsubscribe(topic)

    def _later(self, effect: effects.Later) -> None:
        assert self.mounted is not None
        mounted, method = self.mounted, getattr(self.mounted.view, effect.name)
        call = Call(partial(method, **effect.params), inspect.iscoroutinefunction(method), is_fresh=effect.is_mounts)

        async def ring() -> None:
            mounted.attachments = mounted.attachments.rung(effect.key)
            async with threads.unasked():
                await self._turn(call)

        self._actor.put_later(effect.seconds, ring)

    # Background work
    def _heard(self, name: str, result: Result) -> None:
        """A view that is slower than its work hears the latest."""
        is_queued, self._results[name] = name in self._results, result
        if not is_queued:
            self._actor.put(partial(self._tell_result, name))

    async def _tell_result(self, name: str) -> None:
        result, mounted = self._results.pop(name), self.mounted
        if mounted is None:
            return
        if result.done:
            mounted.attachments = mounted.attachments.ended(name)
        method = mounted.view.handle_async
        await self._turn(Call(partial(method, name, result), inspect.iscoroutinefunction(method)))

    _handlers = {"mount": _mount, "event": _event, "call": _call, "url": _url, "html": _send_html}
