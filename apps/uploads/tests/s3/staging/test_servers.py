"""Two machines with one bucket and one store, and disks of their own: what one has begun, the other ends."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from uploads.tests.http.ways.raw import Wire
from uploads.tests.http.ways.server import Server
from uploads.tests.http.ways.tus import TUS, create, metadata, offset, patch, patching
from uploads.tests.moto import Moto
from uploads.tests.support import until

MIB = 2**20
PART = 5 * MIB
DATA = random.Random(11).randbytes(12 * MIB)
DIGEST = hashlib.sha256(DATA).hexdigest()


class Machine(Server):
    """A process, and a disk that goes with it."""

    def __init__(self, folder: Path, name: str, moto: Moto) -> None:
        self.disk = folder / name
        super().__init__(folder, STAGING="bucket", STAGING_DIR=str(self.disk / "staging"), S3=moto.options())

    def vanish(self) -> None:
        """SIGKILL, and the disk is thrown away."""
        self.kill()
        shutil.rmtree(self.disk, ignore_errors=True)

    def kept(self) -> list[dict[str, Any]]:
        found = sorted((self.disk / "kept").glob("*.json"))
        for path in found:
            assert hashlib.sha256(path.with_suffix("").read_bytes()).hexdigest() == DIGEST
        return [json.loads(path.read_text()) for path in found]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("machines")


@pytest.fixture
def machines(folder: Path, moto: Moto, request: pytest.FixtureRequest) -> Iterator[list[Machine]]:
    both = [Machine(folder, f"{request.node.name}-{number}", moto) for number in range(2)]
    try:
        for machine in both:
            machine.launch()
        for machine in both:
            machine.wait_until_ready()
        yield both
        until(lambda: moto.keys() == moto.unfinished() == [])
    finally:
        for machine in both:
            machine.kill()


def begun(machine: Machine, cookie: str, sent: int) -> tuple[str, Wire]:
    """An upload of which so many bytes are on their way; its path, and the connection."""
    path = create(machine, len(DATA), Cookie=cookie, Upload_Metadata=metadata(filename="film.dat"))
    wire = Wire(machine.port)
    wire.begin("PATCH", path, patching(0, Cookie=cookie, Content_Length=str(len(DATA))))
    wire.send(DATA[:sent])
    return path, wire


def parts(moto: Moto) -> int:
    client = moto.client()
    found = client.list_multipart_uploads(Bucket=moto.bucket).get("Uploads", ())
    asked = [{"Bucket": moto.bucket, "Key": one["Key"], "UploadId": one["UploadId"]} for one in found]
    return sum(len(client.list_parts(**one).get("Parts", ())) for one in asked)


def test_a_tus_upload_whose_machine_is_gone_goes_on_after_its_last_part(machines: list[Machine], moto: Moto) -> None:
    first, second = machines
    cookie = first.cookie()
    path, wire = begun(first, cookie, 8 * MIB)
    until(lambda: parts(moto) == 1)
    first.vanish()
    wire.socket.close()

    assert offset(second, path, Cookie=cookie) == PART
    assert patch(second, path, PART, DATA[PART:], Cookie=cookie).status == 204

    assert [facts["sha256"] for facts in second.kept()] == [DIGEST]


def test_a_tus_upload_that_was_cut_goes_on_at_the_very_byte(machines: list[Machine], moto: Moto) -> None:
    first, second = machines
    cookie = first.cookie()
    path, wire = begun(first, cookie, 8 * MIB)
    until(lambda: parts(moto) == 1)
    wire.reset()
    until(lambda: "/tails/" in str(moto.keys()))
    first.vanish()

    reached = offset(second, path, Cookie=cookie)
    assert reached > PART
    answer = patch(second, path, reached, DATA[reached : 9 * MIB], Cookie=cookie)
    assert answer.headers["Upload-Offset"] == str(9 * MIB)
    assert patch(second, path, 9 * MIB, DATA[9 * MIB :], Cookie=cookie).status == 204

    assert [facts["sha256"] for facts in second.kept()] == [DIGEST]


def test_an_upload_can_be_ended_at_another_machine(machines: list[Machine], moto: Moto) -> None:
    first, second = machines
    cookie = first.cookie()
    path, wire = begun(first, cookie, 8 * MIB)
    until(lambda: parts(moto) == 1)
    wire.reset()
    until(lambda: "/tails/" in str(moto.keys()))

    assert second.ask("DELETE", path, {**TUS, "Cookie": cookie}).status == 204

    until(lambda: moto.keys() == moto.unfinished() == [])


def test_a_form_is_staged_there_as_well(machines: list[Machine], moto: Moto) -> None:
    first, _second = machines
    head = b'--boundary-of-the-form\r\nContent-Disposition: form-data; name="file"; filename="film.dat"\r\n\r\n'
    told = {"Content-Type": "multipart/form-data; boundary=boundary-of-the-form", "Cookie": first.cookie()}

    answer = first.ask("POST", "/api/upload", told, head + DATA + b"\r\n--boundary-of-the-form--\r\n")

    assert answer.status == 200, answer.body
    assert [facts["sha256"] for facts in first.kept()] == [DIGEST]
    assert f"POST /{moto.bucket}/uploads/staged/" in moto.log_text()


# Numbered chunks


def chunk(machine: Machine, cookie: str, index: int, *, told_size: bool = True, data: bytes = DATA) -> dict[str, Any]:
    count = -(-len(data) // MIB)
    headers = {
        "Cookie": cookie,
        "X-Upload-ID": "mine",
        "X-Chunk-Index": str(index),
        "X-Chunk-Count": str(count),
        "X-File-Name": "film.dat",
        **({"X-File-Size": str(len(data))} if told_size else {}),
    }
    answer = machine.ask("POST", "/api/upload-chunk", headers, data[index * MIB : (index + 1) * MIB])
    assert answer.status == 200, answer.body
    told: dict[str, Any] = answer.json
    return told


@pytest.mark.parametrize("told_size", [True, False], ids=["size", "no size"])
def test_chunks_in_any_order_go_to_any_machine(machines: list[Machine], moto: Moto, told_size: bool) -> None:
    first, second = machines
    cookie = first.cookie()
    order = random.Random(3).sample(range(12), 12)
    for count, index in enumerate(order[:6], 1):
        told = chunk(machines[count % 2], cookie, index, told_size=told_size)
        assert told == {"success": True, "chunksReceived": count}
    assert chunk(first, cookie, order[0], told_size=told_size)["chunksReceived"] == 6  # again
    first.vanish()

    for index in order[6:]:
        told = chunk(second, cookie, index, told_size=told_size)

    assert told["fileSize"] == len(DATA)
    assert [facts["sha256"] for facts in second.kept()] == [DIGEST]
    assert chunk(second, cookie, 3, told_size=told_size)["fileGuid"] == told["fileGuid"]


def test_an_empty_file_and_a_short_one_come_in_one_chunk(machines: list[Machine], moto: Moto) -> None:
    first, _second = machines
    for data in (b"", b"abc"):
        cookie = first.cookie()
        headers = {"Cookie": cookie, "X-Upload-ID": "one", "X-Chunk-Index": "0", "X-Chunk-Count": "1"}
        answer = first.ask("POST", "/api/upload-chunk", headers, data)
        assert (answer.status, answer.json["fileSize"]) == (200, len(data)), answer.body
