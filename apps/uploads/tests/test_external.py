"""Uploads that go straight to S3, over the page's real socket and a real S3 server."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from liveview.messages import Message
from liveview.testing import ServerSaid
from uploads import UploadEntry, UploadError
from uploads.external import as_presigner
from uploads.models import UploadState
from uploads.s3.presigning import S3Presigner
from uploads.testing import Refused, UploadPage

from .direct_project import DirectView, signer
from .moto import Moto
from .signing import TOPIC, event, record
from .support import TEXT, Site, Staged, until

MIB = 1024 * 1024
LONG = (TEXT * 60)[: 12 * MIB + 345]  # three parts of 5 MiB
AWAY = {"ENDPOINT_URL": "http://127.0.0.1:9", "ATTEMPTS": 1}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(2000)


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with Moto() as moto:
        yield moto


@pytest.fixture
def s3(moto: Moto) -> Moto:
    moto.reset()
    return moto


@pytest.fixture
def direct(site: Site, settings: Any, s3: Moto) -> Iterator[Callable[..., UploadPage]]:
    settings.ROOT_URLCONF = "uploads.tests.direct_project"
    events = {"TOPICS": [TOPIC], "CERTIFICATES": "uploads.tests.direct_project.certificate"}
    options = {**s3.options(), "PART_SIZE": 5 * MIB}
    settings.UPLOADS = {**settings.UPLOADS, "S3": options, "S3_EVENTS": events}
    cache.clear()
    yield lambda client=None: site("/direct/", client)
    cache.clear()


@pytest.fixture
def consumed(monkeypatch: pytest.MonkeyPatch) -> list[UploadEntry]:
    """What the handler got, from whichever slot."""
    got: list[UploadEntry] = []

    def script(view: DirectView) -> None:
        for name in ("doc", "docs", "video", "posted", "own"):
            got.extend(view.consume_uploaded_entries(name))

    monkeypatch.setattr(DirectView, "script", staticmethod(script))
    return got


def register(page: UploadPage, slot: str, name: str, size: int, **more: Any) -> Message:
    """Announces a file; the server's whole answer. Raises `Refused`."""
    ref = f"test-{page._next_ref()}"
    page.send({"type": "upload_register", "slot": slot, "ref": ref, "name": name, "size": size, "mime": "", **more})
    return page.upload_answer(ref, "upload_registered")


def send(url: str, data: bytes, headers: dict[str, str] | None = None, method: str = "PUT") -> int:
    plain = {"Content-Type": "application/octet-stream"}  # or Python says that it is a form
    request = urllib.request.Request(url, data=data, method=method, headers=headers or plain)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def put(external: dict[str, Any], data: bytes) -> int:
    return send(external["url"], data, external["headers"])


def put_parts(page: UploadPage, answer: Message, data: bytes, numbers: list[int]) -> None:
    size = answer["external"]["part_size"]
    page.send({"type": "upload_sign", "ref": answer["ref"], "parts": numbers})
    signed = page.upload_answer(answer["ref"], "upload_signed", len(page.received) - 1)
    for number in numbers:
        url = signed["external"]["urls"][str(number)]
        assert send(url, data[(number - 1) * size : number * size]) == 200


def done(page: UploadPage, ref: str) -> None:
    page.send({"type": "upload_external_done", "ref": ref})


def upload(page: UploadPage, slot: str, name: str, data: bytes) -> str:
    """The whole way of a small file; its ref."""
    answer = register(page, slot, name, len(data))
    assert put(answer["external"], data) == 200
    done(page, answer["ref"])
    page.upload_answer(answer["ref"], "upload_ready")
    ref: str = answer["ref"]
    return ref


# -- In one piece


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


# -- What has arrived is looked at


@pytest.mark.parametrize("length", [4, 6, 0])
def test_an_object_of_another_size_is_refused_and_removed(
    direct: Callable[..., UploadPage], s3: Moto, length: int
) -> None:
    """Should a storage not hold to the length that was signed."""
    page = direct()
    answer = register(page, "doc", "a.txt", 5)
    s3.client().put_object(Bucket=s3.bucket, Key=f"uploads/{answer['upload_id']}/a.txt", Body=bytes(length))

    done(page, answer["ref"])

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.code == "size_mismatch"
    until(lambda: s3.keys() == [])


