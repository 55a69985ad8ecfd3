"""A page whose files go straight from the browser to S3: what became of each is on it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.http import HttpRequest

from liveview import LiveView, event_handler, server_function, state
from uploads import UploadEntry, UploadError, UploadMixin
from uploads.external import Stored
from uploads.s3.presigning import S3Presigner, S3Upload
from uploads.socket import retries

LARGEST = 2_000_000_000  # bytes

retries.PAUSES = (0.5, 0.5)  # type: ignore[misc,assignment]  # the lab has no two minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Hesitant(S3Presigner):
    """Is away when it is asked to complete an upload, until the page says that it isn't."""

    def begin(self, entry: UploadEntry, view: Any = None) -> S3Upload:
        return HesitantUpload(self, entry, S3Presigner.begin(self, entry, view)._handle, is_new=True)

    def resume(self, entry: UploadEntry, state: Mapping[str, Any]) -> S3Upload:
        return HesitantUpload(self, entry, S3Presigner.resume(self, entry, state)._handle)


class HesitantUpload(S3Upload):
    is_away = True

    def finish(self) -> Stored:
        if self.is_away:
            raise UploadError("storage_unavailable")
        return super().finish()


class Direct(UploadMixin, LiveView):
    """`?resumable` makes it so; `?small=post` sends small files by a form; with `?away` S3 is away at the last step."""

    template_name = "lab/direct.html"
    page_title = "Direct"

    arrived: state[list[dict[str, Any]]] = state([])

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        small: Any = request.GET.get("small", "put")
        self.allow_upload(
            "file",
            max_entries=3,
            max_file_size=LARGEST,
            resumable="resumable" in request.GET,
            external=Hesitant() if "away" in request.GET else S3Presigner(small=small),
            progress=self.on_progress,
        )
        self.allow_upload("minted", max_file_size=LARGEST, external=S3Presigner())
        self.allow_upload("own", external=lambda entry, view: {"uploader": "Depot", "name": entry.safe_name})

    def on_progress(self, entry: UploadEntry) -> None:
        for ready in self.consume_uploaded_entries("file") if entry.complete else ():
            self.arrived = [*self.arrived, {"name": ready.client_name, **ready.writer_result}]

    @event_handler
    def come_back(self) -> None:
        HesitantUpload.is_away = False

    @server_function
    def mint(self, name: str, size: int) -> dict[str, Any]:
        return self.presign_upload("minted", name, size)

    @server_function
    def sign(self, ref: str, parts: list[int]) -> dict[str, Any]:
        return self.sign_upload(ref, parts)

    @event_handler
    def confirm(self, ref: str) -> None:
        self.confirm_upload(ref)


def certificate(url: str) -> bytes:
    """In place of a request to Amazon: the certificate of the test's own SNS."""
    return Path(os.environ["LAB_CERTIFICATE"]).read_bytes()
