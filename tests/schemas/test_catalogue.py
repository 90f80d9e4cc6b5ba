"""The catalogue: shipped, checked, and its calendar held against a well-kept one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import holidays
import pytest
from hypothesis import given

from schemas.catalogue import UNKNOWN_UNIT, Catalogue, DayKind, load_catalogue
from schemas.errors import ConfigurationError
from schemas.timebase import STOCKHOLM, local_day
from tests.histories import instants

CATALOGUE = load_catalogue()
YEARS = range(2024, 2033)


def local(text: str) -> datetime:
    """Return a local time as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM).astimezone(UTC)


def swedish(*categories: str) -> set[date]:
    """Return Sweden's special days by an independent library."""
    return set(holidays.country_holidays("SE", years=YEARS, categories=categories, include_sundays=False))


def test_closed_days_are_public_holidays_and_the_three_eves_that_everybody_takes() -> None:
    closed = {day for day, special in CATALOGUE.days.items() if special.kind is DayKind.CLOSED}
    assert closed == swedish("public", "de_facto")


def test_days_that_are_no_baseline_are_half_days_and_squeeze_days() -> None:
    other = {day for day, special in CATALOGUE.days.items() if special.kind is not DayKind.CLOSED}
    assert other == swedish("optional") - swedish("public", "de_facto")


@pytest.mark.parametrize(
    ("arrived", "due"),
    [
        ("2026-11-20 16:50", "2026-11-24 08:00"),  # Friday evening counts as Monday 08:00
        ("2026-11-20 10:15", "2026-11-23 10:15"),  # Friday in hours: same time on Monday
        ("2026-11-23 03:00", "2026-11-24 08:00"),
        ("2026-11-23 15:59", "2026-11-24 15:59"),
        ("2026-11-23 16:00", "2026-11-25 08:00"),  # at closing it is too late
        ("2026-12-23 12:00", "2026-12-28 12:00"),  # over Christmas
        ("2026-06-18 09:30", "2026-06-22 09:30"),  # over Midsummer
        ("2026-03-27 13:00", "2026-03-30 13:00"),  # over the spring change of the clock
    ],
)
def test_a_mail_is_due_at_the_same_time_of_the_next_working_day(arrived: str, due: str) -> None:
    """CORRECTIONS 30."""
    assert CATALOGUE.due_within_working_day(local(arrived)) == local(due)


@given(instants(2024, 2031))
def test_due_is_in_opening_hours_and_after_arrival(arrived: datetime) -> None:
    due = CATALOGUE.due_within_working_day(arrived)
    opening = CATALOGUE.opening(local_day(due))
    assert opening is not None
    assert opening[0] <= due <= opening[1]
    assert timedelta(0) < due - arrived < timedelta(days=12)


def test_days_with_23_and_25_hours_keep_their_opening_hours() -> None:
    hours = {"sunday": ("08:00", "16:00")}
    catalogue = Catalogue.model_validate({"version": 1, "areas": {}, "topics": {}, "hours": hours})
    for day in (date(2026, 3, 29), date(2026, 10, 25)):
        opening = catalogue.opening(day)
        assert opening is not None
        assert [at.astimezone(STOCKHOLM).hour for at in opening] == [8, 16]


def test_extensions_find_their_unit_by_the_longest_prefix() -> None:
    assert CATALOGUE.unit_of_extension("3105") == (False, "utbildning")
    assert CATALOGUE.unit_of_extension("2003") == (True, "")
    assert CATALOGUE.unit_of_extension("999") == (False, UNKNOWN_UNIT)


def test_every_topic_of_a_resident_has_a_mandate() -> None:
    for topic in CATALOGUE.topics.values():
        assert topic.internal or topic.mandate_on(date(2026, 11, 24)) is not None
        assert topic.mandate_on(date(2023, 12, 31)) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = 1\nareas = {}\n[topics.x]\nlabel = 'X'\narea = 'nope'\n[hours]", "topics.x.area"),
        ("version = 1\nareas = {}\ntopics = {}\n[hours]\nmonday = ['16:00', '08:00']", "opens at"),
        ("version = 1\nareas = {}\ntopics = {}\n[hours]\nmandag = ['08:00', '16:00']", "not a weekday"),
        ("version = 1\nareas = {}\ntopics = {}\nhours = {}", "at least one weekday"),
        (
            "version = 1\nnonsense = 1\nareas = {}\ntopics = {}\n[hours]\nmonday = ['08:00', '16:00']",
            "nonsense",
        ),
        ("version =", "not valid TOML"),
    ],
)
def test_a_faulty_catalogue_says_where_and_what(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said) as raised:
        load_catalogue(path)
    assert str(path) in str(raised.value)


def test_a_missing_catalogue_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be read"):
        load_catalogue(tmp_path / "none.toml")
