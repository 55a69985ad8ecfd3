"""The seeds' chunked endpoint: its contract, and what it must not do. (Seed: seeds/004.)"""

from __future__ import annotations

import hashlib
import random
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from liveview.tests.processes import Start, served
from uploads.tests.http.ways.raw import Answer, Wire
from uploads.tests.http.ways.server import Server
from uploads.tests.support import until

PATH = "/api/upload-chunk"
DATA = random.Random(4).randbytes(1_234_567)
SHA256 = hashlib.sha256(DATA).hexdigest()
STEP = 100_000
COUNT = 13
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


server = served(Server, processes=2)


def headers(upload_id: str, index: int, **changes: str) -> dict[str, str]:
    given = {
        "Content-Type": "application/octet-stream",
        "X-Upload-Id": upload_id,
        "X-Chunk-Index": str(index),
        "X-Chunk-Count": str(COUNT),
        "X-File-Name": quote(f"{upload_id} ü.dat"),
        "X-File-Size": str(len(DATA)),
    }
    return {**given, **{name.replace("_", "-"): value for name, value in changes.items()}}


def piece(index: int) -> bytes:
    return DATA[index * STEP : (index + 1) * STEP]


def send(server: Server, upload_id: str, index: int, process: int = 0, **changes: str) -> Answer:
    with Wire(server.ports[process]) as wire:
        return wire.ask("POST", PATH, headers(upload_id, index, **changes), piece(index))


def hashes(server: Server, upload_id: str) -> list[str]:
    return [facts["sha256"] for facts in server.kept() if facts["name"] == f"{upload_id} ü.dat"]


# The contract


def test_chunks_in_order_are_counted_and_the_last_one_names_the_file(server: Server) -> None:
    answers = [send(server, "in-order", index) for index in range(COUNT)]

    assert [answer.status for answer in answers] == COUNT * [200]
    assert [answer.json for answer in answers[:-1]] == [
        {"success": True, "chunksReceived": number} for number in range(1, COUNT)
    ]
    last = answers[-1].json
    assert last == {
        "success": True,
        "fileGuid": last["fileGuid"],
        "fileName": "in-order ü.dat",
        "fileSize": len(DATA),
    }
    assert GUID.fullmatch(last["fileGuid"])
    assert hashes(server, "in-order") == [SHA256]
    assert server.staged() == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_chunks_may_come_in_any_order(server: Server, seed: int) -> None:
    order = random.Random(seed).sample(range(COUNT), COUNT)

    answers = [send(server, f"order-{seed}", index) for index in order]

    assert "fileGuid" in answers[-1].json
    assert hashes(server, f"order-{seed}") == [SHA256]


def test_the_last_chunk_may_come_first(server: Server) -> None:
    for index in reversed(range(COUNT)):
        assert send(server, "backwards", index).status == 200

    assert hashes(server, "backwards") == [SHA256]


def test_a_single_chunk_is_a_file(server: Server) -> None:
    given = headers("single", 0, X_Chunk_Count="1")

    assert server.ask("POST", PATH, given, DATA).json["fileSize"] == len(DATA)
    assert hashes(server, "single") == [SHA256]


def test_chunks_come_in_parallel_to_two_processes_and_the_file_is_made_once(server: Server) -> None:
    with ThreadPoolExecutor(12) as pool:
        tries = [pool.submit(send, server, "parallel", index, process) for index in range(COUNT) for process in (0, 1)]
        answers = [attempt.result() for attempt in tries]

    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["fileGuid"] for answer in answers if "fileGuid" in answer.json}) == 1
    assert hashes(server, "parallel") == [SHA256]
    until(lambda: server.staged() == [])


