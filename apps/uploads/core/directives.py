"""The attributes that the uploads' script knows: those whose value is a slot, and all."""

from __future__ import annotations

from typing import Final

OF_SLOTS: Final = frozenset(
    {
        "dj-upload",
        "dj-upload-dismiss",
        "dj-upload-drop",
        "dj-upload-errors",
        "dj-upload-original",
        "dj-upload-overlay",
        "dj-upload-paste",
        "dj-upload-preview",
        "dj-upload-progress",
        "dj-upload-resume",
        "dj-upload-start",
        "dj-upload-status",
        "dj-upload-summary",
    }
)
DIRECTIVES: Final = OF_SLOTS | {
    "dj-upload-all",
    "dj-upload-anywhere",
    "dj-upload-cancel",
    "dj-upload-pause",
    "dj-upload-quality",
    "dj-upload-refused",
    "dj-upload-resize",
    "dj-upload-restore",
    "dj-upload-retry",
    "dj-upload-skip",
    "dj-upload-wait",  # for one slot, or several
}
