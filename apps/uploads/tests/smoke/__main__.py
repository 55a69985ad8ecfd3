"""Checks the project, sends it a file over its socket, and makes a picture. Raises if anything is wrong."""

from __future__ import annotations

import hashlib
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import django
from django.core.management import call_command
from PIL import Image

os.environ["DJANGO_SETTINGS_MODULE"] = "smoke.settings"
DATA = os.urandom(150_000).hex().encode()


def main() -> None:
    django.setup()
    call_command("check", fail_level="WARNING")
    call_command("migrate", verbosity=0)
    upload()
    if find_spec("uploads.content"):
        make_a_picture(Path.cwd())
    call_command("uploads_prune")
    assert "boto3" not in sys.modules


def upload() -> None:
    from uploads.testing import mount

    with mount("/letter/") as page:
        page.upload("letter", "a.txt", DATA)
        page.submit("read")
        assert hashlib.sha256(DATA).hexdigest() in page.html


def make_a_picture(where: Path) -> None:
    from uploads.content import Rendition, process_image

    Image.new("RGB", (40, 30), "red").save(where / "received", "PNG")
    (made,) = process_image(where / "received", "png", [Rendition(where / "small.png", 20)])
    assert (made.width, made.height, made.mime) == (20, 15, "image/png")


if __name__ == "__main__":
    main()
