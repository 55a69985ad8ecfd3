"""What a picture's container says of it, without any of its pixels decoded."""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field

from uploads.content.warnings import MediaWarning

Buffer = bytes | mmap.mmap


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """`width` and `height` in pixels, before any rotation; they span the canvas and every frame on it.

    `patches` is how many pixels the frames store, which may be less than whole frames have; 0 if they are whole.
    `is_opaque` says that no frame can be seen through, whatever is in it. `beside` is what else is in the file that a
    viewer may show, and that no picture of ours has.
    """

    kind: str
    width: int
    height: int
    frames: int = 1
    patches: int = field(default=0, compare=False)
    is_opaque: bool = field(default=False, compare=False)
    beside: tuple[MediaWarning, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Colours:
    """What the numbers of a picture's pixels mean, as its container says; nothing said is sRGB.

    `cicp` are the numbers of primaries and transfer function (ITU-T H.273), and count if they mean anything. `icc` is a
    profile. `gamma` is the exponent of the encoding, `primaries` the x and y of white, red, green and blue (PNG's gAMA
    and cHRM).
    """

    icc: bytes = b""
    cicp: tuple[int, int] | None = None
    gamma: float | None = None
    primaries: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Wrapping:
    """A picture's data as its decoder gets it, and what its container says of it.

    `data` is the whole file if None; `film` has the frames of an animation as well, and `loop` is how often it is
    played, unless that is the decoder's to find. `orientation` is Exif's number, 1 to 8, and None if the `exif` tells,
    which is the decoder's to find if None. `key` is the colour that stands for nothing, in samples of `depth` bits,
    where Pillow doesn't keep these. `noisy` is for a picture without an end: the same with noise behind what is there,
    by which it is changed if some of it is missing.
    """

    data: bytes | None = None
    film: bytes = b""
    loop: int | None = None
    exif: bytes | None = None
    orientation: int | None = None
    colours: Colours = field(default_factory=Colours)
    key: tuple[int, ...] = ()
    depth: int = 8
    noisy: bytes | None = None
