"""A site whose pages send straight to S3, through a network that fails, and files to send."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.direct.pages import PARALLEL, PART, SIZE
from e2e.lab.pages import SETTINGS
from e2e.support.console import Console
from e2e.support.proxy import FaultProxy
from e2e.support.sending import random_file
from e2e.support.server import Server
from liveview.tests.processes import served
from uploads.s3.cors import rule
from uploads.tests.moto import Moto
from uploads.tests.signing import TOPIC, Signer

s3 = served(Moto, scope="session")


@pytest.fixture(scope="session")
def road(s3: Moto) -> Iterator[FaultProxy]:
    """The way to S3, for browsers and for the server."""
    with FaultProxy(s3.host, s3.port) as road:
        yield road


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer()


@pytest.fixture(scope="session")
def site(
    tmp_path_factory: pytest.TempPathFactory, s3: Moto, road: FaultProxy, signer: Signer
) -> Iterator[tuple[Server, FaultProxy]]:
    """A server whose pages may send to that S3, and the way to it."""
    folder = tmp_path_factory.mktemp("direct")
    certificate = folder / "sns.pem"
    certificate.write_bytes(signer.certificate)
    bucket = {
        "AWS_STORAGE_BUCKET_NAME": s3.bucket,
        "AWS_S3_ENDPOINT_URL": road.url,
        "AWS_S3_REGION_NAME": "us-east-1",
        "AWS_S3_ADDRESSING_STYLE": "path",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "UPLOADS_S3": json.dumps({"PART_SIZE": PART, "PARALLEL_PARTS": PARALLEL}),
        "UPLOADS_S3_EVENTS": json.dumps({"TOPICS": [TOPIC], "CERTIFICATES": "e2e.lab.direct.certificate"}),
        "LAB_CERTIFICATE": str(certificate),
    }
    with Server(folder, extra={**SETTINGS, **bucket}) as server, FaultProxy(server.host, server.port) as link:
        rules = [rule([server.url, link.url])]
        s3.client().put_bucket_cors(Bucket=s3.bucket, CORSConfiguration={"CORSRules": rules})
        assert preflight(s3, link.url) == 200
        yield server, link


def preflight(s3: Moto, origin: str) -> int:
    """What a browser asks before it sends. The first of these must not be one of several at once: see `Moto`."""
    headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    request = urllib.request.Request(f"{s3.url}/{s3.bucket}/uploads/x", headers=headers, method="OPTIONS")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return int(answer.status)


@pytest.fixture
def link(site: tuple[Server, FaultProxy], console: Console) -> Iterator[FaultProxy]:
    """The way to the server."""
    yield site[1]
    console.stop()


@pytest.fixture(autouse=True)
def mended(road: FaultProxy, s3: Moto) -> Iterator[None]:
    road.rate, road.cut_after, road.stall, road.bytes_up = None, None, False, 0
    yield
    road.rate, road.cut_after, road.stall = None, None, False
    road.up()


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_file(tmp_path_factory.mktemp("files") / "große Datei 📦.dat", SIZE)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_file(tmp_path_factory.mktemp("files") / "small.dat", 300_000, seed=2)
