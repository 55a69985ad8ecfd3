"""A page whose files go straight from the browser to S3: what became of each is on it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.http import HttpRequest

from liveview import LiveView, event_handler, server_function, state
from uploads import UploadEntry, UploadMixin
from uploads.s3.presigning import S3Presigner

LARGEST = 2_000_000_000  # bytes


class Direct(UploadMixin, LiveView):
    """`?resumable` makes it so; `?small=post` sends small files by a form."""

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
            external=S3Presigner(small=small),
            progress=self.on_progress,
        )
        self.allow_upload("minted", max_file_size=LARGEST, external=S3Presigner())
        self.allow_upload("own", external=lambda entry, view: {"uploader": "Depot", "name": entry.safe_name})

    def on_progress(self, entry: UploadEntry) -> None:
        for ready in self.consume_uploaded_entries("file") if entry.complete else ():
            self.arrived = [*self.arrived, {"name": ready.client_name, **ready.writer_result}]

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
