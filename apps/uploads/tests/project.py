"""URLs and views that the tests mount. What a handler or a validator of the bench does is set by each test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpRequest
from django.urls import include, path

from liveview import LiveView, event_handler, state
from uploads import UploadEntry, UploadMixin
from uploads.tests.seeds import views as seeds
from uploads.tests.writers.writing import WriterView


class BenchView(UploadMixin, LiveView):
    template_name = "uploads_bench.html"

    said = state("")

    script: ClassVar[Callable[[BenchView], None]] = staticmethod(lambda view: None)
    check: ClassVar[Callable[[UploadEntry], None]] = staticmethod(lambda entry: None)

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self.allow_upload("doc", accept=".txt", max_entries=1, max_file_size=50_000_000, validators=[self.judge])
        self.allow_upload("docs", accept=".txt,.png", max_entries=3, max_file_size=50_000_000, validators=[self.judge])
        self.allow_upload("small", accept=".txt", max_file_size=1000)
        self.allow_upload("tight", accept=".txt", max_entries=5, max_total_size=5000)
        self.allow_upload("many", accept=".txt", max_entries=10_000)
        self.allow_upload("images", accept="image/*", max_entries=5)
        self.allow_upload("anything")
        self.allow_upload("video", accept=".txt", max_file_size=50_000_000, resumable=True, validators=[self.judge])
        self.allow_upload("verified", accept=".txt", max_file_size=50_000_000, verify=True, validators=[self.judge])

    @staticmethod
    def judge(entry: UploadEntry) -> None:
        BenchView.check(entry)

    @event_handler
    def run(self) -> None:
        BenchView.script(self)

    @event_handler
    def say(self, text: str = "") -> None:
        self.said = text


class PlainView(LiveView):
    template_name = "uploads_bench.html"


urlpatterns = [
    path("plain/", PlainView.as_view()),
    path("bench/", BenchView.as_view()),
    path("writers/", WriterView.as_view()),
    path("seeds/avatar/", seeds.AvatarView.as_view()),
    path("seeds/profile/", seeds.ProfileView.as_view()),
    path("seeds/gallery/", seeds.GalleryView.as_view()),
    path("", include("uploads.urls")),
]
