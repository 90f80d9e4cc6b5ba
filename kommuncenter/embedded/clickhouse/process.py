"""The embedded ClickHouse as a child process: started, found ready, and stopped by its owner."""

from __future__ import annotations

import json
import os
import secrets
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kommuncenter.embedded.processes import LOOPBACK, ChildProcess, ServiceStartError
from schemas.errors import FatalError

PASSWORD_VARIABLE = "KC_CLICKHOUSE_PASSWORD"  # noqa: S105 - a name
READER_PASSWORD_VARIABLE = "KC_CLICKHOUSE_READER_PASSWORD"  # noqa: S105 - a name


class EmbeddedClickHouse:
    """A ClickHouse over HTTP on the loopback interface, for as long as this process lives.

    Two users: `user` may do everything, `reader` (for dashboards) may only read. Their passwords are
    random unless given, and reach the child through its environment alone. Not for several threads at once.
    """

    def __init__(
        self,
        path: Path,
        *,
        port: int = 0,
        user: str = "kommuncenter",
        reader: str = "grafana",
        password: str | None = None,
        reader_password: str | None = None,
        start_timeout_s: float = 60.0,
    ) -> None:
        """Take the store's directory (made when it is not there) and a port, 0 for any free one."""
        self.path = path
        self.host = LOOPBACK
        self.user = user
        self.password = password or secrets.token_urlsafe(24)
        self.reader = reader
        self.reader_password = reader_password or secrets.token_urlsafe(24)
        self._start_timeout_s = start_timeout_s
        self._port: int | None = None
        command = [sys.executable, "-m", "kommuncenter.embedded.clickhouse"]
        command += ["--path", str(path), "--port", str(port), "--user", user, "--reader", reader]
        self._child = ChildProcess(
            "the embedded ClickHouse",
            [*command, "--parent", str(os.getpid())],
            env={PASSWORD_VARIABLE: self.password, READER_PASSWORD_VARIABLE: self.reader_password},
        )

    @property
    def port(self) -> int:
        """The port it listens on. Raises FatalError before it is started."""
        if self._port is None:
            raise FatalError("The embedded ClickHouse is not started: call start() first.")
        return self._port

    @property
    def url(self) -> str:
        """The address without user and password."""
        return f"http://{self.host}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the child process lives."""
        return self._child.running

    @property
    def pid(self) -> int:
        """The id of the child process."""
        return self._child.pid

    def start(self) -> None:
        """Start it and return when it answers.

        Raises FatalError with what is wrong and what to do, when it can't open its store or its port.
        """
        self._child.start()
        try:
            self._child.wait_until(lambda: self._report() is not None, self._start_timeout_s)
        except ServiceStartError:
            # It may have said what was wrong and ended between two looks.
            if self._report() is None:
                raise
        report = self._report() or {}
        if not report.get("ready"):
            self._child.stop()
            raise FatalError(str(report.get("error")))
        self._port = int(report["port"])

    def _report(self) -> dict[str, Any] | None:
        """The one line of JSON with which the child says that it is ready, or why it is not."""
        for line in self._child.tail().splitlines():
            if line.startswith('{"ready":'):
                found: dict[str, Any] = json.loads(line)
                return found
        return None

    def stop(self) -> None:
        """Let running requests end, close the store and end the process. Harmless when it has ended."""
        self._child.stop()
        self._port = None

    def kill(self) -> None:
        """End it at once, as in a crash; what it had acknowledged is kept."""
        self._child.kill()
        self._port = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
