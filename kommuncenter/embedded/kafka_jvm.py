"""One Apache Kafka broker (KRaft, single node) out of a directory of jars, on this machine's Java.

The real thing beside the embedded broker, for the contract tests and the crash tests: it keeps its data over
a restart or a kill. `.ci/fetch-kafka DIR` fills the directory. Heap 256 MB, loopback only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from kommuncenter.embedded.broker import answers_metadata
from kommuncenter.embedded.processes import (
    LOOPBACK,
    ChildProcess,
    ServiceStartError,
    free_port,
)
from schemas.errors import ConfigurationError

JARS_VARIABLE: Final = "KC_KAFKA_JARS"
MINIMUM_JAVA: Final = 17
_HEAP: Final = "256m"
_JVM_OPTIONS: Final = (
    f"-Xmx{_HEAP}",
    "-Xms64m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # a broker that lives for minutes starts faster without the second compiler
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)


def kafka_jars() -> Path:
    """Return the directory that KC_KAFKA_JARS names. Raises ConfigurationError when Kafka is not in it."""
    named = os.environ.get(JARS_VARIABLE)
    if not named:
        raise ConfigurationError(
            f"{JARS_VARIABLE} is not set. Run: .ci/fetch-kafka DIR; export {JARS_VARIABLE}=DIR"
        )
    jars = Path(named)
    if not any(jars.glob("kafka_2.13-*.jar")):
        raise ConfigurationError(
            f"{JARS_VARIABLE}={named} holds no Kafka broker. Run: .ci/fetch-kafka {named}"
        )
    return jars


def java_command() -> str:
    """Return the java of JAVA_HOME or of PATH; raise ConfigurationError when it is missing or too old."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None or not Path(java).is_file():
        raise ConfigurationError(
            f"There is no java here; Apache Kafka needs version {MINIMUM_JAVA} or later."
        )
    shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=30).stderr
    found = re.search(r'version "(\d+)', shown)
    if found is None or int(found.group(1)) < MINIMUM_JAVA:
        raise ConfigurationError(f"{java} is too old: Apache Kafka needs Java {MINIMUM_JAVA} or later.")
    return java


class JvmKafka:
    """Apache Kafka on loopback; a context manager. `restart`, and `kill` then `start`, keep the data."""

    def __init__(
        self,
        data_dir: Path,
        *,
        jars: Path | None = None,
        port: int | None = None,
        start_timeout_s: float = 60.0,
    ) -> None:
        """Take a data directory, the jars (None: KC_KAFKA_JARS) and a loopback port (None: a free one).

        Raises ConfigurationError when the jars or a fit java are missing.
        """
        self._java = java_command()
        self._jars = jars if jars is not None else kafka_jars()
        self._data_dir = data_dir
        self._port = port if port is not None else free_port()
        self._controller_port = free_port()
        self._start_timeout_s = start_timeout_s
        self._cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        self._formatted = False
        self._child = ChildProcess(
            "Apache Kafka", self._command("kafka.Kafka", str(self._settings_file)), cwd=data_dir, grace_s=20.0
        )

    @property
    def bootstrap_servers(self) -> str:
        """``127.0.0.1:port``, for any Kafka client; the same over all restarts."""
        return f"{LOOPBACK}:{self._port}"

    @property
    def pid(self) -> int:
        """The broker's process id. Raises ServiceStartError when it is not running."""
        return self._child.pid

    def start(self) -> Self:
        """Start the broker and return when a Kafka client gets metadata; format its storage the first time.

        Raises ServiceStartError, with Kafka's last lines, when it is not ready in time.
        """
        if not self._formatted:
            self._format()
        self._child.start()
        self._child.wait_until(self._ready, self._start_timeout_s)
        return self

    def stop(self) -> None:
        """End the broker in an orderly way (SIGTERM). Harmless when it is not running."""
        self._child.stop()

    def restart(self) -> None:
        """Stop in an orderly way and start again with the same data and port."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """End the broker as a crash would (SIGKILL); `start` brings it back with the same data."""
        self._child.kill()

    def __enter__(self) -> Self:
        """Start the broker."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the broker."""
        self.stop()

    @property
    def _settings_file(self) -> Path:
        return self._data_dir / "server.properties"

    def _command(self, main_class: str, *arguments: str) -> list[str]:
        return [self._java, *_JVM_OPTIONS, "-cp", f"{self._jars}/*", main_class, *arguments]

    def _ready(self) -> bool:
        return answers_metadata(self.bootstrap_servers, self._cluster_id)

    def _format(self) -> None:
        self._data_dir.mkdir(parents=True, exist_ok=True)
        settings = _settings(self._port, self._controller_port, self._data_dir / "log")
        self._settings_file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        done = subprocess.run(
            self._command(
                "kafka.tools.StorageTool",
                "format",
                f"--cluster-id={self._cluster_id}",
                "-c",
                str(self._settings_file),
            ),
            capture_output=True,
            text=True,
            check=False,
            timeout=self._start_timeout_s,
        )
        if done.returncode != 0:
            raise ServiceStartError(f"Apache Kafka's storage can't be formatted.\n{done.stdout}{done.stderr}")
        self._formatted = True


def _settings(port: int, controller_port: int, log_dir: Path) -> dict[str, str | int]:
    """Return the broker's settings; names and meanings as in Apache Kafka's broker configuration."""
    client, controller = f"PLAINTEXT://{LOOPBACK}:{port}", f"CONTROLLER://{LOOPBACK}:{controller_port}"
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"{client},{controller}",
        "advertised.listeners": client,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(log_dir),
        # One broker: one replica of everything, and few partitions of its own topics, which cost time.
        "offsets.topic.num.partitions": 1,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.num.partitions": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # A test's group joins at once, and notices a killed member after a second, not after six.
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        # After a crash the controller lets the broker in again when its old registration has expired.
        "broker.session.timeout.ms": 1500,
        "broker.heartbeat.interval.ms": 500,
        # A missing topic is an error here, since topics must be made with the right partition count.
        "auto.create.topics.enable": "false",
        "num.network.threads": 2,
        "num.io.threads": 2,
        "log.cleaner.dedupe.buffer.size": 2 * 1024 * 1024,
        "log.retention.ms": -1,
    }
