"""What is published looks like the original, pixel by pixel, frame by frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from uploads.content import Rendition, process_image
from uploads.tests.content.image.samples import Sample, samples


def is_like(pixel: Any, wanted: tuple[int, ...], tolerance: int) -> bool:
    if not wanted[3]:
        return bool(pixel[3] == 0)
    return all(abs(one - other) <= tolerance for one, other in zip(pixel, wanted, strict=True))


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.name)
def test_it_is_published_as_browsers_show_it(sample: Sample, tmp_path: Path) -> None:
    source, whole, thumb = (tmp_path / name for name in ("source", "whole", "thumb"))
    source.write_bytes(sample.data)

    made, _ = process_image(
        source, sample.kind, [Rendition(whole, 2048, frames=1000), Rendition(thumb, 2048, format="webp")]
    )

    assert made.frames == len(sample.frames)
    with Image.open(whole) as picture, Image.open(thumb) as first:
        assert first.size == (made.width, made.height)
        assert (
            picture.size == first.size or sample.kind == "gif"
        )  # whose canvas Pillow makes larger, and browsers don't
        for number, shown in enumerate(sample.frames):
            picture.seek(number)
            pixels = picture.convert("RGBA")
            if len(sample.frames) > 1:
                assert picture.info.get("duration", 0) == shown.milliseconds
            for place, wanted in shown.pixels.items():
                assert is_like(pixels.getpixel(place), wanted, sample.tolerance), (number, place)
        for place, wanted in sample.frames[0].pixels.items():
            assert is_like(first.convert("RGBA").getpixel(place), wanted, 14), ("thumb", place)
