"""A page whose files go straight to S3, and the webhook."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.http import HttpRequest
from django.urls import include, path

from liveview import LiveView, event_handler, server_function, state
from uploads import UploadEntry, UploadMixin
from uploads.s3.presigning import S3Presigner

from .signing import Signer

signer = Signer()


def certificate(url: str) -> bytes:
    """In place of a request to Amazon."""
    return signer.certificate


class Failing:
    """A presigner whose storage fails when it is asked `at` something."""

    at = ""
    needs_view = False
    state: ClassVar[dict[str, Any]] = {}

    def begin(self, entry: UploadEntry, view: Any) -> Failing:
        return self

    def resume(self, entry: UploadEntry, state: Mapping[str, Any]) -> Failing:
        return self

    def grant(self) -> dict[str, Any]:
        return self._answer("grant")

    def sign(self, parts: Sequence[int]) -> dict[str, Any]:
        return self._answer("sign")

    def finish(self) -> Any:
        return self._answer("finish")

    def measure(self) -> int:
        return 0

    def accept(self, entry: Any) -> None: ...

    def discard(self) -> None: ...

    def _answer(self, what: str) -> dict[str, Any]:
        if what == self.at:
            raise RuntimeError("secret")
        return {"uploader": "Depot"}


failing = Failing()


class DirectView(UploadMixin, LiveView):
    template_name = "uploads_bench.html"

    said = state("")

    script: ClassVar[Callable[[DirectView], None]] = staticmethod(lambda view: None)
    check: ClassVar[Callable[[UploadEntry], None]] = staticmethod(lambda entry: None)
    mint: ClassVar[Callable[[UploadEntry, Any], dict[str, Any]]] = staticmethod(lambda entry, view: {})

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        straight = {"max_file_size": 50_000_000, "external": S3Presigner(), "validators": [self.judge]}
        self.allow_upload("doc", accept=".txt", **straight)
        self.allow_upload("docs", accept=".txt,.png", max_entries=3, **straight)
        self.allow_upload("video", accept=".txt", resumable=True, **straight)
        self.allow_upload("posted", accept=".txt,.png", external=S3Presigner(small="post"), max_file_size=50_000_000)
        self.allow_upload("own", accept=".txt", external=self.minted, validators=[self.judge])
        self.allow_upload("failing", accept=".txt", external=failing)
        self.allow_upload("plain", accept=".txt")

    @staticmethod
    def judge(entry: UploadEntry) -> None:
        DirectView.check(entry)

    @staticmethod
    def minted(entry: UploadEntry, view: Any) -> dict[str, Any]:
        return DirectView.mint(entry, view)

    @server_function
    def presign(self, slot: str, name: str, size: int) -> dict[str, Any]:
        return self.presign_upload(slot, name, size)

    @server_function
    def sign(self, ref: str, parts: list[int]) -> dict[str, Any]:
        return self.sign_upload(ref, parts)

    @event_handler
    def confirm(self, ref: str) -> None:
        self.confirm_upload(ref)

    @event_handler
    def run(self) -> None:
        DirectView.script(self)

    @event_handler
    def say(self, text: str = "") -> None:
        self.said = text


urlpatterns = [
    path("direct/", DirectView.as_view()),
    path("", include("uploads.s3.urls")),
]