@pytest.mark.parametrize("round_", range(5))
def test_the_last_two_chunks_may_come_together(server: Server, round_: int) -> None:
    name = f"together-{round_}"
    for index in range(COUNT - 2):
        send(server, name, index)
    with ThreadPoolExecutor(2) as pool:
        tries = [pool.submit(send, server, name, COUNT - 2 + number, number) for number in (0, 1)]
        answers = [attempt.result() for attempt in tries]

    assert {answer.status for answer in answers} == {200}
    assert any("fileGuid" in answer.json for answer in answers)
    assert hashes(server, name) == [SHA256]


def test_a_chunk_may_come_again_before_and_after_the_end(server: Server) -> None:
    assert send(server, "again", 0).json["chunksReceived"] == 1
    assert send(server, "again", 0).json["chunksReceived"] == 1
    first = [send(server, "again", index) for index in range(COUNT)][-1]

    again = send(server, "again", 3)

    assert (again.status, again.json) == (200, first.json)
    assert len(hashes(server, "again")) == 1


def test_a_chunk_that_is_still_coming_again_when_the_file_is_made_gets_the_same_answer(server: Server) -> None:
    with Wire(server.ports[0]) as slow:
        slow.begin("POST", PATH, {**headers("slow", 0), "Content-Length": str(STEP)})
        slow.send(piece(0)[:1000])
        until(server.staged)  # it is known, and isn't there yet
        first = [send(server, "slow", index, 1) for index in range(COUNT)][-1]
        until(lambda: server.staged() == [])

        slow.send(piece(0)[1000:])
        again = slow.answer("POST")

    assert (again.status, again.json) == (200, first.json)
    assert hashes(server, "slow") == [SHA256]


def test_what_comes_again_with_other_bytes_changes_nothing(server: Server) -> None:
    send(server, "other", 0)
    server.ask("POST", PATH, headers("other", 0), bytes(STEP))
    for index in range(1, COUNT):
        send(server, "other", index)

    assert hashes(server, "other") == [SHA256]


def test_chunks_survive_the_death_of_the_server(start: Start) -> None:
    server = start(Server, processes=2)
    for index in range(6):
        send(server, "killed", index)
    server.kill()
    server.start()

    assert send(server, "killed", 6).json["chunksReceived"] == 7
    for index in range(7, COUNT):
        send(server, "killed", index)
    assert hashes(server, "killed") == [SHA256]


def test_a_chunk_that_is_cut_off_does_not_count(server: Server) -> None:
    send(server, "cut", 0)
    with Wire(server.port) as wire:
        wire.begin("POST", PATH, {**headers("cut", 1), "Content-Length": str(STEP)})
        wire.send(piece(1)[:-1])
        wire.reset()

    assert send(server, "cut", 2).json["chunksReceived"] == 2
    for index in range(1, COUNT):
        last = send(server, "cut", index)
    assert "fileGuid" in last.json
    assert hashes(server, "cut") == [SHA256]


# What it refuses


@pytest.mark.parametrize("upload_id", ["../x", "/etc/passwd", "a/b", "a\\b", "x" * 129, "a b", "%2e%2e%2f", "caf\xe9"])
def test_an_id_that_could_be_a_path_is_not_found(server: Server, upload_id: str) -> None:
    before = server.staged()

    answer = server.ask("POST", PATH, {**headers("x", 0), "X-Upload-Id": upload_id}, piece(0))

    assert (answer.status, answer.error) == (404, "unknown_ref")
    assert server.staged() == before


@pytest.mark.parametrize("upload_id", ["..", "a.b", "constructor", "__proto__", "CON", "x" * 128])
def test_a_clients_id_never_becomes_a_files_name(server: Server, upload_id: str) -> None:
    given = {**headers("odd", 0), "X-Upload-Id": upload_id}

    assert server.ask("POST", PATH, given, piece(0)).status in (200, 400, 404)
    assert all(re.fullmatch(r"[0-9a-f]{32}(\.map)?", name) for name in server.staged())


