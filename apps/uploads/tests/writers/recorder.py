"""A writer that writes down what is called, and how a test has it fail."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any, ClassVar

from PIL import Image

from uploads import UploadWriter
from uploads.testing import UploadPage

PIECE = 65_536


class Recorder(UploadWriter):
    """Writes down what is called. A test has one step raise or wait by `steps`."""

    made: ClassVar[list[Recorder]] = []
    steps: ClassVar[dict[str, Callable[[], None]]] = {}

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.given = given
        self.calls: list[str] = []
        self.content = b""
        self.threads = {threading.current_thread().name}
        self.error: BaseException | None = None
        Recorder.made.append(self)
        self._step("init")

    def open(self) -> None:
        self._step("open")

    def write_chunk(self, chunk: bytes) -> None:
        assert type(chunk) is bytes
        self.content += chunk
        self._step("write_chunk")

    def close(self) -> dict[str, Any]:
        self._step("close")
        return {"url": f"/stored/{self.upload_id}", "size": len(self.content)}

    def abort(self, error: BaseException) -> None:
        self.error = error
        self._step("abort")

    @property
    def order(self) -> list[str]:
        """The calls, with those of `write_chunk` in one."""
        return [call for at, call in enumerate(self.calls) if not at or call != self.calls[at - 1]]

    def _step(self, name: str) -> None:
        if name != "init":
            self.calls.append(name)
        self.threads.add(threading.current_thread().name)
        Recorder.steps.get(name, lambda: None)()


def only() -> Recorder:
    assert len(Recorder.made) == 1
    return Recorder.made[0]


def raising(error: BaseException) -> Callable[[], None]:
    def step() -> None:
        raise error

    return step


def consume(page: UploadPage) -> None:
    page.submit("take")


def png() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((80, 60), 50).save(out, "PNG")
    assert len(out.getvalue()) > 4200
    return out.getvalue()
