"""Three sizes of photos, as the gallery publishes them, without our pipeline: nothing of the site is imported here.

python thumbnails.py pillow|vips|easy_thumbnails OUT FILE…
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

FULL, MEDIUM, THUMB = 2048, 960, 360  # pixels of the longer side
JPEG, WEBP = 85, 82  # qualities


def pillow(file: Path, out: Path) -> None:
    from PIL import Image, ImageOps

    with Image.open(file) as picture:
        shown = ImageOps.exif_transpose(picture)
        jpeg: dict[str, Any] = {"quality": JPEG, "progressive": True, "optimize": True}
        webp: dict[str, Any] = {"quality": WEBP}
        for side, name, options in (
            (FULL, "full.jpg", jpeg),
            (MEDIUM, "medium.webp", webp),
            (THUMB, "thumb.webp", webp),
        ):
            made = shown.copy()
            made.thumbnail((side, side), Image.Resampling.LANCZOS)
            made.save(out / f"{file.stem}-{name}", **options)


def vips(file: Path, out: Path) -> None:
    import pyvips

    for side, name, options in (
        (FULL, "full.jpg", {"Q": JPEG, "interlace": True, "optimize_coding": True}),
        (MEDIUM, "medium.webp", {"Q": WEBP}),
        (THUMB, "thumb.webp", {"Q": WEBP}),
    ):
        pyvips.Image.thumbnail(str(file), side, height=side, size="down").write_to_file(
            str(out / f"{file.stem}-{name}"), strip=True, **options
        )


def easy_thumbnails(file: Path, out: Path) -> None:
    from django.conf import settings

    if not settings.configured:
        import django

        settings.configure(
            INSTALLED_APPS=["easy_thumbnails"],
            THUMBNAIL_QUALITY=JPEG,
            THUMBNAIL_TRANSPARENCY_EXTENSION="webp",
            MEDIA_ROOT=str(out),
        )
        django.setup()
    from easy_thumbnails.files import get_thumbnailer

    with file.open("rb") as source:
        for side, name in ((FULL, "full.jpg"), (MEDIUM, "medium.webp"), (THUMB, "thumb.webp")):
            source.seek(0)
            thumbnailer = get_thumbnailer(source, relative_name=file.name)
            made = thumbnailer.generate_thumbnail({"size": (side, side), "quality": JPEG})
            (out / f"{file.stem}-{name}").write_bytes(made.read())


WAYS: dict[str, Callable[[Path, Path], None]] = {"pillow": pillow, "vips": vips, "easy_thumbnails": easy_thumbnails}


def main() -> None:
    way, out, *files = sys.argv[1:]
    for file in files:
        WAYS[way](Path(file), Path(out))


if __name__ == "__main__":
    main()
