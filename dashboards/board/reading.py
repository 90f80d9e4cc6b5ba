"""What the board reads from the store: sums of a period, gauges, alarms, and how sources do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dashboards.board.periods import Span, today_so_far
from dashboards.figures import Group, Store, merged, read_groups
from schemas.catalogue import Catalogue
from schemas.clickhouse.live import overdue_mail_query, surges_query
from schemas.clickhouse.queries import (
    Between,
    Grain,
    dead_letters_query,
    source_health_query,
    waiting_query,
)
from schemas.clickhouse.silence import SilenceRule, SourceStatus, source_status_query
from schemas.measures import MEASURE_NAMES
from schemas.timebase import WINDOW

DUE_MEASURES = ("mail_due", "mail_in_time", "mail_due_24h", "mail_in_24h")
CELL = ("channel", "topic", "unit")

Cells = Mapping[tuple[str, str, str], Group]
"""Sums by channel, topic and receiving unit."""
Windows = Mapping[datetime, Cells]
"""Today's cells by window."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Gauge of a queue. ``longest_s`` is in seconds; ``stale`` are open too long and in no gauge."""

    channel: str
    waiting: int
    longest_s: int
    stale: int


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What was last known of a source instance; times in UTC."""

    instance: str
    seen_at: datetime
    last_event_at: datetime | None
    last_read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Surge:
    """More contacts than usual (DOMAIN §2.6): of a topic, or of all where that is empty; times in UTC.

    ``topic`` is None where it is not told.
    """

    topic: str | None
    since: datetime
    noticed_at: datetime
    until: datetime
    contacts: int
    usual: float
    over: bool
    label: str = ""
    """The topic's name for people."""

    @property
    def times(self) -> float | None:
        """How many times the usual; None where usually nothing comes."""
        return self.contacts / self.usual if self.usual > 0 else None

    def named(self, label: str) -> Surge:
        """Return the surge with its topic's name for people."""
        return replace(self, label=label)


@dataclass(frozen=True, slots=True)
class OverdueMail:
    """Mail whose working day has passed without an answer, and since when the first of it (UTC)."""

    mails: int = 0
    first_due_at: datetime | None = None


def read_today(store: Store, now: datetime, measures: Sequence[str] = MEASURE_NAMES) -> Windows:
    """Return today's windows so far; a mail counts as due only once its window has passed.

    One reading for everything that is shown of today, since this is what a live page costs.
    """
    period = today_so_far(now)
    windows: dict[datetime, dict[tuple[str, str, str], Group]] = defaultdict(dict)
    found = read_groups(store, Grain.WINDOW, period, by=("window", *CELL), measures=measures)
    for (window, channel, topic, unit), group in found.items():
        passed = window + WINDOW <= now
        windows[window][channel, topic, unit] = group if passed else without_due(group)
    return windows


def without_due(group: Group) -> Group:
    """Return the sums of a window that has not passed: its mail may still be answered in time."""
    kept = {name: amount for name, amount in group.sums.items() if name not in DUE_MEASURES}
    return Group(kept, group.waits)


def read_past(store: Store, span: Span, measures: Sequence[str] = MEASURE_NAMES) -> Cells:
    """Return the sums of a period's days before today."""
    if not span.past:
        return {}
    found = read_groups(store, Grain.DAY, span.past, by=CELL, measures=measures)
    return {(channel, topic, unit): group for (channel, topic, unit), group in found.items()}


def by_dimension(dimension: str, parts: Iterable[Cells]) -> dict[str, Group]:
    """Return the sums of a period by one of the dimensions of a cell."""
    place = CELL.index(dimension)
    groups: dict[str, list[Group]] = defaultdict(list)
    for cells in parts:
        for key, group in cells.items():
            groups[key[place]].append(group)
    return {name: merged(found) for name, found in groups.items()}


def read_waiting(store: Store, now: datetime) -> dict[str, Waiting]:
    """Return the gauges by channel; a channel where nobody waits is missing."""
    rows = store.rows(waiting_query(now))
    return {channel: Waiting(channel, int(n), int(ms) // 1000, int(stale)) for channel, n, ms, stale in rows}


def read_sources(store: Store, now: datetime) -> Sequence[SourceReport]:
    """Return the sources that have ever reported, by name."""
    return [SourceReport(*row) for row in store.rows(source_health_query(now))]


def read_statuses(
    store: Store, catalogue: Catalogue, rule: SilenceRule, now: datetime
) -> tuple[SourceStatus, ...]:
    """Return how the sources do by their own usual rhythm, by name. Takes longer than other readings."""
    return tuple(SourceStatus(*row) for row in store.rows(source_status_query(now, catalogue, rule)))


def read_rejections(store: Store, span: Span, now: datetime) -> dict[str, int]:
    """Return the records that could not be used, found during the period, by source instance."""
    rejected: dict[str, int] = defaultdict(int)
    period = span.instants(now + timedelta(milliseconds=1))
    for instance, _, records in store.rows(dead_letters_query(period)):
        rejected[instance] += int(records)
    return dict(rejected)


def read_surges(store: Store, period: Between) -> tuple[Surge, ...]:
    """Return the surges that began within a period of instants, the latest first."""
    return tuple(
        Surge(topic, since, noticed_at, until, int(contacts), float(usual), bool(over))
        for topic, since, noticed_at, until, contacts, usual, over in store.rows(surges_query(period))
    )


def read_overdue_mail(store: Store, now: datetime) -> OverdueMail:
    """Return how many mails wait past their time."""
    for mails, first_due_at in store.rows(overdue_mail_query(now)):
        return OverdueMail(int(mails), first_due_at if mails else None)
    return OverdueMail()
