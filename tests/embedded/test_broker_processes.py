"""Supervision of child processes: readiness, the last lines in errors, and no orphan whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kommuncenter.embedded.processes import ChildProcess, ServiceStartError, accepts_connections, free_port


def python(code: str) -> list[str]:
    """The command of a Python program."""
    return [sys.executable, "-u", "-c", textwrap.dedent(code)]


WAITS = "import signal; print('here', flush=True); signal.pause()"
IGNORES_SIGTERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"


@pytest.fixture
def child() -> Iterator[Callable[[str], ChildProcess]]:
    """Start programs; what is left of them is killed after the test."""
    started: list[ChildProcess] = []

    def start(code: str) -> ChildProcess:
        process = ChildProcess("the test service", python(code), grace_s=0.3)
        started.append(process)
        process.start()
        return process

    yield start
    for process in started:
        process.kill()


def alive(pid: int) -> bool:
    """Whether a process of that id runs; one that is dead and not yet reaped by its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_for(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Return when the condition holds; fail when time is up."""
    deadline = time.monotonic() + timeout_s
    nothing = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        nothing.wait(0.01)


def test_ready_when_the_condition_holds(child: Callable[[str], ChildProcess]) -> None:
    process = child(WAITS)
    process.wait_until(lambda: "here" in process.tail(), 10)
    assert process.running
    process.stop()
    assert not process.running


def test_an_early_end_is_an_error_with_the_last_lines(child: Callable[[str], ChildProcess]) -> None:
    process = child("print('\\x1b[31mthe reason\\x1b[0m'); raise SystemExit(3)")
    with pytest.raises(ServiceStartError, match=r"status 3 before it was ready\.\nthe reason$"):
        process.wait_until(lambda: False, 10)


def test_a_missing_program_is_an_error() -> None:
    process = ChildProcess("the test service", ["/nonexistent/program"])
    process.start()
    with pytest.raises(ServiceStartError, match=r"status 127 .*\n/nonexistent/program: No such file"):
        process.wait_until(lambda: False, 10)


def test_one_that_is_never_ready_is_ended_and_reported(child: Callable[[str], ChildProcess]) -> None:
    process = child(WAITS)
    pid = process.pid
    with pytest.raises(ServiceStartError, match=r"not ready within 0\.2 s"):
        process.wait_until(lambda: False, 0.2)
    assert not alive(pid)


def test_one_that_ignores_sigterm_is_killed_after_the_grace(child: Callable[[str], ChildProcess]) -> None:
    process = child(IGNORES_SIGTERM)
    process.wait_until(lambda: "here" in process.tail(), 10)
    pid = process.pid
    process.stop()
    assert not alive(pid)


def test_the_whole_group_ends(child: Callable[[str], ChildProcess]) -> None:
    process = child(f"import subprocess, sys; subprocess.run([sys.executable, '-uc', {IGNORES_SIGTERM!r}])")
    process.wait_until(lambda: "here" in process.tail(), 10)
    running = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    members = [pid for pid in running if group_of(pid) == process.pid]
    assert len(members) == 2
    process.stop()
    wait_for(lambda: not any(alive(pid) for pid in members))


def group_of(pid: int) -> int | None:
    """The process group of a process that may just have ended."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def test_much_output_blocks_nobody(child: Callable[[str], ChildProcess]) -> None:
    process = child("print('\\n'.join(str(n) for n in range(200_000))); print('done')")
    with pytest.raises(ServiceStartError, match="status 0"):
        process.wait_until(lambda: False, 20)
    assert process.tail().splitlines()[-1] == "done"
    assert len(process.tail().splitlines()) == 40


def test_it_can_be_started_again(child: Callable[[str], ChildProcess]) -> None:
    process = child(WAITS)
    first = process.pid
    process.kill()
    process.start()
    process.wait_until(lambda: "here" in process.tail(), 10)
    assert process.pid != first


def test_it_is_not_started_twice(child: Callable[[str], ChildProcess]) -> None:
    process = child(WAITS)
    with pytest.raises(ServiceStartError, match="already running"):
        process.start()


def test_it_outlives_the_thread_that_started_it(child: Callable[[str], ChildProcess]) -> None:
    started: list[ChildProcess] = []
    thread = threading.Thread(target=lambda: started.append(child(WAITS)))
    thread.start()
    thread.join()
    (process,) = started
    process.wait_until(lambda: "here" in process.tail(), 10)
    assert process.running


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's guard is Linux's")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_when_its_starter_is_killed(end: signal.Signals) -> None:
    starter = f"""
        import signal
        from kommuncenter.embedded.processes import ChildProcess
        child = ChildProcess("a service", {python(IGNORES_SIGTERM)!r})
        child.start()
        child.wait_until(lambda: "here" in child.tail(), 10)
        print(child.pid, flush=True)
        signal.pause()
    """
    with subprocess.Popen(python(starter), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert alive(pid)
        process.send_signal(end)
        process.wait(10)
    wait_for(lambda: not alive(pid))


def test_it_ends_when_its_starter_forgets_it() -> None:
    starter = f"""
        from kommuncenter.embedded.processes import ChildProcess
        child = ChildProcess("a service", {python(IGNORES_SIGTERM)!r})
        child.start()
        child.wait_until(lambda: "here" in child.tail(), 10)
        print(child.pid)
    """
    done = subprocess.run(python(starter), stdout=subprocess.PIPE, text=True, timeout=20, check=True)
    wait_for(lambda: not alive(int(done.stdout)))


def test_a_free_port_is_free() -> None:
    assert not accepts_connections(free_port())
