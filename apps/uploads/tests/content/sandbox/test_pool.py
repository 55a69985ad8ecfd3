from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import pytest

from uploads.content.limits import ChildLimits
from uploads.content.sandbox.pool import MAX_ANSWER, Sandbox
from uploads.errors import UploadError
from uploads.events import child_died

HOSTILE = "uploads.tests.content.hostile_jobs"
LIMITS = ChildLimits()
PATIENT = ChildLimits(wall_seconds=60)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the kernel of this platform has no such limit")


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with contextlib.closing(Sandbox(worker=HOSTILE)) as sandbox:
        yield sandbox


@pytest.fixture
def own_box() -> Iterator[Sandbox]:
    """For tests that hurt the zygote."""
    with contextlib.closing(Sandbox(worker=HOSTILE, grace=2)) as sandbox:
        yield sandbox


def ends(stream: IO[bytes]) -> bool:
    """Whether the last holder of the other end goes away, well before any clock would end it."""
    return select.select([stream], [], [], 30)[0] == [stream] and stream.read() == b""


def run(box: Sandbox, job: str, limits: ChildLimits = LIMITS, **arguments: Any) -> Any:
    """What the arguments name as a path or a FIFO may be written."""
    writes = [Path(arguments[name]) for name in ("path", "fifo", "told", "word") if name in arguments]
    return box.run(job, arguments, limits, writes=writes)


def refusal(box: Sandbox, job: str, limits: ChildLimits = LIMITS, **arguments: Any) -> str:
    with pytest.raises(UploadError) as refused:
        run(box, job, limits, **arguments)
    assert run(box, "echo", still="well") == {"still": "well"}
    return refused.value.code


def test_a_job_returns_what_its_function_returns(box: Sandbox) -> None:
    assert run(box, "echo", text="é📷", numbers=[1, 2.5, None]) == {"text": "é📷", "numbers": [1, 2.5, None]}


