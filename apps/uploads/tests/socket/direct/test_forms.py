"""Files that a form posts: with a policy straight to S3, or without JavaScript through us."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from uploads import UploadEntry
from uploads.testing import Refused, UploadPage
from uploads.tests.moto import Moto
from uploads.tests.socket.direct.sending import PNG, done, register, send
from uploads.tests.support import TEXT, Staged, until

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