def test_an_object_of_another_type_is_refused_and_removed(direct: Callable[..., UploadPage], s3: Moto) -> None:
    page = direct()
    answer = register(page, "docs", "cute.png", 5000)
    put(answer["external"], b"MZ" + bytes(4998))

    done(page, answer["ref"])

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.code == "type_mismatch"
    until(lambda: s3.keys() == [] and UploadState.objects.count() == 0)


def test_the_type_is_read_off_the_first_bytes(direct: Callable[..., UploadPage], consumed: list[UploadEntry]) -> None:
    page = direct()

    upload(page, "docs", "a.png", PNG)
    page.submit("run")

    assert [entry.content_type for entry in consumed] == ["image/png"]


def test_saying_done_without_having_sent_is_refused(direct: Callable[..., UploadPage]) -> None:
    page = direct()
    answer = register(page, "doc", "a.txt", 5)

    done(page, answer["ref"])

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.code == "incomplete"


def test_a_validator_sees_where_the_bytes_are_and_may_refuse(
    direct: Callable[..., UploadPage], s3: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def check(entry: UploadEntry) -> None:
        seen.append(entry.writer_result)
        raise UploadError("invalid", "Not today.")

    monkeypatch.setattr(DirectView, "check", staticmethod(check))
    page = direct()
    answer = register(page, "doc", "a.txt", 5)
    put(answer["external"], b"hello")

    done(page, answer["ref"])

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.message == "Not today."
    assert seen[0]["key"] == f"uploads/{answer['upload_id']}/a.txt"
    until(lambda: s3.keys() == [])


def test_saying_done_twice_makes_it_ready_once(direct: Callable[..., UploadPage], consumed: list[UploadEntry]) -> None:
    page = direct()
    answer = register(page, "doc", "a.txt", 5)
    put(answer["external"], b"hello")

    for _ in range(3):
        done(page, answer["ref"])
    page.upload_answer(answer["ref"], "upload_ready")
    page.submit("run")
    done(page, answer["ref"])
    page.submit("say", text="still here")

    assert len(consumed) == 1
    assert [message["type"] for message in page.received].count("upload_ready") == 1


def test_bytes_over_the_socket_are_not_taken(direct: Callable[..., UploadPage]) -> None:
    page = direct()
    answer = register(page, "doc", "a.txt", 5)
    assert answer["channel"] == 0

    page.send_chunk(1, 0, b"hello")

    assert page.wait_for("error")["code"] == "bad_message"


# -- In parts


def test_a_large_file_goes_in_parts(direct: Callable[..., UploadPage], s3: Moto, consumed: list[UploadEntry]) -> None:
    page = direct()
    answer = register(page, "doc", "big.txt", len(LONG))
    external = answer["external"]
    assert (external["uploader"], external["part_size"], external["have"]) == ("parts", 5 * MIB, [])
    assert sorted(external["urls"]) == ["1", "2", "3"]

    put_parts(page, answer, LONG, [3, 1, 2])  # in any order
    done(page, answer["ref"])
    page.upload_answer(answer["ref"], "upload_ready")
    page.submit("run")

    stored = s3.read(consumed[0].writer_result["key"])
    assert hashlib.sha256(stored).digest() == hashlib.sha256(LONG).digest()
    assert consumed[0].writer_result["size"] == len(LONG)
    assert s3.unfinished() == []


def test_the_length_of_each_part_is_signed(direct: Callable[..., UploadPage]) -> None:
    page = direct()
    answer = register(page, "doc", "big.txt", len(LONG))

    for url in answer["external"]["urls"].values():
        assert "X-Amz-SignedHeaders=content-length%3Bhost" in url


def test_a_part_that_is_missing_makes_it_incomplete(direct: Callable[..., UploadPage], s3: Moto) -> None:
    """S3 itself would put the rest together."""
    page = direct()
    answer = register(page, "doc", "big.txt", len(LONG))
    put_parts(page, answer, LONG, [1, 3])

    done(page, answer["ref"])

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.code == "incomplete"
    until(lambda: s3.unfinished() == s3.keys() == [])


def test_a_part_of_another_length_does_not_count(direct: Callable[..., UploadPage], s3: Moto) -> None:
    """Together the parts are as long as declared; put together they'd be another file."""
    page = direct()
    answer = register(page, "doc", "big.txt", 12 * MIB)
    urls = answer["external"]["urls"]
    for number, length in (("1", 5 * MIB + 1), ("2", 5 * MIB - 1), ("3", 2 * MIB)):
        assert send(urls[number], bytes(length)) == 200  # moto checks no signature

    done(page, answer["ref"])

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.code == "incomplete"


@pytest.mark.parametrize("parts", [[4], [0], [-1], ["1"], [1.5], [True], list(range(1, 102)), "1", None])
def test_a_part_that_there_is_not_is_not_signed(direct: Callable[..., UploadPage], parts: Any) -> None:
    page = direct()
    answer = register(page, "doc", "big.txt", len(LONG))

    page.send({"type": "upload_sign", "ref": answer["ref"], "parts": parts})

    assert page.wait_for("error")["code"] == "bad_message"


def test_an_object_that_is_complete_already_stays_complete(
    direct: Callable[..., UploadPage], s3: Moto, consumed: list[UploadEntry]
) -> None:
    """The answer to the last request may have been lost."""
    page = direct()
    answer = register(page, "doc", "big.txt", len(LONG))
    put_parts(page, answer, LONG, [1, 2, 3])
    key = f"uploads/{answer['upload_id']}/big.txt"
    client = s3.client()
    (multipart,) = client.list_multipart_uploads(Bucket=s3.bucket)["Uploads"]
    named = {"Bucket": s3.bucket, "Key": key, "UploadId": multipart["UploadId"]}
    parts = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in client.list_parts(**named)["Parts"]]
    client.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})

    done(page, answer["ref"])
    page.upload_answer(answer["ref"], "upload_ready")
    page.submit("run")

    assert s3.read(consumed[0].writer_result["key"]) == LONG


