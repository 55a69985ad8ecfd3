"""What several test modules need."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable

import pytest

from liveview.tests.processes import until
from uploads.testing import UploadPage

from .project import BenchView

__all__ = ["TEXT", "Gate", "Site", "Staged", "assert_works", "handle", "sha", "until"]

Site = Callable[..., UploadPage]
Staged = Callable[[], list[str]]

TEXT = random.Random(1).randbytes(300_000)  # as long as any of ours need, and like no file type


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Gate:
    """Stops a thread at a place until the test lets it continue."""

    def __init__(self) -> None:
        self.reached, self._open = threading.Event(), threading.Event()

    def __call__(self, *_: object) -> None:
        self.reached.set()
        assert self._open.wait(60)

    def wait(self) -> None:
        assert self.reached.wait(60)

    def open(self) -> None:
        self._open.set()


def handle(monkeypatch: pytest.MonkeyPatch, script: Callable[[BenchView], None]) -> None:
    monkeypatch.setattr(BenchView, "script", staticmethod(script))


def assert_works(page: UploadPage) -> None:
    """The page still works, and so do uploads."""
    page.submit("say", text="still here")
    assert "still here" in page.html
    ref = page.upload("docs", "next.txt", TEXT)
    page.send({"type": "upload_cancel", "ref": ref})
    page.upload_answer(ref, "upload_cancelled")
