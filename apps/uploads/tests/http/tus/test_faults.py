"""tus when the network, the server or another client gets in the way."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from liveview.tests.processes import Start, served
from liveview.tests.redis import Redis
from uploads.tests.http.ways.drip import Drip
from uploads.tests.http.ways.raw import Wire
from uploads.tests.http.ways.server import Server, hashes
from uploads.tests.http.ways.tus import TUS, create, head, metadata, offset, patch, patching
from uploads.tests.support import until

DATA = random.Random(2).randbytes(400_000)
HALF = len(DATA) // 2
OTHER = random.Random(3).randbytes(len(DATA))
SHA256 = hashlib.sha256(DATA).hexdigest()

Connect = Callable[[Server], Wire]


server = served(Server)
redis = served(Redis)
patient = served(Server, processes=2, SILENCE=120)  # no slow machine leads them to think that somebody is silent


@pytest.fixture(scope="module", params=["database", "redis"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two processes of one site."""
    url = request.getfixturevalue("redis").url if request.param == "redis" else ""
    with Server(tmp_path_factory.mktemp("pair"), processes=2, redis_url=url) as server:
        yield server


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connections that nobody needs to close."""
    with ExitStack() as stack:
        yield lambda server: stack.enter_context(Wire(server.port))


def begin_patch(wire: Wire, path: str, start: int, size: int) -> None:
    wire.begin("PATCH", path, {**patching(start), "Content-Length": str(size)})


def send_half(server: Server, wire: Wire, path: str) -> None:
    """Returns when the first half of a PATCH is on the server's disk."""
    begin_patch(wire, path, 0, len(DATA))
    wire.send(DATA[:HALF])
    until(lambda: server.staged_bytes(path[-32:]) == HALF)


def new(server: Server, name: str, at: str = "/tus/", **headers: str) -> str:
    return create(server, len(DATA), at, Upload_Metadata=metadata(filename=name), **headers)


# Cuts


@pytest.mark.parametrize("how", ["reset", "close"])
def test_what_arrived_before_a_cut_stays(server: Server, how: str, connect: Connect) -> None:
    path = new(server, f"{how}.dat")
    wire = connect(server)
    send_half(server, wire, path)
    wire.reset() if how == "reset" else wire.socket.close()

    assert offset(server, path) == HALF
    assert patch(server, path, HALF, DATA[HALF:]).status == 204
    assert hashes(server, f"{how}.dat") == [SHA256]


def test_a_replay_of_a_cut_patch_changes_nothing(server: Server, connect: Connect) -> None:
    """Browsers send a request again when its connection was cut, without asking anyone."""
    path = new(server, "replay.dat")
    wire = connect(server)
    send_half(server, wire, path)
    wire.reset()
    until(lambda: patch(server, path, HALF).status == 204)  # no longer busy

    assert patch(server, path, 0, DATA).status == 409
    assert patch(server, path, HALF, DATA[HALF:]).status == 204
    assert hashes(server, "replay.dat") == [SHA256]


def test_a_file_whose_last_answer_could_not_be_given_is_complete(server: Server, connect: Connect) -> None:
    path = new(server, "unanswered.dat")
    wire = connect(server)
    wire.begin("PATCH", path, {**patching(0), "Transfer-Encoding": "chunked"})
    wire.send_chunk(DATA)
    until(lambda: server.staged_bytes(path[-32:]) == len(DATA))
    wire.reset()

    assert offset(server, path) == len(DATA)
    assert hashes(server, "unanswered.dat") == [SHA256]


def test_a_creation_whose_body_is_cut_leaves_nothing(server: Server, connect: Connect) -> None:
    before = server.staged()
    headers = {**TUS, "Upload-Length": str(len(DATA)), "Content-Type": patching(0)["Content-Type"]}
    wire = connect(server)
    wire.begin("POST", "/tus/", {**headers, "Content-Length": str(len(DATA))})
    wire.send(DATA[:HALF])
    until(lambda: server.staged() != before)
    wire.reset()

    until(lambda: server.staged() == before)


