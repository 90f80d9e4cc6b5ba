"""Sources: working, silent in opening hours, or not read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dashboards.board.reading import SourceReport
from dashboards.board.sources import SourceState, open_time_since, source_health
from schemas.catalogue import Catalogue

NOW = datetime(2026, 11, 24, 12, 41, 30, tzinfo=UTC)  # a Tuesday, 13.41
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("seen", "event", "state"),
    [
        (MINUTE, MINUTE, SourceState.WORKING),
        (MINUTE, 119 * MINUTE, SourceState.WORKING),
        (MINUTE, 121 * MINUTE, SourceState.SILENT),
        (MINUTE, None, SourceState.SILENT),
        (11 * MINUTE, MINUTE, SourceState.UNREAD),
    ],
)
def test_states(catalogue: Catalogue, seen: timedelta, event: timedelta | None, state: SourceState) -> None:
    last = NOW - event if event else None
    report = SourceReport("pbx1", NOW - seen, last, last)
    [health] = source_health([report], {}, catalogue, NOW)
    assert health.state is state


def test_night_and_weekend_are_no_silence(catalogue: Catalogue) -> None:
    friday = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)  # 15.30, half an hour before closing
    monday = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # 09.00, an hour after opening
    assert open_time_since(friday, catalogue, monday) == timedelta(hours=1, minutes=30)


def test_times_are_cut_to_the_minute_and_rejections_are_counted(catalogue: Catalogue) -> None:
    report = SourceReport("pbx1", NOW, NOW - timedelta(seconds=10), NOW)
    known, unknown = source_health([report], {"pbx1": 2, "pbx0": 1}, catalogue, NOW)[::-1]
    assert (known.instance, known.rejected) == ("pbx1", 2)
    assert known.last_event_at == datetime(2026, 11, 24, 12, 41, tzinfo=UTC)
    assert (unknown.instance, unknown.rejected, unknown.state) == ("pbx0", 1, SourceState.UNREAD)
