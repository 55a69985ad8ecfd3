"""What all connections and requests of one address cost together, so that nobody begins anew who comes again.

Each connection has a budget of its own while it lasts. But connections are free: a handshake costs more than the frames
after it, and a page more than its request. So an address has an account, which is charged for its connections until
their pages are mounted, for its requests, threads included, and for what its sockets still owed when they ended.

An address that has taken more than is free is let in by turns: one request at a time, sessions that have taken least
first. While others need the processor these are a quarter of its time at most, and while nobody does there are no
pauses: a crowded office notices nothing. Who waits too long is refused, and so is who comes while too many wait.

`LIVEVIEW["SHARED_ADDRESSES"]` names addresses that stand for everybody, such as that of a proxy that doesn't say for
whom it asks: there each session has an account, and who has none isn't charged beyond their connection.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar

from django.conf import settings

from liveview.conf import conf
from liveview.core.addresses import is_within
from liveview.core.limits import Bucket
from liveview.core.time_budget import FREE as SOCKETS_FREE
from liveview.core.time_budget import TimeBudget
from liveview.daphne.turns import PAUSE, REMEMBERED, Turns
from liveview.process import here

RATE: Final = 0.05  # seconds of the processor's time a second that an address has for nothing
FREE: Final = 0.5  # seconds at once, after which it is let in by turns
MOST_WAITING: Final = 200  # of an address
PATIENCE: Final = 10.0  # seconds that one waits
REFUSALS: Final = (20.0, 100.0)  # answers to whom we can't take, per second and at once; others find the door closed
KEPT: Final = 10_000  # addresses, and sessions of one, that are remembered

LOOK_EVERY: Final = 0.2  # seconds between two looks at who needs the processor
BUSY: Final = 0.75  # of it, from where on it is crowded
LATE: Final = 0.004  # seconds by which turns are late, from where on it is as well: other programs may be busy, too
OTHERS: Final = 0.01  # of it, for whoever hasn't taken too much: they are there


T = TypeVar("T")


class Visits:
    """How long the pauses between the turns of requests and handshakes are: as long as others need."""

    def __init__(self) -> None:
        self._others = 0.0  # seconds, of all who haven't taken too much: pages, and whoever seldom asks
        self.typical = 0.0  # seconds that one costs
        self._pause = 0.0
        self._looked = time.monotonic(), time.process_time()

    def learn(self, cost: float) -> None:
        self.typical += (cost - self.typical) / REMEMBERED

    def charge(self, seconds: float, size: int = 0, kept: float = 0.0, pieces: int = 0) -> None:
        """As of a `TimeBudget`, for one of the others."""
        self._others += seconds

    def pause(self) -> float:
        at, used = self._looked
        now = time.monotonic()
        if now - at >= LOOK_EVERY:
            self._looked = now, time.process_time()
            is_busy = self._looked[1] - used > BUSY * (now - at)
            others, self._others = self._others, 0.0
            is_crowded = (is_busy or here(Turns).late > LATE) and others > OTHERS * (now - at)
            step = 1.0 if is_crowded else -1.0
            self._pause = min(float(PAUSE), max(0.0, self._pause + step))
        return self._pause


class Account:
    """An address's."""

    def __init__(self) -> None:
        self.budget = TimeBudget(math.inf, rate=RATE)
        self.waiting = 0
        self._refusals = Bucket(*REFUSALS)
        self._sessions: OrderedDict[str, TimeBudget] = OrderedDict()

    @property
    def is_full(self) -> bool:
        return self.waiting >= MOST_WAITING

    @property
    def is_closed(self) -> bool:
        """Whether whoever comes isn't even answered. To be asked once for each."""
        return self.is_full and not self._refusals.take()

    def of_session(self, session: str) -> TimeBudget:
        """Who has none shares with all of the address who have none."""
        return _recent(self._sessions, session, lambda: TimeBudget(math.inf, rate=RATE)) if session else self.budget