# -- By a form's POST policy


def test_a_posted_form_has_one_key_one_type_and_one_length(direct: Callable[..., UploadPage], s3: Moto) -> None:
    page = direct()
    answer = register(page, "posted", "a.txt", 5)

    fields = answer["external"]["fields"]
    policy = json.loads(base64.b64decode(fields["policy"]))
    key = f"incoming/uploads/{answer['upload_id']}/a.txt"
    assert (answer["external"]["uploader"], fields["key"], fields["Content-Type"]) == ("post", key, "text/plain")
    assert ["content-length-range", 5, 5] in policy["conditions"]
    assert {"key": key} in policy["conditions"] and {"Content-Type": "text/plain"} in policy["conditions"]
    assert {"bucket": s3.bucket} in policy["conditions"]


def post(external: dict[str, Any], data: bytes) -> int:
    boundary = "x7x7x7"
    fields = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in external["fields"].items()
    )
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    body = fields.encode() + file.encode() + data + f"\r\n--{boundary}--\r\n".encode()
    return send(external["url"], body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}, "POST")


def test_what_was_posted_is_copied_from_where_it_could_be_replaced(
    direct: Callable[..., UploadPage], s3: Moto, consumed: list[UploadEntry]
) -> None:
    page = direct()
    answer = register(page, "posted", "a.png", len(PNG))
    assert post(answer["external"], PNG) in (200, 204)

    done(page, answer["ref"])
    page.upload_answer(answer["ref"], "upload_ready")
    post(answer["external"], bytes(len(PNG)))  # the form still works
    page.submit("run")

    key = f"uploads/{answer['upload_id']}/a.png"
    assert consumed[0].writer_result["key"] == key
    assert s3.read(key) == PNG


def test_what_was_posted_and_is_refused_is_removed(direct: Callable[..., UploadPage], s3: Moto) -> None:
    page = direct()
    answer = register(page, "posted", "a.png", 2000)
    post(answer["external"], bytes(2000))

    done(page, answer["ref"])

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.code == "type_mismatch"
    until(lambda: s3.keys() == [])


# -- The end of an upload that isn't consumed


def test_a_cancelled_upload_leaves_nothing(direct: Callable[..., UploadPage], s3: Moto) -> None:
    page = direct()
    small, large = register(page, "docs", "a.txt", 5), register(page, "docs", "big.txt", len(LONG))
    put(small["external"], b"hello")
    put_parts(page, large, LONG, [1])
    assert len(s3.unfinished()) == 1

    for answer in (small, large):
        page.send({"type": "upload_cancel", "ref": answer["ref"]})
        page.upload_answer(answer["ref"], "upload_cancelled")

    until(lambda: s3.keys() == s3.unfinished() == [])
    until(lambda: UploadState.objects.count() == 0)


