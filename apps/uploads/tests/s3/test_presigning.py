"""Permissions to send to S3, against a server that holds to what was signed."""

from __future__ import annotations

import contextlib
import datetime
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.auth
import pytest

from uploads import UploadError
from uploads.core.names import parse_name
from uploads.core.slots import Accept, Slot
from uploads.entries.entry import UploadEntry
from uploads.s3.client import client
from uploads.s3.presigning import S3Presigner, S3Upload, part_size, type_of
from uploads.tests.staging.test_contract import Upload
from uploads.tests.support import TEXT, until
from uploads.tests.swift import NotInstalled, Swift, install

MIB = 1024 * 1024
LONG = (TEXT * 40)[: 10 * MIB + 77]  # three parts of 5 MiB


@pytest.fixture(scope="module")
def swift(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swift]:
    try:
        programs = install(request.config.cache.mkdir("swift"))  # type: ignore[union-attr]
    except NotInstalled:
        pytest.skip("pip can't install OpenStack Swift here, the only S3 server that checks signatures without Docker")
    with Swift(programs, tmp_path_factory.mktemp("swift")) as swift:
        yield swift


@pytest.fixture
def s3(swift: Swift, settings: Any, folders: Any) -> Any:
    """A boto3 client of the site's settings, and its bucket."""
    settings.UPLOADS = {**settings.UPLOADS, "S3": {**swift.options(), "PART_SIZE": 5 * MIB}}
    made = client()
    with contextlib.suppress(made.exceptions.BucketAlreadyOwnedByYou):
        made.create_bucket(Bucket=swift.bucket)
    return made


def begin(name: str, size: int, **options: Any) -> S3Upload:
    slot = Slot(name="doc", accept=Accept.parse(""), external=S3Presigner(**options), max_file_size=10**15)
    entry = UploadEntry(secrets.token_hex(16), "ref", slot, parse_name(name), size)
    assert isinstance(slot.external, S3Presigner)
    return slot.external.begin(entry)


def put(url: str, data: bytes, headers: dict[str, str] | None = None) -> int:
    plain = {"Content-Type": "application/octet-stream"}  # or Python says that it is a form
    request = urllib.request.Request(url, data=data, method="PUT", headers=headers or plain)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def test_what_was_signed_is_taken(s3: Any, swift: Swift) -> None:
    upload = begin("a b ü.txt", 5)
    grant = upload.grant()

    assert put(grant["url"], b"hello", grant["headers"]) == 200

    stored = upload.finish()
    assert (stored.size, stored.head) == (5, b"hello")
    assert s3.get_object(Bucket=swift.bucket, Key=stored.result["key"])["Body"].read() == b"hello"
    assert s3.head_object(Bucket=swift.bucket, Key=stored.result["key"])["ContentType"] == "text/plain"


@pytest.mark.parametrize("data", [b"", b"hell", b"hello!", bytes(100_000)], ids=len)
def test_a_file_of_another_length_is_refused(s3: Any, data: bytes) -> None:
    upload = begin("a.txt", 5)
    grant = upload.grant()

    assert put(grant["url"], data, grant["headers"]) == 403

    with pytest.raises(UploadError, match="arrive in full"):
        upload.finish()


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/html", "If-None-Match": "*"},
        {"Content-Type": "", "If-None-Match": "*"},
        {"Content-Type": "text/plain"},
    ],
)
def test_another_type_or_condition_is_refused(s3: Any, headers: dict[str, str]) -> None:
    grant = begin("a.txt", 5).grant()
    assert headers != grant["headers"]

    assert put(grant["url"], b"hello", headers) == 403


def test_another_key_is_refused(s3: Any) -> None:
    grant = begin("a.txt", 5).grant()

    for url in (grant["url"].replace("a.txt", "b.txt"), grant["url"].replace("/uploads/", "/elsewhere/")):
        assert url != grant["url"]
        assert put(url, b"hello", grant["headers"]) == 403


def test_a_longer_life_than_was_signed_is_refused(s3: Any) -> None:
    grant = begin("a.txt", 5).grant()

    longer = grant["url"].replace("X-Amz-Expires=600", "X-Amz-Expires=6000")

    assert longer != grant["url"]
    assert put(longer, b"hello", grant["headers"]) == 403


def test_a_permission_expires(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def a_while_ago(remove_tzinfo: bool = True) -> datetime.datetime:
        then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=90)
        return then.replace(tzinfo=None) if remove_tzinfo else then

    monkeypatch.setattr(botocore.auth, "get_current_datetime", a_while_ago)
    expired, lasting = begin("a.txt", 5, expires=60).grant(), begin("b.txt", 5, expires=600).grant()

    assert put(expired["url"], b"hello", expired["headers"]) == 403
    assert put(lasting["url"], b"hello", lasting["headers"]) == 200


