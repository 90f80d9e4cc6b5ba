"""Periods: ISO weeks of Swedish days, and never anything from the future."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.board.periods import Period, last_final_week, span_of, today_so_far
from schemas.clickhouse.queries import Between
from schemas.timebase import day_start, local_day

NOW = datetime(2026, 11, 24, 12, 41, tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "first", "last", "past"),
    [
        (Period.TODAY, date(2026, 11, 24), date(2026, 11, 24), None),
        (
            Period.WEEK,
            date(2026, 11, 23),
            date(2026, 11, 24),
            Between(date(2026, 11, 23), date(2026, 11, 24)),
        ),
        (
            Period.LAST_WEEK,
            date(2026, 11, 16),
            date(2026, 11, 22),
            Between(date(2026, 11, 16), date(2026, 11, 23)),
        ),
    ],
)
def test_periods_of_a_tuesday(period: Period, first: date, last: date, past: Between | None) -> None:
    span = span_of(period, NOW)
    assert (span.first, span.last, span.past) == (first, last, past)
    assert span.has_today is (period is not Period.LAST_WEEK)


def test_the_day_is_swedish_also_just_after_midnight() -> None:
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)  # 00.30 on Tuesday in Sweden
    assert span_of(Period.TODAY, late).first == date(2026, 11, 24)
    assert today_so_far(late).since == datetime(2026, 11, 23, 23, tzinfo=UTC)


def test_this_week_on_a_monday_has_no_past_days() -> None:
    monday = datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert span_of(Period.WEEK, monday).past is None


BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
instants = st.integers(0, 8 * 366 * 86_400).map(lambda second: BEGINNING + timedelta(seconds=second))


@given(instants, st.sampled_from(Period))
def test_nothing_is_read_from_the_future(now: datetime, period: Period) -> None:
    span = span_of(period, now)
    assert span.instants(now).until <= now
    assert span.past is None or span.past.until <= local_day(now)
    assert today_so_far(now).until == now


@given(instants)
def test_the_last_final_week_is_the_latest_that_is_final(now: datetime) -> None:
    week = last_final_week(7, local_day(now))
    assert week.first.weekday() == 0
    assert week.final(7, now)
    following = last_final_week(7, local_day(now) + timedelta(days=7))
    assert following.first == week.first + timedelta(days=7)
    assert not following.final(7, now)


def test_a_period_is_final_when_its_last_errand_has_been_followed() -> None:
    span = span_of(Period.LAST_WEEK, NOW)
    end = day_start(date(2026, 11, 30))
    assert not span.final(7, end - timedelta(milliseconds=1))
    assert span.final(7, end)
