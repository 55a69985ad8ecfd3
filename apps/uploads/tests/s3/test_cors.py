"""Which pages may send to the bucket."""

from __future__ import annotations

import io
import json
import sys
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.core.management import CommandError, call_command

from uploads import s3 as package
from uploads.tests.moto import Moto

OURS, OTHERS = "https://files.example", "https://evil.example"


@pytest.fixture
def s3(s3: Moto, settings: Any) -> Moto:
    settings.UPLOADS = {"S3": s3.options()}
    settings.CSRF_TRUSTED_ORIGINS = []
    return s3


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("uploads_s3_cors", *arguments, stdout=out)
    return out.getvalue()


def may(s3: Moto, origin: str, method: str = "PUT", headers: str = "content-type,if-none-match") -> bool:
    """What a browser would be told."""
    asking = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    request = urllib.request.Request(f"{s3.url}/{s3.bucket}/uploads/x", method="OPTIONS", headers=asking)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            methods = answer.headers["Access-Control-Allow-Methods"].replace(" ", "").split(",")
            allowed = answer.headers["Access-Control-Allow-Headers"].replace(" ", "").lower().split(",")
            asked = headers.split(",")
            is_origin = answer.headers["Access-Control-Allow-Origin"] == origin
            return is_origin and method in methods and all(header in allowed for header in asked)
    except urllib.error.HTTPError as refused:
        assert refused.code == 403
        return False


def test_pages_of_the_site_may_send_and_no_others(s3: Moto) -> None:
    run(OURS)

    assert may(s3, OURS) and may(s3, OURS, "POST", "content-type")
    assert not may(s3, OTHERS)
    assert not may(s3, OURS, "DELETE") and not may(s3, OURS, "GET")
    assert not may(s3, OURS, headers="x-amz-acl")


def test_the_sites_trusted_origins_are_taken_where_none_is_named(s3: Moto, settings: Any) -> None:
    settings.CSRF_TRUSTED_ORIGINS = [OURS]

    assert OURS in run()

    assert may(s3, OURS)


def test_without_an_origin_nothing_is_changed(s3: Moto) -> None:
    with pytest.raises(CommandError, match="Name the site's origin"):
        run()


@pytest.mark.parametrize("origin", ["*", "files.example", "https://files.example/", "https://*.example", "ftp://x", ""])
def test_what_is_no_origin_is_refused(s3: Moto, origin: str) -> None:
    with pytest.raises(CommandError, match="is no origin"):
        run(origin)


def test_rules_of_others_stay(s3: Moto) -> None:
    """And ours replaces the one before."""
    theirs = {"ID": "theirs", "AllowedOrigins": [OTHERS], "AllowedMethods": ["GET"]}
    s3.client().put_bucket_cors(Bucket=s3.bucket, CORSConfiguration={"CORSRules": [theirs]})

    run("https://old.example")
    run(OURS)

    rules = s3.client().get_bucket_cors(Bucket=s3.bucket)["CORSRules"]
    assert [rule["ID"] for rule in rules] == ["theirs", "uploads"]
    assert rules[1]["AllowedOrigins"] == [OURS]


def test_the_rule_can_be_looked_at_first(s3: Moto) -> None:
    (rule,) = json.loads(run("--print", OURS))["CORSRules"]

    assert rule["AllowedOrigins"] == [OURS] and rule["AllowedMethods"] == ["PUT", "POST"]
    with pytest.raises(ClientError, match="NoSuchCORSConfiguration"):
        s3.client().get_bucket_cors(Bucket=s3.bucket)


def test_a_storage_that_is_away_is_told_without_its_name(s3: Moto, settings: Any) -> None:
    settings.UPLOADS = {"S3": {**s3.options("http://127.0.0.1:9"), "ATTEMPTS": 1}}

    with pytest.raises(CommandError) as failed:
        run(OURS)
    assert s3.bucket not in str(failed.value)


def test_without_the_folder_the_command_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uploads.s3", None)

    with pytest.raises(CommandError, match="folder s3/ is missing"):
        run(OURS)


def test_without_boto3_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from uploads.s3 import cors  # noqa: F401  (so that it can be put back)

    monkeypatch.delattr(package, "cors")
    monkeypatch.delitem(sys.modules, "uploads.s3.cors")
    monkeypatch.setitem(sys.modules, "botocore.exceptions", None)

    with pytest.raises(CommandError, match="pip install boto3"):
        run(OURS)
