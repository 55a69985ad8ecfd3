"""docs/uploads.md says all there is about writers, and its example is one."""

from __future__ import annotations

import dataclasses
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from uploads import BufferedUploadWriter, ResumableUploadWriter, UploadWriter
from uploads.s3.options import S3Options
from uploads.tests.support import TEXT, Site
from uploads.tests.writers.writing import WriterView

GUIDE = Path(__file__).resolve().parents[4] / "docs" / "uploads.md"

needs_guide = pytest.mark.skipif(not GUIDE.exists(), reason="this copy of the package came without its docs")
INTERNAL = {"accept", "buffered", "flush", "keep_with", "skip_parts", "take_rest"}


@needs_guide
@pytest.mark.parametrize("kind", [UploadWriter, BufferedUploadWriter, ResumableUploadWriter])
def test_everything_about_a_writer_is_explained(kind: type[UploadWriter]) -> None:
    guide = GUIDE.read_text()
    names = {name for name in vars(kind) if name[0] != "_"} - INTERNAL
    names |= set(inspect.signature(UploadWriter).parameters)

    assert {name for name in names if not re.search(rf"`{name}\b", guide)} == set()


@needs_guide
def test_every_option_of_s3_is_explained() -> None:
    keys = {field.name.upper() for field in dataclasses.fields(S3Options)}

    assert {key for key in keys if f"`{key}`" not in GUIDE.read_text()} == set()


@needs_guide
def test_the_example_of_the_guide_works(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = re.search(r"```python\n(from uploads import UploadWriter\n.*?)\n\nself\.", GUIDE.read_text(), re.DOTALL)
    assert source is not None
    namespace: dict[str, Any] = {"SHELF": tmp_path}
    exec(source[1], namespace)
    monkeypatch.setattr(WriterView, "make", namespace["ShelfWriter"])
    page = site("/writers/")
    ref = page.upload("file", "a.txt", TEXT)
    kept = page.upload_answer(ref, "upload_registered")["upload_id"]
    ref, channel = page.register("files", "b.txt", len(TEXT))
    page.send_chunk(channel, 0, TEXT[:65_536])
    page.send({"type": "upload_cancel", "ref": ref})
    page.upload_answer(ref, "upload_cancelled")
    page.upload("file", "c.txt", TEXT)

    assert (tmp_path / kept).read_bytes() == TEXT


def test_nobody_needs_boto3_who_has_no_bucket() -> None:
    """It costs every process that imports it a tenth of a second and tens of megabytes."""
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[3])!r})
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["uploads"])
django.setup()
import uploads.janitor, uploads.mixin
sys.exit("boto3" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", script])

    assert run.returncode == 0
