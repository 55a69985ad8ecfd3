"""tus 1.0, line by line, against a real server. (https://tus.io/protocols/resumable-upload)"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import pytest

from .support import until
from .ways.raw import Wire
from .ways.server import Server
from .ways.tus import BODY, TUS, checksum, create, head, metadata, offset, patch, patching

DATA = random.Random(1).randbytes(300_000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("tus")).start()
    yield server
    server.kill()


def kept(server: Server, name: str) -> list[str]:
    """The hashes of the files of that name that were handed over."""
    return [facts["sha256"] for facts in server.kept() if facts["name"] == name]


# OPTIONS and the version


@pytest.mark.parametrize("version", [{}, {"Tus-Resumable": "1.0.0"}, {"Tus-Resumable": "0.2.2"}])
def test_options_is_answered_whatever_the_version(server: Server, version: dict[str, str]) -> None:
    answer = server.ask("OPTIONS", "/tus/", version)

    assert answer.status == 204
    assert answer.headers["Tus-Resumable"] == answer.headers["Tus-Version"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "expiration",
        "checksum",
        "termination",
    }
    assert answer.headers["Tus-Max-Size"] == "300000000"
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"


@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
@pytest.mark.parametrize("version", [{}, {"Tus-Resumable": "0.2.2"}, {"Tus-Resumable": "1.0.1"}])
def test_another_version_is_refused_and_nothing_done(server: Server, method: str, version: dict[str, str]) -> None:
    path = create(server, 5)
    headers = {**version, "Upload-Length": "5", "Upload-Offset": "0", "Content-Type": BODY}

    answer = server.ask(method, "/tus/" if method == "POST" else path, headers, b"hello" if method == "PATCH" else b"")

    assert (answer.status, answer.headers["Tus-Version"]) == (412, "1.0.0")
    assert "Location" not in answer.headers
    assert offset(server, path) == 0


def test_every_answer_names_the_version(server: Server) -> None:
    path = create(server, 5)

    answers = [
        server.ask("POST", "/tus/", {**TUS, "Upload-Length": "-1"}),
        server.ask("GET", path, TUS),
        head(server, "/tus/" + 32 * "0"),
        head(server, path),
        patch(server, path, 3, b"lo"),
        patch(server, path, 0, b"hello"),
    ]

    assert [answer.headers["Tus-Resumable"] for answer in answers] == 6 * ["1.0.0"]


@pytest.mark.parametrize("method", ["GET", "PUT", "TRACE"])
def test_other_methods_are_not_allowed(server: Server, method: str) -> None:
    answer = server.ask(method, create(server, 5), TUS)

    assert answer.status == 405
    assert "PATCH" in answer.headers["Allow"]


# Creation


def test_a_new_upload_has_an_address_without_scheme_and_host(server: Server) -> None:
    answer = server.ask("POST", "/tus/", {**TUS, "Upload-Length": "100"})

    assert answer.status == 201
    assert answer.headers["Location"].startswith("/tus/")
    assert len(answer.headers["Location"].removeprefix("/tus/")) == 32
    assert "Upload-Offset" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upload-Length": "5", "Upload-Defer-Length": "1"},
        {"Upload-Defer-Length": "2"},
        {"Upload-Defer-Length": ""},
        *({"Upload-Length": value} for value in ("", "-1", "+1", "1e3", "1.0", "٣", "five", "9" * 17, "1, 1")),
        {"Upload-Length": "5", "Upload-Concat": "partial"},
    ],
)
def test_a_length_that_is_missing_or_wrong_is_refused(server: Server, headers: dict[str, str]) -> None:
    headers = {name: value.encode().decode("latin-1") for name, value in headers.items()}

    answer = server.ask("POST", "/tus/", {**TUS, **headers})

    assert (answer.status, answer.error) == (400, "bad_header")
    assert "Location" not in answer.headers


def test_a_length_over_the_maximum_is_refused(server: Server) -> None:
    answer = server.ask("POST", "/tus/", {**TUS, "Upload-Length": "300000001"})

    assert (answer.status, answer.error) == (413, "too_large")


def test_an_empty_file_is_complete_at_once(server: Server) -> None:
    path = create(server, 0, Upload_Metadata=metadata(filename="empty.dat"))

    assert offset(server, path) == 0
    assert kept(server, "empty.dat") == [hashlib.sha256().hexdigest()]


def test_an_intake_may_take_no_empty_files(server: Server) -> None:
    headers = {**TUS, "Upload-Length": "0", "Upload-Metadata": metadata(filename="a.png")}

    answer = server.ask("POST", "/tus/pictures/", headers)

    assert (answer.status, answer.error) == (400, "empty")


def test_creation_may_bring_bytes(server: Server) -> None:
    headers = {**TUS, "Upload-Length": "10", "Content-Type": BODY}

    answer = server.ask("POST", "/tus/", headers, b"hello")

    assert (answer.status, answer.headers["Upload-Offset"]) == (201, "5")
    assert offset(server, answer.headers["Location"]) == 5


def test_creation_may_bring_all_bytes(server: Server) -> None:
    name = metadata(filename="at once.dat")
    headers = {**TUS, "Upload-Length": str(len(DATA)), "Content-Type": BODY, "Upload-Metadata": name}

    answer = server.ask("POST", "/tus/", headers, DATA)

    assert (answer.status, answer.headers["Upload-Offset"]) == (201, str(len(DATA)))
    assert kept(server, "at once.dat") == [hashlib.sha256(DATA).hexdigest()]


def test_creation_with_a_body_of_another_type_is_refused(server: Server) -> None:
    headers = {**TUS, "Upload-Length": "10", "Content-Type": "application/json"}

    assert server.ask("POST", "/tus/", headers, b"{}").status == 415


def test_creation_with_more_bytes_than_announced_makes_nothing(server: Server) -> None:
    before = server.staged()

    answer = server.ask("POST", "/tus/", {**TUS, "Upload-Length": "3", "Content-Type": BODY}, b"hello")

    assert answer.status == 413
    assert server.staged() == before


# Metadata


def test_metadata_comes_back_as_it_was(server: Server) -> None:
    raw = f"{metadata(filename='Ein Film 🎬.dat')},is_confidential,x-y {checksum(b'').split()[1]}"

    assert head(server, create(server, 5, Upload_Metadata=raw)).headers["Upload-Metadata"] == raw


@pytest.mark.parametrize(
    "raw",
    [
        "filename aGk=,filename aGk=",
        "filename a-Gk",
        "filename aG",
        "filename /w==",
        "filename aGk= aGk=",
        ",",
        "caf\xe9 aGk=",
        "filename aGk=,\xa0x aGk=",
        "filename aGk=,\x1fx aGk=",
        "filename aGk=\xa0",
        "filename aGk=,\tx aGk=",
        f"filename {'QUFB' * 500}",
    ],
)
def test_metadata_that_cannot_be_read_is_refused(server: Server, raw: str) -> None:
    answer = server.ask("POST", "/tus/", {**TUS, "Upload-Length": "5", "Upload-Metadata": raw})

    assert (answer.status, answer.error) == (400, "bad_header")


def test_line_breaks_in_metadata_stay_in_it(server: Server) -> None:
    raw = metadata(filename="a\r\nSet-Cookie: b=c.txt", note="x\r\nX: y")

    answer = head(server, create(server, 5, Upload_Metadata=raw))

    assert answer.headers["Upload-Metadata"] == raw
    assert "Set-Cookie" not in answer.headers and "X" not in answer.headers


# HEAD


def test_head_says_how_far_it_is(server: Server) -> None:
    path = create(server, 10)
    patch(server, path, 0, b"hello")

    answer = head(server, path)

    assert answer.status == 200
    assert answer.headers["Upload-Offset"] == "5"
    assert answer.headers["Upload-Length"] == "10"
    assert "Upload-Defer-Length" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/tus/" + 32 * "0", "/tus/x", "/tus/..%2f..%2fetc", "/tus/a/b/c", "/tus/files/"])
def test_head_of_what_is_not_there_has_no_offset(server: Server, path: str) -> None:
    answer = head(server, path)

    assert answer.status in (404, 405)
    assert "Upload-Offset" not in answer.headers


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
    assert offset(server, path) == 4
    assert patch(server, path, 4, b"o").status == 204


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


# Checksum


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_chunk_with_the_right_checksum_counts(server: Server, algorithm: str) -> None:
    path = create(server, len(DATA), Upload_Metadata=metadata(filename=f"{algorithm}.dat"))

    assert patch(server, path, 0, DATA, Upload_Checksum=checksum(DATA, algorithm)).status == 204
    assert kept(server, f"{algorithm}.dat") == [hashlib.sha256(DATA).hexdigest()]


def test_a_long_chunk_with_a_checksum_waits_on_the_disk(server: Server) -> None:
    data = DATA * 10
    path = create(server, len(data), Upload_Metadata=metadata(filename="long.dat"))

    assert patch(server, path, 0, data, Upload_Checksum=checksum(data)).status == 204
    assert kept(server, "long.dat") == [hashlib.sha256(data).hexdigest()]


@pytest.mark.parametrize("data", [b"hello", DATA])
def test_a_chunk_with_another_checksum_is_discarded(server: Server, data: bytes) -> None:
    path = create(server, 2 * len(data))
    patch(server, path, 0, data[:3])

    assert patch(server, path, 3, data, Upload_Checksum=checksum(data + b"!")).status == 460
    assert offset(server, path) == 3


@pytest.mark.parametrize("value", ["md5 aGk=", "crc32 aGk=", "sha1 ***", "", "sha1"])
def test_an_unknown_checksum_is_refused(server: Server, value: str) -> None:
    path = create(server, 5)

    assert patch(server, path, 0, b"hello", Upload_Checksum=value).status in (400, 460)
    assert patch(server, path, 0, b"hello", Upload_Checksum="md5 aGk=").status == 400
    assert offset(server, path) == 0


def test_what_was_cut_before_its_checksum_could_be_told_does_not_count(server: Server) -> None:
    path = create(server, len(DATA))

    with Wire(server.port) as wire:
        wire.begin("PATCH", path, {**patching(0, Upload_Checksum=checksum(DATA)), "Content-Length": str(len(DATA))})
        wire.send(DATA[:-1])
        wire.reset()

    assert offset(server, path) == 0


# Expiration


def test_an_upload_says_when_it_expires(server: Server) -> None:
    created = server.ask("POST", "/tus/", {**TUS, "Upload-Length": "10"})
    patched = patch(server, created.headers["Location"], 0, b"hello")

    for answer in (created, patched, head(server, created.headers["Location"])):
        assert parsedate_to_datetime(answer.headers["Upload-Expires"]).tzinfo is not None
        assert answer.headers["Upload-Expires"].endswith(" GMT")


def test_a_finished_upload_does_not_expire(server: Server) -> None:
    path = create(server, 5)

    assert "Upload-Expires" not in patch(server, path, 0, b"hello").headers
    assert "Upload-Expires" not in head(server, path).headers


def test_an_expired_upload_is_gone_and_a_finished_file_stays(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = Server(tmp_path_factory.mktemp("brief"), UPLOAD_STATE_TTL=1, STALE_AFTER=1).start()
    try:
        done = create(server, 5, Upload_Metadata=metadata(filename="done.dat"))
        patch(server, done, 0, b"hello")
        path = create(server, 10)
        patch(server, path, 0, b"hello")

        until(lambda: server.manage("uploads_prune") and path[-32:] not in server.staged())

        assert head(server, path).status == 404
        assert len(kept(server, "done.dat")) == 1
    finally:
        server.kill()


# Method override


@pytest.mark.parametrize("origin", [{}, {"Origin": "own"}])
def test_a_post_may_stand_for_another_method(server: Server, origin: dict[str, str]) -> None:
    path = create(server, 5)
    origin = {"Origin": server.url} if origin else {}

    patched = server.ask("POST", path, {**patching(0), "X-HTTP-Method-Override": "PATCH", **origin}, b"hel")
    deleted = server.ask("POST", path, {**TUS, "X-HTTP-Method-Override": "DELETE", **origin})

    assert (patched.status, patched.headers["Upload-Offset"]) == (204, "3")
    assert deleted.status == 204
    assert head(server, path).status == 404


def test_a_post_stands_for_nothing_else(server: Server) -> None:
    path = create(server, 5)

    for method in ("HEAD", "GET", "OPTIONS", "MERGE"):
        assert server.ask("POST", path, {**TUS, "X-HTTP-Method-Override": method}).status == 405


def test_a_post_from_another_site_is_what_it_is(server: Server) -> None:
    path = create(server, 5)
    headers = {**TUS, "X-HTTP-Method-Override": "DELETE", "Origin": "https://listed.example"}

    assert server.ask("POST", path, headers).status == 405
    assert head(server, path).status == 200
