from __future__ import annotations

import hashlib
from typing import Any

from django.http import HttpRequest
from django.urls import include, path

from liveview import LiveView, event_handler, state
from uploads import UploadMixin


class LetterView(UploadMixin, LiveView):
    template_name = "smoke.html"
    digest = state("")

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self.allow_upload("letter", accept=".txt")

    @event_handler
    def read(self) -> None:
        for entry in self.consume_uploaded_entries("letter"):
            self.digest = hashlib.sha256(entry.file.read()).hexdigest()


urlpatterns = [path("letter/", LetterView.as_view()), path("", include("uploads.urls"))]
