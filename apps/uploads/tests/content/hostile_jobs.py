"""A worker like `uploads.content.sandbox.worker`, whose jobs do what a taken-over decoder might."""

from __future__ import annotations

import ctypes
import importlib
import os
import platform
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from uploads.content.image import rendering
from uploads.content.sandbox import worker
from uploads.errors import UploadError


def echo(arguments: dict[str, Any]) -> Any:
    return arguments


def tell(arguments: dict[str, Any]) -> Any:
    """Go on once what was told has been heard."""
    yield from arguments["before"]
    with open(arguments["fifo"], "rb") as heard:
        heard.read()
    return "done"


def tell_nonsense(arguments: dict[str, Any]) -> Any:
    os.write(_talk(), arguments["line"].encode())


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


def answer_and_crash(arguments: dict[str, Any]) -> Any:
    """An answer that is as it should be, of a child that is no more what it was."""
    os.write(_talk(), b'{"value": "believed"}\n')
    crash(arguments)


def write(arguments: dict[str, Any]) -> Any:
    return Path(arguments["path"]).write_bytes(bytes(arguments["bytes"]))


def limits(arguments: dict[str, Any]) -> Any:
    names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    return {name: resource.getrlimit(getattr(resource, name)) for name in names}


def describe(arguments: dict[str, Any]) -> Any:
    links = {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in range(256) if _is_open(fd)}
    return {
        "environment": dict(os.environ),
        "fds": links,
        "modules": list(sys.modules),
        "pid": os.getpid(),
        "zygote": os.getppid(),
    }


def open_many(arguments: dict[str, Any]) -> Any:
    return len([os.dup(0) for _ in range(arguments["files"])])


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
    """Tell the zygote's id through a FIFO, and hold it for as long as we live."""
    with open(arguments["fifo"], "w") as fifo:
        fifo.write(f"{os.getppid()}\n")
        fifo.flush()
        signal.pause()


def log_busy_time(arguments: dict[str, Any]) -> Any:
    start = time.monotonic()
    while time.monotonic() < start + 0.05:
        pass
    return [start, time.monotonic()]


def wait_for_word(arguments: dict[str, Any]) -> Any:
    """Tell the zygote's id through one FIFO, and wait until another says something."""
    with open(arguments["told"], "w") as told:
        told.write(f"{os.getppid()}\n")
    with open(arguments["word"]) as word:
        return word.read()


def attempt(arguments: dict[str, Any]) -> Any:
    """What somebody who has taken over a decoder would try; of each attempt, whether it came off."""
    server, port = arguments["server"], arguments["port"]
    secret, folder = Path(arguments["secret"]), Path(arguments["folder"])
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(8)

    def call(result: int) -> None:
        if result < 0:
            raise OSError(ctypes.get_errno(), "")

    def connect_to(family: int, address: Any) -> None:
        with socket.socket(family) as client:
            client.connect(address)

    attempts: dict[str, Callable[[], object]] = {
        "the server's environment": lambda: Path(f"/proc/{server}/environ").read_bytes(),
        "the server's memory": lambda: open(f"/proc/{server}/mem", "rb").close(),
        "the server's open files": lambda: os.listdir(f"/proc/{server}/fd"),
        "the zygote's memory": lambda: open(f"/proc/{os.getppid()}/mem", "rb").close(),
        "who else runs here": lambda: os.listdir("/proc"),
        "a file of the site": secret.read_bytes,
        "writing to it": lambda: secret.open("ab").close(),
        "cutting it off": lambda: os.truncate(secret, 0),
        "who may open it": lambda: secret.chmod(0o777),
        "when it was changed": lambda: os.utime(secret, (0, 0)),
        "what it is called": lambda: secret.rename(folder / "renamed"),
        "removing it": secret.unlink,
        "a second name for it": lambda: os.link(secret, folder / "hard"),
        "a new file": lambda: (folder / "new").write_bytes(b""),
        "a new folder": (folder / "deep").mkdir,
        "a link": lambda: (folder / "link").symlink_to(secret),
        "the folder's names": lambda: os.listdir(folder),
        "a Unix socket": lambda: connect_to(socket.AF_UNIX, arguments["socket"]),
        "an abstract Unix socket": lambda: connect_to(socket.AF_UNIX, b"\0" + arguments["abstract"].encode()),
        "TCP": lambda: connect_to(socket.AF_INET, ("127.0.0.1", port)),
        "UDP": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close(),
        "a raw socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
        "a signal to the server": lambda: os.kill(server, 0),
        "a signal to the zygote": lambda: os.kill(os.getppid(), 0),
        "a signal to all of its group": lambda: os.kill(0, 0),
        "a handle of the server": lambda: os.pidfd_open(server),
        "the server's limits": lambda: resource.prlimit(server, resource.RLIMIT_NOFILE),
        "the server's processors": lambda: os.sched_setaffinity(server, os.sched_getaffinity(0)),
        "tracing the server": lambda: call(libc.ptrace(0x4206, ctypes.c_long(server), None, None)),  # PTRACE_SEIZE
        "reading the server's memory": lambda: call(libc.process_vm_readv(server, None, 0, None, 0, 0)),
        "shared memory": lambda: call(libc.shmget(0, 4096, 0o1600)),
        "a program": lambda: os.execv("/bin/true", ["true"]),
        "a process": lambda: os.fork() or os._exit(0),
        "a thread": lambda: threading.Thread(target=int).start(),
        "io_uring": lambda: call(libc.syscall(425, 1, ctypes.create_string_buffer(120))),
        "a namespace": lambda: call(libc.unshare(0x10000000)),
        "root's rights": lambda: os.setresuid(0, 0, 0) if os.geteuid() else call(libc.sethostname(b"x", 1)),
        "the kernel's log": lambda: call(libc.klogctl(3, buffer, 8)),
        "BPF": lambda: call(libc.syscall(321 if platform.machine() == "x86_64" else 280, 0, buffer, 8)),
    }
    return {name: _came_off(act) for name, act in attempts.items()}


def _came_off(act: Callable[[], object]) -> bool:
    try:
        act()
    except (OSError, RuntimeError):  # a thread that can't be started is the latter
        return False
    return True


def namespace(arguments: dict[str, Any]) -> Any:
    return os.readlink("/proc/self/ns/net")


def read(arguments: dict[str, Any]) -> Any:
    return Path(arguments["path"]).read_text()


def import_late(arguments: dict[str, Any]) -> Any:
    return [importlib.import_module(name).__name__ for name in arguments["modules"]]


def abort(arguments: dict[str, Any]) -> Any:
    os.abort()


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
        tell,
        tell_nonsense,
        crash,
        fail,
        blunder,
        spin,
        ignore_the_clock,
        allocate,
        shout,
        babble,
        forge,
        answer_and_crash,
        write,
        describe,
        open_many,
        connect,
    ),
    *(limits, meet, hold, log_busy_time, wait_for_word, attempt, namespace, read, import_late, abort),
]

if __name__ == "__main__":
    worker.serve(
        {job.__name__: f"uploads.tests.content.hostile_jobs:{job.__name__}" for job in JOBS}
        | {"image": "uploads.tests.content.hostile_jobs:fragile_render"}
    )
