"""What this folder adds to the app: a place to stage, its checks, and its share of the janitor's work.

Imports no boto3.
"""

from __future__ import annotations

from uploads import janitor
from uploads.core.contracts import Entry, Presigner, Sink
from uploads.s3 import checks  # noqa: F401  (registers them)
from uploads.s3.options import options
from uploads.staging import choice


def _staged(entry: Entry) -> Sink:
    from uploads.s3.staging import StagedObject

    return StagedObject(entry)


def _chunks(upload_id: str, count: int, chunk_size: int, since: float) -> choice.Chunks:
    from uploads.s3.chunks import ChunkObjects

    return ChunkObjects(upload_id, count, chunk_size, since)


def _direct() -> Presigner:
    from uploads.s3.presigning import S3Presigner

    return S3Presigner(fetches=True)


def _sweep() -> int:
    if not options().bucket:
        return 0
    from uploads.s3 import pruning

    return pruning.prune()


def _sweep_staged() -> int:
    if not options().bucket:
        return 0
    from uploads.s3 import pruning

    return pruning.prune_staged()


choice.register("bucket", _staged, _chunks, _direct)
janitor.register("stale multipart uploads", _sweep)
janitor.register("stale staged files", _sweep_staged)
