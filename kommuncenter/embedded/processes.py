"""Supervision of the child processes behind the embedded services: start, readiness, end.

A child never outlives its starter: it gets SIGTERM and then SIGKILL when it is stopped, SIGKILL when the
interpreter exits without having stopped it, and (Linux) SIGKILL from the kernel when the starter is killed.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from schemas.errors import FatalError

LOOPBACK: Final = "127.0.0.1"
_GUARD: Final = Path(__file__).with_name("_guard.py")
_POLL_S: Final = 0.02
_TAIL_LINES: Final = 40
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


class ServiceStartError(FatalError):
    """A service ended, or was not ready in time; the message has the last lines that it wrote."""


def free_port() -> int:
    """Return a TCP port of the loopback address that is free now.

    Another process may take it before it is used, so whoever chose it tries again with another one.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def accepts_connections(port: int, host: str = LOOPBACK) -> bool:
    """Say whether something accepts a TCP connection there; a first, cheap condition of readiness."""
    try:
        socket.create_connection((host, port), timeout=1.0).close()
    except OSError:
        return False
    return True


class ChildProcess:
    """One service in a process and a process group of its own.

    Its output (stdout and stderr together) is read all the time, so that it never blocks on a full pipe, and
    its last lines are kept for error messages. Ctrl-C in the terminal reaches the starter only, which then
    stops the child in the right order. May be started again after its end; not for several threads at once.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        grace_s: float = 5.0,
    ) -> None:
        """Take the command, additions to the environment, and the seconds from SIGTERM to SIGKILL."""
        self.name = name
        self._command = tuple(command)
        self._env = dict(env or {})
        self._cwd = cwd
        self._grace_s = grace_s
        self._lines: deque[str] = deque(maxlen=_TAIL_LINES)
        self._process: subprocess.Popen[str] | None = None
        self._start_error: OSError | None = None
        self._started = threading.Event()
        self._ended = threading.Event()

    @property
    def pid(self) -> int:
        """The process id; also the id of its process group."""
        if self._process is None:
            raise ServiceStartError(f"{self.name} is not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def tail(self) -> str:
        """Return the last lines of output."""
        return "\n".join(self._lines)

    def start(self) -> None:
        """Start the process; return as soon as it runs, which is before it is ready.

        Raises ServiceStartError when it can't be started at all.
        """
        if self.running:
            raise ServiceStartError(f"{self.name} is already running")
        self._process, self._start_error = None, None
        self._started.clear()
        self._ended.clear()
        self._lines.clear()
        # This thread forks the child and lives as long as the child does: the kernel's guard against an
        # orphan looks at the forking thread, not at the whole process.
        threading.Thread(target=self._supervise, name=f"supervise-{self.name}", daemon=True).start()
        self._started.wait()
        if self._start_error is not None:
            raise ServiceStartError(
                f"{self.name} can't be started: {self._start_error}"
            ) from self._start_error
        atexit.register(self.kill)

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Return when the condition holds.

        Raises ServiceStartError, and leaves no process behind, when the process ends before or time is up.
        """
        deadline = time.monotonic() + timeout_s
        while self.running:
            if ready():
                return
            if time.monotonic() >= deadline:
                self.kill()
                raise ServiceStartError(f"{self.name} was not ready within {timeout_s:g} s.\n{self.tail()}")
            self._ended.wait(_POLL_S)
        self._ended.wait(1.0)
        code = self._process.returncode if self._process is not None else None
        raise ServiceStartError(
            f"{self.name} ended with exit status {code} before it was ready.\n{self.tail()}"
        )

    def stop(self) -> None:
        """End it: SIGTERM, and SIGKILL to its whole group after the grace. Harmless when it has ended."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once with SIGKILL, as in a crash."""
        self._end(signal.SIGKILL)

    def _end(self, first: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            self._signal_group(first)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(self._grace_s)
        # Also when the leader has ended: members of its group may have been left behind.
        self._signal_group(signal.SIGKILL)
        process.wait()
        self._process = None
        atexit.unregister(self.kill)

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _supervise(self) -> None:
        guarded = [sys.executable, "-I", "-S", str(_GUARD), str(os.getpid()), *self._command]
        try:
            process = subprocess.Popen(
                guarded,
                env={**os.environ, **self._env},
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                text=True,
                errors="replace",
            )
        except OSError as error:
            self._start_error = error
            self._started.set()
            return
        self._process = process
        self._started.set()
        assert process.stdout is not None
        with process.stdout as output:
            self._lines.extend(_COLOUR.sub("", line.rstrip("\n")) for line in output)
        process.wait()
        self._ended.set()
