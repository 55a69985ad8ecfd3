"""tus 1.0: an upload is created, with its metadata, and says how far it is."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urljoin

import pytest

from uploads.tests.http.tus.files import DATA, kept
from uploads.tests.http.ways.server import Server
from uploads.tests.http.ways.tus import BODY, TUS, checksum, create, head, located, metadata, offset, patch

# Creation


@pytest.mark.parametrize("at", ["/tus/", "/tus/pictures/"])
def test_a_new_upload_has_an_address_that_is_right_behind_any_proxy(server: Server, at: str) -> None:
    """One may take a part off the beginning of every path: to the client all are below it."""
    name = metadata(filename="a.png")
    answer = server.ask("POST", at, {**TUS, "Upload-Length": "100", "Upload-Metadata": name})

    assert answer.status == 201
    seen = urljoin(f"https://example.com/app{at}", answer.headers["Location"])
    assert re.fullmatch(rf"https://example\.com/app{at}[0-9a-f]{{32}}", seen)
    assert offset(server, seen.removeprefix("https://example.com/app")) == 0
    assert "Upload-Offset" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upload-Length": "5", "Upload-Defer-Length": "1"},
        {"Upload-Defer-Length": "2"},
        {"Upload-Defer-Length": ""},
        *({"Upload-Length": value} for value in ("", "-1", "+1", "1e3", "1.0", "٣", "five", "9" * 17, "1, 1")),
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
    assert offset(server, located(answer)) == 5


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
        "caf\xe9 aGk=",
        "filename aGk=,\xa0x aGk=",
        "filename aGk=,\x1fx aGk=",
        "filename aGk=\xa0",
        "filename aGk=,\tx aGk=",
    ],
)
def test_metadata_that_cannot_be_read_is_refused(server: Server, raw: str) -> None:
    answer = server.ask("POST", "/tus/", {**TUS, "Upload-Length": "5", "Upload-Metadata": raw})

    assert (answer.status, answer.error) == (400, "bad_header")


@pytest.mark.parametrize("raw", [",", "filename aGkuZGF0,", ",filename  aGkuZGF0 , note", "filename aGkuZGF0,,x  "])
def test_commas_and_blanks_that_mean_nothing_are_passed_over(server: Server, raw: str) -> None:
    assert head(server, create(server, 5, Upload_Metadata=raw)).headers["Upload-Metadata"] == raw.strip()


def test_a_long_name_comes_as_often_as_uppy_sends_it(server: Server) -> None:
    name = "照" * 251 + ".dat"
    raw = metadata(relativePath=f"{'照' * 150}/{name}", name=name, type="", filetype="", filename=name)

    path = create(server, 5, Upload_Metadata=raw)
    patch(server, path, 0, b"hello")

    assert head(server, path).headers["Upload-Metadata"] == raw
    assert kept(server, name) == [hashlib.sha256(b"hello").hexdigest()]


def test_metadata_that_is_too_long_is_told_as_that(server: Server) -> None:
    raw = metadata(filename="a.dat", note="x" * 6000)

    answer = server.ask("POST", "/tus/", {**TUS, "Upload-Length": "5", "Upload-Metadata": raw})

    assert (answer.status, answer.error) == (431, "header_too_long")


@pytest.mark.parametrize("concat", ["partial", "final;/tus/a /tus/b"])
def test_parallel_parts_are_refused_in_plain_words(server: Server, concat: str) -> None:
    headers = {**TUS, "Upload-Length": "5", "Upload-Concat": concat, "Origin": "https://listed.example"}

    answer = server.ask("POST", "/tus/", headers)

    assert (answer.status, answer.error) == (501, "no_concatenation")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://listed.example"


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
