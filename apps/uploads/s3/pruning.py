"""What uploads have left in the bucket: unfinished multipart uploads, whose parts are invisible and charged for, tails
and staged files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from django.utils import timezone

from uploads.conf import conf
from uploads.s3 import chunks, staged, tails
from uploads.s3.client import bucket, client, code_of, translated
from uploads.s3.options import options
from uploads.stores import get_store


def prune() -> int:
    """Aborts multipart uploads that are ours, have no record, and have had no new part for long; how many.

    Ours are those whose key begins with the prefix and an upload's id. In a slot with a store of its own, parts and
    tails keep an upload alive, not its record: the `ttl` should not exceed `STALE_AFTER`. Tails are deleted under the
    same conditions. Blocks; raises `UploadError("storage_unavailable")`.
    """
    ours = re.compile(re.escape(options().prefix) + f"(?:{staged.FOLDER})?" + r"([0-9a-f]{32})(/.*)?", re.DOTALL)
    stale_before = _stale_before()
    store, aborted, left = get_store(), 0, list(tails.listed())
    alive = {one.tail.upload_id for one in left if one.modified >= stale_before}
    with translated():
        for found in _unfinished():
            match = ours.fullmatch(found["Key"])
            if not match or found["Initiated"] >= stale_before or match[1] in alive:
                continue
            if store.load(match[1]) is None:
                aborted += _abort_if_stale(found, stale_before)
    for one in left:  # after their uploads: a crash in between must leave no upload whose tail is gone
        if one.tail.upload_id not in alive and store.load(one.tail.upload_id) is None:
            tails.delete(one.tail)
    return aborted


def prune_staged() -> int:
    """Deletes staged files, and numbered chunks, that no record knows, when they are old; of how many uploads.

    Blocks, and raises as `prune`.
    """
    stale_before, store = _stale_before(), get_store()
    latest: dict[str, datetime] = dict(staged.listed())
    for upload_id, _index, _size, stored in chunks.listed():
        latest[upload_id] = max(stored, latest.get(upload_id, stored))
    stale = [upload_id for upload_id, stored in latest.items() if stored < stale_before]
    unknown = [upload_id for upload_id in stale if store.load(upload_id) is None]
    for upload_id in unknown:
        staged.remove(upload_id, None)
        chunks.remove(upload_id)
    return len(unknown)


def _stale_before() -> datetime:
    return timezone.now() - timedelta(seconds=max(conf().stale_after, conf().upload_state_ttl))


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
        if code_of(failure) != "NoSuchUpload":  # completed in the meantime
            raise
        return False
    return True