def test_a_ready_upload_that_is_cancelled_is_removed(direct: Callable[..., UploadPage], s3: Moto) -> None:
    page = direct()
    ref = upload(page, "doc", "a.txt", b"hello")

    page.send({"type": "upload_cancel", "ref": ref})
    page.upload_answer(ref, "upload_cancelled")

    until(lambda: s3.keys() == [])


def test_the_next_file_replaces_the_one_before_at_s3_too(direct: Callable[..., UploadPage], s3: Moto) -> None:
    page = direct()
    upload(page, "doc", "a.txt", b"hello")

    answer = register(page, "doc", "b.txt", 5)
    put(answer["external"], b"there")

    until(lambda: s3.keys() == [f"uploads/{answer['upload_id']}/b.txt"])


def test_a_socket_that_goes_takes_its_uploads_along(direct: Callable[..., UploadPage], s3: Moto) -> None:
    page = direct()
    register(page, "docs", "big.txt", len(LONG))
    upload(page, "docs", "a.txt", b"hello")

    page.drop_connection()

    until(lambda: s3.keys() == s3.unfinished() == [])
    assert UploadState.objects.count() == 0


def test_a_browser_that_gives_up_says_why(direct: Callable[..., UploadPage], s3: Moto) -> None:
    page = direct()
    for code in ("storage_unavailable", "file_changed"):
        answer = register(page, "docs", "big.txt", len(LONG))

        page.send({"type": "upload_external_failed", "ref": answer["ref"], "code": code})

        with pytest.raises(Refused) as refused:
            page.upload_answer(answer["ref"], "upload_ready")
        assert refused.value.code == code
    until(lambda: s3.unfinished() == [])


@pytest.mark.parametrize("kind", ["upload_sign", "upload_external_done", "upload_external_failed"])
def test_an_upload_that_there_is_not_is_passed_over(direct: Callable[..., UploadPage], kind: str) -> None:
    page = direct()
    more = {"upload_sign": {"parts": []}, "upload_external_failed": {"code": "file_changed"}}

    page.send({"type": kind, "ref": "nobody", **more.get(kind, {})})
    page.submit("say", text="still here")

    assert "still here" in page.html


def test_an_upload_over_the_socket_takes_no_part_in_this(direct: Callable[..., UploadPage]) -> None:
    page = direct()
    ref, channel = page.register("plain", "a.txt", 5)

    done(page, ref)
    page.send({"type": "upload_sign", "ref": ref, "parts": []})
    page.send_chunk(channel, 0, b"hello")

    page.upload_answer(ref, "upload_ready")


# -- Going on


def test_an_upload_goes_on_from_s3s_own_list(
    direct: Callable[..., UploadPage], s3: Moto, consumed: list[UploadEntry], client: Client
) -> None:
    page = direct(client)
    answer = register(page, "video", "film.txt", len(LONG), holder="page")
    put_parts(page, answer, LONG, [1, 3])

    page.reconnect()
    resumed = page.resume("video", answer["upload_id"], len(LONG))

    assert resumed["accepted"] and resumed["channel"] == 0
    assert resumed["external"]["have"] == [1, 3]
    assert resumed["offset"] == len(LONG) - 5 * MIB
    put_parts(page, resumed, LONG, [2])
    done(page, resumed["ref"])
    page.upload_answer(resumed["ref"], "upload_ready")
    page.submit("run")
    assert hashlib.sha256(s3.read(consumed[0].writer_result["key"])).digest() == hashlib.sha256(LONG).digest()
    assert s3.unfinished() == []
    until(lambda: UploadState.objects.count() == 0)


def test_a_part_that_was_cut_off_is_sent_again(direct: Callable[..., UploadPage], client: Client) -> None:
    page = direct(client)
    answer = register(page, "video", "film.txt", len(LONG), holder="page")
    send(answer["external"]["urls"]["1"], bytes(1000))

    page.reconnect()
    resumed = page.resume("video", answer["upload_id"], len(LONG))

    assert (resumed["external"]["have"], resumed["offset"]) == ([], 0)


