"""Confirming that a topic may deliver here."""

from __future__ import annotations

import boto3
from botocore.config import Config

from uploads.s3.client import translated
from uploads.s3.notifications.sns import region_of
from uploads.s3.options import options


def confirm(topic: str, token: str) -> None:
    """By the API of SNS in the topic's own region, never by the URL of a message. Blocks.

    Needs the permission `sns:ConfirmSubscription`. Raises `UploadError("storage_unavailable")`.
    """
    known = options()
    with translated():
        session = boto3.session.Session(
            aws_access_key_id=known.access_key_id or None,
            aws_secret_access_key=known.secret_access_key or None,
            aws_session_token=known.session_token or None,
        )
        patience = Config(connect_timeout=known.connect_timeout, read_timeout=known.read_timeout)
        client = session.client("sns", region_name=region_of(topic), config=patience)
        client.confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")
