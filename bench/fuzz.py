"""Every parser, fed with damaged input: `python -m bench.fuzz [minutes [seed]]`, or `python -m bench.fuzz guided …`.

Small good files and messages are changed at random, by a seed that is printed, and given to all that reads a visitor's
bytes before a decoder does: the walks over pictures and videos, frames, messages, names and headers. Each either
understands its input or says so with its own error. Anything else that is raised, and an input that takes longer than
`SLOWEST`, is told with the input's number; the same seed and number are the same input again.

`guided` needs atheris (`pip install atheris`, which isn't among the pins): it changes inputs further that reached new
lines of the parsers. It stops at the first fault, and names the file that it has kept the input in.
"""

from __future__ import annotations

import contextlib
import io
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import av
from PIL import Image

from liveview.core import messages
from liveview.core.plain import loads
from uploads.content.image.png import unwrap as png_unwrap
from uploads.content.image.prescan import prescan as prescan_image
from uploads.content.limits import ImageLimits, VideoLimits
from uploads.content.video.prescan import prescan as prescan_video
from uploads.core import frames, names, sniffing
from uploads.errors import UploadError
from uploads.http.shared import headers
from uploads.tests.content.image import samples
from uploads.tests.media import video

SLOWEST: Final = 5.0  # seconds of processor time for one input

ODD: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63, 2**64 - 1)
TOKENS: Final = (b'{"', b"[[[[", b"\\u0000", b"\\ud800", b"NaN", b"1e999", b"\xff\xfe", b"../", b"=", b"\r\n", b"moov")


class Target(NamedTuple):
    name: str
    read: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    seeds: list[bytes]


class Fault(NamedTuple):
    target: str
    number: int
    what: str


def mutated(seed: bytes, chance: random.Random) -> bytes:
    """A few changes of the sorts that parsers fall over: lengths, repetitions, cuts, and bits."""
    data = bytearray(seed)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(7):
            case 0:
                del data[at:]
            case 1:
                size = chance.choice((1, 2, 4, 8))
                value = chance.choice(ODD) & (1 << 8 * size) - 1
                data[at : at + size] = value.to_bytes(size, chance.choice(("big", "little")))
            case 2 if data:
                data[at % len(data)] ^= 1 << chance.randrange(8)
            case 3:
                piece = data[at : at + chance.randrange(1, 64)]
                data[at:at] = piece * chance.choice((1, 2, 100))
            case 4:
                del data[at : at + chance.randrange(1, 64)]
            case 5:
                data[at:at] = chance.choice(TOKENS)
            case _:
                data[at : at + 16] = chance.randbytes(16)
    return bytes(data)


def fuzz(targets: list[Target], seed: int, inputs: Iterator[int]) -> Iterator[Fault]:
    for number in inputs:
        chance = random.Random(f"{seed} {number}")
        target = targets[number % len(targets)]
        data = mutated(chance.choice(target.seeds), chance)
        start = time.thread_time()
        try:
            target.read(data)
        except target.errors:
            pass
        except Exception as error:  # noqa: BLE001  (which is what is looked for)
            yield Fault(target.name, number, f"{type(error).__name__}: {error}"[:200])
        if time.thread_time() - start > SLOWEST:
            yield Fault(target.name, number, f"took {time.thread_time() - start:.1f} s")


