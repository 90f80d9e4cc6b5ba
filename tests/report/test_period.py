"""Which periods there are, what they are called, and what they are compared with."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.report import period
from dashboards.report.period import Against, Kind, Period, check_begun
from schemas.errors import ConfigurationError

days = st.dates(date(1990, 1, 1), date(2100, 1, 1))


@pytest.mark.parametrize(
    "text", ["", "47", "2026-47", "2026-W54", "2026-W00", "vecka 47", "9999-W52", "0001-W01", "2026-W4x"]
)
def test_a_week_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="write it as 2026-W47"):
        period.week(text)


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026", "26-11", "november", "2026-11-01", "2026-1"])
def test_a_month_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="write it as 2026-11"):
        period.month(text)


@pytest.mark.parametrize("text", ["2026-T0", "2026-T4", "T3", "2026-3", "2026-W3"])
def test_a_tertial_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="write it as 2026-T3"):
        period.tertial(text)


@pytest.mark.parametrize("text", ["2026-11-02..2026-11-01", "2026-11-02", "x..y", "2026-11-31..2026-12-01"])
def test_days_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"write it as 2016-01-01\.\.2025-12-31"):
        period.days(text)


@pytest.mark.parametrize(
    ("of", "label", "first_and_last", "before", "last_year"),
    [
        (period.week("2026-W01"), "vecka 1, 2026", ("2025-12-29", "2026-01-04"), "2025-W52", "2025-W01"),
        (period.week("2020-W53"), "vecka 53, 2020", ("2020-12-28", "2021-01-03"), "2020-W52", None),
        (period.month("2024-02"), "februari 2024", ("2024-02-01", "2024-02-29"), "2024-01", "2023-02"),
        (period.month("2026-01"), "januari 2026", ("2026-01-01", "2026-01-31"), "2025-12", "2025-01"),
        (period.tertial("2026-t1"), "tertial 1, 2026", ("2026-01-01", "2026-04-30"), "2025-T3", "2025-T1"),
        (period.tertial("2026-T3"), "tertial 3, 2026", ("2026-09-01", "2026-12-31"), "2026-T2", "2025-T3"),
        (
            period.days("2024-02-29..2024-03-01"),
            "29 februari – 1 mars 2024",
            ("2024-02-29", "2024-03-01"),
            "2024-02-27..2024-02-28",
            "2023-02-28..2023-03-01",
        ),
    ],
)
def test_a_period_and_its_neighbours(
    of: Period, label: str, first_and_last: tuple[str, str], before: str, last_year: str | None
) -> None:
    assert of.label.replace("\u00a0", " ") == label
    assert (str(of.since), str(of.last)) == first_and_last
    assert of.before().name == before
    found = of.last_year()
    assert (found.name if found else None) == last_year
    assert of.compared(Against.BEFORE) == of.before()
    assert of.compared(Against.LAST_YEAR) == found


@given(days, st.sampled_from([Kind.WEEK, Kind.MONTH, Kind.TERTIAL]))
def test_periods_of_a_kind_follow_upon_one_another(day: date, kind: Kind) -> None:
    read = {Kind.WEEK: period.week, Kind.MONTH: period.month, Kind.TERTIAL: period.tertial}[kind]
    name = {
        Kind.WEEK: f"{day.isocalendar().year}-W{day.isocalendar().week:02d}",
        Kind.MONTH: f"{day:%Y-%m}",
        Kind.TERTIAL: f"{day.year}-T{(day.month - 1) // 4 + 1}",
    }[kind]
    of = read(name)
    assert of.since <= day < of.until
    assert of.before().until == of.since
    assert of.name == name
    assert of.days == (of.until - of.since).days


def test_a_period_begins_and_ends_at_midnight_in_sweden() -> None:
    of = period.week("2026-W47")
    check_begun(of, datetime(2026, 11, 15, 23, 0, tzinfo=UTC))
    with pytest.raises(ConfigurationError, match="has not begun"):
        check_begun(of, datetime(2026, 11, 15, 22, 59, tzinfo=UTC))
    assert not of.over(datetime(2026, 11, 22, 22, 59, tzinfo=UTC))
    assert of.over(datetime(2026, 11, 22, 23, 0, tzinfo=UTC))
