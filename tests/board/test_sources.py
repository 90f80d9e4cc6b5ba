"""Sources on the board: what was judged a minute ago, and what has come since."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboards.board.reading import SourceReport
from dashboards.board.sources import SourceHealth, source_health
from schemas.clickhouse.silence import SourceStatus, SourceVerdict

NOW = datetime(2026, 11, 24, 12, 41, 30, tzinfo=UTC)  # a Tuesday, 13.41
MINUTE = timedelta(minutes=1)
SINCE = NOW - 21 * MINUTE
REPORT = SourceReport("pbx1", NOW, SINCE, NOW)
STATUS = SourceStatus(
    instance="pbx1",
    verdict=SourceVerdict.WORKING,
    state="reading",
    reason="",
    seen_at=NOW,
    heard_at=SINCE,
    last_event_at=SINCE,
    last_read_at=NOW - MINUTE,
    expected=11.7,
    usual=30.0,
    lag=None,
    lag_unit="",
    published=1,
    rejected=0,
    gaps=0,
)
SILENT = replace(STATUS, verdict=SourceVerdict.SILENT)


def health(report: SourceReport, *statuses: SourceStatus) -> SourceHealth:
    """Return how the source does by a report of now and what was judged a minute ago."""
    [found] = source_health([report], statuses, {}, NOW, 10 * MINUTE)
    return found


def test_a_silent_source_says_since_when_and_what_is_missing() -> None:
    found = health(REPORT, SILENT)
    assert (found.state, found.missing) == (SourceVerdict.SILENT, 12)
    assert found.silent_since == SINCE.replace(second=0)
    never = replace(SILENT, heard_at=None, expected=None)
    found = health(replace(REPORT, last_event_at=None), never)
    assert (found.state, found.silent_since, found.missing) == (SourceVerdict.SILENT, None, None)


def test_a_sign_ends_a_silence_at_once() -> None:
    found = health(replace(REPORT, last_event_at=NOW), SILENT)
    assert (found.state, found.silent_since, found.missing) == (SourceVerdict.WORKING, None, None)
    spoke = health(replace(REPORT, last_event_at=NOW), replace(SILENT, heard_at=None))
    assert spoke.state is SourceVerdict.WORKING


@pytest.mark.parametrize(
    ("seen", "read", "verdict", "expected"),
    [
        (NOW - 10 * MINUTE, NOW, SourceVerdict.WORKING, SourceVerdict.WORKING),
        (NOW - 11 * MINUTE, NOW, SourceVerdict.WORKING, SourceVerdict.UNREAD),
        (NOW - 11 * MINUTE, NOW, SourceVerdict.SILENT, SourceVerdict.UNREAD),
        (NOW, NOW - MINUTE, SourceVerdict.UNREAD, SourceVerdict.UNREAD),
        (NOW, NOW, SourceVerdict.UNREAD, SourceVerdict.WORKING),
    ],
)
def test_a_source_that_is_not_read(
    seen: datetime, read: datetime, verdict: SourceVerdict, expected: SourceVerdict
) -> None:
    report = replace(REPORT, seen_at=seen, last_read_at=read)
    assert health(report, replace(STATUS, verdict=verdict)).state is expected


def test_a_source_that_has_not_been_judged_yet_works() -> None:
    assert health(REPORT).state is SourceVerdict.WORKING


def test_times_are_cut_to_the_minute_and_rejections_are_counted() -> None:
    report = SourceReport("pbx1", NOW, NOW - timedelta(seconds=10), NOW)
    counted = {"pbx1": 2, "pbx0": 1}
    known, unknown = source_health([report], [STATUS], counted, NOW, 10 * MINUTE)[::-1]
    assert (known.instance, known.rejected) == ("pbx1", 2)
    assert known.last_event_at == datetime(2026, 11, 24, 12, 41, tzinfo=UTC)
    assert (unknown.instance, unknown.rejected, unknown.state) == ("pbx0", 1, SourceVerdict.UNREAD)