def targets(folder: Path) -> list[Target]:
    limits, film = ImageLimits(), VideoLimits()

    def about_pictures(kind: str) -> Callable[[bytes], object]:
        return lambda data: prescan_image(data, kind, limits, 10)

    def about_videos(kind: str) -> Callable[[bytes], object]:
        def read(data: bytes) -> None:
            (folder / "mutated").write_bytes(data)
            with (folder / "mutated").open("rb") as file:
                prescan_video(file, kind, film)

        return read

    def unwrap(data: bytes) -> object:
        prescan_image(data, "png", limits)
        return png_unwrap(data)

    bad = (UploadError,)
    png, gif = _pictures("png"), _pictures("gif")
    return [
        *(Target(kind, about_pictures(kind), bad, _pictures(kind)) for kind in ("png", "gif", "webp", "jpeg")),
        Target("avif", about_pictures("avif"), bad, [sample.data for sample in samples.avif()]),
        Target("heic", about_pictures("heic"), bad, [sample.data for sample in samples.heic()]),
        Target("unwrapping", unwrap, bad, png),
        Target("mp4", about_videos("mp4"), bad, [video(folder / "a.mp4", seconds=0.2).read_bytes()]),
        Target("webm", about_videos("webm"), bad, [video(folder / "a.webm", codec="libvpx", seconds=0.2).read_bytes()]),
        Target(
            "frame", frames.decode, (frames.BadFrame,), [frames.encode(1, 0, b"payload"), frames.encode(9, 2**40, b"")]
        ),
        Target(
            "message",
            lambda data: messages.parse(data.decode("utf-8", "surrogateescape"), messages.CLIENT, 65_536),
            (messages.BadMessage,),
            [b'{"type":"event","ref":1,"name":"save","params":{"a":[1,{"b":null}]}}', b'{"type":"mount","url":"/"}'],
        ),
        Target(
            "name",
            lambda data: names.parse_name(_text(data)),
            bad,
            [b"a photo.JPEG", "Gr\xfc\xdfe \u202e.png".encode()],
        ),
        Target("folder", lambda data: names.parse_folder(_text(data)), bad, [b"a/b/c", b"../../etc"]),
        Target("sniffing", lambda data: sniffing.sniff(data), bad, [*png, *gif]),
        Target("metadata", lambda data: headers.parse_metadata(_text(data)), bad, [b"name YS50eHQ=,type dGV4dA=="]),
        Target(
            "checksum", lambda data: headers.parse_checksum(_text(data)), bad, [b"sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0="]
        ),
        Target(
            "state", lambda data: loads(_text(data)), (ValueError,), [b'{"dict":[["a",{"tuple":[1,{"set":[2]}]}]]}']
        ),
    ]


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def _pictures(kind: str) -> list[bytes]:
    first, second = Image.new("RGB", (40, 30), "red"), Image.new("RGB", (40, 30), "blue")
    still, moving = io.BytesIO(), io.BytesIO()
    first.save(still, kind)
    if kind == "jpeg":
        first.save(moving, kind, progressive=True)
    else:
        first.save(moving, kind, save_all=True, append_images=[second], duration=50)
    return [still.getvalue(), moving.getvalue()]


def guided(minutes: float) -> None:
    """Never returns: libFuzzer ends the process."""
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

    every = targets(Path(tempfile.mkdtemp(prefix="fuzz-")))
    corpus = Path(tempfile.mkdtemp(prefix="fuzz-corpus-"))
    for number, target in enumerate(every):
        for at, seed in enumerate(target.seeds):
            (corpus / f"{target.name}-{at}").write_bytes(bytes([number]) + seed)

    def read(data: bytes) -> None:
        """The first byte says whose input it is."""
        target = every[data[0] % len(every)] if data else every[0]
        with contextlib.suppress(*target.errors):
            target.read(data[1:])

    atheris.instrument_all()
    limits = [f"-max_total_time={minutes * 60:.0f}", f"-timeout={SLOWEST:.0f}", f"-artifact_prefix={corpus}/fault-"]
    atheris.Setup([sys.argv[0], *limits, str(corpus)], read)
    atheris.Fuzz()


def main() -> int:
    if sys.argv[1:2] == ["guided"]:
        guided(float(sys.argv[2]) if len(sys.argv) > 2 else 10.0)
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    end, count = time.monotonic() + minutes * 60, 0
    av.logging.set_level(None)

    def inputs() -> Iterator[int]:
        nonlocal count
        while time.monotonic() < end:
            yield count
            count += 1

    print(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        found = 0
        for fault in fuzz(targets(Path(folder)), seed, inputs()):
            found += 1
            print("FAULT", *fault, flush=True)
    print(f"{count} inputs, {found} faults")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
