"""A worker like `uploads.content.sandbox.worker`, whose jobs do what a taken-over decoder might."""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from uploads.content.image import rendering
from uploads.content.sandbox import worker
from uploads.errors import UploadError


def echo(arguments: dict[str, Any]) -> Any:
    return arguments


def crash(arguments: dict[str, Any]) -> Any:
    os.kill(os.getpid(), signal.SIGSEGV)


def fail(arguments: dict[str, Any]) -> Any:
    raise UploadError(arguments["code"])


def blunder(arguments: dict[str, Any]) -> Any:
    raise ZeroDivisionError("our own mistake")


def spin(arguments: dict[str, Any]) -> Any:
    while True:
        pass


def ignore_the_clock(arguments: dict[str, Any]) -> Any:
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.pause()


def allocate(arguments: dict[str, Any]) -> Any:
    return len(bytearray(arguments["bytes"]))


def shout(arguments: dict[str, Any]) -> Any:
    return "x" * arguments["bytes"]


def babble(arguments: dict[str, Any]) -> Any:
    """Answer without end, and tell through a FIFO when nobody listens any more."""
    talk = _talk()
    with open(arguments["fifo"], "w") as fifo:
        try:
            while True:
                os.write(talk, bytes(1 << 16))
        except OSError:
            fifo.write("nobody listens")


def forge(arguments: dict[str, Any]) -> Any:
    """Say what the zygote would say, and then what an honest child would."""
    os.write(_talk(), b'{"value": "forged"}\nexit 0\n')
    return "honest"


def write(arguments: dict[str, Any]) -> Any:
    return Path(arguments["path"]).write_bytes(bytes(arguments["bytes"]))


def limits(arguments: dict[str, Any]) -> Any:
    names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    return {name: resource.getrlimit(getattr(resource, name)) for name in names}


def describe(arguments: dict[str, Any]) -> Any:
    links = {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _is_open(int(fd))}
    return {
        "environment": dict(os.environ),
        "fds": links,
        "modules": list(sys.modules),
        "pid": os.getpid(),
        "zygote": os.getppid(),
    }


def open_many(arguments: dict[str, Any]) -> Any:
    return len([open(os.devnull) for _ in range(arguments["files"])])  # noqa: SIM115


def connect(arguments: dict[str, Any]) -> Any:
    try:
        socket.create_connection(("127.0.0.1", arguments["port"]), timeout=5).close()
    except OSError:
        return "refused"
    return "connected"


def meet(arguments: dict[str, Any]) -> Any:
    """Open one end of a FIFO: that waits until another job opens the other end."""
    with open(arguments["fifo"], arguments["mode"]):
        return "met"


def hold(arguments: dict[str, Any]) -> Any:
    """Tell the zygote's id through a FIFO, stop the zygote if asked to, and hold the FIFO for as long as we live."""
    with open(arguments["fifo"], "w") as fifo:
        fifo.write(f"{os.getppid()}\n")
        fifo.flush()
        if arguments.get("stop_zygote"):
            os.kill(os.getppid(), signal.SIGSTOP)
        signal.pause()


def log_busy_time(arguments: dict[str, Any]) -> Any:
    start = time.monotonic()
    while time.monotonic() < start + 0.05:
        pass
    return [start, time.monotonic()]


def kill_zygote(arguments: dict[str, Any]) -> Any:
    """Each time but the last, which the number of marks in a file tells."""
    with open(arguments["marks"], "a+") as marks:
        marks.write("x")
        marks.flush()
        if marks.tell() <= arguments["times"]:
            os.kill(os.getppid(), signal.SIGKILL)
            signal.pause()
    return "survived"


def stop_zygote(arguments: dict[str, Any]) -> Any:
    os.kill(os.getppid(), signal.SIGSTOP)
    signal.pause()


def fragile_render(arguments: dict[str, Any]) -> Any:
    """The image job with a decoder that crashes, after it wrote a file, on pictures that say so."""
    if b"CRASH" in Path(arguments["source"]).read_bytes():
        Path(arguments["renditions"][0]["path"]).write_bytes(b"half a picture")
        crash(arguments)
    return rendering.render(arguments)


def _talk() -> int:
    return next(fd for fd in range(3, 256) if _is_open(fd))


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


JOBS = [
    *(
        echo,
        crash,
        fail,
        blunder,
        spin,
        ignore_the_clock,
        allocate,
        shout,
        babble,
        forge,
        write,
        describe,
        open_many,
        connect,
    ),
    *(limits, meet, hold, log_busy_time, kill_zygote, stop_zygote),
]

if __name__ == "__main__":
    worker.serve(
        {job.__name__: f"uploads.tests.content.hostile_jobs:{job.__name__}" for job in JOBS}
        | {"image": "uploads.tests.content.hostile_jobs:fragile_render"}
    )
