"""tus 1.0: uploads that are terminated, and those that expire."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from liveview.tests.processes import Start
from uploads.staging.leftovers import UNTOUCHED
from uploads.tests.http.tus.files import kept
from uploads.tests.http.ways.server import Server
from uploads.tests.http.ways.tus import TUS, create, head, located, metadata, patch
from uploads.tests.support import until

# Termination


def test_a_terminated_upload_is_gone(server: Server) -> None:
    path = create(server, 10)
    patch(server, path, 0, b"hello")

    assert server.ask("DELETE", path, TUS).status == 204
    assert head(server, path).status == 404
    assert patch(server, path, 5, b"world").status == 404
    assert server.ask("DELETE", path, TUS).status == 404
    assert path[-32:] not in server.staged()


def test_a_finished_file_stays_when_its_upload_is_terminated(server: Server) -> None:
    path = create(server, 5, Upload_Metadata=metadata(filename="stays.dat"))
    patch(server, path, 0, b"hello")

    assert server.ask("DELETE", path, TUS).status == 204
    assert head(server, path).status == 404
    assert len(kept(server, "stays.dat")) == 1


# Expiration


def test_an_upload_says_when_it_expires(server: Server) -> None:
    created = server.ask("POST", "/tus/", {**TUS, "Upload-Length": "10"})
    patched = patch(server, located(created), 0, b"hello")

    for answer in (created, patched, head(server, located(created))):
        assert parsedate_to_datetime(answer.headers["Upload-Expires"]).tzinfo is not None
        assert answer.headers["Upload-Expires"].endswith(" GMT")


def test_a_finished_upload_does_not_expire(server: Server) -> None:
    path = create(server, 5)

    assert "Upload-Expires" not in patch(server, path, 0, b"hello").headers
    assert "Upload-Expires" not in head(server, path).headers


def test_an_expired_upload_is_gone_and_a_finished_file_stays(start: Start) -> None:
    server = start(Server, UPLOAD_STATE_TTL=1, STALE_AFTER=1)
    done = create(server, 5, Upload_Metadata=metadata(filename="done.dat"))
    patch(server, done, 0, b"hello")
    path = create(server, 10)
    end = parsedate_to_datetime(patch(server, path, 0, b"hello").headers["Upload-Expires"])
    until(lambda: datetime.now(UTC) > end + timedelta(seconds=1))  # nobody asks: that would lengthen it
    long_ago = time.time() - 2 * UNTOUCHED
    os.utime(server.folder / "staging" / path[-32:], (long_ago, long_ago))

    server.manage("uploads_prune")

    assert path[-32:] not in server.staged()
    assert head(server, path).status == 404
    assert len(kept(server, "done.dat")) == 1
