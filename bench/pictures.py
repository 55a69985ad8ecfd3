"""What a gallery's visitor waits for, its pictures: `python -m bench pictures`.

Photos of 12 megapixels are made into three sizes (2,048 pixels as JPEG, 960 and 360 as WebP), two at a time: by the
gallery's pipeline with its checks and its sandbox, by two processes of bare Pillow, by two of libvips, and by two that
do what easy-thumbnails does in a view. Then Chromium sends photos to an album: seconds until all of them are there.

libvips and easy-thumbnails are installed into an environment made for the run; without a package index their rows are
missing. `$BENCH_THUMBNAILS` may name an interpreter that has them already.
"""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from e2e.support.venv import Venv
from PIL import Image, ImageChops

from bench import ROOT
from bench.support import browser, servers
from bench.support.chromium import Browser, chromium
from bench.support.tables import Rounds, Scale, Sides, Table, interleave
from uploads.content import Rendition, process_image
from uploads.content.sandbox.pool import SANDBOX

AT_ONCE: Final = 2
KINDS: Final = 4  # photos that differ; the others are copies
SIZE: Final = (4000, 3000)  # pixels
PEER: Final = ROOT / "bench" / "peers" / "thumbnails.py"
NEEDED: Final = ("pyvips", "pyvips-binary", "easy-thumbnails", "Django")
_COUNT: Final = """(all) => { window.all_ = new Promise((resolve, reject) => {
  const refs = new Set();
  addEventListener("djust:upload:progress", ({ detail }) => {
    if (detail.status === "complete" && refs.add(detail.ref).size === all) resolve();
    if (detail.status === "error") reject(new Error(detail.error));
  });
}); }"""


class Sample(NamedTuple):
    """So many `photos` in so many `seconds`; `cpu` are the processor's."""

    photos: int
    seconds: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.rate:.1f} a second, {self.work:.2f} s of a processor each"

    @property
    def rate(self) -> float:
        """Photos a second."""
        return self.photos / self.seconds

    @property
    def work(self) -> float:
        """Seconds of the processor per photo."""
        return self.cpu / self.photos


def photo(seed: int, size: tuple[int, int]) -> bytes:
    """A JPEG with as much in it as a camera's: soft shapes in all colours, and grain."""
    width, height = size
    soft = [Image.effect_noise((width // 16, height // 16), 110 + seed).resize(size) for _ in "RGB"]
    grain = Image.effect_noise(size, 12)
    shown = ImageChops.add(Image.merge("RGB", soft), Image.merge("RGB", [grain] * 3), 1, -128)
    file = io.BytesIO()
    shown.save(file, "JPEG", quality=92)
    return file.getvalue()


def photos(folder: Path, count: int, size: tuple[int, int]) -> list[Path]:
    """Each is another file, as an album takes none twice."""
    kinds = [photo(number, size) for number in range(min(count, KINDS))]
    files = [folder / f"photo-{number}.jpg" for number in range(count)]
    for number, file in enumerate(files):
        data = kinds[number % KINDS]
        note = f"photo {number}".encode()
        file.write_bytes(data[:2] + b"\xff\xfe" + (len(note) + 2).to_bytes(2, "big") + note + data[2:])
    return files


def _measured(files: Sequence[Path], work: Callable[[], object]) -> Sample:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Sample(len(files), seconds, cpu)


def ours(files: Sequence[Path], out: Path) -> Sample:
    def publish(file: Path) -> None:
        full, medium, thumb = (out / f"{file.stem}-{name}" for name in ("full.jpg", "medium.webp", "thumb.webp"))
        sizes = [Rendition(full, 2048), Rendition(medium, 960, format="webp"), Rendition(thumb, 360, format="webp")]
        process_image(file, "jpeg", sizes)

    def publish_all() -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(publish, files))
        SANDBOX.close()  # so that its processes' time is counted

    return _measured(files, publish_all)


def peer(python: str, way: str, files: Sequence[Path], out: Path) -> Sample:
    def publish_all() -> None:
        env = os.environ | {"VIPS_CONCURRENCY": "1"}
        env.pop("DJANGO_SETTINGS_MODULE", None)
        shares = [files[number::AT_ONCE] for number in range(AT_ONCE)]
        commands = [[python, str(PEER), way, str(out), *map(str, share)] for share in shares if share]
        running = [subprocess.Popen(command, env=env) for command in commands]
        assert not [process for process in running if process.wait()], f"{way} failed"

    return _measured(files, publish_all)


@contextmanager
def _peers(scale: Scale) -> Iterator[str | None]:
    """An interpreter that has them; nothing is installed for a smoke run."""
    if named := os.environ.get("BENCH_THUMBNAILS"):
        yield named
    elif not scale.is_full:
        yield None
    else:
        with tempfile.TemporaryDirectory(prefix="bench-thumbnails-") as folder:
            yield _install(Path(folder))


def _install(folder: Path) -> str | None:
    try:
        venv = Venv(folder)
        venv.install(*NEEDED)
    except (RuntimeError, OSError) as failure:
        print(f"libvips and easy-thumbnails can't be installed here: {failure}", file=sys.stderr)
        return None
    return str(venv.python)


def arrival(chrome: Browser, url: str, files: Sequence[Path]) -> float:
    """Seconds from the choice of all until the last of them is in the album."""
    with browser.opened(chrome, f"{url}/gallery/", browser.LIVE) as page:
        page.call(_COUNT, len(files))
        start = time.perf_counter()
        page.choose(browser.FILE, *files)
        page.evaluate("all_")
        return time.perf_counter() - start


def measure(table: Table, scale: Scale) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        out = folder / "out"
        out.mkdir()
        size = scale.of(SIZE, (800, 600))
        files = photos(folder, scale.of(24, 2), size)
        variants: dict[str, Callable[[], Sample]] = {
            "ours": partial(ours, files, out),
            "Pillow": partial(peer, sys.executable, "pillow", files, out),
        }
        if python := stack.enter_context(_peers(scale)):
            variants["libvips"] = partial(peer, python, "vips", files, out)
            variants["easy-thumbnails"] = partial(peer, python, "easy_thumbnails", files, out)
        rounds = interleave(variants, scale.rounds)
        for name, bar in (("libvips", 0.8), ("Pillow", 1.0), ("easy-thumbnails", 1.0)):
            if name in variants:
                sides: Sides = {"ours": _show(rounds, "ours"), "peer": _show(rounds, name)}
                table.at_least(f"photos a second, of {name}'s", rounds.ratios("ours", name, _rate), bar, **sides)
        album = photos(folder, scale.of(100, 2), size)
        server, chrome = stack.enter_context(servers.site()), stack.enter_context(chromium())
        rate = len(album) / arrival(chrome, server.url, album)
        table.note(f"{len(album)} photos from Chromium into an album", "", values=[rate], unit=" a second")


def _show(rounds: Rounds[Sample], name: str) -> str:
    rate, work = rounds.median(name, _rate), rounds.median(name, lambda sample: sample.work)
    return f"{rate:.1f} a second, {work:.2f} s of a processor each"


def _rate(sample: Sample) -> float:
    return sample.rate
