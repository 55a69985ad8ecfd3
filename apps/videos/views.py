"""Videos: send a large file, see it being processed, play it; every open tab sees what becomes of it."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from liveview import LiveView, event_handler, state
from uploads import UploadEntry, UploadError, UploadMixin
from uploads.keeping import UndoMixin
from uploads.owners import owner_of
from uploads.slots import duration, megabytes
from videos import processing
from videos.conf import conf
from videos.models import Status, Video, VideoQuerySet

QUEUE = 20  # videos that may wait on one page; they are sent one after the other
SETTLE = 0.25  # seconds in which what happens elsewhere is gathered into one render


class VideosView(UploadMixin, UndoMixin, LiveView):
    template_name = "videos/videos.html"
    page_title = gettext_lazy("Videos")

    page = state(1)

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self._owner = owner_of(request)
        self._refreshing = False
        self.allow_upload(
            "video",
            accept=processing.ACCEPT,
            max_entries=QUEUE,
            max_parallel=1,
            max_file_size=conf().max_file_size,
            resumable=True,
            validators=[processing.check],
            progress=self.on_progress,
        )
        self.recall_deleted()
        if self.connected:
            self.subscribe(processing.TOPIC)

    def handle_params(self, params: dict[str, str]) -> None:
        number = params.get("page", "1")
        self.page = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 1

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        videos = Paginator(Video.objects.shown_to(self._owner), conf().page_size).get_page(self.page)
        for video in videos:
            video.weight = megabytes(video.size)  # type: ignore[attr-defined]  # for the template
        return {
            **kwargs,
            "videos": videos,
            "owner": self._owner,
            "accept": processing.ACCEPT,
            "most": QUEUE,
            "kept_for": conf().kept_for and duration(conf().kept_for),
            "max_size": megabytes(conf().max_file_size),
        }

    # On its way
    def on_progress(self, entry: UploadEntry) -> None:
        if entry.complete:
            self._take()

    @event_handler
    def save_video(self) -> None:
        """The form: what is in it has arrived. With JavaScript it was taken already."""
        if not self.uploaded("video").ready:
            self.slot_error("video", _("No file selected."))
        elif self._take() and not self.connected:
            self.redirect(self.request.get_full_path())  # where a reload doesn't send it again

    def _take(self) -> bool:
        """Whether it took all that is ready: otherwise the slot's error says why, and what is left waits."""
        taken = 0
        try:
            for entry in self.consume_uploaded_entries("video"):
                processing.take(entry, self._owner)
                taken += 1
        except UploadError as busy:
            self.slot_error("video", busy.message)
        if taken:
            self._tell_others()
        return not self.uploaded("video").ready

    # Videos that are there
    @event_handler
    def rename(self, id: int, value: str) -> None:  # noqa: A002  (data-id, as a template says it)
        title = value.strip()[:200]
        if title and self.own().kept().filter(pk=id).update(title=title):
            self._tell_others()

    @event_handler
    def delete(self, id: int) -> None:  # noqa: A002
        failed = self.own().filter(pk=id, status=Status.FAILED).first()
        if failed is not None:  # there is nothing to bring back
            processing.discard(failed)
            self.came_or_went()
        else:
            self.delete_kept([id])

    def own(self) -> VideoQuerySet:
        return Video.objects.filter(owner=self._owner)

    def came_or_went(self) -> None:
        self._tell_others()

    # Elsewhere: other tabs, and the background
    def handle_info(self, topic: str, message: dict[str, Any]) -> None:
        """A burst of changes is one render: the page asks the database when it is drawn."""
        self.skip_render()
        if not self._refreshing:
            self._refreshing = True
            self.send_after(SETTLE, self.refresh)

    def refresh(self) -> None:
        self._refreshing = False

    def _tell_others(self) -> None:
        self.broadcast(processing.TOPIC, {})
