"""The `LIVEVIEW` setting: a dict whose absent keys have the defaults below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings

from liveview.core.pace import Rates
from liveview.setting_types import PositiveFloat, PositiveInt, latest

MAX_BODY: Final = 10_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Conf:
    """Times are seconds, sizes bytes."""

    layout: str = "liveview/layout.html"  # the page around a view's own template
    title_suffix: str = ""  # behind the title of every page
    socket_path: str = "/live/"
    threads: PositiveInt = 32  # sync handlers and renders that may run at the same time in one process
    snapshot_ttl: PositiveInt = 3600  # how long a visitor can be away and still find the page as they left it
    max_message: PositiveInt = 65_536  # of a text message
    max_queue: PositiveInt = 64  # events of one socket that may wait for their turn
    events_per_second: PositiveFloat = 50  # sustained, of one socket; bursts up to four times that
    session_check: PositiveFloat = 4  # how often a socket checks that its session is still valid
    mount_seconds: PositiveFloat = 30  # that a socket may be open before its page is mounted
    max_sockets: PositiveInt = 50  # of one session in one process
    max_sockets_per_address: int = 500  # in one process; an IPv6 address counts by its /64; 0 is no limit
    # Whose visitors aren't told apart by their address, such as a proxy's that doesn't say for whom it asks
    shared_addresses: Sequence[str] = ()
    proxies: int = 1  # your own that append to X-Forwarded-For; used if the server has --proxy-headers
    max_body: int = MAX_BODY  # of a request; for the paths that body_limits doesn't name; see `conf`
    body_limits: Sequence[tuple[str, int]] = ()  # (prefix of the path, bytes); the longest prefix wins
    body_rate: int = 1024  # bytes a second below which a body is too slow
    body_seconds: PositiveFloat = 30  # over which that is measured
    body_mean_rate: int = 8192  # bytes a second below which a body is too slow on the whole
    body_grace: PositiveFloat = 600  # seconds that it may fall behind that
    loop_seconds: PositiveFloat = 5  # of the event loop's time that a connection may owe before it is closed
    header_seconds: PositiveFloat = 20  # from a request's first byte to the end of its headers
    shutdown_seconds: float = 10  # for running requests to finish when the server is told to stop
    jobs: str = "threads"  # who does them: "threads" of the server, "procrastinate" (workers), or a dotted path
    job_threads: PositiveInt = 2  # jobs that may run at the same time in one process; tasks may have their own limits
    job_lease: PositiveFloat = 30  # without a sign of life after which whoever had a job has lost it
    job_grace: float = 20  # for running jobs to finish when a worker is told to stop; then they are handed back

    @property
    def body_pace(self) -> Rates:
        return Rates(self.body_rate, self.body_seconds, self.body_mean_rate, self.body_grace)


def conf() -> Conf:
    """What isn't set has the defaults above; but a site that raises Django's limit for bodies raises these as well."""
    return _made(getattr(settings, "LIVEVIEW", {}), largest=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


@latest
def _made(values: dict[str, Any], *, largest: int | None) -> Conf:
    given: dict[str, Any] = {key.lower(): value for key, value in values.items()}
    if isinstance(shared := given.get("shared_addresses"), str):
        given["shared_addresses"] = tuple(shared.replace(",", " ").split())
    given.setdefault("max_body", max(MAX_BODY, largest or 0))
    return Conf(**given)
