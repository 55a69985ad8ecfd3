"""What a decoder that has been taken over can reach, and that each wall stands by itself."""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from uploads.content.limits import ChildLimits
from uploads.content.sandbox import landlock, pool, seccomp, walls
from uploads.content.sandbox.checks import check_walls
from uploads.content.sandbox.pool import Sandbox
from uploads.errors import UploadError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these walls are Linux's")

HOSTILE = "uploads.tests.content.hostile_jobs"
LIMITS = ChildLimits()
APPS = Path(walls.__file__).parents[3]
needs_landlock = pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
needs_seccomp = pytest.mark.skipif(not seccomp.is_there(), reason="this kernel or machine has no filter")


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with contextlib.closing(Sandbox(worker=HOSTILE)) as sandbox:
        yield sandbox


@pytest.fixture
def reachable(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The arguments of an attempt: a file, a socket of each sort, and us."""
    secret = tmp_path / "site.sqlite3"
    secret.write_text("secret")
    abstract = f"uplift-{os.getpid()}"
    with (
        socket.socket(socket.AF_UNIX) as unix,
        socket.socket(socket.AF_UNIX) as named,
        socket.create_server(("127.0.0.1", 0)) as tcp,
    ):
        unix.bind(str(tmp_path / "redis.sock"))
        named.bind("\0" + abstract)
        for each in (unix, named):
            each.listen()
        yield {
            "server": os.getpid(),
            "port": tcp.getsockname()[1],
            "secret": str(secret),
            "folder": str(tmp_path),
            "socket": str(tmp_path / "redis.sock"),
            "abstract": abstract,
        }


@needs_landlock
@needs_seccomp
def test_a_decoder_that_was_taken_over_reaches_nothing(box: Sandbox, reachable: dict[str, Any]) -> None:
    tried = box.run("attempt", reachable, LIMITS)
    assert len(tried) > 30
    assert [name for name, came_off in tried.items() if came_off] == []
    assert Path(reachable["secret"]).read_text() == "secret"


def test_the_attempts_are_real(reachable: dict[str, Any]) -> None:
    """The same without a wall, in a process of our own, comes off: nearly all of it, whoever runs this."""
    script = (
        "import json, sys; from uploads.tests.content import hostile_jobs as jobs;"
        "jobs.os.execv = print; print(json.dumps(jobs.attempt(json.loads(sys.argv[1]))))"
    )
    ran = subprocess.run([sys.executable, "-c", script, json.dumps(reachable)], env=_python(), capture_output=True)
    tried = json.loads(ran.stdout.splitlines()[-1])
    for name in (
        *("a file of the site", "writing to it", "cutting it off", "who may open it", "what it is called"),
        *("a new file", "a new folder", "a link", "the folder's names", "who else runs here"),
        *("a Unix socket", "an abstract Unix socket", "TCP", "UDP"),
        *("a signal to the server", "a signal to all of its group", "the server's limits", "the server's processors"),
        *("shared memory", "a process", "a thread"),
    ):
        assert tried[name], name


@needs_landlock
def test_a_job_reaches_the_files_that_it_was_given(box: Sandbox, tmp_path: Path) -> None:
    given, other, made = tmp_path / "given", tmp_path / "other", tmp_path / "made"
    for path in (given, other):
        path.write_text("content")
    assert box.run("read", {"path": str(given)}, LIMITS, reads=[given]) == "content"
    assert box.run("write", {"path": str(made), "bytes": 3}, LIMITS, writes=[made]) == 3
    assert made.stat().st_size == 3
    for job, path in (("read", other), ("write", given), ("write", tmp_path / "new")):
        with pytest.raises(UploadError):
            box.run(job, {"path": str(path), "bytes": 3}, LIMITS, reads=[given], writes=[made])
    assert given.read_text() == "content"


def test_a_module_may_still_be_imported_late(box: Sandbox) -> None:
    late = ["PIL.TiffImagePlugin", "PIL.ImageFilter", "colorsys", "encodings.cp437"]
    assert box.run("import_late", {"modules": late}, LIMITS) == late


def test_a_child_may_still_crash(box: Sandbox) -> None:
    with pytest.raises(UploadError, match="damaged"):
        box.run("abort", {}, LIMITS)
    assert box.run("echo", {}, LIMITS) == {}


def test_neither_server_nor_child_can_be_looked_into(box: Sandbox) -> None:
    libc = ctypes.CDLL(None)
    libc.prctl(4, 1, 0, 0, 0)
    with contextlib.closing(Sandbox(worker=HOSTILE)) as fresh:
        zygote = fresh.run("describe", {}, LIMITS)["zygote"]
        assert libc.prctl(3, 0, 0, 0, 0) == 0  # PR_GET_DUMPABLE
        if os.geteuid():
            assert not os.access(f"/proc/{zygote}/environ", os.R_OK)
        else:  # what nobody may look into belongs to root, and everything here does; so a shared user tries
            assert _as_nobody("hide") == "hidden"
            assert _as_nobody("show") == "seen"


def _as_nobody(how: str) -> str:
    """Whether a process of a user without rights can read the environment of another of theirs."""
    script = (
        "import os, sys; from uploads.content.sandbox import walls; os.setgid(65534); os.setuid(65534);"
        "walls.show(); getattr(walls, sys.argv[1])(); pid = os.getpid(); child = os.fork()\n"
        "if child: os.waitpid(child, 0)\n"
        "else:\n"
        "    try: open(f'/proc/{pid}/environ').read(); print('seen')\n"
        "    except PermissionError: print('hidden')\n"
    )
    return subprocess.run([sys.executable, "-c", script, how], env=_python(), capture_output=True, text=True).stdout[
        :-1
    ]


def test_the_network_is_a_namespace_of_the_childs_own(box: Sandbox) -> None:
    if "network" in pool.missing_walls():
        pytest.skip("this machine lets nobody have one")
    assert box.run("namespace", {}, LIMITS) != os.readlink("/proc/self/ns/net")


# Each wall by itself, as the others would hide that it is gone


@needs_landlock
def test_landlock_alone_shuts_off_files_and_memory(tmp_path: Path) -> None:
    secret, given = tmp_path / "secret", tmp_path / "given"
    for path in (secret, given):
        path.write_text("content")
    setup = f"landlock.restrict([Path({str(given)!r})], [])"
    assert _alone(setup, f"open({str(given)!r}).read()") == "done"
    for act in (
        f"open({str(secret)!r}).read()",
        f"open({str(given)!r}, 'w')",
        f"os.truncate({str(given)!r}, 0)",
        f"os.unlink({str(secret)!r})",
        f"os.listdir({str(tmp_path)!r})",
        f"open('/proc/{os.getpid()}/environ').read()",
        f"open('/proc/{os.getpid()}/mem').read(1)",
    ):
        assert _alone(setup, act) in ("EACCES", "EPERM"), act


@needs_seccomp
@pytest.mark.parametrize(
    ("act", "answer"),
    [
        ("socket.socket(socket.AF_UNIX)", "EPERM"),
        ("os.kill(os.getppid(), 0)", "EPERM"),
        ("os.kill(os.getpid(), 0)", "done"),
        ("os.fork()", "EPERM"),
        ("os.execv('/bin/true', ['true'])", "EPERM"),
        ("os.chmod('/proc/self', 0o777)", "EPERM"),
        ("os.pidfd_open(os.getpid())", "ENOSYS"),
        ("resource.prlimit(os.getppid(), resource.RLIMIT_CORE)", "EPERM"),
        ("resource.getrlimit(resource.RLIMIT_CORE)", "done"),
        ("call(425, 1, None)", "ENOSYS"),
        ("call(0x40000000 + 39)", "ENOSYS"),
        ("open('/proc/self/status').read()", "done"),
    ],
)
def test_seccomp_alone_answers_calls(act: str, answer: str) -> None:
    assert _alone("seccomp.restrict(may_fork=False)", act) == answer


@needs_seccomp
def test_threads_are_made_where_the_limits_allow_processes() -> None:
    act = "threading.Thread(target=int).start()"
    assert _alone("seccomp.restrict(may_fork=True)", act) == "done"
    assert _alone("seccomp.restrict(may_fork=False, may_thread=True)", act) == "done"
    assert _alone("seccomp.restrict(may_fork=False)", act) == "RuntimeError"


@needs_seccomp
def test_whoever_may_start_threads_may_start_no_processes() -> None:
    assert _alone("seccomp.restrict(may_fork=False, may_thread=True)", "os.fork()") == "EPERM"


@needs_seccomp
def test_the_numbers_of_this_machines_calls_are_the_kernels() -> None:
    headers = {
        "x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
        "aarch64": "/usr/include/asm-generic/unistd.h",
    }
    found = 0
    for column, header in enumerate(map(Path, headers.values())):
        if not header.exists():
            continue
        given = dict(re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", header.read_text()))
        for name, numbers in {**seccomp._FORBIDDEN, **seccomp._FORKING, **seccomp._ON_ITSELF}.items():
            kernels = given.get(name)
            assert kernels is None or int(kernels) == numbers[column], name
            found += kernels is not None
    if not found:
        pytest.skip("no headers of the kernel here")


def _alone(setup: str, act: str) -> str:
    """What becomes of an act in a process with one wall only."""
    script = (
        "import ctypes, errno, os, resource, socket, sys, threading\n"
        "from pathlib import Path\n"
        "from uploads.content.sandbox import landlock, seccomp\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "def call(*given):\n"
        "    if libc.syscall(*given) < 0: raise OSError(ctypes.get_errno(), '')\n"
        "libc.prctl(38, 1, 0, 0, 0)\n"
        f"{setup}\n"
        f"try: {act}\n"
        "except OSError as error: print(errno.errorcode[error.errno])\n"
        "except RuntimeError: print('RuntimeError')\n"
        "else: print('done')\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], env=_python(), capture_output=True, text=True)
    return ran.stdout.strip() or ran.stderr


def _python() -> dict[str, str]:
    return {"PYTHONPATH": str(APPS), "DJANGO_SETTINGS_MODULE": ""}


# Who is told of a wall that isn't there


def test_a_check_names_each_wall_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "missing_walls", lambda: [])
    assert check_walls(None) == []
    monkeypatch.setattr(pool, "missing_walls", lambda: ["network", "landlock", "seccomp"])
    assert [each.id for each in check_walls(None)] == ["uploads.W010", "uploads.W011", "uploads.W012"]


def test_a_trial_finds_out_which_walls_there_are() -> None:
    pool.missing_walls.cache_clear()
    missing = pool.missing_walls()
    assert ("landlock" in missing) == (not landlock.version())
    assert ("seccomp" in missing) == (not seccomp.is_there())


def test_a_server_that_lacks_a_wall_says_so_before_its_first_job(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pool, "missing_walls", lambda: ["network"])
    with contextlib.closing(Sandbox(worker=HOSTILE)) as sandbox, caplog.at_level(logging.WARNING):
        sandbox.run("echo", {}, LIMITS)
    assert "no network" in caplog.text


def test_a_trial_that_fails_is_no_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    pool.missing_walls.cache_clear()
    monkeypatch.setattr(pool, "_environment", lambda: {"PYTHONPATH": "/nowhere"})
    try:
        assert pool.missing_walls() == list(walls.WALLS)
    finally:
        pool.missing_walls.cache_clear()
