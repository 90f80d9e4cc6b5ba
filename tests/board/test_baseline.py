"""Today against a usual day: which days compare, by the local clock, and the median."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from dashboards.board.baseline import Usual, compare, read_usual
from schemas.catalogue import Catalogue, load_catalogue
from schemas.timebase import day_start
from tests.board.fakes import FakeStore

CATALOGUE = load_catalogue()
TUESDAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 12, 41, tzinfo=UTC)


def test_comparable_days_are_ordinary_and_of_the_same_weekday() -> None:
    days = CATALOGUE.comparable_days(date(2026, 5, 7))  # a Thursday after Easter and before Ascension
    assert days[:2] == [date(2026, 4, 30) - timedelta(weeks=1), date(2026, 4, 16)]
    assert date(2026, 4, 30) not in days  # Valborgsmässoafton
    assert date(2026, 4, 2) not in days  # Skärtorsdagen
    assert all(day.weekday() == 3 for day in days)


def test_a_special_day_compares_with_nothing() -> None:
    assert CATALOGUE.comparable_days(date(2026, 4, 30)) == []
    assert CATALOGUE.comparable_days(date(2026, 11, 22)) == []  # a Sunday


def test_days_without_contacts_say_nothing_and_eight_days_are_enough() -> None:
    store = FakeStore()
    for weeks in range(1, 14):
        contacts = weeks if weeks != 2 else 0  # a row of zeros: its contacts have been corrected away
        store.add(day_start(TUESDAY - timedelta(weeks=weeks)) + timedelta(hours=9), offered=contacts)
    usual = read_usual(store, CATALOGUE, TUESDAY)
    assert [day for day, _ in usual.days] == [TUESDAY - timedelta(weeks=w) for w in (1, 3, 4, 5, 6, 7, 8, 9)]
    assert usual.at(time(9)) == median([1, 3, 4, 5, 6, 7, 8, 9])
    assert usual.at(time(10)) == 0
    assert usual.until(time(9)) == (0, 0, 0)
    assert usual.until(time(9, 15)) == (5.5, 1, 9)


def test_quarters_compare_by_the_local_clock_over_a_change_to_winter_time() -> None:
    store = FakeStore()
    store.add(datetime(2026, 10, 20, 7, 0, tzinfo=UTC), offered=4)  # 09.00 in summer time
    store.add(datetime(2026, 10, 27, 8, 0, tzinfo=UTC), offered=6)  # 09.00 in winter time
    usual = read_usual(store, CATALOGUE, date(2026, 11, 3))
    assert usual.at(time(9)) == 5


def test_no_days_is_no_comparison() -> None:
    usual = read_usual(FakeStore(), CATALOGUE, TUESDAY)
    assert usual == Usual()
    today = compare([], usual, CATALOGUE, NOW)
    assert today.usual is None
    assert all(quarter.usual is None for quarter in today.quarters)


def test_the_chart_spans_opening_hours_and_an_hour_around_also_when_closed() -> None:
    for now in (NOW, datetime(2026, 11, 22, 12, 0, tzinfo=UTC)):
        quarters = compare([], Usual(), CATALOGUE, now).quarters
        assert len(quarters) == 40
        assert quarters[0].start.hour == 6  # 07.00 in Sweden


@given(st.dictionaries(st.integers(0, 95), st.integers(1, 9)), st.integers(0, 24 * 60 - 1))
def test_every_contact_of_a_full_quarter_is_in_the_chart_or_outside_it(
    contacts: dict[int, int], minute: int
) -> None:
    begin = day_start(TUESDAY)
    now = begin + timedelta(minutes=minute)
    windows = [
        (begin + timedelta(minutes=15 * quarter), {"telephone": n - n // 3, "email": n // 3})
        for quarter, n in contacts.items()
    ]
    today = compare(windows, Usual(), CATALOGUE, now)
    shown = sum(quarter.contacts or 0 for quarter in today.quarters)
    assert shown + today.outside == today.contacts
    assert today.contacts == sum(n for quarter, n in contacts.items() if 15 * (quarter + 1) <= minute)
    assert all((quarter.contacts is None) == (quarter.start >= today.until) for quarter in today.quarters)


def test_a_closed_weekday_in_the_catalogue_is_not_ordinary(catalogue: Catalogue) -> None:
    assert not catalogue.is_ordinary(date(2026, 12, 24))
