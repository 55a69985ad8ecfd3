"""Inspect hostile files, and make files of our own from them.

The public names are loaded when they are first asked for: a site that has deleted `video/` still makes pictures, and
the sandbox's worker imports what it needs and no more.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from uploads.content.image.formats import accept, published_type, readable
    from uploads.content.image.processing import Rendered, Rendition, process_image
    from uploads.content.limits import ChildLimits, ImageLimits, VideoLimits
    from uploads.content.sandbox.pool import SANDBOX, Sandbox
    from uploads.content.video.processing import Video, prescan_video, process_video
    from uploads.content.warnings import MediaWarning

__all__ = [
    "SANDBOX",
    "ChildLimits",
    "ImageLimits",
    "Rendered",
    "Rendition",
    "Sandbox",
    "Video",
    "VideoLimits",
    "MediaWarning",
    "accept",
    "prescan_video",
    "process_image",
    "process_video",
    "published_type",
    "readable",
]

_HOMES: Final = {
    "SANDBOX": "sandbox.pool",
    "ChildLimits": "limits",
    "ImageLimits": "limits",
    "Rendered": "image.processing",
    "Rendition": "image.processing",
    "Sandbox": "sandbox.pool",
    "Video": "video.processing",
    "VideoLimits": "limits",
    "MediaWarning": "warnings",
    "accept": "image.formats",
    "prescan_video": "video.processing",
    "process_image": "image.processing",
    "process_video": "video.processing",
    "published_type": "image.formats",
    "readable": "image.formats",
}


def __getattr__(name: str) -> Any:
    """PEP 562."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value
