"""Reports of how a worker does, into the store; without it the worker goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog

from schemas.clickhouse.database import Database
from schemas.clickhouse.tables import CONSUMER_LAG, WORKER_HEALTH
from schemas.clock import Clock
from schemas.errors import KommuncenterError
from streams.progress import TopicProgress
from streams.rows import transpose
from streams.vitals import Vitals, WorkerState

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TopicHealth:
    """How far a worker is behind on a topic, and the records that it has done since its last report."""

    topic: str
    partitions: int
    lag: int | None
    records: int


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """A report: a row of ``worker_health``, and a row of ``consumer_lag`` per topic. No personal data.

    Spans are in milliseconds. ``batches``, ``batch_ms`` and ``longest_batch_ms`` are of the ``span_ms`` since
    the last report that was stored.
    """

    worker: str
    at: datetime
    started_at: datetime
    state: WorkerState
    waiting_since: datetime | None
    error: str
    partitions: Sequence[int]
    oldest_ms: int
    span_ms: int
    batches: int
    batch_ms: int
    longest_batch_ms: int
    topics: Sequence[TopicHealth]


class HealthLog(Protocol):
    """Where reports go. Blocks; raises KommuncenterError where one could not be stored."""

    def report(self, health: WorkerHealth) -> None:
        """Store a report."""
        ...


class ClickHouseHealth:
    """Stores reports in two small inserts."""

    def __init__(self, database: Database) -> None:
        """Take a client that may be shared between threads."""
        self._database = database

    def report(self, health: WorkerHealth) -> None:
        """Store a report, the topics first: who sees the worker sees its topics."""
        lag = [
            (health.worker, health.at, t.topic, t.partitions, t.lag, t.records, health.span_ms)
            for t in health.topics
        ]
        if lag:
            self._database.insert(CONSUMER_LAG, transpose(lag, len(CONSUMER_LAG.columns)))
        row = (
            health.worker,
            health.at,
            health.started_at,
            health.state.value,
            health.waiting_since,
            health.error,
            list(health.partitions),
            health.oldest_ms,
            health.span_ms,
            health.batches,
            health.batch_ms,
            health.longest_batch_ms,
        )
        self._database.insert(WORKER_HEALTH, [[value] for value in row])


@dataclass(frozen=True, slots=True)
class Counts:
    """What has been counted since the start, when a report was last stored."""

    at: float
    batches: int = 0
    seconds: float = 0.0
    records: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class HealthReporter:
    """Makes reports of what has been counted, and sees to it that a lost one's counts come with the next."""

    worker: str
    log: HealthLog
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    _started_at: datetime = field(init=False)
    _last: Counts = field(init=False)
    _lost: bool = False

    def __post_init__(self) -> None:
        """Count from now on."""
        self._started_at = self.clock.now()
        self._last = Counts(self.monotonic())

    @property
    def stored_last(self) -> bool:
        """Tell whether the last report was stored, or none has been sent."""
        return not self._lost

    def send(
        self,
        state: WorkerState,
        partitions: Sequence[int],
        vitals: Vitals,
        topics: Sequence[TopicProgress],
        oldest: float,
    ) -> None:
        """Send a report; one that can't be stored is told in the log once, and never raises. Blocks.

        ``oldest`` is in seconds.
        """
        counts = Counts(
            self.monotonic(), vitals.batches, vitals.seconds, {t.topic: t.records for t in topics}
        )
        health = WorkerHealth(
            self.worker,
            self.clock.now(),
            self._started_at,
            state,
            vitals.waiting_since,
            vitals.error,
            sorted(partitions),
            round(oldest * 1000),
            round((counts.at - self._last.at) * 1000),
            counts.batches - self._last.batches,
            round((counts.seconds - self._last.seconds) * 1000),
            round(vitals.longest * 1000),
            [self._topic(topic) for topic in topics],
        )
        try:
            self.log.report(health)
        except KommuncenterError as error:
            if not self._lost:
                log.warning("health_not_reported", reason=str(error))
            self._lost = True
            return
        self._lost = False
        self._last = Counts(counts.at, counts.batches, counts.seconds, self._last.records | counts.records)
        vitals.reported()

    def _topic(self, told: TopicProgress) -> TopicHealth:
        before = self._last.records.get(told.topic, 0)
        return TopicHealth(told.topic, told.partitions, told.lag, told.records - before)
