"""How the sources do: a silent one is an alarm of its own; no events is not zero calls (DOMAIN §2.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dashboards.board.reading import SourceReport
from schemas.catalogue import Catalogue
from schemas.timebase import local_day

SILENT_AFTER = timedelta(hours=2)
"""Opening hours without an event, after which a source counts as silent."""
UNREAD_AFTER = timedelta(minutes=10)
"""Time without a sign of life from its reader, after which a source counts as not read."""


class SourceState(StrEnum):
    """What is to be said of a source."""

    WORKING = "working"
    SILENT = "silent"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One source instance; times are cut to the minute, so that the picture stands still between events."""

    instance: str
    state: SourceState
    last_event_at: datetime | None
    last_read_at: datetime | None
    rejected: int


def source_health(
    reports: Iterable[SourceReport],
    rejected: Mapping[str, int],
    catalogue: Catalogue,
    now: datetime,
    unread_after: timedelta = UNREAD_AFTER,
) -> tuple[SourceHealth, ...]:
    """Return every source that has reported, or has had records rejected, by name."""
    known = {report.instance: report for report in reports}
    return tuple(
        SourceHealth(
            instance=instance,
            state=_state(known.get(instance), catalogue, now, unread_after),
            last_event_at=_minute(known[instance].last_event_at) if instance in known else None,
            last_read_at=_minute(known[instance].last_read_at) if instance in known else None,
            rejected=rejected.get(instance, 0),
        )
        for instance in sorted({*known, *rejected})
    )


def _state(
    report: SourceReport | None, catalogue: Catalogue, now: datetime, unread_after: timedelta
) -> SourceState:
    if report is None or now - report.seen_at > unread_after:
        return SourceState.UNREAD
    if open_time_since(report.last_event_at, catalogue, now) > SILENT_AFTER:
        return SourceState.SILENT
    return SourceState.WORKING


def open_time_since(instant: datetime | None, catalogue: Catalogue, now: datetime) -> timedelta:
    """Return the opening hours between ``instant`` and ``now``, counted over today and the week before.

    None (never) counts the whole of that.
    """
    total = timedelta()
    for back in range(8):
        hours = catalogue.opening(local_day(now) - timedelta(days=back))
        if hours is None:
            continue
        begin = max(hours[0], instant) if instant else hours[0]
        total += max(min(hours[1], now) - begin, timedelta())
    return total


def _minute(instant: datetime | None) -> datetime | None:
    return instant.replace(second=0, microsecond=0) if instant else None
