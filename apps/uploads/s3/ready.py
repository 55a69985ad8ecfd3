"""What this folder adds to the app: its checks, and its share of the janitor's work. Imports no boto3."""

from __future__ import annotations

from uploads import janitor
from uploads.s3 import checks  # noqa: F401  (registers them)
from uploads.s3.options import options


def _sweep() -> int:
    if not options().bucket:
        return 0
    from uploads.s3 import pruning

    return pruning.prune()


janitor.register("stale multipart uploads", _sweep)
