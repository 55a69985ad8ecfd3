"""An S3 that fails where a test asks for it, and an upload that is parked and resumed."""

from __future__ import annotations

import pytest

from uploads.tests.faults import S3Faults, failing
from uploads.tests.moto import Moto
from uploads.tests.s3.tails.sessions import PART, Sessions

s3 = failing(PART_SIZE=PART, ATTEMPTS=1, READ_TIMEOUT=60)


@pytest.fixture
def sessions(s3: S3Faults, moto: Moto) -> Sessions:
    return Sessions(s3, moto)
