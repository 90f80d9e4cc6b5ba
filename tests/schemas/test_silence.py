"""Silent sources: the query against plain Python, and what counts as a silence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from kommuncenter.database import ClickHouseDatabase
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from schemas.catalogue import load_catalogue
from schemas.clickhouse.queries import GRAFANA
from schemas.clickhouse.silence import SilenceRule, SourceStatus, source_status_query
from schemas.clickhouse.tables import EVENTS, SOURCE_HEALTH, Table
from schemas.timebase import STOCKHOLM, day_start
from tests.health import health_row
from tests.schemas.silence_oracle import Arrivals
from tests.services.clickhouse import clickhouse, migrated

__all__ = ["clickhouse"]

pytestmark = pytest.mark.integration

CATALOGUE = load_catalogue()
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
RULE = SilenceRule()


@pytest.fixture(scope="module")
def database(clickhouse: EmbeddedClickHouse) -> Iterator[ClickHouseDatabase]:
    """A migrated database of its own; each test has sources of its own in it."""
    with migrated(clickhouse) as found:
        yield found


def local(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=STOCKHOLM).astimezone(UTC)


def insert(database: ClickHouseDatabase, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    database.insert(table, [list(column) for column in zip(*rows, strict=True)])


def parts(at: datetime) -> list[datetime]:
    """Return when the three events of a call that began at an instant are."""
    return [at, at + 40 * SECOND, at + 80 * SECOND]


def archive(database: ClickHouseDatabase, source: str, instants: Sequence[datetime]) -> None:
    """Archive a call of three events from each instant on, each written twice."""
    rows = []
    for number, begun_at in enumerate(instants):
        leg = f"{source}:{number}"
        for kind, at in zip(("queued", "answered", "ended"), parts(begun_at), strict=True):
            event = (0, at, leg, f"{leg}:{kind}", f"kommuncenter.contact.{kind}", source, "{}", 1, 0, at)
            rows += [event, event]
    insert(database, EVENTS, rows)


def report(database: ClickHouseDatabase, source: str, at: datetime, **told: Any) -> None:
    """Write what a source reports."""
    insert(database, SOURCE_HEALTH, [health_row(source, at, **told)])


def status(
    database: ClickHouseDatabase, source: str, now: datetime, rule: SilenceRule = RULE
) -> dict[str, Any]:
    """Return what the query says of a source."""
    rows = database.rows(source_status_query(now, CATALOGUE, rule))
    return next(asdict(SourceStatus(*row)) for row in rows if row[0] == source)


def busy_days(first: date, weeks: int, rng: Random, per_hour: float = 24.0) -> list[datetime]:
    """Return arrivals in the opening hours of so many weeks."""
    arrivals = []
    for back in range(weeks * 7):
        hours = CATALOGUE.opening(first + timedelta(days=back))
        if hours is None:
            continue
        at = hours[0]
        while (at := at + HOUR * rng.expovariate(per_hour)) < hours[1]:
            arrivals.append(at.replace(microsecond=0))
    return arrivals


MONDAY = date(2026, 9, 7)
"""Nine weeks without a special day begin here, over the end of summer time."""
TEN = local(MONDAY + timedelta(weeks=8), 10)


def test_the_query_says_what_plain_python_says(database: ClickHouseDatabase) -> None:
    """Many sources, each with another rhythm, looked at within special days, weekends and time changes."""
    rng = Random(20261124)
    begun: dict[str, list[datetime]] = {}
    for number, first in enumerate([date(2026, 2, 2), date(2026, 3, 9), MONDAY, date(2026, 10, 26)]):
        source = f"oracle{number}"
        arrivals = busy_days(first, 9 + number, rng, per_hour=rng.choice([2.0, 20.0, 60.0]))
        at = day_start(first)
        for _ in range(200):  # and some at any hour, as mail comes
            at += HOUR * rng.expovariate(0.2)
            arrivals.append(at.replace(microsecond=0))
        begun[source] = arrivals
        archive(database, source, arrivals)
    judged = set()
    for source, arrivals in begun.items():
        for _ in range(15):
            last = rng.choice(arrivals) + 80 * SECOND
            now = last + rng.choice([MINUTE, HOUR, 24 * HOUR]) * rng.uniform(0, 8)
            known = [at for at in arrivals if at <= now]
            heard = max(part for at in known for part in parts(at) if part <= now)
            report(database, source, now)
            oracle = Arrivals.of(CATALOGUE, known)
            found = status(database, source, now)
            assert found["heard_at"] == heard
            assert (found["expected"] or 0.0) == pytest.approx(oracle.expected(heard, now), abs=1e-4)
            assert (found["usual"] or 0.0) == pytest.approx(oracle.usual(heard, now), abs=1e-6)
            silent = oracle.silent(heard, now, RULE)
            assert (found["verdict"] == "silent") == silent
            judged.add(silent)
    assert judged == {True, False}


def every(gap: timedelta, first: date, weeks: int, until: datetime) -> list[datetime]:
    """Return arrivals in opening hours, as regular as a clock."""
    arrivals = []
    for ahead in range(7 * weeks + 1):
        hours = CATALOGUE.opening(first + timedelta(days=ahead))
        at = hours[0] if hours else until
        while hours and at < min(hours[1], until):
            arrivals.append(at)
            at += gap
    return arrivals


def telephony(database: ClickHouseDatabase, name: str, until: datetime) -> datetime:
    """Archive eight weeks with a call every two minutes, up to an instant; return when the last one ended."""
    calls = every(2 * MINUTE, (until - timedelta(weeks=8)).date(), 8, until - 2 * MINUTE)
    archive(database, name, calls)
    return calls[-1] + 80 * SECOND


def verdict(database: ClickHouseDatabase, name: str, now: datetime) -> str:
    """Report that the source is being read, and return what is said of it."""
    report(database, name, now, last_read_at=now)
    return str(status(database, name, now)["verdict"])


def test_twenty_minutes_without_a_call_on_monday_at_ten_is_a_silence(database: ClickHouseDatabase) -> None:
    ended = telephony(database, "monday", TEN)
    assert verdict(database, "monday", ended + 16 * MINUTE) == "working"
    assert verdict(database, "monday", ended + 20 * MINUTE) == "silent"
    found = status(database, "monday", ended + 20 * MINUTE)
    assert found["expected"] == pytest.approx(10, abs=1)
    assert found["usual"] == 30


def test_the_chance_and_the_floor_can_be_set(database: ClickHouseDatabase) -> None:
    ended = telephony(database, "settable", TEN)
    now = ended + 12 * MINUTE
    report(database, "settable", now)
    assert status(database, "settable", now, SilenceRule(chance=0.01))["verdict"] == "silent"
    assert (
        status(database, "settable", now, SilenceRule(chance=0.01, floor=13 * MINUTE))["verdict"] == "working"
    )


def test_evenings_and_weekends_are_no_silence_but_half_an_hour_of_monday_is(
    database: ClickHouseDatabase,
) -> None:
    monday = MONDAY + timedelta(weeks=8)
    telephony(database, "weekend", local(monday - timedelta(days=3), 16))
    assert verdict(database, "weekend", local(monday, 8, 10)) == "working"
    assert verdict(database, "weekend", local(monday, 8, 30)) == "silent"


def test_a_holiday_is_a_sunday_and_an_eve_takes_twice_as_long(database: ClickHouseDatabase) -> None:
    eve, epiphany, wednesday = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)
    ended = telephony(database, "epiphany", local(eve, 10))
    assert verdict(database, "epiphany", ended + 30 * MINUTE) == "working"
    assert verdict(database, "epiphany", ended + 38 * MINUTE) == "silent"
    telephony(database, "closed", local(eve, 16))
    assert verdict(database, "closed", local(epiphany, 15)) == "working"
    assert verdict(database, "closed", local(wednesday, 8, 30)) == "silent"


def test_an_export_a_day_is_one_sign_however_much_it_holds(database: ClickHouseDatabase) -> None:
    """Forty snapshots of one instant: a day without them is no alarm, two weeks are."""
    instants = [local(MONDAY + timedelta(days=day), 6) for day in range(56)]
    archive(database, "export", [at for at in instants for _ in range(40)])
    assert verdict(database, "export", instants[-1] + timedelta(days=2)) == "working"
    assert verdict(database, "export", instants[-1] + timedelta(days=11)) == "silent"


def test_a_source_that_never_gave_anything_is_silent_and_a_new_one_is_not_judged_yet(
    database: ClickHouseDatabase,
) -> None:
    report(database, "never", TEN)
    assert verdict(database, "never", TEN + 9 * MINUTE) == "working"
    assert verdict(database, "never", TEN + 10 * MINUTE) == "silent"
    archive(database, "new", [TEN])
    assert verdict(database, "new", TEN + 50 * HOUR) == "working"
    found = status(database, "new", TEN + 50 * HOUR)
    assert (found["expected"], found["usual"]) == (None, None)


def test_after_eight_weeks_of_silence_nobody_knows_the_rhythm_but_it_is_still_one(
    database: ClickHouseDatabase,
) -> None:
    ended = telephony(database, "forgotten", TEN)
    for weeks in (1, 7, 9, 15, 20):
        report(database, "forgotten", ended + timedelta(weeks=weeks) - HOUR)
        assert verdict(database, "forgotten", ended + timedelta(weeks=weeks)) == "silent"


def test_a_clock_that_is_an_hour_late_is_no_silence(database: ClickHouseDatabase) -> None:
    telephony(database, "late", TEN - HOUR)
    report(database, "late", TEN, last_event_at=TEN - HOUR, last_sent_at=TEN - MINUTE)
    found = status(database, "late", TEN)
    assert (found["verdict"], found["heard_at"]) == ("working", TEN - MINUTE)


def test_a_clock_that_is_ahead_does_not_hide_a_silence_for_long(database: ClickHouseDatabase) -> None:
    telephony(database, "ahead", TEN)
    report(database, "ahead", TEN, last_event_at=TEN + HOUR)
    assert status(database, "ahead", TEN)["heard_at"] == TEN
    assert verdict(database, "ahead", TEN + 90 * MINUTE) == "silent"


@pytest.mark.parametrize(
    ("state", "seen", "read", "expected"),
    [
        ("reading", 9 * MINUTE, 30 * MINUTE, "working"),
        ("reading", 11 * MINUTE, 11 * MINUTE, "unread"),
        ("waiting", MINUTE, 9 * MINUTE, "working"),
        ("waiting", MINUTE, 11 * MINUTE, "unread"),
        ("stopped", 11 * MINUTE, 11 * MINUTE, "unread"),
    ],
)
def test_a_reader_that_is_dead_or_waits_for_long_does_not_read(
    database: ClickHouseDatabase, state: str, seen: timedelta, read: timedelta, expected: str
) -> None:
    name = f"reader-{state}-{seen.seconds}-{read.seconds}"
    archive(database, name, [TEN])
    now = TEN + HOUR
    report(database, name, now - seen, state=state, reason="the broker is away", last_read_at=now - read)
    found = status(database, name, now)
    assert (found["verdict"], found["state"], found["reason"]) == (expected, state, "the broker is away")


def test_a_report_is_told_as_it_was_last_made(database: ClickHouseDatabase) -> None:
    report(database, "told", TEN, last_event_at=TEN, lag=7, lag_unit="bytes", published=9, gaps=1)
    report(database, "told", TEN + MINUTE, published=1, rejected=2)
    found = status(database, "told", TEN + MINUTE)
    told = {"lag": None, "lag_unit": "", "published": 1, "rejected": 2, "gaps": 0, "last_event_at": TEN}
    assert {name: found[name] for name in told} == told


def test_grafana_asks_the_same_at_the_stores_clock(database: ClickHouseDatabase) -> None:
    now = datetime.now(UTC)
    telephony(database, "live", now)
    report(database, "live", now)
    at = now + SECOND
    there = {row[0]: row for row in database.rows(source_status_query(GRAFANA, CATALOGUE))}["live"]
    here = {row[0]: row for row in database.rows(source_status_query(at, CATALOGUE))}["live"]
    assert there[:8] == here[:8]
