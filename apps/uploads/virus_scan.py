"""A validator that has a virus scanner look at each file: clamd, by its own protocol.

self.allow_upload("papers", accept=".pdf", validators=[Clamd("unix:///run/clamav/clamd.ctl")])
"""

from __future__ import annotations

import logging
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from uploads.conf import conf
from uploads.errors import UploadError
from uploads.sentences import gettext_noop as _

if TYPE_CHECKING:
    from uploads.entries.entry import UploadEntry

logger = logging.getLogger("uploads")

_BLOCK: Final = 1 << 18  # bytes
_MOST_SAID: Final = 4096  # of an answer


def everywhere() -> tuple[Callable[[UploadEntry], None], ...]:
    """The validator of every slot whose bytes are staged: `UPLOADS["CLAMD"]`, if that names a scanner."""
    return (Clamd(conf().clamd),) if conf().clamd else ()


class Clamd:
    """Asks the clamd at `address`, `tcp://host:port` or `unix:///path`, and refuses what it finds as `infected`.

    The bytes are sent to it (INSTREAM), so it needn't reach the staging folder. It has `seconds` for each step. While
    it is away, or can't say, a file is refused as `busy`, so that its visitor tries again; with `away="accept"` it is
    let through, and the log has a line. Where bytes aren't staged here, as with a writer, there is nothing to send.
    """

    def __init__(self, address: str, *, away: Literal["refuse", "accept"] = "refuse", seconds: float = 60) -> None:
        parts = urlsplit(address)
        self._unix = parts.path if parts.scheme == "unix" else ""
        self._tcp = (parts.hostname or "", parts.port or 0) if parts.scheme == "tcp" else ("", 0)
        if not self._unix and not all(self._tcp):
            raise ValueError(f"a clamd is at tcp://host:port or unix:///path, not at {address!r}")
        if away not in ("refuse", "accept"):
            raise ValueError(f'away is "refuse" or "accept", not {away!r}')
        self._away, self._seconds = away, seconds

    def __call__(self, entry: UploadEntry) -> None:
        try:
            said = self._ask(entry)
        except OSError as failure:
            said = f"{failure} ERROR"
        if said.endswith(" FOUND"):
            logger.warning("virus scanner found %r", said[:200])
            raise UploadError("infected", _("A virus scanner found something in this file."))
        if said != "stream: OK":
            logger.warning("virus scan failed: %r", said[:200])
            if self._away == "refuse":
                raise UploadError("busy")

    def _ask(self, entry: UploadEntry) -> str:
        with self._connected() as clamd, entry.path.open("rb") as file:
            clamd.sendall(b"zINSTREAM\0")
            while block := file.read(_BLOCK):
                clamd.sendall(struct.pack("!I", len(block)) + block)
            clamd.sendall(struct.pack("!I", 0))
            said = b""
            while not said.endswith(b"\0") and len(said) < _MOST_SAID and (more := clamd.recv(_MOST_SAID)):
                said += more
        return said.rstrip(b"\0\n").decode("utf-8", "replace")

    def _connected(self) -> socket.socket:
        if not self._unix:
            return socket.create_connection(self._tcp, self._seconds)
        clamd = socket.socket(socket.AF_UNIX)
        clamd.settimeout(self._seconds)
        try:
            clamd.connect(self._unix)
        except OSError:
            clamd.close()
            raise
        return clamd
