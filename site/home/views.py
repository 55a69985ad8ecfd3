"""The start page, which takes any file, says what has arrived, and keeps nothing of it."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from guides import pages, rendering
from guides.addresses import address
from home import digests, figures
from liveview import LiveView, event_handler, state
from uploads import UploadEntry, UploadMixin
from uploads.core.sniffing import ACTIVE_EXTENSIONS
from uploads.sentences import Measure
from uploads.slots import megabytes

MAX_FILE_SIZE: Final = 500_000_000  # bytes
MADE: Final = 50_000_000  # bytes of the file that the page makes up
README: Final = "apps/avatars/README.md"
RECIPE: Final = "Copy it into your project"  # a heading in it
ANYTHING: Final = ",".join(["*/*", *sorted(ACTIVE_EXTENSIONS)])  # programs and pages as well: nobody will run them


class HomeView(UploadMixin, LiveView):
    template_name = "home/try.html"
    layout_name = "home/home.html"

    arrived: state[dict[str, Any] | None] = state(None)

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self.max_size = megabytes(MAX_FILE_SIZE)
        self.whole, self.block = digests.WHOLE, digests.BLOCK
        self.made, self.made_size = MADE, megabytes(MADE)
        self.block_size = str(Measure(digests.BLOCK / 2**20, "MiB"))
        self.allow_upload(
            "file",
            accept=ANYTHING,
            max_file_size=MAX_FILE_SIZE,
            resumable=True,
            validators=[digests.validate],
            progress=self.on_progress,
        )

    # What its layout shows around it
    @property
    def comparisons(self) -> list[figures.Comparison]:
        return [found for found in (figures.line(), figures.machine()) if found is not None]

    @property
    def recipe(self) -> SafeString:
        return _recipe.__wrapped__() if settings.DEBUG else _recipe()

    # What it takes
    def on_progress(self, entry: UploadEntry) -> None:
        if entry.complete:
            self._take()
        elif not entry.error:
            self.arrived = None  # what is shown is of the file before

    @event_handler
    def send(self) -> None:
        """The form without JavaScript. With it, what is in the form was taken already."""
        if not self._take() and self.arrived is None:
            self.slot_error("file", gettext("Choose a file first."))

    def _take(self) -> bool:
        """Whether there was a file. It is deleted when this turn is over."""
        entries = list(self.consume_uploaded_entries("file"))
        for entry in entries:
            self.arrived = {
                "ref": entry.ref,
                "name": entry.client_name,
                "size": megabytes(entry.size),
                "digest": digests.of_entry(entry),
                "sha256": entry.sha256,
                "is_whole": entry.size <= digests.WHOLE,
            }
        return bool(entries)


@cache
def _recipe() -> SafeString:
    """The README's own text, which a test follows word for word."""
    guide = pages.at(README)
    return rendering.section(guide.text, RECIPE, guide.path, address) if guide else SafeString()