@pytest.mark.parametrize("name", ["X-Chunk-Index", "X-Chunk-Count", "X-File-Size"])
@pytest.mark.parametrize("value", ["", "abc", "-1", "1e3", "٣", "+1", str(2**63), "1.0", "0x1", " "])
def test_a_malformed_number_is_refused(server: Server, name: str, value: str) -> None:
    given = {**headers("number", 0), name: value.encode().decode("latin-1")}

    answer = server.ask("POST", PATH, given, piece(0))

    assert (answer.status, answer.error) == (400, "bad_header")
    assert answer.json["success"] is False


@pytest.mark.parametrize("name", ["X-Upload-Id", "X-Chunk-Count"])
def test_a_header_that_is_missing_is_refused_in_the_seeds_words(server: Server, name: str) -> None:
    answer = server.ask("POST", PATH, without(name, headers("missing", 0)), piece(0))

    assert answer.status == 400
    assert answer.json == {
        "success": False,
        "error": "Missing headers",
        "code": "missing_header",
        "message": "A header of this request is missing.",
    }


def without(name: str, given: dict[str, str]) -> dict[str, str]:
    return {other: value for other, value in given.items() if other != name}


# What isn't said has the seed's defaults


def test_a_file_without_a_name_is_unknown_and_a_chunk_without_a_number_the_first(server: Server) -> None:
    given = headers("nameless", 0, X_Chunk_Count="1")
    for name in ("X-File-Name", "X-Chunk-Index", "X-File-Size"):
        given = without(name, given)

    answer = server.ask("POST", PATH, given, DATA).json

    assert (answer["fileName"], answer["fileSize"]) == ("unknown", len(DATA))
    (kept,) = [facts for facts in server.kept() if facts["name"] == "unknown"]
    assert kept["sha256"] == SHA256


@pytest.mark.parametrize("order", ["in order", "parallel", "last one early"])
def test_the_chunks_of_a_file_say_how_large_it_is(server: Server, order: str) -> None:
    name, before = f"sizeless-{order.replace(' ', '-')}", server.staged()

    def send_one(index: int) -> Answer:
        return server.ask("POST", PATH, without("X-File-Size", headers(name, index)), piece(index))

    indices = [0, COUNT - 1, *range(1, COUNT - 1)] if order == "last one early" else list(range(COUNT))
    answers = [send_one(indices[0])]
    with ThreadPoolExecutor(6 if order == "parallel" else 1) as pool:
        answers += pool.map(send_one, indices[1:])

    assert {answer.status for answer in answers} == {200}
    (finished,) = {answer.json["fileGuid"]: answer.json for answer in answers if "fileGuid" in answer.json}.values()
    assert finished["fileSize"] == len(DATA)
    assert hashes(server, name) == [SHA256]
    again = send_one(COUNT - 1)
    assert (again.status, again.json["fileGuid"]) == (200, finished["fileGuid"])
    until(lambda: server.staged() == before)


def test_the_last_chunk_of_a_file_of_unknown_size_can_not_be_the_first(server: Server) -> None:
    before = server.staged()

    answer = server.ask("POST", PATH, without("X-File-Size", headers("sizeless", COUNT - 1)), piece(COUNT - 1))

    assert (answer.status, answer.error) == (400, "missing_header")
    assert server.staged() == before


@pytest.mark.parametrize("says_size", [True, False])
@pytest.mark.parametrize("first", [0, 1])
def test_a_small_rest_may_be_part_of_the_last_chunk(server: Server, says_size: bool, first: int) -> None:
    """As resumable.js sends it unless it is told otherwise."""
    name, data = f"rest-{says_size}-{first}", DATA[: 3 * STEP - 1]
    given = {**headers(name, 0), "X-Chunk-Count": "2", "X-File-Size": str(len(data))}
    given = given if says_size else without("X-File-Size", given)
    parts = [data[:STEP], data[STEP:]]
    order = [0, 1] if first == 0 or not says_size else [1, 0]

    answers = [server.ask("POST", PATH, {**given, "X-Chunk-Index": str(index)}, parts[index]) for index in order]

    assert [answer.status for answer in answers] == [200, 200], answers[-1].body
    assert hashes(server, name) == [hashlib.sha256(data).hexdigest()]


