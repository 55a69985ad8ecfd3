"""A site on many machines: web processes and workers with a disk of their own each, PostgreSQL, Redis and a bucket,
behind HAProxy, which sends every connection to whoever has the fewest.

All of it is torn down with it. `left` is what is there that nobody needs: orphans.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Self

import psycopg
from redis import Redis as Client

from e2e.support.deployment import Deployment, Web, Worker
from e2e.support.haproxy import Haproxy
from e2e.support.postgres import Postgres
from e2e.support.venv import ROOT, Venv
from liveview.tests.redis import Redis
from uploads.s3.cors import rule
from uploads.tests.faults import S3Faults, away
from uploads.tests.moto import Moto

METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
AT_ONCE = {"UPLOADS_STALE_AFTER": "0", "UPLOADS_UPLOAD_STATE_TTL": "1"}  # for the janitor: nothing is young

# channels_redis keeps the one message that a process was reading when it was killed, in a key without an expiry
IN_FLIGHT = b"!$inflight"


class Fleet:
    """`config` is more of the environment, `version` the folder with the version that is deployed first."""

    def __init__(self, folder: Path, *, webs: int = 3, workers: int = 2, version: Path = ROOT, **config: str) -> None:
        self._folder, self._version, self._config = folder, version, config
        self._counts = webs, workers
        self.webs: list[Web] = []
        self.workers: list[Worker] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.postgres = stack.enter_context(Postgres())
            self.redis = Redis(self._folder)
            self.redis.command += ["--appendonly", "yes", "--appendfsync", "always"]  # it is away, and forgets nothing
            stack.enter_context(self.redis)
            self.moto = stack.enter_context(Moto(self._folder))
            self.bucket = stack.enter_context(S3Faults(self.moto.url))
            stack.callback(self._end)
            self.deploy(self._version)
            self.webs = [Web(self.deployment, {}) for _ in range(self._counts[0])]
            self.workers = [Worker(self.deployment, {}) for _ in range(self._counts[1])]
            self.haproxy = Haproxy(self._folder, [web.port for web in self.webs])
            for each in (*self.webs, *self.workers):
                each.launch()
            for each in (*self.webs, *self.workers):
                each.wait_until_ready()
            stack.enter_context(self.haproxy)
            origins = {"CORSRules": [rule(["*"])]}
            self.moto.client().put_bucket_cors(Bucket=self.moto.bucket, CORSConfiguration=origins)
            self._ends = stack.pop_all()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._ends.close()

    def _end(self) -> None:
        for each in (*self.webs, *self.workers):
            each.kill()

    def deploy(self, version: Path = ROOT) -> None:
        """Builds and releases a version: its migrations are run. What starts from now on is of it."""
        folder = self._folder / f"version-{len(list(self._folder.glob('version-*')))}"
        folder.mkdir()
        config = {
            "SECRET_KEY": hashlib.sha256(b"a fleet").hexdigest(),
            "ALLOWED_HOSTS": "127.0.0.1",
            "DATABASE_URL": self.postgres.url,
            "DATABASE_POOL": "6",
            "REDIS_URL": self.redis.url,
            "JOBS": "procrastinate",
            "AWS_STORAGE_BUCKET_NAME": self.moto.bucket,
            "AWS_S3_ENDPOINT_URL": self.bucket.url,
            "AWS_S3_ADDRESSING_STYLE": "path",
            "AWS_S3_REGION_NAME": "us-east-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            **self._config,
        }
        made = Deployment(Venv(Path(sys.prefix)), folder, config, version)
        at_once(partial(made.manage, "collectstatic", "--noinput"), made.release)
        self.deployment = made

    # -- What happens to it

    def replace(self, gone: Web, *, disk: Path | None = None, **more: str) -> Web:
        """Another process of the version that is deployed, at the address of one that has ended; on an empty disk, or
        on one that has been kept."""
        number = self.webs.index(gone)
        new = Web(self.deployment, more)
        new.port, new.disk = gone.port, disk or new.disk
        new.env |= {"PORT": str(new.port), "DATA_DIR": str(new.disk)}
        self.webs[number] = new
        return new.start()

    def expire(self) -> None:
        """The time of uploads by HTTP is over that nobody goes on with."""
        with Client.from_url(self.redis.url) as client:
            for key in client.scan_iter("uploads:*"):
                if not key.endswith(b":lease") and not _is_done(client.hget(key, "record")):
                    client.delete(key)

    def lose_bucket(self) -> None:
        """Every request to it is reset before its body is read."""
        for method in METHODS:
            self.bucket.on(method, "", away)

    # -- What there is

    def rows(self, query: str, *given: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres.url) as connection:
            return connection.execute(query, given).fetchall()

    def films(self) -> dict[str, str]:
        """What has become of each film, by its SHA-256 as it was received."""
        return dict(self.rows("SELECT sha256, status FROM videos_video"))

    def received(self) -> list[str]:
        """The SHA-256 of what came in numbered chunks, of the bytes that are in the bucket."""
        keys = self.rows("SELECT file FROM otherways_received")
        return [hashlib.sha256(self.moto.read(key)).hexdigest() for (key,) in keys]

    def left(self) -> list[str]:
        """Orphans, once the janitor has been round."""
        self.deployment.manage("uploads_prune", **AT_ONCE)
        columns = ("file FROM otherways_received", "file FROM videos_video", "poster FROM videos_video")
        known = {key for column in columns for (key,) in self.rows(f"SELECT {column}")}
        left = [f"object {key}" for key in set(self.moto.keys()) - known]
        left += [f"multipart upload {key}" for key in self.moto.unfinished()]
        left += [f"record {each}" for (each,) in self.rows("SELECT upload_id FROM uploads_uploadstate")]
        left += [f"job {each}" for each in self.rows("SELECT task_name, status FROM procrastinate_jobs")]
        left += [
            f"film {each}" for each in self.rows("SELECT id, status FROM videos_video WHERE status = 'processing'")
        ]
        with Client.from_url(self.redis.url) as client:
            keys = [key.decode() for key in client.scan_iter() if not key.endswith(IN_FLIGHT)]
            left += [f"key {key}" for key in keys if client.ttl(key) == -1]
            records = [key for key in keys if key.startswith("uploads:") and not key.endswith(":lease")]
            left += [f"record {key}" for key in records if not _is_done(client.hget(key, "record"))]
        return left


def at_once(*steps: Callable[[], object]) -> list[Any]:
    """What each returns, side by side: most of them wait for another process."""
    with ThreadPoolExecutor(len(steps)) as pool:
        return [running.result() for running in [pool.submit(step) for step in steps]]


def _is_done(record: str | bytes | None) -> bool:
    """An upload by HTTP whose outcome is remembered, for the same request made again, until that expires."""
    return record is None or "done" in json.loads(record)["http"].values()
