"""Run a job on a hostile file in a child process that can be killed, without forking the server.

A threaded server can't fork safely, and `multiprocessing` would import its `__main__` again. So the first job starts a
*zygote*: a small, single-threaded interpreter (`worker.py`) that has imported the decoders and forks a child per job.

    server thread --- one socket per job, JSON both ways ----------------------- child
         \\--- control socket: that socket's other end, and a deadline --- zygote --/

The zygote never reads what a client has sent. A child may tell something before it answers, a line at a time. The
zygote adds the child's exit status as the last line of the conversation: if that is missing the zygote itself has died,
and the job is given to a new one.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from uploads.content.limits import ChildLimits
from uploads.content.sandbox import walls
from uploads.content.sandbox.turns import Turns
from uploads.errors import SENTENCES, UploadError

logger = logging.getLogger(__name__)

DEADLINE: Final = struct.Struct("!d")  # what travels with a job's socket: its wall-clock limit in seconds
PATIENCE: Final = 60.0  # seconds that a caller waits for their turn
MAX_ANSWER: Final = 1 << 20  # bytes, with what is told before
_TOLD: Final = b'{"told": '

_APPS: Final = Path(__file__).resolve().parents[3]  # where `uploads` is found
# What an interpreter may need to start. Nothing else is passed on: a site's environment holds secrets.
_ENVIRONMENT: Final = (
    *("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SYSTEMROOT"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME"),
)


@dataclass(frozen=True, slots=True)
class _Zygote:
    process: subprocess.Popen[bytes]
    control: socket.socket


class Sandbox:
    """At most `children` jobs at a time, each in a child of its own; further callers wait their turn.

    `worker` is the module that serves the jobs; `grace` is how many seconds after its deadline a job may still answer
    before the zygote itself is assumed to hang; `patience` how many a caller waits for their turn. Any thread may call
    `run`.
    """

    def __init__(
        self,
        children: int = 3,
        *,
        worker: str = "uploads.content.sandbox.worker",
        grace: float = 5,
        patience: float = PATIENCE,
    ) -> None:
        self._children = children
        self._patience = patience
        self._worker = worker
        self._grace = grace
        self._zygote: _Zygote | None = None
        self._has_stopped = False
        self._forget()
        atexit.register(self.close)
        os.register_at_fork(after_in_child=self._forget)

    def run(
        self,
        job: str,
        arguments: Mapping[str, Any],
        limits: ChildLimits,
        *,
        seconds: float = 1.0,
        reads: Iterable[Path] = (),
        writes: Iterable[Path] = (),
        told: Callable[[Any], object] | None = None,
    ) -> Any:
        """What the job of that name in the worker's registry returns for these arguments; both are JSON.

        It reaches no files but those it `reads`, and those it `writes`: these are made for it, empty, and it may read
        them as well. Paths are absolute.

        seconds: what it may be expected to take.
        told: called in this thread with what the job tells before it returns, while it goes on; with the same again if
            the job had to begin anew. What it raises ends the job.
        Raises `UploadError`: the job's own, "bad_content" if it crashed or went over its other limits, or "busy" if its
        time was up, or it never had its turn: no clock tells a slow machine from a bad file. The value comes from a
        process that read hostile bytes: check it before relying on it.
        """
        files = {"reads": [str(path) for path in reads], "writes": [str(path) for path in writes]}
        request = json.dumps({"job": job, "arguments": arguments, "limits": asdict(limits), **files}).encode()
        with _resting(), self._turns.turn(seconds):
            for _ in range(2):
                began = time.monotonic()
                if (answer := self._ask(request, limits, told)) is not None:
                    return _value(job, answer, limits, time.monotonic() - began)
                if self._has_stopped:
                    raise UploadError("busy")
        logger.error("sandbox zygote died twice during one %s job", job)
        raise UploadError("server_error")

    def close(self) -> None:
        """End the zygote and whatever it runs. The next job starts another."""
        with self._lock:
            self._discard()

    def stop(self) -> None:
        """End the zygote because the process ends: what runs, or comes still, raises `UploadError("busy")`."""
        self._has_stopped = True
        self.close()

    def _ask(self, request: bytes, limits: ChildLimits, told: Callable[[Any], object] | None) -> list[bytes] | None:
        """The lines of one conversation; None if the zygote died before its end."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                zygote = self._hand_over(theirs, limits.wall_seconds)
            ours.settimeout(limits.wall_seconds + self._grace)
            try:
                lines = _converse(ours, request, told)
            except TimeoutError:
                logger.error("sandbox zygote does not answer; killing it")
                zygote.process.kill()
                raise UploadError("busy") from None
        return lines if lines and lines[-1].startswith(b"exit ") else None

    def _hand_over(self, theirs: socket.socket, wall_seconds: float) -> _Zygote:
        message = [DEADLINE.pack(wall_seconds)]
        with self._lock:
            if self._has_stopped:
                raise UploadError("busy")
            zygote = self._living()
            try:
                socket.send_fds(zygote.control, message, [theirs.fileno()])
            except OSError:  # it died just now
                self._discard()
                zygote = self._living()
                socket.send_fds(zygote.control, message, [theirs.fileno()])
            return zygote

    def _living(self) -> _Zygote:
        if self._zygote is not None and self._zygote.process.poll() is not None:
            logger.warning("sandbox zygote exited (%s); starting another", self._zygote.process.returncode)
            self._discard()
        if self._zygote is None:
            self._zygote = _start(self._worker, self._grace)
        return self._zygote

    def _discard(self) -> None:
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.control.close()  # a running zygote ends at this
            try:
                zygote.process.wait(self._grace)
            except subprocess.TimeoutExpired:
                zygote.process.kill()
                zygote.process.wait()

    def _forget(self) -> None:
        """Start afresh, also in a fork of the server: the zygote and any holder of a lock belong to the original."""
        self._lock = threading.Lock()
        self._turns = Turns(self._children, self._patience)
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.control.close()
            zygote.process.returncode = 0  # not our child: nothing to wait for


