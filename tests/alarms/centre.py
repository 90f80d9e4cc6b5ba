"""A running centre for alarms: events through the real worker into the engine, at instants that are set."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kommuncenter.database import ClickHouseDatabase
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from kommuncenter.wiring import SourceStore
from producers.contract import Health
from schemas.catalogue import load_catalogue
from schemas.events import Event
from schemas.timebase import STOCKHOLM, local_day
from streams.health import ClickHouseHealth, HealthReporter
from streams.progress import Progress
from streams.sink import ClickHouseStore, check_partitions
from streams.surges import SurgeWatch
from streams.verify.compare import Kept, Verification, Verifier
from streams.verify.record import ClickHouseVerifications, Run
from streams.worker import Worker
from tests.alarms.grafana import Alerting, Labels
from tests.services.clickhouse import migrated
from tests.streams.test_laws import PARTITIONS
from tests.streams.test_worker import World, finish, owner

CATALOGUE = load_catalogue()
MINUTE = timedelta(minutes=1)
NO_WAIT = timedelta(0)


@dataclass
class SetClock:
    """Shows what it is set to."""

    at: datetime

    def now(self) -> datetime:
        """Return the instant."""
        return self.at


@dataclass
class Centre:
    """A worker, its store, its sources' reports, and a Grafana that looks when it is told to."""

    database: ClickHouseDatabase
    clock: SetClock
    runner: asyncio.Runner
    sources: tuple[str, ...] = ("pbx1",)
    alerting: Alerting = field(default_factory=Alerting.provisioned)
    worker: Worker | None = None
    watched: str = ""
    """The rule that is looked at at every step; all the others where a stretch of time ends."""
    reading: bool = True
    """Whether the sources' readers report."""

    def __post_init__(self) -> None:
        store = ClickHouseStore(self.database, self.clock, settled=NO_WAIT)
        self.world = World(real=store, clock=self.clock)
        self.surges = SurgeWatch(self.database, CATALOGUE, self.clock)
        self.progress = Progress()
        self._health = ClickHouseHealth(self.database)
        self._source_health = SourceStore(self.database, PARTITIONS)
        check_partitions(self.database, self.clock, PARTITIONS)

    def start(self, *partitions: int) -> None:
        """Let a new worker take over all partitions, or some."""
        self.worker = self.runner.run(owner(self.world, partitions or range(PARTITIONS)))
        self.reporter = HealthReporter("host:1", self._health, self.clock)

    def take(self, events: Sequence[Event]) -> None:
        """Let events come, and the worker work them in."""
        self.world.publish(events)
        assert self.worker is not None
        self.runner.run(finish(self.world, self.worker, 1000))

    def look(self, at: datetime, *, all_rules: bool = True) -> dict[str, list[Labels]]:
        """Let it be an instant: everything that runs by time does so. Return what alerts."""
        self.clock.at = at
        if self.reading:
            for name in self.sources:
                self._source_health.report(Health(name, at, None, at, 0, 0))
        if self.worker is not None:
            self.surges.look()
            worker, oldest = self.worker, self.progress.oldest(at.timestamp())
            self.reporter.send(worker.state, worker.partitions, worker.vitals, (), oldest)
        if all_rules or not self.watched:
            self.alerting.evaluate(self.database, at)
        else:
            self.alerting.rules[self.watched].evaluate(self.database, at)
        return self.alerting.firing()

    def looks(self, since: datetime, until: datetime, step: timedelta = MINUTE) -> dict[str, list[Labels]]:
        """Let time go by step by step; return what alerts at the end."""
        at = since
        while at < until:
            self.look(at, all_rules=False)
            at += step
        return self.look(until)

    def proved(self, at: datetime) -> None:
        """Record that verify found all to be equal."""
        day = local_day(at)
        found = Verification(day, day + timedelta(days=1), day, 0, 0, 0, (), (), 0)
        ClickHouseVerifications(self.database).record(Run(at, found, timedelta(seconds=1)))

    def verify(self) -> bool:
        """Run verify, and record what it finds; tell whether all is equal."""
        found = Verifier(self.database, CATALOGUE, self.clock, lambda: 0, Kept()).verify()
        ClickHouseVerifications(self.database).record(Run(self.clock.at, found, timedelta(seconds=1)))
        return found.equal


@contextmanager
def centre(endpoint: EmbeddedClickHouse, at: datetime, *sources: str) -> Iterator[Centre]:
    """Give a centre with an empty store, at an instant; its worker runs."""
    with migrated(endpoint) as database, asyncio.Runner() as runner:
        found = Centre(database, SetClock(at), runner, sources or ("pbx1",))
        found.start()
        yield found
        if found.worker is not None:
            found.worker.revoke()


def local(day: datetime, hour: int, minute: int = 0) -> datetime:
    """Return a local clock time of the day on which an instant falls."""
    return day.astimezone(STOCKHOLM).replace(hour=hour, minute=minute, second=0, microsecond=0)