def test_a_permission_can_be_used_once(s3: Any) -> None:
    upload = begin("a.txt", 5)
    grant = upload.grant()

    assert put(grant["url"], b"hello", grant["headers"]) == 200
    assert put(grant["url"], b"HELLO", grant["headers"]) == 412

    assert upload.finish().head == b"hello"


def test_a_large_file_goes_in_parts_of_the_signed_length(s3: Any, swift: Swift) -> None:
    upload = begin("big.bin", len(LONG))
    grant = upload.grant()
    pieces = {number: LONG[(number - 1) * 5 * MIB : number * 5 * MIB] for number in (1, 2, 3)}

    assert put(grant["urls"]["1"], pieces[3]) == 403
    for number, url in grant["urls"].items():
        assert put(url, pieces[int(number)]) == 200
    assert upload.measure() == len(LONG)

    stored = upload.finish()
    assert stored.size == len(LONG)
    assert s3.get_object(Bucket=swift.bucket, Key=stored.result["key"])["Body"].read() == LONG


def test_the_permission_for_a_part_is_for_that_part(s3: Any) -> None:
    upload = begin("big.bin", len(LONG))

    url = upload.grant()["urls"]["3"].replace("partNumber=3", "partNumber=1")

    assert put(url, LONG[10 * MIB :]) == 403
    assert upload.measure() == 0


def test_what_is_missing_is_known_from_the_list_of_parts(s3: Any) -> None:
    upload = begin("big.bin", len(LONG))
    put(upload.sign([2])["urls"]["2"], LONG[5 * MIB : 10 * MIB])

    resumed = upload._presigner.resume(upload._entry, upload.state)

    assert resumed.grant()["have"] == [2] and resumed.measure() == 5 * MIB
    with pytest.raises(UploadError, match="arrive in full"):
        resumed.finish()


def test_nothing_is_left_of_what_was_discarded(s3: Any, swift: Swift) -> None:
    whole, parts = begin("a.txt", 5), begin("big.bin", len(LONG))
    grant = whole.grant()
    put(grant["url"], b"hello", grant["headers"])
    put(parts.grant()["urls"]["1"], LONG[: 5 * MIB])

    for upload in (whole, parts):
        upload.discard()
        upload.discard()

    for upload in (whole, parts):
        assert s3.list_objects_v2(Bucket=swift.bucket, Prefix=upload.state["key"]).get("Contents", []) == []
    with pytest.raises(UploadError):
        parts.measure()


# -- Without a server


def test_a_part_is_larger_where_there_would_be_too_many(settings: Any) -> None:
    settings.UPLOADS = {"S3": {"PART_SIZE": 5 * MIB, "MAX_PARTS": 100}}

    assert part_size(500 * MIB) == 5 * MIB
    assert part_size(500 * MIB + 1) == 5 * MIB + 1
    assert part_size(1) == 5 * MIB


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.txt", "text/plain"),
        ("a.PNG", "image/png"),
        ("a.jpeg", "image/jpeg"),
        ("a.html", "application/octet-stream"),
        ("a.svg", "application/octet-stream"),
        ("a.unheard", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ],
)
def test_the_type_is_that_of_the_extension_and_nothing_a_browser_runs(folders: Any, name: str, kind: str) -> None:
    slot = Slot(name="doc", accept=Accept.parse(""))

    assert type_of(UploadEntry("0" * 32, "ref", slot, parse_name(name), 5, "text/html")) == kind


@pytest.mark.parametrize("wrong", [{"expires": 0}, {"expires": 601}, {"small": "get"}])
def test_a_permission_for_longer_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        S3Presigner(**wrong)


# What is staged there by the server


def test_a_staged_upload_moves_to_another_machine(s3: Any, swift: Swift, settings: Any, tmp_path: Path) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "STAGING": "bucket"}
    upload = Upload(11 * MIB)
    first = upload.entry()
    upload.feed(first, 8 * MIB)
    first.park()
    settings.UPLOADS = {**settings.UPLOADS, "STAGING_DIR": tmp_path / "another"}

    second = upload.resumed()

    assert second.upload.received == 8 * MIB
    upload.feed(second)
    upload.ends_up_whole(second)
    second.discard()
    until(lambda: not s3.list_objects_v2(Bucket=swift.bucket, Prefix=f"uploads/staged/{second.upload.id}")["KeyCount"])
