"""Into sRGB, which browsers assume for a picture that says nothing: the only colours in which anything is published.

A profile is Little CMS's business. Where a picture has numbers instead (a PNG's gAMA, cHRM and cICP, the `nclx` of
AVIF and HEIC), a profile is made of them. High dynamic range, which no profile can bring into the range of sRGB, is
toned down as Chromium does it: all of a pixel by the same factor, which follows from its brightest component. White is
half as bright then, and what is brighter finds room above it.
"""

from __future__ import annotations

import contextlib
import io
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from PIL import Image, ImageCms, ImageFilter

from uploads.content.image.info import Colours

Matrix = Sequence[Sequence[float]]

_SRGB: Final = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))

# x and y of white, red, green and blue, by the numbers of ITU-T H.273
_D65: Final = (0.3127, 0.3290)
_BT709: Final = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_BT2020: Final = (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046)
_PRIMARIES: Final[dict[int, tuple[float, ...]]] = {
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    8: (0.310, 0.316, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: _BT2020,
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
# Parametric curves of an ICC profile: powers, and those with a straight beginning. Those of video are as displays have
# them (ITU-R BT.1886).
_SRGB_CURVE: Final = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_CURVES: Final[dict[int, tuple[float, ...]]] = {
    **dict.fromkeys((1, 6, 14, 15), (2.4,)),
    4: (2.2,),
    5: (2.8,),
    7: (1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4, 0.0913),
    8: (1.0,),
    17: (2.6, (52.37 / 48) ** (1 / 2.6), 0.0, 0.0, 0.0),
}
_OTHER_CURVES: Final = (11, 13, 16, 18)  # sRGB's, and those of high dynamic range
_USUAL: Final = 1 / 2.2  # a gAMA that says sRGB, for which there was no other word once
_PQ, _HLG = 16, 18

_D50: Final = (0.9642, 1.0, 0.8249)
_BRADFORD: Final = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
_WHITE: Final = 203.0  # cd/m² of a white page beside a picture of high dynamic range (ITU-R BT.2408)
_PEAK: Final = 1000.0  # cd/m² that such a picture may reach, if nothing else is known of it
_KNEE, _BEND, _TOP = (1.0, 0.5), (1.65, 0.825), (_PEAK / _WHITE, 1.0)  # of light, before and after
_NODES: Final = 33  # of the table, in each dimension


def to_srgb(frame: Image.Image, colours: Colours) -> Image.Image:
    """RGB, RGBA or, of a gray picture that is sRGB already, L. A profile that isn't one is passed over."""
    with contextlib.suppress(Exception):
        colours = _meant(colours)
        if colours.cicp and colours.cicp[1] in (_PQ, _HLG):
            coloured = frame if frame.mode == "RGBA" else frame.convert("RGB")
            return coloured.filter(_toned_down(*colours.cicp))
        if profile := colours.icc or _profile(colours):
            return _converted(frame, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    return frame.convert("RGB") if frame.mode == "CMYK" else frame


def _meant(colours: Colours) -> Colours:
    """Without numbers that mean nothing, or else with nothing but the numbers."""
    primaries, transfer = colours.cicp or (0, 0)
    is_known = (primaries in _PRIMARIES or primaries in (1, 10)) and (transfer in _CURVES or transfer in _OTHER_CURVES)
    return Colours(cicp=colours.cicp) if is_known else replace(colours, cicp=None)


def _converted(frame: Image.Image, given: ImageCms.ImageCmsProfile) -> Image.Image:
    """Of a gray picture the profile may be one of gray or of colours, whatever the decoder made of the picture."""
    alpha = frame.getchannel("A") if frame.mode == "RGBA" else None
    space = given.profile.xcolor_space.strip()
    mode = {"GRAY": "L", "CMYK": "CMYK"}.get(space, "RGB")
    if frame.mode != mode and "CMYK" not in (frame.mode, mode):
        if mode == "L" and not _is_gray(frame):
            return frame
        frame = frame.convert(mode)
    shown = ImageCms.profileToProfile(frame, given, _SRGB, outputMode="RGB") or frame
    if alpha is not None:
        shown.putalpha(alpha)
    return shown


def _is_gray(frame: Image.Image) -> bool:
    red, green, blue = (frame.getchannel(name).tobytes() for name in "RGB")
    return red == green == blue


# A profile of numbers


@cache
def _profile(colours: Colours) -> bytes:
    """Empty for sRGB. Raises `ValueError` or `ZeroDivisionError` for colours that there are not."""
    if colours.cicp:
        primaries = _PRIMARIES.get(colours.cicp[0], _BT709)
        numbers = _CURVES.get(colours.cicp[1], _SRGB_CURVE)
    elif colours.gamma and (colours.primaries or not 0.95 < colours.gamma / _USUAL < 1.05):
        primaries, numbers = colours.primaries or _BT709, (1 / colours.gamma,)
    else:  # browsers take no notice of what is almost sRGB, nor of primaries by themselves
        return b""
    if numbers == _SRGB_CURVE and _are_close(primaries, _BT709):
        return b""
    curve = _curve(*numbers)
    columns = list(zip(*_to_xyz(primaries), strict=True))
    tags = {b"wtpt": _xyz(*_D50)}
    tags |= {name + b"XYZ": _xyz(*column) for name, column in zip((b"r", b"g", b"b"), columns, strict=True)}
    tags |= {name + b"TRC": curve for name in (b"r", b"g", b"b")}
    return _icc(tags)


def _are_close(some: Sequence[float], others: Sequence[float]) -> bool:
    return all(abs(one - other) < 0.002 for one, other in zip(some, others, strict=True))


def _icc(tags: dict[bytes, bytes]) -> bytes:
    """ICC.1:2010 §7, version 4.2, for displays."""
    table, bodies, at = b"", b"", 132 + 12 * len(tags)
    for name, body in tags.items():
        table += struct.pack(">4sII", name, at + len(bodies), len(body))
        bodies += body
    header = struct.pack(">4xI4s4s4s12x4s28x3i48x", 0x04200000, b"mntr", b"RGB ", b"XYZ ", b"acsp", *map(_fixed, _D50))
    profile = header + struct.pack(">I", len(tags)) + table + bodies
    return struct.pack(">I", len(profile) + 4) + profile


def _xyz(*values: float) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *map(_fixed, values))


def _curve(*values: float) -> bytes:
    """A power, or with four more numbers one with a straight beginning."""
    return struct.pack(f">4s4xH2x{len(values)}i", b"para", {1: 0, 5: 3}[len(values)], *map(_fixed, values))


def _fixed(value: float) -> int:
    return round(value * 65536)


# Matrices


def _to_xyz(primaries: Sequence[float]) -> Matrix:
    """From light of these primaries to XYZ as it is under D50."""
    white, *lights = [(x / y, 1.0, (1 - x - y) / y) for x, y in zip(primaries[::2], primaries[1::2], strict=True)]
    columns = list(zip(*lights, strict=True))
    shares = _apply(_inverse(columns), white)
    unadapted = [[value * share for value, share in zip(row, shares, strict=True)] for row in columns]
    seen, wanted = _apply(_BRADFORD, white), _apply(_BRADFORD, _D50)
    scaled = [[value * there / here for value in row] for row, here, there in zip(_BRADFORD, seen, wanted, strict=True)]
    return _product(_product(_inverse(_BRADFORD), scaled), unadapted)


def _apply(matrix: Matrix, vector: Sequence[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def _product(left: Matrix, right: Matrix) -> Matrix:
    return list(zip(*(_apply(left, column) for column in zip(*right, strict=True)), strict=True))


def _inverse(matrix: Matrix) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i) = matrix
    cofactors = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    determinant = a * cofactors[0][0] + b * cofactors[1][0] + c * cofactors[2][0]
    return [[value / determinant for value in row] for row in cofactors]


# High dynamic range


@cache
def _toned_down(primaries: int, transfer: int) -> ImageFilter.Color3DLUT:
    # What is brighter than the peak is white; between two such nodes it would come out gray.
    light = [min(_LIGHT[transfer](number / (_NODES - 1)), _TOP[0]) for number in range(_NODES)]
    gamut = _product(_inverse(_to_xyz(_BT709)), _to_xyz(_PRIMARIES.get(primaries, _BT2020)))
    table = []
    for blue in light:
        for green in light:
            for red in light:
                pixel = _shown((red, green, blue), transfer)
                factor = _toned(max(pixel))
                table += [_encoded(factor * value) for value in _apply(gamut, pixel)]
    return ImageFilter.Color3DLUT(_NODES, table)


def _toned(light: float) -> float:
    """The factor for it: of the "reference white tone mapping operator" of SMPTE ST 2094-50, into the range of sRGB."""
    (x0, y0), (x1, y1), (x2, y2) = _KNEE, _BEND, _TOP
    if light <= x0:
        return y0 / x0
    light = min(light, x2)
    a, b, c = x0 - 2 * x1 + x2, 2 * (x1 - x0), x0 - light  # where a quadratic Bézier curve has this light
    at = (math.sqrt(b * b - 4 * a * c) - b) / (2 * a)
    return (y0 * (1 - at) ** 2 + 2 * y1 * at * (1 - at) + y2 * at**2) / light


def _of_pq(value: float) -> float:
    """SMPTE ST 2084; 1 is white."""
    power = math.pow(value, 1 / 78.84375)
    light = max(0.0, power - 0.8359375) / (18.8515625 - 18.6875 * power)
    return 10_000 / _WHITE * math.pow(light, 1 / 0.1593017578125)


def _of_hlg(value: float) -> float:
    """ITU-R BT.2100; the light of the scene."""
    return float(
        value**2 / 3 if value <= 0.5 else (2.718281828 ** ((value - 0.55991073) / 0.17883277) + 0.28466892) / 12
    )


_LIGHT: Final[dict[int, Callable[[float], float]]] = {_PQ: _of_pq, _HLG: _of_hlg}


def _shown(pixel: Sequence[float], transfer: int) -> Sequence[float]:
    """HLG's is light of a scene, which a display makes brighter by its own light."""
    if transfer == _PQ:
        return pixel
    brightness = 0.2627 * pixel[0] + 0.6780 * pixel[1] + 0.0593 * pixel[2]
    return [_PEAK / _WHITE * value * math.pow(brightness, 0.2) for value in pixel]


def _encoded(light: float) -> float:
    light = min(1.0, max(0.0, light))
    return 12.92 * light if light <= 0.0031308 else 1.055 * math.pow(light, 1 / 2.4) - 0.055
