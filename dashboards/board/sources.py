"""How the sources do: a silent one is an alarm of its own; no events is not zero calls (DOMAIN §2.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dashboards.board.reading import SourceReport
from schemas.clickhouse.silence import SourceStatus, SourceVerdict

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One source instance; times are cut to the minute, so that the picture stands still between events.

    Of a silent one: since when (None where nothing ever came), and about how many contacts usually come in
    that time (None where that is not known).
    """

    instance: str
    state: SourceVerdict
    last_event_at: datetime | None
    last_read_at: datetime | None
    rejected: int
    silent_since: datetime | None = None
    missing: int | None = None


def source_health(
    reports: Iterable[SourceReport],
    statuses: Iterable[SourceStatus],
    rejected: Mapping[str, int],
    now: datetime,
    unread_after: timedelta,
) -> tuple[SourceHealth, ...]:
    """Return every source that has reported, or has had records rejected, by name.

    ``reports`` are of this moment. ``statuses`` may be a minute old: what has come since then counts.
    """
    known = {report.instance: report for report in reports}
    judged = {status.instance: status for status in statuses}
    found = []
    for instance in sorted({*known, *rejected}):
        report = known.get(instance, SourceReport(instance, _NEVER, None, None))
        lost = now - report.seen_at > unread_after
        found.append(_health(report, judged.get(instance), lost, rejected.get(instance, 0)))
    return tuple(found)


def _health(report: SourceReport, status: SourceStatus | None, lost: bool, rejected: int) -> SourceHealth:
    state = SourceVerdict.UNREAD if lost else _verdict(report, status)
    silent = status if state is SourceVerdict.SILENT else None
    return SourceHealth(
        instance=report.instance,
        state=state,
        last_event_at=_minute(report.last_event_at),
        last_read_at=_minute(report.last_read_at),
        rejected=rejected,
        silent_since=_minute(silent.heard_at) if silent else None,
        missing=round(silent.expected) if silent and silent.expected else None,
    )


def _verdict(report: SourceReport, status: SourceStatus | None) -> SourceVerdict:
    """Return what was found last, unless the source has given a sign since."""
    if status is None:
        return SourceVerdict.WORKING
    spoke = (report.last_event_at or _NEVER) > (status.heard_at or _NEVER)
    was_read = (report.last_read_at or _NEVER) > (status.last_read_at or _NEVER)
    over = {SourceVerdict.SILENT: spoke, SourceVerdict.UNREAD: was_read}
    return SourceVerdict.WORKING if over.get(status.verdict) else status.verdict


def _minute(instant: datetime | None) -> datetime | None:
    return instant.replace(second=0, microsecond=0) if instant else None
