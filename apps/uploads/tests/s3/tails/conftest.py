"""An S3 that fails where a test asks for it, and an upload that is interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from uploads.tests.faults import S3Faults
from uploads.tests.moto import Moto
from uploads.tests.s3.tails.sessions import PART, Sessions


@pytest.fixture
def s3(moto: Moto, settings: Any, tmp_path: Any) -> Iterator[S3Faults]:
    moto.reset()
    with S3Faults(moto.url) as s3:
        options = {**moto.options(s3.url), "PART_SIZE": PART, "ATTEMPTS": 1, "READ_TIMEOUT": 60}
        settings.UPLOADS = {"STAGING_DIR": tmp_path / "staging", "S3": options}
        yield s3


@pytest.fixture
def sessions(s3: S3Faults, moto: Moto) -> Sessions:
    return Sessions(s3, moto)
