"""A picture's colours as a screen shows them: wide ones, and those of HDR, brought into sRGB as browsers do it.

The numbers of primaries and transfer characteristics are those of ITU-T H.273, which codecs and containers share.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from PIL import Image, ImageMath

PQ, HLG = 16, 18
WHITE: Final = 203.0  # nits of a white page in HDR (ITU-R BT.2408)
PEAK: Final = 1000.0  # nits, where a film doesn't say how bright it becomes

_BT2020: Final = 9
_LUMINANCE: Final = (0.2627, 0.6780, 0.0593)  # of BT.2020's primaries
# Linear light to that of BT.709, row by row. Where the old ones of television differ from it, browsers don't care.
_TO_BT709: Final = {
    _BT2020: ((1.660491, -0.587641, -0.072850), (-0.124550, 1.132900, -0.008349), (-0.018151, -0.100579, 1.118730)),
    11: ((1.157516, -0.154962, -0.002554), (-0.041501, 1.045568, -0.004067), (-0.018050, -0.078578, 1.096628)),
    12: ((1.224940, -0.224940, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274)),
}
_FINE: Final = 65_535  # steps of light, as Pillow's tables have them

Light = tuple[Any, Any, Any]  # red, green and blue, each a picture of floats of which 1 is white


def shown(picture: Image.Image, primaries: int, transfer: int, peak: float = PEAK) -> Image.Image:
    """`picture` in sRGB. `peak` is how bright a film in PQ becomes, in nits."""
    is_hdr = transfer in (PQ, HLG)
    matrix = _TO_BT709.get(_BT2020 if is_hdr else primaries)
    if matrix is None and transfer not in _TRANSFERS:
        return picture
    decode = _TRANSFERS.get(transfer, _srgb_decoded)
    table = [decode(level / 255) for level in range(256)]

    def bands(given: dict[str, Any]) -> Any:
        light = given["red"], given["green"], given["blue"]
        if transfer == HLG:
            light = _times(light, _weighed(light, _LUMINANCE) ** 0.2 * (PEAK / WHITE))  # BT.2100's OOTF
        if is_hdr:
            low, high = given["min"], given["max"]
            brightest = high(high(*light[:2]), light[2])
            light = _times(light, _gain(brightest, (PEAK if transfer == HLG else peak) / WHITE, low, high))
        return [
            given["convert"](given["min"](given["max"](one, 0.0), 1.0) * _FINE, "I")
            for one in ([_weighed(light, row) for row in matrix] if matrix else light)
        ]

    red, green, blue = (band.point(table, "F") for band in picture.split())
    made = ImageMath.lambda_eval(bands, red=red, green=green, blue=blue)
    return Image.merge("RGB", [band.im.point(_SRGB, "L") for band in made])


def _times(light: Light, factor: Any) -> Light:
    return light[0] * factor, light[1] * factor, light[2] * factor


def _weighed(light: Light, weights: tuple[float, float, float]) -> Any:
    return light[0] * weights[0] + light[1] * weights[1] + light[2] * weights[2]


def _gain(brightest: Any, peak: float, low: Callable[..., Any], high: Callable[..., Any]) -> Any:
    """HDR on a screen without it: the reference white operator of SMPTE ST 2094-50, as Chromium has it.

    Given the strongest of a pixel's colours; what is darker than white keeps its proportions, and from there a curve (a
    quadratic Bézier) leads to the `peak`, which becomes the screen's white.
    """
    if peak <= 1:
        return 1.0
    white = 1 - 0.5 * min(math.log(peak) / math.log(PEAK / WHITE), 1.0)
    middle_x, middle_y = 0.35 + 0.65 / white, 0.35 * white + 0.65
    a, b = 1 - 2 * middle_x + peak, 2 * (middle_x - 1)
    beyond = low(high(brightest, 1.0), peak) - 1.0
    at = beyond * 2.0 / ((beyond * (4 * a) + b * b) ** 0.5 + b)
    return ((at * (white - 2 * middle_y + 1) + 2 * (middle_y - white)) * at + white) / high(brightest, 1.0)


# Light, of which 1 is white


def _srgb_decoded(signal: float) -> float:
    """BT.709's camera curve is shown as if it were this one."""
    return signal / 12.92 if signal <= 0.04045 else ((signal + 0.055) / 1.055) ** 2.4


def _srgb(light: float) -> float:
    light = min(max(light, 0.0), 1.0)
    return light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def _pq_decoded(signal: float) -> float:
    """SMPTE ST 2084."""
    power = signal ** (32 / 2523)
    light: float = (max(power - 0.8359375, 0.0) / (18.8515625 - 18.6875 * power)) ** (8192 / 1305)
    return light * 10_000 / WHITE


def _hlg_decoded(signal: float) -> float:
    """The scene's light (ITU-R BT.2100)."""
    return signal**2 / 3 if signal <= 0.5 else (math.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12


_TRANSFERS: Final[dict[int, Callable[[float], float]]] = {
    4: lambda signal: signal**2.2,
    5: lambda signal: signal**2.8,
    8: lambda signal: signal,
    PQ: _pq_decoded,
    HLG: _hlg_decoded,
}
_SRGB: Final = [round(255 * _srgb(step / _FINE)) for step in range(_FINE + 1)]
