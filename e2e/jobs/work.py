"""What is to be done is a file in the folder `wanted`; what was done is a line in `log`: process, word, name."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

from django.conf import settings

from liveview import jobs

STOPS = threading.Event()


def note(*words: object) -> None:
    with (settings.FOLDER / "log").open("a") as log:
        log.write(f"{os.getpid()} {' '.join(map(str, words))}\n")


def noted(word: str, name: str) -> int:
    """How often."""
    lines = (settings.FOLDER / "log").read_text().splitlines()
    return sum(line.split(" ", 1)[1] == f"{word} {name}" for line in lines)


def stop() -> None:
    STOPS.set()


def tick() -> None:
    note("tick", "-")


def want(name: str, share: str, cost: float) -> None:
    (settings.FOLDER / "wanted" / name).write_text(f"{share} {cost}")
    do.enqueue(name, share=share, cost=cost)


def forget(*names: str) -> None:
    for name in names:
        (settings.FOLDER / "wanted" / name).unlink()


def left() -> Iterator[jobs.Job]:
    for path in sorted((settings.FOLDER / "wanted").iterdir()):
        share, cost = path.read_text().split(" ")
        yield jobs.Job((path.name,), share, float(cost))


def given_up(failure: Exception | None, name: str) -> None:
    note("failed", name, repr(failure))
    (settings.FOLDER / "wanted" / name).unlink()


@jobs.task(left=left, given_up=given_up, at_once=lambda: 1, attempts=3)
def do(name: str) -> None:
    if not (settings.FOLDER / "wanted" / name).exists():
        return
    note("begin", name)
    match name.partition("-")[0]:
        case "hold":
            while not (settings.FOLDER / f"go-{name}").exists():
                if STOPS.wait(0.02):
                    raise InterruptedError
        case "fail":
            raise RuntimeError(name)
        case "mend" if noted("begin", name) < 3:
            raise RuntimeError(name)
        case "kill" if noted("begin", name) < 3:  # it counts itself how often it was begun, as it kills who does
            os.kill(os.getpid(), signal.SIGKILL)
        case "murder":
            os.kill(os.getpid(), signal.SIGKILL)
    (settings.FOLDER / "wanted" / name).unlink()
    note("end", name)
