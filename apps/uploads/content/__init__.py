"""Look at hostile bytes, and make bytes of our own from them."""

from uploads.content.images import Rendered, Rendition, process_image
from uploads.content.limits import ChildLimits, ImageLimits, VideoLimits
from uploads.content.sandbox import SANDBOX, Sandbox
from uploads.content.videos import Video, prescan_video, process_video

__all__ = [
    "SANDBOX",
    "ChildLimits",
    "ImageLimits",
    "Rendered",
    "Rendition",
    "Sandbox",
    "Video",
    "VideoLimits",
    "prescan_video",
    "process_image",
    "process_video",
]
