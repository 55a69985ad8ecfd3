"""Small videos of known content, made with PyAV alone."""

from __future__ import annotations

import contextlib
import os
import random
from array import array
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageDraw

RATE = 48_000  # sound samples a second
TOP, LEFT, REST = (220, 30, 30), (30, 180, 30), (30, 30, 220)  # what is where in every frame


@contextlib.contextmanager
def own_priority() -> Iterator[None]:
    """SVT-AV1 gives whoever encodes with it, as root, the highest real-time priority there is. What such a process
    starts has it as well: servers and browsers then leave the machine no time for anything else."""
    if not hasattr(os, "sched_getscheduler"):  # macOS
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


@own_priority()
def video(
    path: Path,
    *,
    codec: str = "libx264",
    sound: str = "",
    seconds: float = 1,
    size: tuple[int, int] = (160, 120),
    fps: int = 12,
    rotation: int = 0,
    movflags: str = "",
    metadata: dict[str, str] | None = None,
    noise: int = 0,
    aspect: Fraction | None = None,
    matrix: tuple[float, float, float, float] | None = None,
    colours: tuple[int, int, int, int] | None = None,
    flat: tuple[int, int, int] | None = None,
    is_counting: bool = False,
    tone_at: float | None = None,
    layout: str = "mono",
    **options: object,
) -> Path:
    """Writes a video in the container that the extension names: red above, green on the left, blue elsewhere.

    `noise` is the side, in pixels, of a square that no encoder makes small. `rotation` in degrees, counter-clockwise,
    is written beside the pictures, not into them, and so is the more general `matrix`, whose numbers are how far to the
    right and down a step to the right leads, and then a step down. `aspect` is that of a pixel. `colours` are H.273's
    numbers of primaries, transfer, matrix and range. `flat` fills every frame with these values of Y, Cb and Cr, of 10
    bits if the codec is AV1 and else of 8; if it `is_counting`, each frame is gray, and eight steps brighter than the
    one before. At `tone_at` seconds the sound becomes a tone.
    """
    container_options = {"movflags": movflags} if movflags else {}
    encoder = {"threads": "1", **{name: str(value) for name, value in options.items()}}
    with av.open(str(path), "w", container_options=container_options) as out:
        out.metadata.update(metadata or {})
        pictures: Any = out.add_stream(codec, rate=fps, options=encoder)
        pictures.width, pictures.height, pictures.pix_fmt = *size, "yuv420p"
        if rotation:
            pictures.set_display_rotation(rotation)
        if matrix:
            a, b, c, d = (round(number * 0x10000) for number in matrix)
            pictures.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 0x40000000])
        context = pictures.codec_context
        if aspect:
            context.sample_aspect_ratio = aspect
        if colours:
            context.color_primaries, context.color_trc, context.colorspace, context.color_range = colours
        if flat and codec == "libsvtav1":
            pictures.pix_fmt = "yuv420p10le"
        tone: Any = out.add_stream(sound, rate=RATE, layout=layout, options={"strict": "-2"}) if sound else None
        for number in range(max(1, round(seconds * fps))):
            shown = picture(size, number)
            if noise:
                grains = random.Random(number).randbytes(noise * noise)
                shown.paste(Image.frombytes("L", (noise, noise), grains), (size[0] - noise, size[1] - noise))
            levels = (20 + 8 * number, 128, 128) if is_counting else flat
            frame = _flat(size, pictures.pix_fmt, levels) if levels else av.VideoFrame.from_image(shown)
            frame.pts, frame.time_base = number, Fraction(1, fps)
            out.mux(pictures.encode(frame))
        out.mux(pictures.encode(None))
        if tone is not None:
            _hum(out, tone, seconds, seconds if tone_at is None else tone_at)
    return path


def _flat(size: tuple[int, int], pix_fmt: str, levels: tuple[int, int, int]) -> Any:
    frame = av.VideoFrame(*size, pix_fmt)
    width = 2 if pix_fmt.endswith("10le") else 1
    for plane, level in zip(frame.planes, levels, strict=True):
        plane.update(level.to_bytes(width, "little") * (plane.buffer_size // width))
    return frame


def picture(size: tuple[int, int], number: int) -> Image.Image:
    width, height = size
    frame = Image.new("RGB", size, REST)
    draw = ImageDraw.Draw(frame)
    draw.rectangle([0, 0, width // 4, height], fill=LEFT)
    draw.rectangle([0, 0, width, height // 4], fill=TOP)
    draw.rectangle([width // 2 + number % 20, height // 2, width // 2 + number % 20 + 9, height // 2 + 9], fill="white")
    return frame


def _hum(out: Any, stream: Any, seconds: float, begin: float) -> None:
    """Silence, and from `begin` on a tone of 1 kHz."""
    resampler = av.AudioResampler(
        format=stream.format, layout=stream.layout, rate=RATE, frame_size=stream.codec_context.frame_size or 960
    )
    frame = av.AudioFrame(format="s16", layout="mono", samples=round(seconds * RATE))
    samples = array("h", bytes(frame.planes[0].buffer_size))
    for number in range(round(begin * RATE), round(seconds * RATE)):
        samples[number] = 12_000 if number // 24 % 2 else -12_000
    frame.planes[0].update(samples.tobytes())
    frame.sample_rate, frame.pts = RATE, 0
    for part in resampler.resample(frame) + resampler.resample(None):
        out.mux(stream.encode(part))
    out.mux(stream.encode(None))
