"""Forms whose fields, and pictures whose names, take the place of every member of the DOM that our scripts name."""

from __future__ import annotations

import json
import re
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from e2e.lab.views import Recorder
from liveview import event_handler
from uploads import UploadMixin

_SCRIPTS = [path for app in ("liveview", "uploads") for path in (settings.ROOT / "apps" / app / "static").rglob("*.js")]


def _named_in_scripts(pattern: str) -> list[str]:
    return sorted({name for path in _SCRIPTS for name in re.findall(pattern, path.read_text())})


class Clobbered(UploadMixin, Recorder):
    template_name = "lab/clobbered.html"
    page_title = "Clobbered"

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        super().mount(request, **kwargs)
        self.members = _named_in_scripts(r"[\w)\]]\??\.([A-Za-z]\w+)")
        self.of_document = _named_in_scripts(r"\bdocument\.([A-Za-z]\w+)") if "document" in request.GET else []
        self.allow_upload("doc", accept=".txt", resumable=True)
        self.stream("rows", [{"id": 1, "text": "one"}, {"id": 2, "text": "two"}], template="lab/clobbered_row.html")

    @event_handler
    def told(self, spoken_words: str, **fields: Any) -> None:
        self.note(f"told {spoken_words}")

    @event_handler
    def save(self, spoken_words: str, **fields: Any) -> None:
        names = [entry.client_name for entry in self.consume_uploaded_entries("doc")]
        self.note(f"saved {spoken_words} {json.dumps(names)} {'live' if self.connected else 'posted'}")

    @event_handler
    def rows(self) -> None:
        self.stream_insert("rows", {"id": 3, "text": "three"}, at=0)
        self.stream_insert("rows", {"id": 1, "text": "uno"})
        self.stream_delete("rows", {"id": 2})
