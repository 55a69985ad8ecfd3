"""Small videos of known content, made with PyAV alone."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageDraw

RATE = 48_000  # sound samples a second
TOP, LEFT, REST = (220, 30, 30), (30, 180, 30), (30, 30, 220)  # what is where in every frame


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
    **options: object,
) -> Path:
    """Writes a video in the container that the extension names: red above, green on the left, blue elsewhere.

    `noise` is the side, in pixels, of a square that no encoder makes small. `rotation` in degrees, counter-clockwise,
    is written beside the pictures, not into them.
    """
    container_options = {"movflags": movflags} if movflags else {}
    encoder = {"threads": "1", **{name: str(value) for name, value in options.items()}}
    with av.open(str(path), "w", container_options=container_options) as out:
        out.metadata.update(metadata or {})
        pictures: Any = out.add_stream(codec, rate=fps, options=encoder)
        pictures.width, pictures.height, pictures.pix_fmt = *size, "yuv420p"
        if rotation:
            pictures.set_display_rotation(rotation)
        tone: Any = out.add_stream(sound, rate=RATE, layout="mono") if sound else None
        for number in range(max(1, round(seconds * fps))):
            shown = picture(size, number)
            if noise:
                grains = random.Random(number).randbytes(noise * noise)
                shown.paste(Image.frombytes("L", (noise, noise), grains), (size[0] - noise, size[1] - noise))
            frame = av.VideoFrame.from_image(shown)
            frame.pts, frame.time_base = number, Fraction(1, fps)
            out.mux(pictures.encode(frame))
        out.mux(pictures.encode(None))
        if tone is not None:
            _silence(out, tone, seconds)
    return path


def picture(size: tuple[int, int], number: int) -> Image.Image:
    width, height = size
    frame = Image.new("RGB", size, REST)
    draw = ImageDraw.Draw(frame)
    draw.rectangle([0, 0, width // 4, height], fill=LEFT)
    draw.rectangle([0, 0, width, height // 4], fill=TOP)
    draw.rectangle([width // 2 + number % 20, height // 2, width // 2 + number % 20 + 9, height // 2 + 9], fill="white")
    return frame


def _silence(out: Any, stream: Any, seconds: float) -> None:
    resampler = av.AudioResampler(
        format=stream.format, layout="mono", rate=RATE, frame_size=stream.codec_context.frame_size or 960
    )
    frame = av.AudioFrame(format="s16", layout="mono", samples=round(seconds * RATE))
    frame.planes[0].update(bytes(frame.planes[0].buffer_size))
    frame.sample_rate, frame.pts = RATE, 0
    for part in resampler.resample(frame) + resampler.resample(None):
        out.mux(stream.encode(part))
    out.mux(stream.encode(None))
