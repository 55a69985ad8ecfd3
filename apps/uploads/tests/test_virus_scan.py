"""The hook for a virus scanner, against a stand-in that speaks clamd's protocol."""

from __future__ import annotations

import logging
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.sessions.backends.cache import SessionStore

from liveview import LiveView
from uploads import UploadError, UploadMixin, UploadWriter, intakes
from uploads.virus_scan import Clamd, everywhere

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class StandIn(socketserver.BaseRequestHandler):
    """clamd, as far as INSTREAM goes, with the size limit of its StreamMaxLength."""

    most = 1_000_000

    def handle(self) -> None:
        assert self._read(10) == b"zINSTREAM\0"
        data = b""
        while size := struct.unpack("!I", self._read(4))[0]:
            data += self._read(size)
            if len(data) > self.most:
                self.request.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                return
        self.request.sendall(b"stream: Eicar-Test-Signature FOUND\0" if EICAR in data else b"stream: OK\0")

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.request.recv(size - len(data))
            assert more
            data += more
        return data


@pytest.fixture(params=["tcp", "unix"])
def clamd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    made: socketserver.BaseServer
    if request.param == "tcp":
        made = socketserver.ThreadingTCPServer(("127.0.0.1", 0), StandIn)
        address = f"tcp://127.0.0.1:{made.server_address[1]}"
    else:
        made = socketserver.ThreadingUnixStreamServer(str(tmp_path / "clamd"), StandIn)
        address = f"unix://{tmp_path / 'clamd'}"
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield address
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def entry(tmp_path: Path) -> Callable[[bytes], Any]:
    def make(data: bytes) -> Any:
        (tmp_path / "staged").write_bytes(data)
        return SimpleNamespace(path=tmp_path / "staged")

    return make


def refusal(scan: Clamd, entry: Any) -> str:
    with pytest.raises(UploadError) as refused:
        scan(entry)
    return refused.value.code


@pytest.mark.parametrize("data", [b"", b"harmless", bytes(900_000)])
def test_a_harmless_file_passes(clamd: str, entry: Callable[[bytes], Any], data: bytes) -> None:
    Clamd(clamd)(entry(data))


def test_malware_is_refused(clamd: str, entry: Callable[[bytes], Any], caplog: pytest.LogCaptureFixture) -> None:
    for away in ("refuse", "accept"):
        assert refusal(Clamd(clamd, away=away), entry(b"%PDF" + bytes(500_000) + EICAR)) == "infected"  # type: ignore[arg-type]
    assert "Eicar-Test-Signature" in caplog.text


def test_what_is_too_large_for_the_scanner_is_not_called_clean(clamd: str, entry: Callable[[bytes], Any]) -> None:
    assert refusal(Clamd(clamd), entry(bytes(2_000_000))) == "busy"


def nobody() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("address", [nobody(), "unix:///nonexistent/clamd"], ids=["tcp", "unix"])
def test_while_it_is_away_its_site_decides(
    entry: Callable[[bytes], Any], address: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert refusal(Clamd(address), entry(b"harmless")) == "busy"

    with caplog.at_level(logging.WARNING):
        Clamd(address, away="accept")(entry(b"harmless"))
    assert "virus scan failed" in caplog.text


def test_one_that_hangs_is_away(entry: Callable[[bytes], Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        assert refusal(Clamd(address, seconds=0.1), entry(b"harmless")) == "busy"


@pytest.mark.parametrize("address", ["", "clamd", "http://x:1", "tcp://x", "unix://"])
def test_an_address_that_cannot_be_one_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="tcp://host:port"):
        Clamd(address)


def test_one_setting_has_every_staged_file_looked_at(clamd: str, entry: Callable[[bytes], Any], settings: Any) -> None:
    assert everywhere() == ()
    settings.UPLOADS = {**settings.UPLOADS, "CLAMD": clamd}
    (scan,) = everywhere()
    scan(entry(b"harmless"))
    with pytest.raises(UploadError) as refused:
        scan(entry(EICAR))
    assert refused.value.code == "infected"
    made = intakes.register("scanned", receive=lambda received: None)
    intakes.unregister("scanned")
    assert [type(validator) for validator in made.slot.validators] == [Clamd]


def test_a_slot_is_scanned_unless_its_bytes_are_elsewhere(settings: Any, rf: Any) -> None:
    slots: dict[str, Any] = {}

    class Papers(UploadMixin, LiveView):
        _uploads = SimpleNamespace(slots=slots)  # type: ignore[assignment]
        connected = False

    settings.UPLOADS = {**settings.UPLOADS, "CLAMD": "tcp://127.0.0.1:1"}
    view = Papers()
    view.request = rf.get("/")
    view.request.session = SessionStore()
    view.allow_upload("staged", accept=".pdf")
    view.allow_upload("written", accept=".pdf", writer=UploadWriter)
    assert [len(slots[name].validators) for name in ("staged", "written")] == [1, 0]
