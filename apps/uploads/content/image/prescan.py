"""Walk a picture's container without decoding anything: bounded work, which catches most decompression bombs."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import Final

from uploads.content.image import gif, heif, jpeg, png, webp
from uploads.content.image.info import Buffer, ImageInfo
from uploads.content.limits import ImageLimits, check_frames, check_pixels, check_total
from uploads.errors import UploadError

_WALKERS: Final[dict[str, Callable[[Buffer, ImageLimits], ImageInfo]]] = {
    "avif": partial(heif.walk, kind="avif"),
    "gif": gif.walk,
    "heic": partial(heif.walk, kind="heic"),
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
    check_pixels(info.width, info.height, limits)
    check_frames(info.frames, limits)
    check_total(info.width * info.height * min(info.frames, keep), limits)
    return info
