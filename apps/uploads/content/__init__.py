"""Look at hostile bytes, and make bytes of our own from them."""

from uploads.content.image.processing import Rendered, Rendition, process_image
from uploads.content.limits import ChildLimits, ImageLimits, VideoLimits
from uploads.content.sandbox.pool import SANDBOX, Sandbox
from uploads.content.video.processing import Video, prescan_video, process_video

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
