"""The picture: each figure by hand, what is preliminary, and nothing from the future."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dashboards.board.periods import Period
from dashboards.board.picture import SHOWN, Picture, read_picture
from schemas.catalogue import Catalogue
from schemas.metrics import METRICS
from tests.board.days import NOW, furnished
from tests.board.fakes import FakeStore, OpenContact

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def read(
    store: FakeStore, catalogue: Catalogue, period: Period = Period.TODAY, now: datetime = NOW
) -> Picture:
    return read_picture(store, catalogue, now, period)


def test_an_empty_store_gives_dashes_and_no_shares(catalogue: Catalogue) -> None:
    picture = read(FakeStore(), catalogue)
    assert {name for name, figure in picture.figures.items() if figure.share} == set()
    assert picture.figures["service_level"].value is None
    assert [queue.waiting for queue in picture.waiting] == [0, 0]
    assert [channel.share for channel in picture.channels] == [None, None, None]
    assert picture.units == ()
    assert picture.sources == ()


def test_service_level_of_the_worked_example(catalogue: Catalogue) -> None:
    """80 in time, 15 long, 5 short abandons: 84.2 % (CORRECTIONS 21)."""
    store = FakeStore()
    store.add(NOW - HOUR, calls_answered=95, answered_in_target=80, offered=100, short_abandoned=5)
    figure = read(store, catalogue).figures["service_level"]
    assert (figure.hits, figure.n) == (80, 95)
    assert figure.value == pytest.approx(0.842, abs=0.0005)


def test_mail_falling_due_later_is_in_no_period(catalogue: Catalogue) -> None:
    store = FakeStore()
    for due in (NOW - HOUR, NOW, NOW + HOUR, NOW + DAY, NOW - DAY):
        store.add(due, "email", mail_due=1)
    assert read(store, catalogue).figures["mail_in_time"].n == 1
    assert read(store, catalogue, Period.WEEK).figures["mail_in_time"].n == 2
    assert read(store, catalogue, Period.LAST_WEEK).figures["mail_in_time"].n == 0
    later = NOW + timedelta(minutes=15)  # the window that held NOW has passed
    assert read(store, catalogue, now=later).figures["mail_in_time"].n == 2


def test_a_week_is_its_days_and_today_so_far(store: FakeStore, catalogue: Catalogue) -> None:
    today, week = (read(store, catalogue, period) for period in (Period.TODAY, Period.WEEK))
    monday = read(store, catalogue, now=NOW.replace(day=23, hour=22, minute=59))
    for name in ("offered", "errands", "handovers"):
        assert week.figures[name].hits == today.figures[name].hits + monday.figures[name].hits
    assert sum(unit.handovers for unit in week.units) == week.figures["handovers"].hits


def test_the_gauge_steps_and_leaves_out_what_is_stale(catalogue: Catalogue) -> None:
    store = FakeStore()
    ages = (7, 74.9, 2 * 3600 + 1, -30)
    store.open = [OpenContact("telephone", NOW - timedelta(seconds=age)) for age in ages]
    telephone, visit = read(store, catalogue).waiting
    assert (telephone.waiting, telephone.longest_s, telephone.stale) == (2, 70, 1)
    assert (visit.waiting, visit.longest_s, visit.stale) == (0, 0, 0)


def test_channels_sum_to_all_errands_and_an_unknown_one_has_its_own_row(catalogue: Catalogue) -> None:
    store = FakeStore()
    for channel, errands in (("telephone", 81), ("email", 12), ("visit", 6), ("unknown", 1)):
        store.add(NOW - HOUR, channel, "kommun-politik", "ekonomi", errands=errands)
    channels = read(store, catalogue).channels
    assert [c.share.value for c in channels if c.share] == [0.81, 0.12, 0.06, 0.01]
    assert [c.goal for c in channels] == [0.81, 0.12, 0.07, None]


def test_units_are_named_and_sorted(catalogue: Catalogue) -> None:
    store = FakeStore()
    for unit, n in (("energi", 1), ("okand", 2), ("omsorg", 5)):
        store.add(NOW - HOUR, "telephone", "", "", unit, handovers=n, handovers_blind=n)
    units = read(store, catalogue).units
    assert [(u.label, u.handovers) for u in units] == [
        ("Social- och omsorgsförvaltningen", 5),
        ("Okänd enhet", 2),
        ("Oxelö Energi", 1),
    ]
    assert sum(u.share for u in units) == pytest.approx(1)


@pytest.mark.parametrize(
    ("period", "now", "fcr", "resolved"),
    [
        (Period.TODAY, NOW, True, True),
        (Period.TODAY, NOW + 3 * HOUR, True, False),  # after closing no registration is waited for
        (Period.LAST_WEEK, NOW, True, False),
    ],
)
def test_what_is_preliminary(
    catalogue: Catalogue, period: Period, now: datetime, fcr: bool, resolved: bool
) -> None:
    picture = read(FakeStore(), catalogue, period, now)
    assert picture.figures["fcr_final_7d"].preliminary is fcr
    assert picture.figures["resolved_in_centre"].preliminary is resolved
    assert not picture.figures["service_level"].preliminary


def test_the_final_week_is_the_one_before_last(catalogue: Catalogue) -> None:
    store = FakeStore()
    store.add(datetime(2026, 11, 12, 9, tzinfo=UTC), errands=10, fcr_final_7d=6)
    picture = read(store, catalogue)
    assert picture.final_week == "2026-W46"
    assert (picture.final.hits, picture.final.n) == (6, 10)


def test_pictures_are_equal_when_a_reader_sees_the_same(catalogue: Catalogue) -> None:
    store = furnished(catalogue)
    store.open = []
    first, second = (read(store, catalogue, now=NOW + timedelta(seconds=s)) for s in (0, 1))
    assert first == second
    store.add(NOW - HOUR, offered=1)
    assert read(store, catalogue) != first


def test_all_figures_come_from_the_registry() -> None:
    assert set(SHOWN) <= set(METRICS)


def test_rejected_records_are_counted_over_the_period(catalogue: Catalogue) -> None:
    store = FakeStore(letters=[("pbx1", "unreadable", NOW - HOUR), ("kommun", "too_large", NOW - DAY)])
    assert read(store, catalogue).rejected == 1
    assert read(store, catalogue, Period.WEEK).rejected == 2
    assert read(store, catalogue, Period.LAST_WEEK).rejected == 0
