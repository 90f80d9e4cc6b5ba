"""A whole installation for a test: broker, store, and the parts of kommuncenter as processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from kommuncenter import wiring
from kommuncenter.database import ClickHouseDatabase, migrate
from kommuncenter.embedded.broker import EmbeddedBroker
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from kommuncenter.embedded.kafka_jvm import JvmKafka
from kommuncenter.embedded.processes import ChildProcess, free_port
from kommuncenter.settings import CONFIG_VARIABLE, Settings, load_settings
from producers.contract import Broadcast
from producers.runner import Rejection
from schemas.clickhouse.queries import Query
from schemas.events import Event, events_adapter
from tests.e2e.reading import read_to_the_end
from tests.services.brokers import BrokerKind, require_embedded_broker, require_jvm_kafka
from tests.services.clickhouse import require_clickhouse
from tests.streams.test_laws import Pipeline, run

DEADLINE_S = 90.0


@dataclass
class Installation:
    """What a test drives: settings, files, processes, and a look into the store."""

    directory: Path
    broker: EmbeddedBroker | JvmKafka
    store: EmbeddedClickHouse
    config: Path
    settings: Settings
    children: list[ChildProcess] = field(default_factory=list)

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> ChildProcess:
        """Start a part, such as ``worker``; it ends with the test."""
        child = ChildProcess(
            " ".join(arguments),
            [sys.executable, "-m", "kommuncenter", *arguments],
            env={CONFIG_VARIABLE: str(self.config), **(env or {})},
        )
        child.start()
        self.children.append(child)
        return child

    @cached_property
    def database(self) -> ClickHouseDatabase:
        """A client of the store; it outlives a restart of the store."""
        return ClickHouseDatabase(self.settings.clickhouse)

    def rows(self, sql: str) -> Sequence[Sequence[Any]]:
        """Return the rows of a query."""
        return self.database.rows(Query(sql))

    def archive(self) -> list[Event]:
        """Return the archived events, each once."""
        payloads = [row[0] for row in self.rows("SELECT payload FROM events FINAL")]
        return events_adapter.validate_json(f"[{','.join(payloads)}]")

    def until(
        self,
        condition: Callable[[], object],
        what: str,
        within_s: float = DEADLINE_S,
        progress: Callable[[], object] = lambda: None,
    ) -> None:
        """Wait for a condition; on the deadline fail with what the parts said last.

        The deadline is moved on whenever what ``progress`` returns has changed.
        """
        before, deadline = progress(), time.monotonic() + within_s
        while not condition():
            now = progress()
            if now != before:
                before, deadline = now, time.monotonic() + within_s
            if time.monotonic() > deadline:
                said = "\n".join(f"--- {child.name}\n{child.tail()}" for child in self.children)
                pytest.fail(f"{what}: not within {within_s:g} s\n{said}")
            time.sleep(0.1)  # between two looks at the condition

    def read(self, instance: str) -> tuple[list[Event], list[Rejection]]:
        """Read a source's input to its present end in this process: what ought to arrive."""
        source, own = wiring.source_and_settings(self.settings, instance)
        context, clock = wiring.source_context(self.settings, instance), wiring.clock(self.settings)
        found, rejections = read_to_the_end(source, own, context, clock)
        return [each.event if isinstance(each, Broadcast) else each for each in found], rejections


def shown(database: ClickHouseDatabase) -> dict[tuple[Any, ...], tuple[dict[str, int], dict[int, int]]]:
    """Return the figures as every reader sees them, without what is zero."""
    from datetime import UTC, datetime

    from dashboards.figures import read_groups
    from schemas.clickhouse.queries import Between, Grain

    always = Between(datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))
    by = ("window", "channel", "area", "topic", "unit")
    rows = {}
    for key, group in read_groups(database, Grain.WINDOW, always, by=by).items():
        sums = {name: n for name, n in group.sums.items() if n}
        waits = {index: n for index, n in group.waits.items() if n}
        if sums or waits:
            rows[key] = (sums, waits)
    return rows