def test_bytes_survive_the_death_of_the_server(start: Start, connect: Connect) -> None:
    server = start(Server)
    path = new(server, "killed.dat")
    wire = connect(server)
    send_half(server, wire, path)
    server.kill()
    server.start()

    assert offset(server, path) == HALF
    assert patch(server, path, HALF, DATA[HALF:]).status == 204
    assert hashes(server, "killed.dat") == [SHA256]


# Silence


def test_head_takes_over_from_a_silent_patch_and_late_bytes_change_nothing(server: Server, connect: Connect) -> None:
    path = new(server, "silent.dat")
    silent = connect(server)
    send_half(server, silent, path)

    assert offset(server, path) == HALF
    silent.send(OTHER[HALF : HALF + 50_000])
    assert patch(server, path, HALF, DATA[HALF : HALF + 100_000]).status == 204
    silent.send(OTHER[HALF + 50_000 :])

    assert (silent.answer().status, offset(server, path)) == (409, HALF + 100_000)
    assert patch(server, path, HALF + 100_000, DATA[HALF + 100_000 :]).status == 204
    assert hashes(server, "silent.dat") == [SHA256]


def test_another_process_takes_over_from_a_silent_patch(pair: Server, connect: Connect) -> None:
    path = new(pair, "silent.dat")
    silent = connect(pair)
    send_half(pair, silent, path)

    with Wire(pair.ports[1]) as wire:
        answer = wire.ask("HEAD", path, TUS)
    assert (answer.status, answer.headers["Upload-Offset"]) == (200, str(HALF))

    silent.send(OTHER[HALF:])
    assert silent.answer().status == 409
    with Wire(pair.ports[1]) as wire:
        assert wire.ask("PATCH", path, patching(HALF), DATA[HALF:]).status == 204
    assert hashes(pair, "silent.dat") == [SHA256]


def test_a_patch_continues_where_a_silent_one_has_lost_its_lease(server: Server, connect: Connect) -> None:
    path = new(server, "forgotten.dat")
    silent = connect(server)
    send_half(server, silent, path)

    until(lambda: patch(server, path, HALF, DATA[HALF:]).status == 204)
    silent.send(OTHER[HALF:])

    assert silent.answer().status == 409
    assert hashes(server, "forgotten.dat") == [SHA256]


# Company


def test_a_second_patch_is_told_that_the_upload_is_busy(patient: Server) -> None:
    path = new(patient, "busy.dat")
    with Wire(patient.port) as wire:
        begin_patch(wire, path, 0, len(DATA))
        with Drip(wire, DATA):
            until(lambda: patient.staged_bytes(path[-32:]) > 0)

            assert patch(patient, path, 0, OTHER).status == 423


def test_another_process_is_told_that_the_upload_is_busy(patient: Server) -> None:
    path = new(patient, "busy.dat")
    with Wire(patient.port) as wire:
        begin_patch(wire, path, 0, len(DATA))
        with Drip(wire, DATA):
            until(lambda: patient.staged_bytes(path[-32:]) > 0)

            def told(method: str, headers: dict[str, str]) -> int:
                with Wire(patient.ports[1]) as other:
                    return other.ask(method, path, headers).status

            with ThreadPoolExecutor(3) as pool:  # each is kept waiting before it is told
                asked = pool.map(told, ("PATCH", "HEAD", "DELETE"), (patching(0), TUS, TUS))
            assert list(asked) == [423, 423, 423]


def test_of_patches_at_the_same_offset_one_counts(server: Server) -> None:
    path = new(server, "race.dat")
    step, at = 50_000, 0
    with ThreadPoolExecutor(8) as pool:
        while at < len(DATA):
            piece = DATA[at : at + step]
            tries = [pool.submit(patch, server, path, at, piece) for _ in range(8)]
            statuses = sorted(attempt.result().status for attempt in tries)
            assert statuses.count(204) == 1
            assert set(statuses) <= {204, 409, 413, 423}  # 413: the file was complete by then
            at += len(piece)

    assert hashes(server, "race.dat") == [SHA256]


