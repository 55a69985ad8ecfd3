"""The bucket's CORS rule, which lets the site's pages send files to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from botocore.exceptions import ClientError

from uploads.s3.client import bucket, client, code_of, translated

ID: Final = "uploads"  # of our rule; all others are left alone


def rule(origins: Sequence[str]) -> dict[str, Any]:
    """Allows what `uploads.s3.presigning` needs and no more: no reads, no other headers."""
    return {
        "ID": ID,
        "AllowedOrigins": list(origins),
        "AllowedMethods": ["PUT", "POST"],
        "AllowedHeaders": ["content-type", "if-none-match"],
        "MaxAgeSeconds": 3600,
    }


def apply(origins: Sequence[str]) -> list[dict[str, Any]]:
    """Adds our rule, or replaces it; returns all rules of the bucket. Blocks.

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
