"""Fakes at the ports of a source: an archive, a publisher, a producer, a clock, a health sink."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kafka.errors import KafkaTimeoutError

from producers.contract import Broadcast, Health
from producers.publisher import Delivery
from schemas.deadletter import DeadLetter
from schemas.errors import RetriableError
from schemas.events import Event

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


class FixedClock:
    """It is always the same time."""

    def now(self) -> datetime:
        return NOW


@dataclass
class FakeArchive:
    """Knows the ids that it was given; away for the first ``away`` questions."""

    ids: set[str] = field(default_factory=set)
    away: int = 0
    questions: list[int] = field(default_factory=list)

    def known(self, instance: str, ids: Sequence[str]) -> set[str]:
        if self.away > 0:
            self.away -= 1
            raise RetriableError("the store is away")
        self.questions.append(len(ids))
        return self.ids & set(ids)


@dataclass
class FakePublisher:
    """Keeps what was flushed; each flush may fail, and may then keep some of it, as a real broker may."""

    fails: Callable[[int], bool] = lambda _: False
    sent: list[Event | Broadcast] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    flushes: int = 0
    closed: bool = False
    thread: str = ""
    _waiting: list[Event | Broadcast] = field(default_factory=list)
    _waiting_letters: list[DeadLetter] = field(default_factory=list)

    def publish(self, instance: str, events: Sequence[Event | Broadcast]) -> None:
        self._waiting.extend(events)

    def reject(self, letter: DeadLetter) -> None:
        self._waiting_letters.append(letter)

    def flush(self) -> None:
        self.thread = threading.current_thread().name
        number, self.flushes = self.flushes, self.flushes + 1
        events, letters = self._waiting, self._waiting_letters
        self._waiting, self._waiting_letters = [], []
        if self.fails(number):
            self.sent.extend(events[: len(events) // 2])
            raise RetriableError("the broker is away")
        self.sent.extend(events)
        self.letters.extend(letters)

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeHealth:
    """Keeps the reports; away for the first ``away`` of them."""

    away: int = 0
    reports: list[Health] = field(default_factory=list)

    def report(self, health: Health) -> None:
        if self.away > 0:
            self.away -= 1
            raise RetriableError("the store is away")
        self.reports.append(health)


@dataclass
class FakeDelivery:
    """What became of a record."""

    error: Exception | None = None

    def get(self, timeout: float | None = None) -> object:
        if self.error is not None:
            raise self.error
        return self


@dataclass(frozen=True)
class Record:
    """A record as the producer was given it."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    partition: int | None


@dataclass
class FakeProducer:
    """Stands for kafka-python's producer."""

    partitions: int = 4
    refuses: Exception | None = None
    flush_fails: bool = False
    records: list[Record] = field(default_factory=list)
    closed: bool = False

    def send(
        self,
        topic: str,
        *,
        value: bytes,
        key: bytes,
        headers: list[tuple[str, bytes]],
        partition: int | None = None,
    ) -> Delivery:
        self.records.append(Record(topic, key, value, headers, partition))
        return FakeDelivery(self.refuses)

    def partitions_for(self, topic: str) -> Iterable[int]:
        return set(range(self.partitions))

    def flush(self, timeout: float | None = None) -> None:
        if self.flush_fails:
            raise KafkaTimeoutError("nobody answers")

    def close(self, timeout: float | None = None) -> None:
        self.closed = True
