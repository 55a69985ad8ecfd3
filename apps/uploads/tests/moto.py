"""An S3 to test with: `moto_server` in a process of its own, on a free port, in memory.

It keeps multipart uploads and part lists as S3 does; it checks neither signatures nor expiry.
"""

from __future__ import annotations

import os
import sys
import urllib.request
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

from liveview.tests.processes import Program

SERVER = Path(__file__).with_name("moto_server.py")
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": REGION}


class Moto(Program):
    """Its `bucket` exists."""

    bucket = "uplift-tests"
    probe = "/moto-api/"

    def __init__(self, folder: Path) -> None:
        run = f"import runpy; runpy.run_path({str(SERVER)!r}, run_name='__main__')"
        command = [sys.executable, "-c", run, "-H", "{host}", "-p", "{port}"]
        super().__init__(folder, command, env={**os.environ, **CREDENTIALS})
        self._clients: dict[str, Any] = {}  # by address; making one takes longer than most requests

    def start(self) -> Self:
        """Returns when the bucket is there."""
        super().start()
        self.client().create_bucket(Bucket=self.bucket)
        self._warm_up()
        return self

    def _warm_up(self) -> None:
        """It loads much of itself with the first requests, which must not be several at once."""
        client, one = self.client(), {"Bucket": self.bucket, "Key": "warm"}
        upload = client.create_multipart_upload(**one)["UploadId"]
        part = client.upload_part(**one, UploadId=upload, PartNumber=1, Body=b"x")
        client.list_parts(**one, UploadId=upload)
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        client.complete_multipart_upload(**one, UploadId=upload, MultipartUpload=parts)
        client.delete_object(**one)

    def client(self, url: str = "") -> Any:
        """A boto3 client of this server, or of a proxy before it."""
        if url not in self._clients:
            session = boto3.session.Session("testing", "testing", region_name=REGION)
            config = Config(s3={"addressing_style": "path"})
            self._clients[url] = session.client("s3", endpoint_url=url or self.url, config=config)
        return self._clients[url]

    def options(self, url: str = "") -> dict[str, Any]:
        """For `UPLOADS["S3"]`."""
        return {
            "BUCKET": self.bucket,
            "ENDPOINT_URL": url or self.url,
            "REGION": REGION,
            "ADDRESSING_STYLE": "path",
            "ACCESS_KEY_ID": "testing",
            "SECRET_ACCESS_KEY": "testing",
        }

    def environment(self, url: str = "") -> dict[str, str]:
        """For a process that leaves it all to boto3, as the seeds' samples do."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL": url or self.url, "AWS_STORAGE_BUCKET_NAME": self.bucket}

    def reset(self) -> None:
        """Empties it, but for the bucket."""
        request = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")
        with urllib.request.urlopen(request, timeout=30):
            pass
        self.client().create_bucket(Bucket=self.bucket)

    def read(self, key: str, bucket: str = "") -> bytes:
        body: bytes = self.client().get_object(Bucket=bucket or self.bucket, Key=key)["Body"].read()
        return body

    def keys(self, bucket: str = "") -> list[str]:
        listed = self.client().list_objects_v2(Bucket=bucket or self.bucket)
        return sorted(item["Key"] for item in listed.get("Contents", ()))

    def unfinished(self, bucket: str = "") -> list[str]:
        """The keys of multipart uploads that were neither completed nor aborted."""
        listed = self.client().list_multipart_uploads(Bucket=bucket or self.bucket)
        return sorted(item["Key"] for item in listed.get("Uploads", ()))
