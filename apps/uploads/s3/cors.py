"""Leave for the site's pages to send to the bucket. (S3 keeps it as the bucket's CORS configuration.)"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from botocore.exceptions import ClientError

from uploads.s3.client import bucket, client, code_of, translated

ID: Final = "uploads"  # of our rule; others are left alone


def rule(origins: Sequence[str]) -> dict[str, Any]:
    """What `uploads.s3.presigning` needs, and nothing else: no reading, no other header."""
    return {
        "ID": ID,
        "AllowedOrigins": list(origins),
        "AllowedMethods": ["PUT", "POST"],
        "AllowedHeaders": ["content-type", "if-none-match"],
        "MaxAgeSeconds": 3600,
    }


def apply(origins: Sequence[str]) -> list[dict[str, Any]]:
    """Puts our rule in place of the one before; all rules of the bucket. Blocks.

    Raises `UploadError("storage_unavailable")`.
    """
    with translated():
        rules = [other for other in _rules() if other.get("ID") != ID] + [rule(origins)]
        client().put_bucket_cors(Bucket=bucket(), CORSConfiguration={"CORSRules": rules})
    return rules


def _rules() -> list[dict[str, Any]]:
    try:
        rules: list[dict[str, Any]] = client().get_bucket_cors(Bucket=bucket())["CORSRules"]
    except ClientError as failure:
        if code_of(failure) != "NoSuchCORSConfiguration":
            raise
        return []
    return rules
