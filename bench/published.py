"""Publishes pictures and films, and compares each with its original: `python -m bench.published FOLDER`.

Whatever of that folder, and of those in it, is a picture or a film goes through the checks and encoders that the
gallery's and the videos' go through. Chromium shows the original and what was made of it, at 64 × 64 over white and
over black: every frame of an animation at its time, some of a film, and its poster. What is refused, and what looks
different, is told with the reason; the rest is counted. Without Chromium only stills are compared, by Pillow. What
can't be shown before it is published, such as HEIC, is not compared.
"""

from __future__ import annotations

import argparse
import base64
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from PIL import Image, ImageChops, ImageOps, ImageStat

from bench.support.chromium import Page, ScriptFailed, chromium
from uploads.content import ImageLimits, Rendition, VideoLimits, process_image, process_video
from uploads.core.sniffing import MP4, SNIFF_BYTES, WEBM, FileType, sniff
from uploads.errors import UploadError

SIDE: Final = 64  # pixels of what is compared
DIFFERENT: Final = 8.0  # of 255, on average over all pixels
OFTEN: Final = 24  # moments of an animation that are compared
MOMENTS: Final = (0.1, 0.4, 0.7)  # of a film, as parts of its length
FILMS: Final = (MP4, WEBM)

# What a page does with the file that is chosen in it: its size, and its frames with their milliseconds and pixels.
_SHOW: Final = """async (type, moments, most) => {
  const file = document.querySelector("input").files[0];
  const url = URL.createObjectURL(file);
  const pixels = (source) => ["#fff", "#000"].map((ground) => {
    const canvas = new OffscreenCanvas(64, 64), context = canvas.getContext("2d");
    context.fillStyle = ground;
    context.fillRect(0, 0, 64, 64);
    context.imageSmoothingQuality = "high";
    context.drawImage(source, 0, 0, 64, 64);
    return new Uint8Array(context.getImageData(0, 0, 64, 64).data.buffer).toBase64();
  });
  const within = (promise) => Promise.race([promise, new Promise((_, reject) => setTimeout(reject, 20000))]);
  try {
    if (type.startsWith("video/")) {
      const film = Object.assign(document.createElement("video"), { muted: true, preload: "auto", src: url });
      // What a seek leads to is there when it is painted, if nothing earlier still will be. Some seeks paint nothing.
      const painted = () =>
        Promise.race([
          new Promise((done) => film.requestVideoFrameCallback(done)),
          new Promise((done) => setTimeout(done, 2000)),
        ]);
      const first = painted();
      await within(new Promise((onloadeddata, onerror) => Object.assign(film, { onloadeddata, onerror })));
      await first;
      const frames = [];
      for (const part of moments) {
        const sought = new Promise((done) => (film.onseeked = done));
        const next = painted(); // later than that, at times
        film.currentTime = part * film.duration;
        await within(sought);
        await next;
        frames.push({ milliseconds: 0, pixels: pixels(film) });
      }
      return { width: film.videoWidth, height: film.videoHeight, seconds: film.duration, frames };
    }
    const picture = Object.assign(new Image(), { src: url });
    await picture.decode();
    const still = { width: picture.naturalWidth, height: picture.naturalHeight, seconds: 0 };
    const frames = [{ milliseconds: 0, pixels: pixels(picture) }];
    if (type !== "image/jpeg") {
      const decoder = new ImageDecoder({ data: file.stream(), type });
      await decoder.completed;
      const { frameCount } = decoder.tracks.selectedTrack;
      const count = type === "image/avif" ? Math.min(frameCount, 2) : frameCount; // its first picture is published
      for (let frameIndex = 0; count > 1 && frameIndex < Math.min(count, most); frameIndex++) {
        const { image } = await decoder.decode({ frameIndex });
        frames[frameIndex] = { milliseconds: image.duration / 1000, pixels: pixels(image) };
        image.close();
      }
      decoder.close();
      if (type === "image/avif") Object.assign(frames, { length: 1 })[0].milliseconds = 0;
    }
    return { ...still, frames };
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(url);
  }
}"""


