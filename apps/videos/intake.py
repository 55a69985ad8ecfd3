"""Videos that come from elsewhere than the page, say from a tus client: they appear on the page all the same."""

from __future__ import annotations

from liveview import pubsub
from liveview.setting_types import mistyped
from uploads import UploadEntry, intakes
from videos import processing
from videos.conf import conf


def register() -> None:
    try:
        given = conf()
    except TypeError:
        return  # `VIDEOS` is wrong: the system check says how
    if mistyped("VIDEOS", given, check_id=""):
        return  # the same
    intakes.register(
        "videos",
        accept=processing.ACCEPT,
        max_file_size=given.max_file_size,
        validators=[processing.check],
        receive=receive,
    )


def receive(entry: UploadEntry, owner: str) -> str:
    """Takes a finished upload as the page's handler does, and tells every open tab. Its name is the video's number."""
    video = processing.take(entry, owner)
    pubsub.broadcast(processing.TOPIC, {})
    return str(video.pk)