@pytest.mark.parametrize("data", [TEXT, LONG], ids=["small", "large"])
def test_an_upload_that_was_complete_needs_only_the_word(
    direct: Callable[..., UploadPage], consumed: list[UploadEntry], client: Client, data: bytes
) -> None:
    page = direct(client)
    answer = register(page, "video", "film.txt", len(data), holder="page")
    if data is TEXT:
        put(answer["external"], data)
    else:
        put_parts(page, answer, data, [1, 2, 3])
    done(page, answer["ref"])
    page.upload_answer(answer["ref"], "upload_ready")

    page.reconnect()
    resumed = page.resume("video", answer["upload_id"], len(data))

    assert resumed["offset"] == len(data)
    done(page, resumed["ref"])
    page.upload_answer(resumed["ref"], "upload_ready")
    page.submit("run")
    assert len(consumed) == 1


def test_an_upload_that_s3_has_forgotten_starts_over(
    direct: Callable[..., UploadPage], s3: Moto, client: Client
) -> None:
    page = direct(client)
    answer = register(page, "video", "film.txt", len(LONG), holder="page")
    page.drop_connection()
    s3.reset()

    page.reconnect()
    resumed = page.resume("video", answer["upload_id"], len(LONG))

    assert (resumed["accepted"], resumed["code"]) == (False, "unknown_ref")


def test_while_s3_is_away_nothing_is_given_up(
    direct: Callable[..., UploadPage], s3: Moto, client: Client, settings: Any
) -> None:
    page = direct(client)
    answer = register(page, "video", "film.txt", len(LONG), holder="page")
    put_parts(page, answer, LONG, [1])
    page.drop_connection()
    there = settings.UPLOADS

    settings.UPLOADS = {**there, "S3": {**there["S3"], **AWAY}}
    page.reconnect()
    during = page.resume("video", answer["upload_id"], len(LONG))
    settings.UPLOADS = there
    after = page.resume("video", answer["upload_id"], len(LONG))

    assert (during["accepted"], during["code"]) == (False, "locked")  # ask again
    assert after["external"]["have"] == [1]


def test_a_stranger_cannot_go_on(direct: Callable[..., UploadPage]) -> None:
    page, other = direct(), direct(Client())
    answer = register(page, "video", "film.txt", len(LONG), holder="page")
    page.drop_connection()

    assert other.resume("video", answer["upload_id"], len(LONG))["code"] == "unknown_ref"


# -- When S3 fails


def test_without_s3_an_upload_fails_with_a_reason_and_no_secrets(
    direct: Callable[..., UploadPage], s3: Moto, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "S3": {**settings.UPLOADS["S3"], **AWAY}}
    page = direct()

    with pytest.raises(Refused) as refused:
        register(page, "doc", "big.txt", len(LONG))

    assert refused.value.code == "storage_unavailable"
    assert s3.bucket not in refused.value.message + caplog.text


def test_a_bucket_that_is_gone_is_a_storage_that_does_not_answer(
    direct: Callable[..., UploadPage], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "S3": {**settings.UPLOADS["S3"], "BUCKET": "not-there"}}
    page = direct()
    answer = register(page, "doc", "a.txt", 5)

    done(page, answer["ref"])

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.code in ("incomplete", "storage_unavailable")
    assert "not-there" not in refused.value.message + caplog.text


# -- A presigner of one's own


