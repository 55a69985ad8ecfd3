"""What SNS, the browser and the page before it have done when an event comes."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from uploads.s3.handles import Handle
from uploads.stores import Record, get_store
from uploads.tests.moto import Moto

ID = "0123456789abcdef0123456789abcdef"
KEY = f"uploads/{ID}/my film.txt"
UUID = "7d3c5a52-6d6c-4a1e-9d64-7a33b2a0d3f1"


def deliver(client: Client, message: Any) -> Any:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return client.post("/webhooks/s3/", body, content_type="text/plain; charset=UTF-8")


def keep(size: int, key: str = KEY, bucket: str = Moto.bucket) -> None:
    """An upload that is under way."""
    kept = {"type": "text/plain", "state": Handle(bucket, key, key).to_state()}
    get_store().save(Record(ID, "user:1", "/direct/", "doc", "my film.txt", size, writer=kept), 600)


def put(s3: Moto, key: str = KEY, data: bytes = b"hello") -> str:
    etag: str = s3.client().put_object(Bucket=s3.bucket, Key=key, Body=data)["ETag"]
    return etag.strip('"')