def test_a_last_chunk_that_is_too_long_for_the_others_is_refused(server: Server) -> None:
    given = {**without("X-File-Size", headers("overlong", 0)), "X-Chunk-Count": "2"}
    assert server.ask("POST", PATH, given, piece(0)).status == 200

    answer = server.ask("POST", PATH, {**given, "X-Chunk-Index": "1"}, 2 * piece(1))

    assert (answer.status, answer.error) == (400, "bad_body")
    assert server.ask("POST", PATH, {**given, "X-Chunk-Index": "1"}, piece(1)).json["fileSize"] == 2 * STEP


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("100% gut.dat", "100% gut.dat"),
        ("a%zz.dat", "a%zz.dat"),
        ("a%2.dat", "a%2.dat"),
        ("%ff.dat", "%ff.dat"),
        ("caf\xe9.dat", "café.dat"),
        ("ü 1.dat".encode().decode("latin-1"), "ü 1.dat"),
        ("50%25.dat", "50%.dat"),
    ],
)
def test_a_name_that_nobody_escaped_is_taken_as_it_is(server: Server, given: str, name: str) -> None:
    one = headers(f"raw-{hashlib.md5(given.encode()).hexdigest()}", 0, X_Chunk_Count="1", X_File_Name=given)

    assert server.ask("POST", PATH, one, DATA).json["fileName"] == name


@pytest.mark.parametrize(
    "changes",
    [
        {"X_Chunk_Index": "13"},
        {"X_Chunk_Index": "14"},
        {"X_Chunk_Count": "0"},
        {"X_Chunk_Count": "11"},
        {"X_Chunk_Count": "14"},
        {"X_Chunk_Count": "10001"},
        {"X_File_Size": "1200000"},
        {"X_File_Size": "1400000"},
        {"X_File_Size": "1"},
    ],
)
def test_numbers_that_do_not_fit_together_are_refused(server: Server, changes: dict[str, str]) -> None:
    assert send(server, "misfit", 0, **changes).status == 400


@pytest.mark.parametrize(("count", "body"), [("1", b"!"), ("2", b""), ("2", b"!")])
def test_a_file_of_no_bytes_is_one_chunk_of_no_bytes(server: Server, count: str, body: bytes) -> None:
    before = server.staged()

    answer = server.ask("POST", PATH, headers("nothing", 0, X_File_Size="0", X_Chunk_Count=count), body)

    assert (answer.status, answer.error) == (400, "bad_header")
    assert server.staged() == before


def test_a_file_that_is_refused_leaves_nothing_and_may_come_again_corrected(server: Server) -> None:
    before = server.staged()
    good = b"\x89PNG\r\n\x1a\n" + DATA[:1000]
    given = headers("corrected", 0, X_Chunk_Count="1", X_File_Name="a.png", X_File_Size=str(len(good)))

    refused = server.ask("POST", PATH, given, DATA[: len(good)])
    left = server.staged()
    again = server.ask("POST", PATH, given, good)

    assert (refused.status, refused.error) == (415, "type_mismatch")
    assert left == before
    assert (again.status, again.json["fileName"]) == (200, "a.png")
    (kept,) = [facts for facts in server.kept() if facts["name"] == "a.png"]
    assert kept["sha256"] == hashlib.sha256(good).hexdigest()
    assert server.staged() == before


def test_a_file_is_called_what_it_may_be_called(server: Server) -> None:
    given = headers("label", 0, X_Chunk_Count="1", X_File_Name=quote("up/a\r\n\u202eb.dat", safe=""))

    assert server.ask("POST", PATH, given, DATA).json["fileName"] == "a  b.dat"


