from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from uploads.content import Video, process_video

Process = Callable[..., Video]


@pytest.fixture
def process(tmp_path: Path) -> Process:
    """Makes `made` and `poster` in the test's folder of a film, or of its bytes."""

    def run(source: Path | bytes, kind: str = "mp4", **options: Any) -> Video:
        if isinstance(source, bytes):
            (tmp_path / "received").write_bytes(source)
            source = tmp_path / "received"
        return process_video(source, kind, tmp_path / "made", tmp_path / "poster", **options)

    return run
