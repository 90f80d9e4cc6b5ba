"""What the board reads from the store: sums of a period, handovers by unit, gauges, and how sources do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboards.board.periods import Span, today_so_far
from dashboards.figures import Group, Store, read_groups
from schemas.catalogue import Catalogue
from schemas.clickhouse.queries import (
    Grain,
    dead_letters_query,
    source_health_query,
    sums_query,
    waiting_query,
)
from schemas.clickhouse.silence import SilenceRule, SourceStatus, source_status_query
from schemas.timebase import WINDOW

HANDOVER_MEASURES = ("handovers", "handovers_blind", "handovers_consulted", "handovers_ticket")
DUE_MEASURES = ("mail_due", "mail_in_time", "mail_due_24h", "mail_in_24h")

Windows = Mapping[tuple[datetime, str], Group]
"""Today's sums by window and channel."""


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


def merged(groups: Iterable[Group]) -> Group:
    """Return the sum of groups: measures and histograms alike."""
    sums: dict[str, int] = defaultdict(int)
    waits: dict[int, int] = defaultdict(int)
    for group in groups:
        for name, amount in group.sums.items():
            sums[name] += amount
        for index, calls in group.waits.items():
            waits[index] += calls
    return Group(dict(sums), dict(waits))


def read_today(store: Store, now: datetime) -> Windows:
    """Return today's windows so far by channel; a mail counts as due only once its window has passed."""
    groups = read_groups(store, Grain.WINDOW, today_so_far(now), by=("window", "channel"))
    return {
        (window, channel): group if window + WINDOW <= now else _without_due(group)
        for (window, channel), group in groups.items()
    }


def _without_due(group: Group) -> Group:
    kept = {name: amount for name, amount in group.sums.items() if name not in DUE_MEASURES}
    return Group(kept, group.waits)


def read_channels(store: Store, span: Span, today: Windows) -> dict[str, Group]:
    """Return the sums of a period by channel."""
    parts: dict[str, list[Group]] = defaultdict(list)
    if span.past:
        for (channel,), group in read_groups(store, Grain.DAY, span.past, by=("channel",)).items():
            parts[channel].append(group)
    if span.has_today:
        for (_, channel), group in today.items():
            parts[channel].append(group)
    return {channel: merged(groups) for channel, groups in parts.items()}


def read_handovers(store: Store, span: Span, now: datetime) -> dict[str, Mapping[str, int]]:
    """Return handovers of a period by receiving unit: in all, and by kind."""
    periods = [(Grain.DAY, span.past)] if span.past else []
    if span.has_today:
        periods.append((Grain.WINDOW, today_so_far(now)))
    units: dict[str, dict[str, int]] = {}
    for grain, period in periods:
        for unit, *amounts in store.rows(sums_query(grain, period, by=("unit",), measures=HANDOVER_MEASURES)):
            row = units.setdefault(unit, dict.fromkeys(HANDOVER_MEASURES, 0))
            for name, amount in zip(HANDOVER_MEASURES, amounts, strict=True):
                row[name] += int(amount)
    return {unit: row for unit, row in units.items() if unit and row["handovers"]}


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
