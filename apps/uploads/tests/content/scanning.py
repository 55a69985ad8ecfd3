"""What the tests of the containers' walkers share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from uploads.content.video.info import VideoInfo
from uploads.content.video.masked_file import Veil
from uploads.errors import UploadError

Scan = Callable[..., tuple[VideoInfo, Veil]]  # the fixture `scan`


def refusal(scan: Scan, data: bytes, **options: object) -> str:
    with pytest.raises(UploadError) as refused:
        scan(data, **options)
    return refused.value.code


def shown(veil: Veil) -> bytes:
    veil.seek(0)
    return veil.read(veil.size)
