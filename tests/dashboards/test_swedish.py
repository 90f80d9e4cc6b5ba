"""Swedish number, date and time formatting."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards import swedish
from schemas.errors import ConfigurationError


def plain(text: str) -> str:
    """Return the text with ordinary spaces, having checked that numbers can't break from their units."""
    return text.replace(swedish.NBSP, " ")


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (None, 0, "–"),
        (0, 0, "0"),
        (999, 0, "999"),
        (1234567, 0, "1 234 567"),
        (0.5, 0, "1"),
        (-0.4, 0, "0"),
        (2.25, 1, "2,3"),
        (-1234.5, 1, "−1 234,5"),
    ],
)
def test_numbers(value: float | None, decimals: int, expected: str) -> None:
    assert plain(swedish.number(value, decimals)) == expected


@pytest.mark.parametrize(
    ("share", "expected"), [(None, "–"), (0.0, "0 %"), (0.68, "68 %"), (0.145, "15 %"), (1.0, "100 %")]
)
def test_percent(share: float | None, expected: str) -> None:
    assert plain(swedish.percent(share)) == expected


def test_percent_keeps_the_sign_with_the_number() -> None:
    assert swedish.percent(0.842, 1) == "84,2\u00a0%"
    assert swedish.percent_interval(0.6458, 0.7124) == "65–71\u00a0%"
    assert plain(swedish.points(-0.031)) == "3 procentenheter"
    assert plain(swedish.points(0.01)) == "1 procentenhet"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "–"),
        (0, "0 s"),
        (59.4, "59 s"),
        (59.5, "1 min"),
        (90, "1 min 30 s"),
        (3600, "1 tim"),
        (7500, "2 tim 5 min"),
        (-3, "0 s"),
    ],
)
def test_durations(seconds: float | None, expected: str) -> None:
    assert plain(swedish.duration(seconds)) == expected


@given(st.integers(0, 35_999))
def test_a_duration_under_ten_hours_loses_no_minute(seconds: int) -> None:
    units = {"tim": 3600, "min": 60, "s": 1}
    words = plain(swedish.duration(seconds)).split()
    total = sum(int(n) * units[unit] for n, unit in zip(words[::2], words[1::2], strict=True))
    assert total == (seconds if seconds < 3600 else seconds - seconds % 60)


def test_dates_and_clock_times_are_local() -> None:
    late = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # 00.30 the day after, in winter time
    assert plain(swedish.datetime_sv(late)) == "29 mars 2026 kl. 00.30"
    assert plain(swedish.date_sv(date(2026, 11, 16), weekday=True)) == "måndag 16 november 2026"


@pytest.mark.parametrize(
    ("week", "name", "days"),
    [
        ("2026-W47", "vecka 47, 2026", "16–22 november 2026"),
        ("2026-W40", "vecka 40, 2026", "28 september – 4 oktober 2026"),
        ("2026-W53", "vecka 53, 2026", "28 december 2026 – 3 januari 2027"),
    ],
)
def test_weeks(week: str, name: str, days: str) -> None:
    assert plain(swedish.week_sv(week)) == name
    assert plain(swedish.week_days_sv(week)) == days


def test_a_week_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="2026-W47"):
        swedish.week_sv("2026-W54")


def test_lists_and_counts() -> None:
    assert swedish.listed(["a"]) == "a"
    assert swedish.listed(["a", "b", "c"]) == "a, b och c"
    assert plain(swedish.count_of(1, "ärende", "ärenden")) == "1 ärende"
    assert plain(swedish.count_of(1200, "ärende", "ärenden")) == "1 200 ärenden"
