"""Walk a picture's container without decoding anything: bounded work, which catches most decompression bombs."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from uploads.content.image import gif, jpeg, png, webp
from uploads.content.image.info import Buffer, ImageInfo
from uploads.content.limits import ImageLimits
from uploads.errors import UploadError

_WALKERS: Final[dict[str, Callable[[Buffer, ImageLimits], ImageInfo]]] = {
    "gif": gif.walk,
    "jpeg": jpeg.walk,
    "png": png.walk,
    "webp": webp.walk,
}


def prescan(data: Buffer, kind: str, limits: ImageLimits, keep: int = 1) -> ImageInfo:
    """The shape of the picture in `data`, a file of the sniffed type `kind` of which `keep` frames will be kept.

    Raises `UploadError`: "bad_content" if the container isn't whole, "too_many_pixels", "too_many_frames", or
    "too_complex" for too many parts.
    """
    try:
        info = _WALKERS[kind](data, limits)
    except (struct.error, IndexError):  # a field beyond the end
        raise UploadError("bad_content") from None
    if not info.width or not info.height:
        raise UploadError("bad_content")
    pixels = info.width * info.height
    if pixels > limits.max_pixels or max(info.width, info.height) > limits.max_side:
        raise UploadError("too_many_pixels")
    if info.frames > limits.max_frames or pixels * min(info.frames, keep) > limits.max_total_frame_pixels:
        raise UploadError("too_many_frames")
    return info
