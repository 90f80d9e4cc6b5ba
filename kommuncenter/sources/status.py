"""How the configured sources do, as the store knows it: for the command line and the doctor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kommuncenter import wiring
from kommuncenter.settings import Settings
from schemas.clickhouse.silence import SourceStatus, SourceVerdict, source_status_query
from schemas.timebase import STOCKHOLM

NEVER_STARTED = "has not reported; is `kommuncenter source run` running?"


def statuses(settings: Settings) -> Sequence[SourceStatus]:
    """Return every source that is configured or has reported lately, by name.

    Raises RetriableError while the store is away.
    """
    query = source_status_query(
        wiring.clock(settings).now(), wiring.catalogue(settings), wiring.silence_rule(settings)
    )
    told = {row[0]: SourceStatus(*row) for row in wiring.database(settings).rows(query)}
    missing = {name: _never_started(name) for name in settings.sources if name not in told}
    return [status for _, status in sorted({**told, **missing}.items())]


def alarm(status: SourceStatus) -> str | None:
    """Return what is wrong with a source, for people; None where nothing is."""
    if status.verdict is SourceVerdict.SILENT:
        if status.heard_at is None:
            return f"{status.instance}: silent; nothing has come from it yet"
        usual = f", where {status.expected:.0f} contacts are usual" if status.expected else ""
        return f"{status.instance}: silent; nothing since {clock_time(status.heard_at)}{usual}"
    if status.verdict is SourceVerdict.UNREAD:
        why = status.reason or f"its reader gave no sign of life since {clock_time(status.seen_at)}"
        return f"{status.instance}: not read; {why}"
    return None


def clock_time(instant: datetime | None) -> str:
    """Return an instant as people here read it; a hyphen for never."""
    return f"{instant.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}" if instant else "-"


def _never_started(instance: str) -> SourceStatus:
    return SourceStatus(
        instance=instance,
        verdict=SourceVerdict.UNREAD,
        state="",
        reason=NEVER_STARTED,
        seen_at=None,
        heard_at=None,
        last_event_at=None,
        last_read_at=None,
        expected=None,
        usual=None,
        lag=None,
        lag_unit="",
        published=0,
        rejected=0,
        gaps=0,
    )
