"""How the site's bucket is found, and what of its failures is told."""

from __future__ import annotations

import io
import threading
from hashlib import sha256
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from django.core.exceptions import ImproperlyConfigured
from urllib3 import HTTPResponse

from uploads import UploadError
from uploads.s3.client import BLOCK, bucket, client, translated
from uploads.s3.options import options

BODY = bytes(range(256)) * (3 * BLOCK // 512)  # one block and a half
KEYS = {"ACCESS_KEY_ID": "a key", "SECRET_ACCESS_KEY": "a secret"}


@pytest.fixture(autouse=True)
def no_bucket(settings: Any) -> None:
    settings.UPLOADS = {}
    for name in ("AWS_STORAGE_BUCKET_NAME", "AWS_S3_ENDPOINT_URL", "AWS_S3_REGION_NAME", "AWS_ACCESS_KEY_ID"):
        setattr(settings, name, None)


def test_the_options_of_uploads_come_first(settings: Any) -> None:
    settings.UPLOADS = {"S3": {"BUCKET": "mine", "REGION": "eu-central-1"}}
    settings.AWS_STORAGE_BUCKET_NAME = "storages"
    settings.AWS_S3_ENDPOINT_URL = "https://s3.example.com"

    assert bucket() == "mine"
    assert (options().region, options().endpoint_url) == ("eu-central-1", "https://s3.example.com")


def test_the_settings_of_django_storages_will_do(settings: Any) -> None:
    settings.AWS_STORAGE_BUCKET_NAME = "storages"
    settings.AWS_ACCESS_KEY_ID = "a key"

    assert bucket() == "storages"
    assert options().access_key_id == "a key"


def test_without_a_bucket_it_says_what_to_set() -> None:
    with pytest.raises(ImproperlyConfigured, match="AWS_STORAGE_BUCKET_NAME"):
        bucket()


def test_an_option_that_is_none_is_named(settings: Any) -> None:
    settings.UPLOADS = {"S3": {"BUKCET": "mine"}}

    with pytest.raises(ImproperlyConfigured, match="BUKCET"):
        options()


def test_its_secrets_are_not_in_its_repr(settings: Any) -> None:
    settings.UPLOADS = {"S3": {"SECRET_ACCESS_KEY": "hush"}}

    assert "hush" not in repr(options())


def test_threads_share_one_client(settings: Any) -> None:
    settings.UPLOADS = {"S3": {"BUCKET": "mine", "REGION": "eu-central-1", "CONNECT_TIMEOUT": 3}}
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(client())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(map(id, found))) == 1
    assert found[0].meta.config.connect_timeout == 3


def test_other_settings_are_another_client(settings: Any) -> None:
    settings.UPLOADS = {"S3": {"REGION": "eu-central-1"}}
    first = client()
    settings.UPLOADS = {"S3": {"REGION": "eu-west-1"}}

    assert client() is not first
    assert client().meta.region_name == "eu-west-1"


@pytest.mark.parametrize(
    "failure",
    [
        ClientError({"Error": {"Code": "AccessDenied", "Message": "arn:aws:secret"}}, "PutObject"),
        EndpointConnectionError(endpoint_url="https://secret.example.com"),
        NoCredentialsError(),
    ],
)
def test_a_failure_is_typed_and_names_nothing(failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UploadError) as raised, translated():
        raise failure

    assert raised.value == UploadError("storage_unavailable")
    assert "secret" not in caplog.text
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    ("endpoint", "signed"),
    [
        (None, "UNSIGNED-PAYLOAD"),  # Amazon's own
        ("https://s3.example.com", "UNSIGNED-PAYLOAD"),
        ("http://s3.example.com", sha256(BODY).hexdigest()),
    ],
)
def test_a_body_is_hashed_where_nothing_else_protects_it(settings: Any, endpoint: str | None, signed: str) -> None:
    settings.UPLOADS = {"S3": {"BUCKET": "mine", "REGION": "eu-central-1", "ENDPOINT_URL": endpoint, **KEYS}}
    sent: list[AWSPreparedRequest] = []

    def answer(request: AWSPreparedRequest, **_event: Any) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, {}, HTTPResponse(io.BytesIO(b""), preload_content=False))

    client().meta.events.register_first("before-send.s3.PutObject", answer)
    client().put_object(Bucket="mine", Key="a", Body=BODY)

    assert [request.headers["X-Amz-Content-SHA256"] for request in sent] == [signed.encode()]
    assert b"".join(iter(lambda: sent[0].body.read(16_384), b"")) == BODY
    assert sent[0].body.seek(0) == 0  # it is sent again, if that fails
    assert len(sent[0].body.read(16_384)) == BLOCK