@cache
def missing_walls() -> list[str]:
    """Of `walls.WALLS`, those that this machine's children can't have. Found out by trying, in another process."""
    trial = [sys.executable, "-P", "-S", "-m", walls.__name__]
    tried = subprocess.run(trial, env=_environment(), cwd="/", stdout=subprocess.PIPE, text=True, check=False)
    return list(walls.WALLS) if tried.returncode else tried.stdout.split()


def _start(worker: str, timeout: float) -> _Zygote:
    walls.hide()
    if missing := missing_walls():
        logger.warning("sandbox: weaker isolation than intended on this system: no %s", ", ".join(missing))
    control, theirs = socket.socketpair()
    control.settimeout(timeout)
    with theirs:
        process = subprocess.Popen(  # its stdin closes when we end, even by SIGKILL
            [sys.executable, "-P", "-m", worker],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            cwd="/",
            env=_environment(),
            start_new_session=True,  # Ctrl-C in the terminal is for the server alone
        )
    return _Zygote(process, control)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    path = [str(_APPS), *(str(Path(entry).resolve()) for entry in sys.path if entry)]
    return kept | {"PYTHONPATH": os.pathsep.join(path)}


def _converse(ours: socket.socket, request: bytes, told: Callable[[Any], object] | None) -> list[bytes]:
    """The lines that are left once what was told has been passed on: the answer, and the status."""
    received, length = bytearray(), 0
    with contextlib.suppress(ConnectionError):  # the child died before it had read: its status still follows
        ours.sendall(request)
        ours.shutdown(socket.SHUT_WR)
    with contextlib.suppress(ConnectionError):
        while (data := ours.recv(1 << 16)) and (length := length + len(data)) <= MAX_ANSWER:
            received += data
            while received.startswith(_TOLD) and b"\n" in received:
                line, _, received = received.partition(b"\n")
                if told is not None:
                    told(_what_is_told(bytes(line)))
    if length > MAX_ANSWER:
        raise UploadError("bad_content")
    return bytes(received).splitlines()


def _what_is_told(line: bytes) -> Any:
    try:
        return json.loads(line)["told"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UploadError("bad_content") from None


def while_waiting(rest: Callable[[], AbstractContextManager[None]]) -> None:
    """Has a thread that waits for a child do so within `rest()`: it isn't at work itself. A declaration, made once."""
    _rests.append(rest)


@contextlib.contextmanager
def _resting() -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for rest in _rests:
            stack.enter_context(rest())
        yield


_rests: list[Callable[[], AbstractContextManager[None]]] = []


def _value(job: str, lines: list[bytes], limits: ChildLimits, took: float) -> Any:
    """The child's answer, trusted only if it is one line and the child exited normally."""
    try:
        said, status = lines
        if status != b"exit 0":
            raise ValueError(status)
        answer = json.loads(said)
        if "error" not in answer:
            return answer["value"]
        code, detail = answer["error"], answer.get("detail")
    except (ValueError, TypeError, KeyError, RecursionError):
        logger.warning("sandbox child died during a %s job after %.1f s: %r", job, took, lines[-1][:40])
        for tell in _death_listeners:
            tell(job)
        raise UploadError("busy" if _was_stopped(lines[-1], limits, took) else "bad_content") from None
    if detail:
        logger.error("sandbox %s job failed: %r", job, str(detail))
    raise UploadError(code if isinstance(code, str) and code in SENTENCES else "bad_content")


def _was_stopped(status: bytes, limits: ChildLimits, took: float) -> bool:
    """Whether the child's time was up, that of the processor or that on the wall."""
    _, code, cpu = (*status.split(), b"0", b"0")[:3]
    return code != b"0" and (took >= limits.wall_seconds or float(cpu) >= limits.cpu_seconds - 0.5)


def on_death(tell: Callable[[str], object]) -> None:
    """Has `tell` called, in the thread that ran it, with the name of each job whose child crashed or had to be killed.

    A declaration, made once; what `tell` raises reaches the caller of `run`.
    """
    _death_listeners.append(tell)


_death_listeners: list[Callable[[str], object]] = []

SANDBOX: Final = Sandbox()
"""The process's own, which starts nothing before its first job.

A constant, and not asked for with `liveview.process.here`: this folder knows nothing of the app but its errors, so that
it can be copied, and imported by the zygote, without the rest.
"""
