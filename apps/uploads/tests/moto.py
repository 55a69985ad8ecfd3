"""An S3 to test with: `moto_server` in a process of its own, on a free port, in memory.

It keeps multipart uploads and part lists as S3 does; it checks neither signatures nor expiry.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from liveview.tests.ports import free_port

SERVER = Path(__file__).with_name("moto_server.py")
STARTS_WITHIN = 60.0  # seconds
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": REGION}


class Moto:
    """`with Moto() as s3: …`; its `bucket` exists."""

    bucket = "uplift-tests"

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, Any] = {}  # by address; making one takes longer than most requests

    def __enter__(self) -> Moto:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.kill()

    def start(self) -> Moto:
        """Returns when it answers and the bucket is there."""
        run = f"import runpy; runpy.run_path({str(SERVER)!r}, run_name='__main__')"
        command = [sys.executable, "-c", run, "-H", "127.0.0.1", "-p", str(self.port)]
        env = {**os.environ, **CREDENTIALS}
        self._process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end, tick = time.monotonic() + STARTS_WITHIN, threading.Event()
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise RuntimeError("moto_server did not start")
            tick.wait(0.05)
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

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

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

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/moto-api/", timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False