def test_processes_take_turns(pair: Server) -> None:
    path, step = new(pair, "turns.dat"), 30_000

    for number, at in enumerate(range(0, len(DATA), step)):
        with Wire(pair.ports[number % 2]) as wire:
            assert wire.ask("PATCH", path, patching(at), DATA[at : at + step]).status == 204

    assert hashes(pair, "turns.dat") == [SHA256]


# The end


def test_a_file_that_is_refused_leaves_nothing(server: Server) -> None:
    path = new(server, "bad.fail", "/tus/judged/")

    answer = patch(server, path, 0, DATA)

    assert (answer.status, answer.error) == (422, "bad_content")
    assert head(server, path).status == 404
    assert path[-32:] not in server.staged()


def test_a_file_of_another_type_is_refused_at_its_first_bytes(server: Server) -> None:
    path = create(server, 400_000, "/tus/pictures/", Upload_Metadata=metadata(filename="cute.png"))
    with Wire(server.port) as wire:
        begin_patch(wire, path, 0, len(DATA))
        wire.send(b"MZ" + DATA[:10_000])
        answer = wire.answer()

    assert (answer.status, answer.error) == (415, "type_mismatch")
    assert head(server, path).status == 404
    assert path[-32:] not in server.staged()


@pytest.mark.parametrize(("name", "status"), [("a.exe", 415), ("a.svg", 415), ("a", 415), ("\0.png", 400)])
def test_a_name_that_is_not_taken_is_refused_before_a_byte_is_sent(server: Server, name: str, status: int) -> None:
    headers = {**TUS, "Upload-Length": "10", "Upload-Metadata": metadata(filename=name)}

    assert server.ask("POST", "/tus/pictures/", headers).status == status


def test_an_unknown_intake_is_not_found(server: Server) -> None:
    assert server.ask("POST", "/tus/nothing/", {**TUS, "Upload-Length": "10"}).status == 404


def test_an_intake_that_fails_gets_the_file_again(server: Server) -> None:
    path = new(server, "moody.dat", "/tus/moody/")

    failed = patch(server, path, 0, DATA)

    assert (failed.status, failed.error) == (500, "server_error")
    assert "not today" not in failed.body.decode()
    assert offset(server, path) == len(DATA)
    assert hashes(server, "moody.dat") == [SHA256]


def test_a_file_is_handed_over_once_however_long_that_takes(pair: Server, connect: Connect) -> None:
    gate, judging = pair.folder / "wait", pair.folder / "judging"
    judging.unlink(missing_ok=True)
    gate.touch()
    path = new(pair, "slow.wait", "/tus/judged/")
    wire = connect(pair)
    begin_patch(wire, path, 0, len(DATA))
    wire.send(DATA)
    until(judging.exists)
    wire.reset()

    def told(port: int) -> int:
        with Wire(port) as asking:
            return asking.ask("HEAD", path, TUS).status

    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(told, pair.ports)] == [423, 423]  # after more seconds than a lease has
    gate.unlink()

    until(lambda: head(pair, path).status == 200)
    with Wire(pair.ports[1]) as other:
        assert other.ask("HEAD", path, TUS).headers["Upload-Offset"] == str(len(DATA))
    assert hashes(pair, "slow.wait") == [SHA256]


def test_memory_does_not_grow_with_the_file(start: Start) -> None:
    """Ten times what memory may grow by, in one PATCH."""
    server, block, sent = start(Server), os.urandom(1_000_000), hashlib.sha256()
    small, large = (
        create(server, 1_000_000),
        create(server, 400_000_000, "/tus/large/", Upload_Metadata=metadata(filename="large")),
    )
    patch(server, small, 0, block)
    before = server.peak()
    with Wire(server.port) as wire:
        begin_patch(wire, large, 0, 400_000_000)
        for _ in range(400):
            wire.send(block)
            sent.update(block)
        assert wire.answer().status == 204

    assert hashes(server, "large") == [sent.hexdigest()]
    assert server.peak() - before < 40_000_000