@dataclass(slots=True)
class Shown:
    """What is seen of a file: its sides, and its frames, each over white and over black."""

    width: int
    height: int
    seconds: float
    frames: list[tuple[float, list[Image.Image]]]

    def at(self, milliseconds: float) -> list[Image.Image]:
        for duration, pixels in self.frames:
            if milliseconds < duration:
                return pixels
            milliseconds -= duration
        return self.frames[-1][1]


@dataclass(slots=True)
class Outcome:
    """`what` is "published", "refused" or "different"; `why` is for whoever reads it."""

    path: Path
    kind: str
    what: str = "published"
    why: str = ""
    is_compared: bool = True
    seconds: float = 0
    amount: float = 0  # megapixels of a picture, seconds of a film


@dataclass(slots=True)
class Report:
    outcomes: list[Outcome] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        for outcome in self.outcomes:
            if outcome.what != "published":
                yield f"{outcome.what}: {outcome.path}: {outcome.why}"
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for outcome in self.outcomes:
            counts[outcome.kind][outcome.what] += 1
            counts[outcome.kind]["not compared"] += outcome.what == "published" and not outcome.is_compared
        for kind, count in sorted(counts.items()):
            times = [each.seconds / each.amount for each in self.outcomes if each.kind == kind and each.amount > 0.1]
            unit = "second" if kind in {film.key for film in FILMS} else "megapixel"
            speed = f", {1000 * median(times):.0f} ms a {unit}" if times else ""
            told = ", ".join(f"{number} {what}" for what, number in sorted(count.items()) if number)
            yield f"{kind}: {told}{speed}"


class Viewer:
    """Chromium, or Pillow if there is no page."""

    def __init__(self, page: Page | None) -> None:
        self._page = page

    def show(self, path: Path, mime: str) -> Shown | None:
        """None if it can't be shown."""
        if self._page is None:
            return _by_pillow(path)
        self._page.choose("input", path)
        try:
            said: dict[str, Any] | None = self._page.call(_SHOW, mime, MOMENTS, 400)
        except ScriptFailed:
            return None
        if said is None or not said["width"] or not said["height"]:  # a film that only sounds has no sides
            return None
        frames = [(each["milliseconds"], [_picture(pixels) for pixels in each["pixels"]]) for each in said["frames"]]
        return Shown(said["width"], said["height"], said["seconds"], frames)


def publish(path: Path, kind: FileType, viewer: Viewer, folder: Path) -> Outcome:
    outcome = Outcome(path, kind.key)
    began = time.perf_counter()
    try:
        made = _film(path, kind, folder) if kind in FILMS else _photo(path, kind, folder)
    except UploadError as refused:
        shown = " It can be shown, though." if viewer.show(path, kind.mime) else ""
        outcome.what, outcome.why = "refused", f"{refused.code}: {refused.message}{shown}"
        return outcome
    outcome.seconds = time.perf_counter() - began
    before = viewer.show(path, kind.mime)
    after = [viewer.show(each, mime) for each, mime in made]
    if before is None:
        outcome.is_compared = False
        return outcome
    outcome.amount = before.seconds or before.width * before.height * len(before.frames) / 1e6
    differences = [_difference(before, shown, is_whole=number == 0) for number, shown in enumerate(after)]
    if any(differences):
        told = (f"{each.name}: {why}" for (each, _), why in zip(made, differences, strict=True) if why)
        outcome.what, outcome.why = "different", "; ".join(told)
    return outcome


def _photo(path: Path, kind: FileType, folder: Path) -> list[tuple[Path, str]]:
    renditions = [
        Rendition(folder / "full", 2048, frames=1000),
        Rendition(folder / "medium", 960, format="webp"),
        Rendition(folder / "thumb", 360, format="webp"),
    ]
    made = process_image(path, kind.key, renditions, ImageLimits())
    return [(each.path, each.mime) for each in made]


