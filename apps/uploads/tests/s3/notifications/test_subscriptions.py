"""A topic's subscription is confirmed where the site says so, and nothing is loaded where there is no bucket."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import boto3
import pytest
from django.test import Client

from uploads import UploadError
from uploads.s3.notifications import subscriptions
from uploads.tests.direct_project import signer
from uploads.tests.moto import Moto
from uploads.tests.s3.notifications.delivering import deliver
from uploads.tests.signing import TOPIC


def test_a_subscription_is_left_to_the_operator(
    hooked: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed: list[Any] = []
    monkeypatch.setattr(subscriptions, "confirm", lambda *arguments: confirmed.append(arguments))

    message = signer.subscription("http://127.0.0.1:9/?Action=ConfirmSubscription")
    answer = deliver(hooked, message)

    assert answer.status_code == 200
    assert confirmed == []
    assert TOPIC in caplog.text and message["Token"] in caplog.text
    assert "127.0.0.1" not in caplog.text


def test_a_subscription_is_confirmed_by_the_api_where_the_site_says_so(
    hooked: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed: list[Any] = []
    monkeypatch.setattr(subscriptions, "confirm", lambda *arguments: confirmed.append(arguments))
    settings.UPLOADS = {**settings.UPLOADS, "S3_EVENTS": {**settings.UPLOADS["S3_EVENTS"], "CONFIRM": True}}
    message = signer.subscription("http://127.0.0.1:9/?Action=ConfirmSubscription")

    deliver(hooked, message)
    deliver(hooked, {**message, "Token": "forged"})

    assert confirmed == [(TOPIC, message["Token"])]


def test_the_api_is_that_of_the_topics_own_region(hooked: Client, s3: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", s3.url)
    session = boto3.session.Session("testing", "testing")
    there = session.client("sns", region_name="eu-west-1", endpoint_url=s3.url)
    assert there.create_topic(Name="uploads")["TopicArn"] == TOPIC

    subscriptions.confirm(TOPIC, "token")

    with pytest.raises(UploadError, match="can't be stored"):
        subscriptions.confirm(TOPIC.replace("eu-west-1", "us-east-1"), "token")


def test_a_site_without_a_bucket_loads_no_boto3() -> None:
    """Its URLs may have the webhook all the same."""
    code = (
        "import django; django.setup(); import sys, uploads.s3.urls, uploads.extension;"
        "assert 'uploads.s3.notifications.webhook' in sys.modules and 'boto3' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
