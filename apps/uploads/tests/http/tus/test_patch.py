"""tus 1.0: bytes are appended, of a length that is known before or later."""

from __future__ import annotations

import hashlib

import pytest

from uploads.tests.http.tus.files import DATA, kept
from uploads.tests.http.ways.raw import Wire
from uploads.tests.http.ways.server import Server
from uploads.tests.http.ways.tus import BODY, TUS, create, head, metadata, offset, patch, patching
from uploads.tests.support import until

# PATCH


def test_patch_appends(server: Server) -> None:
    path = create(server, len(DATA), Upload_Metadata=metadata(filename="parts.dat"))

    answers = [patch(server, path, start, DATA[start : start + 70_000]) for start in range(0, len(DATA), 70_000)]

    ends = [min(start + 70_000, len(DATA)) for start in range(0, len(DATA), 70_000)]
    assert [(answer.status, answer.headers["Upload-Offset"]) for answer in answers] == [(204, str(end)) for end in ends]
    assert kept(server, "parts.dat") == [hashlib.sha256(DATA).hexdigest()]


def test_patch_of_another_type_is_refused(server: Server) -> None:
    path = create(server, 5)

    for kind in ("application/octet-stream", "text/plain", ""):
        assert patch(server, path, 0, b"hello", Content_Type=kind).status == 415
    assert offset(server, path) == 0


def test_patch_at_another_offset_writes_nothing(server: Server) -> None:
    path = create(server, 10)
    patch(server, path, 0, b"hello")

    assert [patch(server, path, start, b"x").status for start in (0, 4, 6, 10, 11)] == 5 * [409]
    assert offset(server, path) == 5


@pytest.mark.parametrize("value", ["", "-1", "+0", "0x0", "zero", "0.0", "9" * 17])
def test_patch_with_an_offset_that_is_no_number_is_refused(server: Server, value: str) -> None:
    path = create(server, 5)

    assert server.ask("PATCH", path, {**patching(0), "Upload-Offset": value}, b"hello").status == 400
    assert offset(server, path) == 0


def test_patch_without_an_offset_is_refused(server: Server) -> None:
    path = create(server, 5)

    assert server.ask("PATCH", path, {**TUS, "Content-Type": BODY}, b"hello").status == 400


def test_patch_past_the_length_is_never_stored(server: Server) -> None:
    path = create(server, 5)

    answer = patch(server, path, 0, b"hello!")

    assert (answer.status, answer.error) == (413, "too_large")
    assert offset(server, path) == 0
    assert server.staged_bytes(path[-32:]) == 0


def test_a_chunked_patch_past_the_length_is_never_stored(server: Server) -> None:
    path = create(server, 5)

    with Wire(server.port) as wire:
        wire.begin("PATCH", path, {**patching(0), "Transfer-Encoding": "chunked"})
        wire.send_chunk(b"hell")
        until(lambda: server.staged_bytes(path[-32:]) == 4)
        wire.send_chunk(b"o, what a surprise")
        wire.send_chunk(b"")
        answer = wire.answer()

    assert (answer.status, answer.error) == (413, "too_large")
    assert server.ask("HEAD", path, TUS).status == 404  # as on every way in, what goes past its end is over
    assert server.staged_bytes(path[-32:]) == 0


def test_a_chunked_patch_is_as_good_as_any(server: Server) -> None:
    path = create(server, 10, Upload_Metadata=metadata(filename="chunked.dat"))

    with Wire(server.port) as wire:
        wire.begin("PATCH", path, {**patching(0), "Transfer-Encoding": "chunked"})
        for piece in (b"hello", b"world", b""):
            wire.send_chunk(piece)
        assert wire.answer().status == 204

    assert kept(server, "chunked.dat") == [hashlib.sha256(b"helloworld").hexdigest()]


def test_an_empty_patch_changes_nothing(server: Server) -> None:
    path = create(server, 10)
    patch(server, path, 0, b"hello")

    answer = patch(server, path, 5)

    assert (answer.status, answer.headers["Upload-Offset"]) == (204, "5")


def test_a_lost_last_answer_can_be_asked_for_again(server: Server) -> None:
    path = create(server, 5, Upload_Metadata=metadata(filename="again.dat"))
    patch(server, path, 0, b"hello")

    again = patch(server, path, 5)

    assert (again.status, again.headers["Upload-Offset"]) == (204, "5")
    assert patch(server, path, 0, b"hello").status == 409
    assert patch(server, path, 5, b"!").status == 413
    assert offset(server, path) == 5
    assert len(kept(server, "again.dat")) == 1


def test_a_compressed_body_is_refused(server: Server) -> None:
    path = create(server, 5)

    assert patch(server, path, 0, b"hello", Content_Encoding="gzip").status == 415
    assert offset(server, path) == 0


# Deferred length


def test_a_length_may_come_later_and_only_once(server: Server) -> None:
    path = create(server, Upload_Defer_Length="1", Upload_Metadata=metadata(filename="later.dat"))
    first = head(server, path)
    patch(server, path, 0, b"hello")
    between = head(server, path)

    assert patch(server, path, 5, b"", Upload_Length="10").status == 204
    assert patch(server, path, 5, b"", Upload_Length="11").status == 400
    known = head(server, path)
    assert patch(server, path, 5, b"world").status == 204

    for answer, at in ((first, "0"), (between, "5")):
        assert (answer.headers["Upload-Defer-Length"], answer.headers["Upload-Offset"]) == ("1", at)
        assert "Upload-Length" not in answer.headers
    assert known.headers["Upload-Length"] == "10" and "Upload-Defer-Length" not in known.headers
    assert kept(server, "later.dat") == [hashlib.sha256(b"helloworld").hexdigest()]


def test_a_deferred_length_may_come_with_the_last_bytes(server: Server) -> None:
    path = create(server, Upload_Defer_Length="1", Upload_Metadata=metadata(filename="last.dat"))
    patch(server, path, 0, b"hello")

    assert patch(server, path, 5, b"world", Upload_Length="10").status == 204
    assert kept(server, "last.dat") == [hashlib.sha256(b"helloworld").hexdigest()]


@pytest.mark.parametrize(("length", "status"), [("4", 400), ("-1", 400), ("x", 400), ("300000001", 413)])
def test_a_deferred_length_is_looked_at_before_it_counts(server: Server, length: str, status: int) -> None:
    path = create(server, Upload_Defer_Length="1")
    patch(server, path, 0, b"hello")

    assert patch(server, path, 5, b"!", Upload_Length=length).status == status
    after = head(server, path)
    assert (after.headers["Upload-Offset"], after.headers["Upload-Defer-Length"]) == ("5", "1")
