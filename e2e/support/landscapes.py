"""Landscapes that nobody has photographed: for pages that are to look as they do with visitors' photos."""

from __future__ import annotations

import math
import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

# (sky above, sky below, sun, hills from far to near)
SCENES = (
    ("#274b7a", "#f6c89f", "#ffe9c7", ("#8b7ea6", "#5d5f86", "#32405f")),
    ("#7db7d8", "#e9f3ef", "#fff8dc", ("#8fb7a8", "#5c947f", "#2f6657")),
    ("#3a2a55", "#f2786b", "#ffd9a0", ("#8f4f6e", "#5b3a5f", "#2c2342")),
    ("#b9d7e8", "#fdf6e3", "#ffffff", ("#c3c9b0", "#98a77f", "#667a4f")),
    ("#0f2038", "#3c6a86", "#f3f0dc", ("#2f5169", "#203d52", "#12293a")),
    ("#f0b775", "#fbe9cf", "#fff7e2", ("#d49a68", "#ab6e4d", "#6f4538")),
)
WIDER = 2  # it is drawn larger, so that its edges are smooth


def landscape(path: Path, size: tuple[int, int] = (1600, 1067), seed: int = 0) -> Path:
    """A JPEG, always the same for a seed."""
    chance = random.Random(seed)
    above, below, sun, hills = SCENES[seed % len(SCENES)]
    width, height = size[0] * WIDER // 2, size[1] * WIDER // 2
    sky = Image.linear_gradient("L").resize((width, height))
    picture = Image.composite(Image.new("RGB", sky.size, below), Image.new("RGB", sky.size, above), sky)
    draw = ImageDraw.Draw(picture)
    x, y, radius = chance.uniform(0.2, 0.8) * width, chance.uniform(0.25, 0.45) * height, height * 0.07
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=sun)
    picture = picture.filter(ImageFilter.GaussianBlur(2))
    for number, colour in enumerate(hills):
        _hill(ImageDraw.Draw(picture), width, height, 0.5 + 0.15 * number, colour, chance)
    picture.resize(size, Image.Resampling.LANCZOS).save(path, "JPEG", quality=88)
    return path


def _hill(draw: ImageDraw.ImageDraw, width: int, height: int, level: float, colour: str, chance: random.Random) -> None:
    waves = [(chance.uniform(1, 7), chance.uniform(0, math.tau), chance.uniform(0.01, 0.06)) for _ in range(4)]
    line = [
        (x, height * (level - sum(rise * math.sin(times * x / width * math.pi + at) for times, at, rise in waves)))
        for x in range(0, width + 8, 8)
    ]
    draw.polygon([*line, (width + 8, height), (0, height)], fill=colour)