def test_a_function_presigns_for_an_uploader_of_ones_own(
    direct: Callable[..., UploadPage], consumed: list[UploadEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mint(entry: UploadEntry, view: Any) -> dict[str, Any]:
        view.said = f"minting {entry.client_name}"
        return {"uploader": "Depot", "url": f"https://depot.example/{entry.upload.id}"}

    monkeypatch.setattr(DirectView, "mint", staticmethod(mint))
    page = direct()

    answer = register(page, "own", "a.txt", 5)
    assert answer["external"] == {"uploader": "Depot", "url": f"https://depot.example/{answer['upload_id']}"}
    page.wait_html("minting a.txt")  # like any handler
    done(page, answer["ref"])
    page.upload_answer(answer["ref"], "upload_ready")
    page.submit("run")

    assert [entry.writer_result for entry in consumed] == [answer["external"]]


def test_a_function_may_refuse(direct: Callable[..., UploadPage], monkeypatch: pytest.MonkeyPatch) -> None:
    def mint(entry: UploadEntry, view: Any) -> dict[str, Any]:
        raise UploadError("quota", "Enough for today.")

    monkeypatch.setattr(DirectView, "mint", staticmethod(mint))
    page = direct()

    with pytest.raises(Refused) as refused:
        register(page, "own", "a.txt", 5)
    assert refused.value.message == "Enough for today."


@pytest.mark.parametrize("made", [None, {}, {"uploader": 1}, RuntimeError("secret")])
def test_a_function_that_fails_is_our_mistake(
    direct: Callable[..., UploadPage], monkeypatch: pytest.MonkeyPatch, allowed: set[str], made: Any
) -> None:
    def mint(entry: UploadEntry, view: Any) -> Any:
        if isinstance(made, Exception):
            raise made
        return made

    allowed.add("a presigner failed")
    monkeypatch.setattr(DirectView, "mint", staticmethod(mint))
    page = direct()

    with pytest.raises(Refused) as refused:
        register(page, "own", "a.txt", 5)
    assert refused.value.code == "server_error"
    page.submit("say", text="still here")
    assert "still here" in page.html


def test_what_is_no_presigner_is_told_so() -> None:
    presigner = S3Presigner()

    assert as_presigner(presigner) is presigner and as_presigner(None) is None
    with pytest.raises(TypeError, match="external takes a presigner"):
        as_presigner("bucket")  # type: ignore[arg-type]


# -- Minted by a handler


def test_a_server_function_mints_and_a_handler_confirms(
    direct: Callable[..., UploadPage], s3: Moto, consumed: list[UploadEntry]
) -> None:
    page = direct()

    minted = page.call("presign", slot="doc", name="a.txt", size=5)
    assert put(minted["external"], b"hello") == 200
    page.click("confirm", ref=minted["ref"])
    page.upload_answer(minted["ref"], "upload_ready")
    page.submit("run")

    assert [entry.writer_result["key"] for entry in consumed] == [f"uploads/{minted['upload_id']}/a.txt"]


def test_a_server_function_signs_parts(
    direct: Callable[..., UploadPage], s3: Moto, consumed: list[UploadEntry]
) -> None:
    page = direct()

    minted = page.call("presign", slot="doc", name="big.txt", size=len(LONG))
    urls = page.call("sign", ref=minted["ref"], parts=[1, 2, 3])["urls"]
    for number in (1, 2, 3):
        send(urls[str(number)], LONG[(number - 1) * 5 * MIB : number * 5 * MIB])
    page.click("confirm", ref=minted["ref"])
    page.upload_answer(minted["ref"], "upload_ready")
    page.submit("run")

    assert s3.read(consumed[0].writer_result["key"]) == LONG


def test_a_server_function_mints_nothing_that_the_slot_refuses(
    direct: Callable[..., UploadPage], s3: Moto, allowed: set[str]
) -> None:
    allowed.add("DirectView failed")
    page = direct()

    with pytest.raises(ServerSaid):
        page.call("presign", slot="doc", name="a.exe", size=5)

    assert s3.keys() == s3.unfinished() == []


# -- The event


def test_s3s_event_makes_the_waiting_page_go_on(
    direct: Callable[..., UploadPage], s3: Moto, consumed: list[UploadEntry], client: Client
) -> None:
    """Nobody on the page has said that it was done."""
    page = direct(client)
    minted = page.call("presign", slot="doc", name="a.txt", size=5)
    put(minted["external"], b"hello")
    key = f"uploads/{minted['upload_id']}/a.txt"
    message = signer.notification(event(record(s3.bucket, key, 5)))

    forged = client.post("/webhooks/s3/", json.dumps({**message, "Signature": "AAAA"}), content_type="text/plain")
    genuine = client.post("/webhooks/s3/", json.dumps(message), content_type="text/plain")

    assert (forged.status_code, genuine.json()) == (403, {"ok": True, "completed": 1})
    page.upload_answer(minted["ref"], "upload_ready")
    page.wait_html("a.txt</bdi> ready")
    page.submit("run")
    assert len(consumed) == 1


# -- Without JavaScript


def test_a_posted_file_is_put_into_the_bucket(
    direct: Callable[..., UploadPage], s3: Moto, consumed: list[UploadEntry], staged: Staged, client: Client
) -> None:
    file = io.BytesIO(TEXT)
    file.name = "a.txt"

    answer = client.post("/direct/", {"doc": file, "_event": "run"})

    assert answer.status_code == 200
    assert [entry.writer_result["size"] for entry in consumed] == [len(TEXT)]
    assert s3.read(consumed[0].writer_result["key"]) == TEXT
    assert staged() == []
