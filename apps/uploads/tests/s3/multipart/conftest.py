"""A server that keeps the rules of multipart uploads, behind a proxy that fails where a test asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from uploads.tests.faults import S3Faults, failing
from uploads.tests.moto import Moto
from uploads.tests.s3.multipart.film import PART

s3 = failing(PART_SIZE=PART, ATTEMPTS=2, READ_TIMEOUT=20)


@pytest.fixture(autouse=True)
def nothing_is_left_unfinished(moto: Moto, s3: S3Faults) -> Iterator[None]:
    yield
    assert moto.unfinished() == []
