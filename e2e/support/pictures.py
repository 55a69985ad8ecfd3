"""Pictures that are known down to the pixel."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image, ImageChops


def photo(path: Path, size: tuple[int, int], *, at_least: int = 0, seed: int = 1) -> Path:
    """A photo-like JPEG of at least so many bytes: four coloured quarters, noise over them."""
    width, height = size
    quarters = Image.new("RGB", size)
    for number, colour in enumerate([(200, 60, 50), (60, 160, 80), (50, 80, 190), (220, 200, 120)]):
        x, y = number % 2 * (width // 2), number // 2 * (height // 2)
        quarters.paste(colour, (x, y, x + width // 2, y + height // 2))
    noise = Image.frombytes("L", size, random.Random(seed).randbytes(width * height))
    picture = Image.blend(quarters, noise.convert("RGB"), 0.25)
    picture.save(path, "JPEG", quality=90)
    assert path.stat().st_size >= at_least, f"{path.stat().st_size} bytes are too few: make the picture larger"
    return path


def difference(one: Path, other: Path) -> float:
    """How far two pictures are apart, 0 to 255 on average, seen from far enough that encoding doesn't count."""
    small = [Image.open(path).convert("RGB").resize((32, 32), Image.Resampling.BOX) for path in (one, other)]
    apart = ImageChops.difference(*small).tobytes()
    return sum(apart) / len(apart)