def test_what_a_job_tells_is_heard_while_it_goes_on(box: Sandbox, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    heard: list[Any] = []

    def hear(told: Any) -> None:
        heard.append(told)
        if len(heard) == 2:
            fifo.open("wb").close()

    arguments = {"before": [[1, "é\n"], {"told": 2}], "fifo": str(fifo)}
    assert box.run("tell", arguments, PATIENT, writes=[fifo], told=hear) == "done"
    assert heard == [[1, "é\n"], {"told": 2}]


@pytest.mark.parametrize("line", ['{"told": ', '{"told": }\n', '{"told": ' + "[" * 100_000 + "\n"])
def test_a_child_that_tells_nonsense_is_bad_content(box: Sandbox, line: str) -> None:
    with pytest.raises(UploadError) as refused:
        box.run("tell_nonsense", {"line": line}, LIMITS, told=int)
    assert refused.value.code == "bad_content"


def test_a_job_refuses_a_file_with_its_own_code(box: Sandbox) -> None:
    assert refusal(box, "fail", code="too_complex") == "too_complex"


def test_a_code_that_nobody_knows_is_not_passed_on(box: Sandbox) -> None:
    assert refusal(box, "fail", code="<script>") == "bad_content"


def test_a_crash_is_bad_content_and_the_next_job_works(box: Sandbox) -> None:
    assert refusal(box, "crash") == "bad_content"


@pytest.mark.parametrize(("job", "deaths"), [("crash", ["crash"]), ("spin", ["spin"]), ("fail", [])])
def test_whoever_counts_children_that_died_is_told(box: Sandbox, job: str, deaths: list[str]) -> None:
    told: list[str] = []

    def count(*, job: str, **_: Any) -> None:
        told.append(job)

    child_died.connect(count)
    try:
        refusal(box, job, ChildLimits(wall_seconds=0.1) if job == "spin" else PATIENT, code="too_complex")
    finally:
        child_died.disconnect(count)

    assert told == deaths


def test_a_mistake_of_our_own_is_not_blamed_on_the_file(box: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        assert refusal(box, "blunder") == "server_error"
    assert "our own mistake" in caplog.text


def test_a_job_that_nobody_registered_is_not_run(box: Sandbox) -> None:
    assert refusal(box, "os:system") == "bad_content"


def test_a_hang_is_ended_and_the_next_job_works(box: Sandbox) -> None:
    """It says nothing about the file: the processor may have been somebody else's."""
    assert refusal(box, "spin", ChildLimits(wall_seconds=0.1)) == "busy"


def test_a_hang_that_disarmed_its_clock_is_ended_by_the_zygote(box: Sandbox) -> None:
    zygote = run(box, "describe")["zygote"]
    assert refusal(box, "ignore_the_clock", ChildLimits(wall_seconds=0.1)) == "busy"
    assert run(box, "describe")["zygote"] == zygote, "it was the server that lost patience"


def test_a_hang_is_ended_by_its_own_clock_if_the_zygote_hangs_too(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    limits = ChildLimits(wall_seconds=1)
    with contextlib.closing(Sandbox(worker=HOSTILE, grace=60)) as hung, ThreadPoolExecutor(1) as threads:
        job = threads.submit(run, hung, "hold", limits, fifo=str(fifo))
        with fifo.open("rb") as held:
            zygote = int(held.readline())
            os.kill(zygote, signal.SIGSTOP)
            try:
                assert ends(held)
            finally:
                os.kill(zygote, signal.SIGCONT)
        with pytest.raises(UploadError):
            job.result()


def test_processor_time_is_limited(box: Sandbox) -> None:
    assert refusal(box, "spin", ChildLimits(cpu_seconds=1)) == "busy"


@linux_only
def test_the_kernel_knows_every_limit(box: Sandbox) -> None:
    limits = ChildLimits(300 << 20, cpu_seconds=7, open_files=20, file_bytes=1 << 20, processes=3)
    seen = run(box, "limits", limits)
    wanted = {"AS": 300 << 20, "CPU": 7, "NOFILE": 20, "FSIZE": 1 << 20, "NPROC": 3, "CORE": 0}
    assert {name: seen[f"RLIMIT_{name}"] for name in wanted} == {name: [at, at] for name, at in wanted.items()}


@linux_only
def test_memory_is_limited(box: Sandbox) -> None:
    limits = ChildLimits(address_space=300 << 20)
    assert run(box, "allocate", limits, bytes=100 << 20) == 100 << 20
    assert refusal(box, "allocate", limits, bytes=400 << 20) == "bad_content"


def test_the_size_of_a_written_file_is_limited(box: Sandbox, tmp_path: Path) -> None:
    limits = ChildLimits(file_bytes=1000)
    path = str(tmp_path / "out")
    assert run(box, "write", limits, path=path, bytes=1000) == 1000
    assert refusal(box, "write", limits, path=path, bytes=1001) == "too_complex"


def test_open_files_are_limited(box: Sandbox) -> None:
    assert run(box, "open_many", files=5) == 5
    assert refusal(box, "open_many", files=40) == "server_error"


def test_a_full_disk_is_not_the_files_fault(box: Sandbox) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    assert refusal(box, "write", path="/dev/full", bytes=10) == "storage_full"


def test_an_answer_without_end_is_not_read_to_its_end(box: Sandbox) -> None:
    assert len(run(box, "shout", bytes=MAX_ANSWER // 2)) == MAX_ANSWER // 2
    assert refusal(box, "shout", bytes=2 * MAX_ANSWER) == "bad_content"


def test_an_endless_answer_is_cut_off_long_before_the_clock_ends_it(box: Sandbox, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with ThreadPoolExecutor(1) as threads:
        job = threads.submit(refusal, box, "babble", ChildLimits(wall_seconds=10), fifo=str(fifo))
        assert fifo.read_bytes() == b"nobody listens"
        assert job.result() == "bad_content"


def test_a_child_can_not_speak_for_the_zygote(box: Sandbox) -> None:
    assert refusal(box, "forge") == "bad_content"


def test_a_child_that_crashes_after_its_answer_is_not_believed(box: Sandbox) -> None:
    assert refusal(box, "answer_and_crash") == "bad_content"


@linux_only
def test_a_child_has_nothing_of_the_servers(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    with contextlib.closing(Sandbox(worker=HOSTILE)) as fresh, socket.create_server(("127.0.0.1", 0)):
        seen = run(fresh, "describe")
    assert "secret" not in json.dumps(seen["environment"])
    assert not any(name.split(".")[0] == "django" for name in seen["modules"])
    own = [target for target in seen["fds"].values() if target != "/dev/null"]
    assert len(own) == 1 and own[0].startswith("socket:"), own


def may_unshare() -> bool:
    flags = 0x40000000 | (0x10000000 if os.geteuid() else 0)
    script = f"import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare({flags}))"
    return sys.platform == "linux" and subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_child_has_no_network(box: Sandbox) -> None:
    if not may_unshare():
        pytest.skip("this machine lets nobody have a network namespace")
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert run(box, "connect", port=server.getsockname()[1]) == "refused"


def test_two_jobs_run_side_by_side(box: Sandbox, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with ThreadPoolExecutor(2) as threads:
        jobs = [threads.submit(run, box, "meet", fifo=str(fifo), mode=mode) for mode in "rw"]
        assert [job.result() for job in jobs] == ["met", "met"]


def test_no_more_children_than_allowed_run_at_a_time(box: Sandbox) -> None:
    with ThreadPoolExecutor(8) as threads:
        spans = list(threads.map(lambda _: run(box, "log_busy_time"), range(8)))
    events = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    running = [sum(change for _, change in events[: n + 1]) for n in range(len(events))]
    assert 1 < max(running) <= 3  # as many as a slow machine begins while others run


def test_a_job_whose_zygote_dies_is_given_to_another(own_box: Sandbox, tmp_path: Path) -> None:
    told, word = tmp_path / "told", tmp_path / "word"
    os.mkfifo(told)
    os.mkfifo(word)
    with ThreadPoolExecutor(1) as threads:
        job = threads.submit(run, own_box, "wait_for_word", PATIENT, told=str(told), word=str(word))
        first = int(told.read_text())
        os.kill(first, signal.SIGKILL)
        assert int(told.read_text()) != first
        word.write_text("survived")
        assert job.result() == "survived"


def test_a_job_that_every_zygote_dies_over_is_given_up(own_box: Sandbox, tmp_path: Path) -> None:
    told, word = tmp_path / "told", tmp_path / "word"
    os.mkfifo(told)
    os.mkfifo(word)
    with ThreadPoolExecutor(1) as threads:
        job = threads.submit(refusal, own_box, "wait_for_word", PATIENT, told=str(told), word=str(word))
        for _ in range(2):
            os.kill(int(told.read_text()), signal.SIGKILL)
        assert job.result() == "server_error"


def test_a_zygote_that_died_while_idle_is_replaced(own_box: Sandbox) -> None:
    first = run(own_box, "describe")["zygote"]
    os.kill(first, signal.SIGKILL)
    assert run(own_box, "describe")["zygote"] != first


def test_a_zygote_that_hangs_is_killed_and_replaced() -> None:
    with contextlib.closing(Sandbox(worker=HOSTILE, grace=0.5)) as hung:
        os.kill(run(hung, "describe")["zygote"], signal.SIGSTOP)
        assert refusal(hung, "echo", ChildLimits(wall_seconds=0.1)) == "busy"


def test_nothing_is_started_before_the_first_job_and_nothing_is_left_after_close() -> None:
    sandbox = Sandbox(worker=HOSTILE)
    assert sandbox._zygote is None
    zygote = run(sandbox, "describe")["zygote"]
    sandbox.close()
    with pytest.raises(ProcessLookupError):
        os.kill(zygote, 0)


SERVER = """
import sys
from pathlib import Path
from uploads.content import ChildLimits, Sandbox
box, fifo = Sandbox(worker="uploads.tests.content.hostile_jobs"), sys.argv[1]
box.run("hold", {"fifo": fifo}, ChildLimits(wall_seconds=60), writes=[Path(fifo)])
"""


def test_the_zygote_and_its_children_end_with_a_server_that_was_killed(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", SERVER, str(fifo)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment) as server, fifo.open("rb") as held:
        assert server.stderr and int(held.readline())  # the zygote's id: its child is at work
        server.kill()
        assert ends(held), "the child lives on"
        assert ends(server.stderr), "the zygote, which has the server's stderr, lives on or complained"


@linux_only
def test_a_child_dies_with_its_zygote(own_box: Sandbox, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with ThreadPoolExecutor(1) as threads:
        job = threads.submit(run, own_box, "hold", PATIENT, fifo=str(fifo))
        with fifo.open("rb") as held:
            os.kill(int(held.readline()), signal.SIGKILL)
            assert ends(held)
        with fifo.open("rb") as again:
            os.kill(int(again.readline()), signal.SIGKILL)
        with pytest.raises(UploadError):
            job.result()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of a process with threads, from Python 3.12 on
def test_a_fork_of_the_server_starts_a_sandbox_of_its_own(own_box: Sandbox) -> None:
    first = run(own_box, "describe")["zygote"]
    reading, writing = os.pipe()
    with own_box._lock:  # as another thread of the server may, at that moment
        pid = os.fork()
        if pid == 0:
            try:
                signal.alarm(30)
                os.write(writing, str(run(own_box, "describe")["zygote"]).encode())
                own_box.close()
            finally:
                os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        second = int(pipe.read())
    os.waitpid(pid, 0)
    assert second != first
    assert run(own_box, "describe")["zygote"] == first
