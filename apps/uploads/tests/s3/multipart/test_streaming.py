"""The shipped S3 writer, by the rules of multipart uploads."""

from __future__ import annotations

import math
from typing import Any

import pytest

from uploads.s3.options import MIB, SMALLEST_PART
from uploads.s3.parts import PartUploads, part_size
from uploads.tests.faults import S3Faults
from uploads.tests.moto import Moto
from uploads.tests.s3.multipart.film import DATA, KEY, PART, send, writer
from uploads.tests.support import Gate, sha


def test_the_object_is_the_file(s3: S3Faults, moto: Moto) -> None:
    one = writer()
    one.open()
    send(one)
    result = one.close()

    assert sha(moto.read(KEY)) == sha(DATA)
    assert result == {"bucket": moto.bucket, "key": KEY, "url": f"{s3.url}/{moto.bucket}/{KEY}", "size": len(DATA)}
    assert moto.client().head_object(Bucket=moto.bucket, Key=KEY)["ContentType"] == "text/plain"
    assert s3.count("PUT", "partNumber=") == 3


@pytest.mark.parametrize("size", [1, PART - 1, PART, PART + 1, 2 * PART])
def test_every_length_is_stored_whole(s3: S3Faults, moto: Moto, size: int) -> None:
    one = writer(size=size)
    one.open()
    send(one, DATA[:size])
    one.close()

    assert sha(moto.read(KEY)) == sha(DATA[:size])
    assert s3.count("PUT", "partNumber=") == math.ceil(size / PART)


def test_no_bytes_at_all_are_one_empty_part(s3: S3Faults, moto: Moto) -> None:
    one = writer(size=0)
    one.open()
    one.close()

    assert moto.read(KEY) == b""


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, 8 * MIB),
        (80_000 * MIB, 8 * MIB),
        (80_000 * MIB + 1, 8 * MIB + 1),
        (5_000_000 * MIB, 500 * MIB),
    ],
)
def test_a_file_never_has_more_parts_than_s3_takes(settings: Any, size: int, expected: int) -> None:
    settings.UPLOADS = {"S3": {"PART_SIZE": 8 * MIB}}

    assert part_size(size) == expected
    assert math.ceil(size / part_size(size)) <= 10_000


def test_the_limits_of_another_storage_are_settings(settings: Any) -> None:
    settings.UPLOADS = {"S3": {"PART_SIZE": 1, "MAX_PARTS": 100}}

    assert part_size(10) == SMALLEST_PART
    assert part_size(1000 * MIB + 5) == 10 * MIB + 1


def test_no_more_parts_are_under_way_than_allowed(s3: S3Faults, settings: Any, gate: Gate) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "S3": {**settings.UPLOADS["S3"], "PARALLEL_PARTS": 2}}
    parts = PartUploads(2)
    under_way: list[int] = []
    most: list[int] = []

    def upload(number: int) -> str:
        under_way.append(number)
        most.append(len(under_way))
        under_way.remove(number)
        return str(number)

    for number in range(1, 40):
        parts.send(number, lambda number=number: upload(number))
    parts.drain()

    assert max(most) <= 2
    assert parts.prefix() == 39


def test_a_part_that_is_missing_ends_the_prefix() -> None:
    parts = PartUploads(2)
    parts.etags.update({1: "a", 2: "b", 4: "d"})

    assert parts.prefix() == 2
