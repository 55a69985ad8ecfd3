"""Live file uploads for `liveview` pages: slots, entries, and the machine that every byte goes through.

See docs/uploads.md for the guide, docs/protocol.md for the wire and ARCHITECTURE.md for how it is built.

The public names are loaded when they are first asked for, so that `uploads.core` and the decoders' sandbox can be
imported where there is no Django.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from uploads.entries.entry import UploadEntry
    from uploads.errors import UploadError
    from uploads.mixin import UploadMixin
    from uploads.writers import BufferedUploadWriter, ResumableUploadWriter, UploadWriter

__all__ = [
    "BufferedUploadWriter",
    "ResumableUploadWriter",
    "UploadEntry",
    "UploadError",
    "UploadMixin",
    "UploadWriter",
]

_HOMES: Final = {
    "BufferedUploadWriter": "uploads.writers",
    "ResumableUploadWriter": "uploads.writers",
    "UploadEntry": "uploads.entries.entry",
    "UploadError": "uploads.errors",
    "UploadMixin": "uploads.mixin",
    "UploadWriter": "uploads.writers",
}


def __getattr__(name: str) -> Any:
    """PEP 562."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value
