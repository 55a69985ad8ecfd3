"""tus 1.0: chunks with checksums."""

from __future__ import annotations

import hashlib

import pytest

from uploads.tests.http.tus.files import DATA, kept
from uploads.tests.http.ways.raw import Wire
from uploads.tests.http.ways.server import Server
from uploads.tests.http.ways.tus import checksum, create, metadata, offset, patch, patching


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
