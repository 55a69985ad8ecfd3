"""Small files, which one signed PUT takes to S3, over the page's real socket."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from uploads import UploadEntry
from uploads.testing import Refused, UploadPage
from uploads.tests.moto import Moto
from uploads.tests.socket.direct.sending import put, register, upload
from uploads.tests.support import TEXT, Staged


def test_a_small_file_goes_straight_to_s3(
    direct: Callable[..., UploadPage], s3: Moto, consumed: list[UploadEntry], staged: Staged
) -> None:
    page = direct()

    upload(page, "doc", "my notes.txt", TEXT)
    page.submit("run")

    (entry,) = consumed
    key = f"uploads/{entry.upload.id}/my_notes.txt"
    etag = hashlib.md5(TEXT).hexdigest()
    assert entry.writer_result == {"bucket": s3.bucket, "key": key, "size": len(TEXT), "etag": etag}
    assert hashlib.sha256(s3.read(key)).digest() == hashlib.sha256(TEXT).digest()
    assert entry.data == b"" and staged() == []


def test_nothing_of_the_permission_is_the_browsers_choice(direct: Callable[..., UploadPage], s3: Moto) -> None:
    """D8: no key, no bucket, no type, no ACL."""
    page = direct()

    answer = register(page, "doc", "../../etc/x.txt", 5, mime="text/html")

    external = answer["external"]
    assert external["uploader"] == "put"
    assert f"/{s3.bucket}/uploads/{answer['upload_id']}/x.txt?" in external["url"]
    assert external["headers"] == {"Content-Type": "text/plain", "If-None-Match": "*"}
    signed = external["url"].split("X-Amz-SignedHeaders=")[1].split("&")[0].split("%3B")
    assert sorted(signed) == ["content-length", "content-type", "host", "if-none-match"]
    assert int(external["url"].split("X-Amz-Expires=")[1].split("&")[0]) <= 600


@pytest.mark.parametrize("field", ["key", "bucket", "acl", "content_type", "external"])
def test_a_registration_has_no_field_for_it(direct: Callable[..., UploadPage], field: str) -> None:
    page = direct()
    message = {"type": "upload_register", "slot": "doc", "ref": "a", "name": "a.txt", "size": 5, "mime": ""}

    page.send({**message, field: "x"})

    assert page.wait_for("error")["code"] == "bad_message"


def test_a_permission_can_be_used_once(direct: Callable[..., UploadPage], s3: Moto) -> None:
    """D9: what has been checked is not replaced."""
    page = direct()
    answer = register(page, "doc", "a.txt", 5)

    assert put(answer["external"], b"hello") == 200
    assert put(answer["external"], b"HELLO") == 412

    assert s3.read(f"uploads/{answer['upload_id']}/a.txt") == b"hello"


def test_fresh_permission_is_for_the_same_object(direct: Callable[..., UploadPage]) -> None:
    page = direct()
    answer = register(page, "doc", "a.txt", 5)

    page.send({"type": "upload_sign", "ref": answer["ref"], "parts": []})
    signed = page.upload_answer(answer["ref"], "upload_signed")["external"]

    assert signed["url"].split("?")[0] == answer["external"]["url"].split("?")[0]
    assert put(signed, b"hello") == 200


def test_the_slots_limits_hold_before_anything_is_asked_of_s3(direct: Callable[..., UploadPage], s3: Moto) -> None:
    page = direct()

    for name, size, code in (
        ("a.exe", 5, "bad_ext"),
        ("a.txt", 0, "empty"),
        ("a.txt", 50_000_001, "too_large"),
        ("", 5, "bad_name"),
    ):
        with pytest.raises(Refused) as refused:
            register(page, "doc", name, size)
        assert refused.value.code == code
    assert s3.keys() == s3.unfinished() == []