def test_numbers_may_not_change_between_chunks(server: Server) -> None:
    send(server, "changed", 0)

    assert send(server, "changed", 1, X_File_Name="other.dat").status == 409
    assert send(server, "changed", 1, X_File_Size=str(len(DATA) + 1)).status == 409
    twice = {**headers("changed", 0), "X-Chunk-Count": "7"}
    assert server.ask("POST", PATH, twice, DATA[: 2 * STEP]).status == 409
    assert send(server, "changed", 1).json["chunksReceived"] == 2


def test_a_chunk_of_another_length_is_refused(server: Server) -> None:
    send(server, "length", 0)

    for data in (piece(1)[:-1], piece(1) + b"!", b""):
        assert server.ask("POST", PATH, headers("length", 1), data).status == 400
    assert send(server, "length", 1).json["chunksReceived"] == 2


def test_a_body_must_say_how_long_it_is_and_be_plain(server: Server) -> None:
    with Wire(server.port) as wire:
        wire.begin("POST", PATH, {**headers("coding", 0), "Transfer-Encoding": "chunked"})
        wire.send_chunk(b"hello")
        wire.send_chunk(b"")
        assert wire.answer().status == 411
    assert send(server, "coding", 0, Content_Encoding="gzip").status == 415


@pytest.mark.parametrize("name", ["", "a%00.dat", "%20", "x" * 300, "a\tb.dat"])
def test_a_name_that_cannot_be_read_is_refused(server: Server, name: str) -> None:
    answer = send(server, "name", 0, X_File_Name=name)

    assert (answer.status, answer.error) == (400, "bad_name")


def test_a_size_that_is_not_taken_is_refused(server: Server) -> None:
    answer = send(server, "size", 0, X_File_Size="300000001", X_Chunk_Count="3001")

    assert (answer.status, answer.error) == (413, "too_large")


def test_an_empty_file_is_one_chunk_of_nothing_where_those_are_taken(server: Server) -> None:
    given = headers("empty", 0, X_File_Size="0", X_Chunk_Count="1")

    assert server.ask("POST", PATH, given).json["fileSize"] == 0
    assert hashes(server, "empty") == [hashlib.sha256().hexdigest()]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "TRACE"])
def test_only_post_sends(server: Server, method: str) -> None:
    answer = server.ask(method, PATH, headers("method", 0))

    assert (answer.status, answer.headers["Allow"]) == (405, "OPTIONS, POST")


# Whose it is


def test_the_same_id_of_another_visitor_is_another_upload(server: Server) -> None:
    mine, other = server.cookie(), server.cookie()

    assert send(server, "shared", 0, Cookie=mine).json["chunksReceived"] == 1
    assert send(server, "shared", 1, Cookie=mine).json["chunksReceived"] == 2
    assert send(server, "shared", 2, Cookie=other).json["chunksReceived"] == 1
    assert send(server, "shared", 3).json["chunksReceived"] == 1
    assert send(server, "shared", 4, Cookie=mine).json["chunksReceived"] == 3


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_another_sites_page_is_refused_before_its_body_is_read(server: Server, origin: str) -> None:
    with Wire(server.port) as wire:
        wire.begin("POST", PATH, {**headers("foreign", 0), "Content-Length": str(STEP), "Origin": origin})
        answer = wire.answer()

    assert (answer.status, answer.error) == (403, "bad_origin")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_listed_sites_page_may_send_and_read(server: Server) -> None:
    listed = "https://listed.example"

    answer = send(server, "listed", 0, Origin=listed)
    preflight = server.ask("OPTIONS", PATH, {"Origin": listed, "Access-Control-Request-Method": "POST"})

    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, listed)
    for name in ("Content-Type", "X-Upload-Id", "X-Chunk-Index", "X-Chunk-Count", "X-File-Name", "X-File-Size"):
        assert name in preflight.headers["Access-Control-Allow-Headers"]