def _film(path: Path, kind: FileType, folder: Path) -> list[tuple[Path, str]]:
    target, poster = folder / f"film{kind.extension}", folder / "poster.webp"
    made = process_video(path, kind.key, target, poster, VideoLimits())
    return [(target, made.mime), (poster, "image/webp")]


def _difference(before: Shown, after: Shown | None, *, is_whole: bool) -> str:
    """Empty if there is none. What isn't the whole is compared with the first frame, or as a poster with any."""
    if after is None:
        return "the browser can't show it"
    if abs(before.width / before.height - after.width / after.height) > 0.02 * before.width / before.height + 2 / 64:
        return f"{before.width} × {before.height} has become {after.width} × {after.height}"
    if not is_whole:
        frames = [pixels for _, pixels in (before.frames if before.seconds else before.frames[:1])]
        least = min(_distance(pixels, after.frames[0][1]) for pixels in frames)
        return f"looks different by {least:.1f} of 255" if least > (4 if before.seconds else 2) * DIFFERENT else ""
    if before.seconds:
        if abs(before.seconds - after.seconds) > 0.1 + 0.02 * before.seconds:
            return f"{before.seconds:.2f} s have become {after.seconds:.2f} s"
        pairs = [(a, b) for (_, a), (_, b) in zip(before.frames, after.frames, strict=True)]
    else:
        whole, whole_after = (sum(duration for duration, _ in shown.frames) for shown in (before, after))
        if abs(whole - whole_after) > 20 + 0.02 * whole:
            return f"{whole / 1000:.2f} s have become {whole_after / 1000:.2f} s"
        pairs = [(before.at(moment), after.at(moment)) for moment in _moments(before)]
    most = max(_distance(a, b) for a, b in pairs)
    return f"looks different by {most:.1f} of 255" if most > DIFFERENT else ""


def _moments(shown: Shown) -> list[float]:
    """The middles of some of the frames."""
    middles, start = [], 0.0
    for duration, _ in shown.frames:
        middles.append(start + duration / 2)
        start += duration
    return middles[:: max(1, len(middles) // OFTEN)]


def _distance(some: list[Image.Image], others: list[Image.Image]) -> float:
    pairs = zip(some, others, strict=True)
    return max(sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3 for one, other in pairs)


def _picture(pixels: str) -> Image.Image:
    return Image.frombytes("RGBA", (SIDE, SIDE), base64.b64decode(pixels)).convert("RGB")


def _by_pillow(path: Path) -> Shown | None:
    try:
        with Image.open(path) as picture:
            whole = ImageOps.exif_transpose(picture).convert("RGBA")
    except Exception:  # noqa: BLE001  (whatever a damaged file makes a decoder raise)
        return None
    pixels = []
    for ground in ("white", "black"):
        canvas = Image.new("RGBA", whole.size, ground)
        canvas.alpha_composite(whole)
        pixels.append(canvas.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX))
    return Shown(*whole.size, 0.0, [(0.0, pixels)])


def files(folder: Path) -> Iterator[tuple[Path, FileType]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size:
            with path.open("rb") as file:
                kind = sniff(file.read(SNIFF_BYTES))
            if kind is not None and kind.mime.startswith(("image/", "video/")):
                yield path, kind


def run(folder: Path, *, with_browser: bool = True) -> Report:
    report = Report()
    with ExitStack() as stack:
        made = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-published-")))
        page = None
        if with_browser:
            blank = made / "blank.html"
            blank.write_text('<!doctype html><input type="file">')
            page = stack.enter_context(stack.enter_context(chromium()).page())
            page.goto(blank.as_uri(), "document.querySelector('input')")
        for path, kind in files(folder):
            report.outcomes.append(publish(path, kind, Viewer(page), made))
    return report


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.published", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("folder", type=Path, help="of pictures and films; those in it are looked into as well")
    parser.add_argument("--no-browser", action="store_true", help="compare stills by Pillow")
    asked = parser.parse_args()
    report = run(asked.folder, with_browser=not asked.no_browser)
    print("\n".join(report.lines()))
    return int(any(outcome.what == "different" for outcome in report.outcomes))


if __name__ == "__main__":
    sys.exit(main())
