"""Multipart uploads that nobody will go on with: a storage keeps their parts, unseen, and charges for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from django.utils import timezone

from uploads.conf import conf
from uploads.s3.client import bucket, client, code_of, translated
from uploads.s3.options import options
from uploads.stores import get_store


def prune() -> int:
    """Aborts multipart uploads that are ours, have no record any more, and had no new part for long; how many.

    Ours are those whose key is the prefix and the id of an upload. A slot with a store of its own keeps its uploads
    alive by their parts, not by their records: its `ttl` should not be longer than `STALE_AFTER`. Blocks; raises
    `UploadError("storage_unavailable")`.
    """
    ours = re.compile(re.escape(options().prefix) + r"([0-9a-f]{32})(/.*)?", re.DOTALL)
    stale_before = timezone.now() - timedelta(seconds=max(conf().stale_after, conf().upload_state_ttl))
    store, aborted = get_store(), 0
    with translated():
        for found in _unfinished():
            match = ours.fullmatch(found["Key"])
            if match and found["Initiated"] < stale_before and store.load(match[1]) is None:
                aborted += _abort_if_stale(found, stale_before)
    return aborted


def _unfinished() -> Iterator[dict[str, Any]]:
    pages = client().get_paginator("list_multipart_uploads")
    for page in pages.paginate(Bucket=bucket(), Prefix=options().prefix):
        yield from page.get("Uploads", ())


def _abort_if_stale(found: dict[str, Any], stale_before: datetime) -> bool:
    one = {"Bucket": bucket(), "Key": found["Key"], "UploadId": found["UploadId"]}
    try:
        pages = client().get_paginator("list_parts").paginate(**one)
        if any(part["LastModified"] >= stale_before for page in pages for part in page.get("Parts", ())):
            return False
        client().abort_multipart_upload(**one)
    except ClientError as failure:
        if code_of(failure) != "NoSuchUpload":  # finished meanwhile
            raise
        return False
    return True
