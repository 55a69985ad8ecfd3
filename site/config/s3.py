"""A bucket for published files, if the environment names one: from the usual variables, or those of some hosts.

The settings are django-storages' own, which `uploads.s3` reads as well. The bucket stays private: pages have signed
addresses in them, and the browser fetches from the bucket itself.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from config.env import env

# Ours, then what Bucketeer (Heroku) and Tigris (Fly) set by themselves. The first that is set wins.
VARIABLES: dict[str, tuple[str, ...]] = {
    "AWS_STORAGE_BUCKET_NAME": ("AWS_STORAGE_BUCKET_NAME", "BUCKETEER_BUCKET_NAME", "BUCKET_NAME"),
    "AWS_ACCESS_KEY_ID": ("AWS_ACCESS_KEY_ID", "BUCKETEER_AWS_ACCESS_KEY_ID"),
    "AWS_SECRET_ACCESS_KEY": ("AWS_SECRET_ACCESS_KEY", "BUCKETEER_AWS_SECRET_ACCESS_KEY"),
    "AWS_S3_REGION_NAME": ("AWS_S3_REGION_NAME", "BUCKETEER_AWS_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"),
    "AWS_S3_ENDPOINT_URL": ("AWS_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "AWS_S3_ADDRESSING_STYLE": ("AWS_S3_ADDRESSING_STYLE",),
}


def settings() -> dict[str, Any]:
    """Django's settings for the bucket; empty without one."""
    found = {name: next(filter(None, map(_read, names)), "") for name, names in VARIABLES.items()}
    if not found["AWS_STORAGE_BUCKET_NAME"]:
        return {}
    return {
        **{name: value for name, value in found.items() if value},
        "AWS_S3_FILE_OVERWRITE": False,
        "AWS_DEFAULT_ACL": None,  # the bucket's own, which is private
        "AWS_QUERYSTRING_AUTH": True,
        "AWS_QUERYSTRING_EXPIRE": env.number("AWS_QUERYSTRING_EXPIRE", default=24 * 3600),
        "AWS_S3_SIGNATURE_VERSION": "s3v4",
        # The name holds 128 random bits and its content never changes.
        "AWS_S3_OBJECT_PARAMETERS": {"CacheControl": "private, max-age=31536000, immutable"},
    }


def origins(given: dict[str, Any]) -> list[str]:
    """Where browsers may find the bucket of those settings: for a Content-Security-Policy."""
    if not given:
        return []
    bucket, region = given["AWS_STORAGE_BUCKET_NAME"], given.get("AWS_S3_REGION_NAME", "")
    endpoint = urlsplit(given.get("AWS_S3_ENDPOINT_URL", ""))
    if endpoint.netloc:
        own = f"{endpoint.scheme}://{endpoint.netloc}"
        is_name = not endpoint.netloc.partition(":")[0].replace(".", "").isdigit()
        return [own, f"{endpoint.scheme}://{bucket}.{endpoint.netloc}"] if is_name else [own]
    hosts = ["s3.amazonaws.com", *([f"s3.{region}.amazonaws.com"] if region else [])]
    return [f"https://{name}" for host in hosts for name in (f"{bucket}.{host}", f"{host}/{bucket}/")]


def _read(name: str) -> str:
    return str(env.str(name, default=""))
