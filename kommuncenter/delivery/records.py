"""What is known of deliveries: steps that are only ever added, and what they say together.

They stand in ClickHouse, which every host has, and not in a file of one: two hosts that find the same
report due must not both send it. Each step is on the disk when an insert returns (``fsync_after_insert``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from schemas.clickhouse.database import Database
from schemas.clickhouse.queries import Query
from schemas.clickhouse.tables import DELIVERIES


class Step(StrEnum):
    """What an attempt has come to."""

    INTENDED = "intended"
    YIELDED = "yielded"
    FAILED = "failed"
    SENT = "sent"


class State(StrEnum):
    """What is known of a delivery."""

    OPEN = "open"
    """Nothing is sent, and it may be tried again unasked."""
    FAILED = "failed"
    """Nothing is sent, and a person has to do something."""
    IN_DOUBT = "in doubt"
    """An attempt was begun and never came to an end: perhaps it is sent."""
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Which:
    """What sets a delivery apart. ``recipients`` are digests of addresses (see ``digest_of``)."""

    period: str
    scope: str
    recipients: tuple[str, ...]
    test: bool = False
    correction: int = 0

    @property
    def id(self) -> str:
        """The delivery's name: the same whenever the same is to be sent to the same people."""
        told = "\n".join(
            (self.period, self.scope, *sorted(self.recipients), str(self.test), str(self.correction))
        )
        return hashlib.sha256(told.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Record:
    """A step of an attempt: a row of ``deliveries``. ``refused``: digest of an address -> code."""

    which: Which
    attempt: str
    step: Step
    at: datetime
    refused: Mapping[str, int] = field(default_factory=dict)
    transient: bool = False
    reason: str = ""

    @property
    def delivery(self) -> str:
        """The delivery's name."""
        return self.which.id


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery with all that has happened to it, in order."""

    which: Which
    records: tuple[Record, ...]

    @property
    def state(self) -> State:
        """What is known. It does not depend on the order of the steps: several hosts' clocks differ."""
        sent = self._sent()
        if sent and not self.missing:
            return State.SENT
        ended = {record.attempt for record in self.records if record.step is not Step.INTENDED}
        if any(record.attempt not in ended for record in self.records):
            return State.IN_DOUBT
        if sent:
            return State.SENT
        failed = [record for record in self.records if record.step is Step.FAILED]
        return State.OPEN if all(record.transient for record in failed) else State.FAILED

    @property
    def missing(self) -> tuple[str, ...]:
        """Whose server has not said that it took it: digests; all where nothing is known to be sent."""
        missing = self.which.recipients
        for record in self._sent():
            missing = tuple(who for who in missing if who in record.refused)
        return missing

    def going_on_or_sent(self) -> set[str]:
        """Return the attempts that have not come to an end, or have sent it."""
        ended = {r.attempt for r in self.records if r.step in {Step.YIELDED, Step.FAILED}}
        return {record.attempt for record in self.records} - ended

    def _sent(self) -> list[Record]:
        return [record for record in self.records if record.step is Step.SENT]


class DeliveryLog(Protocol):
    """Where the steps are kept. Blocks; raises RetriableError while it is away."""

    def add(self, record: Record) -> None:
        """Add a step; returns when it would outlive the machine's loss of power."""
        ...

    def deliveries(self, delivery: str | None = None) -> Sequence[Delivery]:
        """Return all deliveries, or the one of that name, the latest first."""
        ...


class ClickHouseDeliveries:
    """The log in the store."""

    def __init__(self, database: Database) -> None:
        """Take a client."""
        self._database = database

    def add(self, record: Record) -> None:
        """Add a step."""
        which = record.which
        row = (
            which.id,
            record.attempt,
            record.step.value,
            record.at,
            which.period,
            which.scope,
            which.correction,
            which.test,
            list(which.recipients),
            dict(record.refused),
            record.transient,
            record.reason,
        )
        self._database.insert(DELIVERIES, [[value] for value in row])

    def deliveries(self, delivery: str | None = None) -> Sequence[Delivery]:
        """Return what the steps say."""
        condition = "" if delivery is None else "WHERE delivery = {delivery:String}"
        columns = "attempt, step, at, period, scope, correction, test, recipients, refused, transient, reason"
        query = f"SELECT {columns} FROM deliveries FINAL {condition} ORDER BY at, step != 'intended'"  # noqa: S608
        rows = self._database.rows(Query(query, {} if delivery is None else {"delivery": delivery}))
        return together(map(_record, rows))


def together(records: Iterable[Record]) -> list[Delivery]:
    """Return the deliveries that steps in order of time are of, the latest begun first."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.delivery, []).append(record)
    return [Delivery(steps[0].which, tuple(steps)) for steps in reversed(found.values())]


def digest_of(address: str) -> str:
    """Return a digest of an address: enough to know it again, where the settings name it."""
    return hashlib.sha256(address.strip().casefold().encode()).hexdigest()[:16]


def _record(row: Sequence[object]) -> Record:
    attempt, step, at, period, scope, correction, test, recipients, refused, transient, reason = row
    assert isinstance(at, datetime)
    assert isinstance(recipients, list)
    assert isinstance(refused, dict)
    which = Which(str(period), str(scope), tuple(recipients), bool(test), int(str(correction)))
    return Record(which, str(attempt), Step(str(step)), at, refused, bool(transient), str(reason))