def pure_rows(pipeline: Pipeline) -> dict[tuple[Any, ...], tuple[dict[str, int], dict[int, int]]]:
    """Return the figures that the pure functions give, in the same shape."""
    return {tuple(key): value for key, value in pipeline.rows().items()}


def expect_exact(installation: Installation, events: Sequence[Event]) -> None:
    """Wait until just these events are archived, and the figures are what the pure functions give."""
    ids = {event.id for event in events}
    pure = run([events])
    database = installation.database

    def arrived() -> bool:
        return {row[0] for row in installation.rows("SELECT DISTINCT event_id FROM events")} == ids

    installation.until(arrived, "every event in the archive, and no other")
    expected = pure_rows(pure)
    installation.until(lambda: shown(database) == expected, "figures equal to the pure functions'")
    contacts = set(pure.facts())  # facts are written after figures, so they may still be on their way
    installation.until(
        lambda: (
            [row[0] for row in installation.rows("SELECT contact_id FROM contacts_current ORDER BY 1")]
            == sorted(contacts)
        ),
        "each contact once",
    )


def verified(*arguments: str, within_s: float = 120.0) -> subprocess.CompletedProcess[str]:
    """Run `kommuncenter verify` on the installation that is set up."""
    return told("verify", *arguments, within_s=within_s)


def told(*arguments: str, within_s: float = 120.0) -> subprocess.CompletedProcess[str]:
    """Run a command of ours to its end."""
    command = [sys.executable, "-m", "kommuncenter", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=within_s)


@contextmanager
def installed(
    kind: BrokerKind,
    directory: Path,
    sources: Mapping[str, Mapping[str, object]],
    partitions: int = 3,
    session_s: float = 6.0,
    **settings: object,
) -> Iterator[Installation]:
    """Give an installation with a broker and a store of its own.

    Both keep their address and their data over a kill and a start, but that the embedded broker forgets.
    """
    require_clickhouse()
    (require_embedded_broker if kind == "embedded" else require_jvm_kafka)()
    broker = EmbeddedBroker() if kind == "embedded" else JvmKafka(directory / "kafka")
    with broker, EmbeddedClickHouse(directory / "clickhouse", port=free_port()) as store:
        config = directory / "kommuncenter.toml"
        config.write_text(
            _toml(
                {
                    "": {"state_dir": str(directory / "state"), **settings},
                    "kafka": {
                        "bootstrap_servers": broker.bootstrap_servers,
                        "partitions": partitions,
                        "heartbeat": 0.3,
                        "session_timeout": session_s,
                    },
                    "clickhouse": {
                        "host": store.host,
                        "port": store.port,
                        "user": store.user,
                        "password": store.password,
                    },
                    "pseudonym": {"key_id": "test", "key": "sixteen characters or more"},
                    "board": {"port": 0},
                    **{f"sources.{name}": given for name, given in sources.items()},
                }
            ),
            encoding="utf-8",
        )
        before = os.environ.get(CONFIG_VARIABLE)
        os.environ[CONFIG_VARIABLE] = str(config)
        installation = Installation(directory, broker, store, config, load_settings())
        migrate(installation.settings.clickhouse)
        try:
            yield installation
        finally:
            for child in installation.children:
                child.stop()
            if before is None:
                del os.environ[CONFIG_VARIABLE]
            else:
                os.environ[CONFIG_VARIABLE] = before


def _toml(sections: Mapping[str, Mapping[str, object]]) -> str:
    lines = []
    for name, values in sections.items():
        lines.append(f"[{name}]" if name else "")
        for key, value in values.items():
            if isinstance(value, Mapping):
                inner = ", ".join(f"{k} = {json.dumps(v)}" for k, v in value.items())
                lines.append(f"{key} = {{ {inner} }}")
            else:
                lines.append(f"{key} = {json.dumps(value)}")
    return "\n".join(lines) + "\n"
