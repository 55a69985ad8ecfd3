"""A server that keeps the rules of multipart uploads, behind a proxy that fails where a test asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from uploads.tests.faults import S3Faults
from uploads.tests.moto import Moto
from uploads.tests.s3.multipart.film import PART


@pytest.fixture
def s3(moto: Moto, settings: Any, tmp_path: Any) -> Iterator[S3Faults]:
    """The storage, through a proxy that a test may have fail. Nothing may be left unfinished in it."""
    moto.reset()
    with S3Faults(moto.url) as s3:
        options = {**moto.options(s3.url), "PART_SIZE": PART, "ATTEMPTS": 2, "READ_TIMEOUT": 20}
        settings.UPLOADS = {"STAGING_DIR": tmp_path / "staging", "S3": options}
        yield s3
    assert moto.unfinished() == []