class Accounts:
    """Those of this process."""

    def __init__(self) -> None:
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        self._shared = tuple(conf().shared_addresses)

    def of(self, network: str, session: str = "") -> Account:
        if is_within(network, self._shared):
            if not session:
                return Account()
            network = f"{network} {session}"
        return _recent(self._accounts, network, Account)

    def is_closed(self, network: str) -> bool:
        account = self._accounts.get(network)
        return account is not None and account.is_closed


def _recent(known: OrderedDict[str, T], key: str, make: Callable[[], T]) -> T:
    """What is known by this key, or a new one; the oldest are forgotten."""
    found = known.pop(key, None)
    known[key] = found = make() if found is None else found
    if len(known) > KEPT:
        known.popitem(last=False)
    return found


class Payer:
    """One request, or one socket, on the account of its address."""

    def __init__(self, account: Account, own: TimeBudget) -> None:
        self._account, self._own = account, own
        self._loop = asyncio.get_running_loop()
        self._has_turn = self._is_over = False
        self._is_greedy = False  # its address had taken too much, however crowded it was
        self._cost = 0.0  # seconds
        self._paused_for = 0.0  # seconds of it for which the pause is arranged

    def charge(self, seconds: float, size: int = 0, kept: float = 0.0, pieces: int = 0) -> None:
        """As of a `TimeBudget`; but no byte is free."""
        if self._is_over:
            return
        self._owe(seconds)
        self._cost += seconds
        if self._has_turn:
            self._pause_for(self._cost)
        if not self._is_greedy:
            here(Visits).charge(seconds)

    def took(self, seconds: float) -> None:
        self._loop.call_soon_threadsafe(self.charge, seconds)

    def settle(self) -> None:
        """It is answered, or its page is mounted: from now on it has the limits of a page."""
        if not self._is_over:
            self._is_over = True
            here(Visits).learn(self._cost)

    def inherit(self, ended: TimeBudget) -> None:
        """What a socket owed when it ended: who opens the next one doesn't begin anew."""
        self._owe(max(0.0, ended.owed))

    def open(self, budget: TimeBudget) -> None:
        """A socket begins, which has a budget of its own: with nothing in it, if its address had to take turns."""
        if self._has_turn:
            budget.owe(SOCKETS_FREE)

    @property
    def needs_turn(self) -> bool:
        """What is free shrinks as it gets crowded: having many addresses doesn't help."""
        return not self._has_turn and self._account.budget.owed > FREE * (1 - here(Visits).pause() / PAUSE)

    async def turn(self) -> bool:
        """Returns when it may go on, or False if it has to go."""
        account, turns = self._account, here(Turns)
        if account.is_full:
            return False
        begun = self._loop.create_future()

        def go_on() -> None:
            if not begun.done():
                begun.set_result(None)

        account.waiting += 1
        turns.ask(self._own, go_on, here(Visits).pause, begins=True)
        try:
            async with asyncio.timeout(PATIENCE):
                await begun
        except TimeoutError:
            return False
        finally:
            account.waiting -= 1
            turns.forget(go_on)
        self._has_turn, self._is_greedy = True, account.budget.owed > FREE
        self._pause_for(here(Visits).typical)  # most of what it costs comes later, when others may have begun
        return True

    def _pause_for(self, cost: float) -> None:
        more = max(0.0, cost - self._paused_for)
        self._paused_for += more
        here(Turns).delay(more, here(Visits).pause())

    def _owe(self, seconds: float) -> None:
        self._account.budget.owe(seconds)
        if self._own is not self._account.budget:
            self._own.owe(seconds)


def session_of(head: bytes) -> str:
    """The session that a request's head, or its cookies, name. Whether there is one isn't known yet."""
    name = re.escape(settings.SESSION_COOKIE_NAME.encode())
    found = re.search(rb"[\s;]" + name + rb"=([^\s;]{1,128})", b" " + head)
    return found[1].decode("latin-1") if found else ""


def payer_of(network: str, session: str) -> Payer:
    """For a request, or a socket, from there. `session` is what its cookies name, if anything."""
    account = here(Accounts).of(network, session)
    return Payer(account, account.of_session(session))
