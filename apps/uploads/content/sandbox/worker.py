"""The zygote: it waits for jobs, forks a child for each, kills those past their deadline, and reports exit statuses.

Started by `pool.py` with the control socket as stdin, and ends when that does. Single-threaded, so that forking is
safe, and without Django, so that a child has no settings, database or cache to reach.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import importlib
import json
import os
import resource
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from uploads.content.limits import ChildLimits
from uploads.content.sandbox import walls
from uploads.content.sandbox.pool import DEADLINE
from uploads.errors import UploadError

Job = Callable[[dict[str, Any]], Any]

# The only functions that a request can name, as "module:function". They take and return what JSON can hold. A generator
# tells what it yields, at once. A site may have deleted the folder of some.
JOBS: Final[dict[str, str]] = {
    "image": "uploads.content.image.rendering:render",
    "video": "uploads.content.video.remuxing:remux",
}

_LINUX: Final = sys.platform == "linux"
_PR_SET_PDEATHSIG: Final = 1
_OPEN_FILES: Final = 256
_NICENESS: Final = 5
_ERRNO_CODES: Final = {errno.ENOSPC: "storage_full", errno.EDQUOT: "storage_full", errno.EFBIG: "too_complex"}


@dataclass(frozen=True, slots=True)
class _Child:
    talk: socket.socket  # our end of the job's conversation, kept for its last line
    deadline: float  # on the monotonic clock


def serve(registry: Mapping[str, str]) -> None:
    """Serves jobs until the server closes its end of the control socket; then kills what still runs."""
    jobs = {name: job for name, target in registry.items() if (job := _load(target)) is not None}
    control = socket.socket(fileno=0)
    wakeup = _wake_on_child_exit()
    _isolate()
    children: dict[int, _Child] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(wakeup, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select(_patience(children))}
            if wakeup in ready:
                wakeup.recv(4096)
                _reap(children)
            if control in ready:
                message, fds, *_ = socket.recv_fds(control, DEADLINE.size, 1)
                if not message:
                    break
                (seconds,) = DEADLINE.unpack(message)
                talk = socket.socket(fileno=fds[0])
                children[_fork(talk, jobs)] = _Child(talk, time.monotonic() + seconds)
            _kill(children, before=time.monotonic())
    _kill(children, before=float("inf"))
    for pid in children:  # before the wakeup socket is gone: a signal without it would print an error
        os.waitpid(pid, 0)


def _load(target: str) -> Job | None:
    """None if its folder isn't there."""
    path, _, name = target.partition(":")
    try:
        job: Job = getattr(importlib.import_module(path), name)
    except ModuleNotFoundError as missing:
        if missing.name and f"{path}.".startswith(f"{missing.name}."):
            return None
        raise
    return job


def _wake_on_child_exit() -> socket.socket:
    wakeup, writer = socket.socketpair()
    wakeup.setblocking(False)
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return wakeup


def _isolate() -> None:
    """What every child inherits: no network, few files, a lower priority than the server's."""
    _cap(resource.RLIMIT_NOFILE, _OPEN_FILES)
    walls.isolate()
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)
    gc.freeze()  # so that a child's collector doesn't touch, and so copy, every shared page


def _patience(children: Mapping[int, _Child]) -> float | None:
    deadlines = [child.deadline for child in children.values()]
    return max(0, min(deadlines) - time.monotonic()) if deadlines else None


def _reap(children: dict[int, _Child]) -> None:
    for pid in list(children):
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            talk = children.pop(pid).talk
            code = os.waitstatus_to_exitcode(status)
            told = f"exit {code} {usage.ru_utime + usage.ru_stime:.2f}" if code else "exit 0"
            # Never wait for the reader: the server is reading, or has given up on this job.
            with contextlib.suppress(OSError):
                talk.send(f"{told}\n".encode(), socket.MSG_DONTWAIT)
            talk.close()


def _kill(children: Mapping[int, _Child], before: float) -> None:
    for pid, child in children.items():
        if child.deadline <= before:
            os.kill(pid, signal.SIGKILL)  # not reaped yet, so the pid is still this child's


def _fork(talk: socket.socket, jobs: Mapping[str, Job]) -> int:
    zygote = os.getpid()
    if pid := os.fork():
        return pid
    try:
        _shed(talk.fileno(), zygote)
        _work(talk, jobs)
    finally:
        os._exit(1)


def _shed(keep: int, zygote: int) -> None:
    """Closes what belongs to the zygote: its signal handling, the control socket, the other jobs' conversations."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    os.closerange(3, keep)
    os.closerange(keep + 1, _OPEN_FILES)
    if _LINUX:
        _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != zygote:  # it died before the call above
            os._exit(1)
        walls.show()
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")
        walls.hide()


def _work(talk: socket.socket, jobs: Mapping[str, Job]) -> NoReturn:
    with talk.makefile("rb") as asked:
        request = json.loads(asked.read())

    def say(line: dict[str, Any]) -> None:
        talk.sendall(json.dumps(line).encode() + b"\n")

    say(_answer(jobs[request["job"]], request, lambda told: say({"told": told})))
    os._exit(0)


def _confine(limits: ChildLimits, reads: list[str], writes: list[str]) -> None:
    """All that follows happens within these limits, and reaches these files only."""
    for path in writes:  # one can be allowed only if it is there
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    signal.setitimer(signal.ITIMER_REAL, limits.wall_seconds)  # in case the zygote has died
    _cap(resource.RLIMIT_CORE, 0)
    _cap(resource.RLIMIT_CPU, limits.cpu_seconds)
    _cap(resource.RLIMIT_FSIZE, limits.file_bytes)
    _cap(resource.RLIMIT_NOFILE, limits.open_files)
    if not limits.threads:  # the kernel would count those of everything that this user runs
        _cap(resource.RLIMIT_NPROC, limits.processes)
    _cap(resource.RLIMIT_AS, limits.address_space)
    walls.confine(map(Path, reads), map(Path, writes), may_fork=limits.processes > 0, may_thread=limits.threads)


def _cap(name: int, value: int) -> None:
    """Lowers a limit for good. macOS refuses some; elsewhere a limit that can't be set is an error."""
    _, hard = resource.getrlimit(name)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with contextlib.suppress(*(() if _LINUX else (OSError, ValueError))):
        resource.setrlimit(name, (value, value))


def _answer(job: Job, request: dict[str, Any], tell: Callable[[Any], object]) -> dict[str, Any]:
    try:
        _confine(ChildLimits(**request["limits"]), request["reads"], request["writes"])
        made = job(request["arguments"])
        return {"value": _told(made, tell) if isinstance(made, Generator) else made}
    except UploadError as error:
        return {"error": error.code}
    except MemoryError:
        return {"error": "bad_content"}
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _ERRNO_CODES:
            return {"error": _ERRNO_CODES[error.errno]}
        return {"error": "server_error", "detail": traceback.format_exc()[-4000:]}


def _told(steps: Generator[Any, None, Any], tell: Callable[[Any], object]) -> Any:
    """What a generator returns; what it yields is told."""
    while True:
        try:
            tell(next(steps))
        except StopIteration as end:
            return end.value


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


if __name__ == "__main__":
    serve(JOBS)
