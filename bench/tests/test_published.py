"""That what is published is compared with its original, and looks like it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from bench import ROOT, published
from uploads.core.sniffing import PNG
from uploads.tests.content.image.samples import samples
from uploads.tests.media import video

# Of the first it takes the range for a video's; of the others it leaves the last lines white.
NOT_LIKE_CHROMIUM = ("film.avif", "no-end.jpg", "no-end-progressive.jpg")


def run(folder: Path, *options: str) -> str:
    command = [sys.executable, "-m", "bench.published", *options, str(folder)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=540, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_pictures_that_are_easy_to_get_wrong_look_like_what_chromium_shows(tmp_path: Path) -> None:
    made = [sample for sample in samples() if sample.name not in NOT_LIKE_CHROMIUM]
    for sample in made:
        (tmp_path / sample.name).write_bytes(sample.data)
    video(tmp_path / "film.mp4")

    said = run(tmp_path)

    assert "different" not in said and "refused" not in said
    counts = {kind: int(count) for kind, count in re.findall(r"^(\w+): (?:\d+ not compared, )?(\d+) pub", said, re.M)}
    assert counts.pop("mp4") == 1
    assert re.search(r"^mp4: 1 published, \d+ ms a second$", said, re.M)
    assert sum(counts.values()) == len(made)
    assert re.findall(r"^(\w+): \d+ not compared", said, re.M) == ["heic"]


def test_what_looks_different_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, other = tmp_path / "original.png", tmp_path / "other.png"
    Image.new("RGB", (90, 60), "red").save(original)
    monkeypatch.setattr(published, "_photo", lambda path, kind, folder: [(other, "image/png")])

    def told(picture: Image.Image) -> str:
        picture.save(other)
        return published.publish(original, PNG, published.Viewer(None), tmp_path).why

    assert told(Image.new("RGB", (90, 60), "red")) == ""
    assert "looks different by" in told(Image.new("RGB", (90, 60), "blue"))
    assert told(Image.new("RGB", (60, 90), "red")) == "other.png: 90 × 60 has become 60 × 90"


def test_a_folder_is_published_without_a_browser(tmp_path: Path) -> None:
    Image.new("RGB", (400, 300), "green").save(tmp_path / "good.jpg")
    (tmp_path / "half.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "notes.txt").write_text("no picture")
    said = run(tmp_path, "--no-browser")
    assert "half.png: bad_content" in said
    assert "jpeg: 1 published" in said
