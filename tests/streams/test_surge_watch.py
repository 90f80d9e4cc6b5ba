"""The surge watch on the engine: events in, surges in the store; again it writes nothing new."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.catalogue import load_catalogue
from schemas.clickhouse.database import Database
from schemas.clickhouse.queries import Query
from schemas.clickhouse.tables import Table
from schemas.events import Event
from streams.surges import TOTAL, SurgeWatch
from tests.histories import event
from tests.services.clickhouse import clickhouse
from tests.streams.test_rebuild import Installed, installed

__all__ = ["clickhouse", "installed"]

pytestmark = pytest.mark.integration

TUESDAY = datetime(2026, 10, 20, 7, 0, tzinfo=UTC)
"""Nine in the morning, in summer time; the last Tuesdays are in winter time."""
WEEKS = 5


def nine(week: int) -> datetime:
    """Return nine o'clock, local time, of a Tuesday."""
    winter = timedelta(hours=1) if week > 0 else timedelta(0)
    return TUESDAY + timedelta(weeks=week) + winter


def calls(week: int, first: int, many: int, topic: str | None = None) -> list[Event]:
    """Return so many calls from nine o'clock on, evenly over an hour, and what they were about."""
    events: list[Event] = []
    for number in range(many):
        at, leg = nine(week) + number * timedelta(hours=1) / many, f"pbx1:{week}.{first + number}"
        events.append(event("contact.queued", leg, at, channel="telephone", queue="kommuncenter"))
        if topic:
            said = {"channel": "telephone", "errand": "e1", "topic": topic, "outcome": "resolved"}
            events.append(event("errand.registered", leg, at + timedelta(minutes=2), "desk", **said))
    return events


def test_a_surge_is_written_once_with_its_topic_and_its_end(installed: Installed) -> None:
    usual = [e for week in range(WEEKS) for e in calls(week, 0, 4)]
    leak = [*calls(WEEKS, 0, 4), *calls(WEEKS, 100, 40, "va-avfall")]
    colleagues = calls(WEEKS, 200, 20, "siths-kort")
    installed.take([*usual, *leak, *colleagues], nine(WEEKS) + timedelta(minutes=62))
    watch = SurgeWatch(installed.database, load_catalogue(), installed.clock)
    found = {noticed.topic: noticed for noticed in watch.look()}
    assert set(found) == {TOTAL, "va-avfall"}
    total = found[TOTAL]
    assert (total.since, total.noticed_at) == (nine(WEEKS), nine(WEEKS) + timedelta(minutes=15))
    assert (total.contacts, total.over) == (64, False)
    assert found["va-avfall"].since == nine(WEEKS)
    written = rows(installed)
    watch.look()
    assert rows(installed) == written
    installed.clock.at = nine(WEEKS) + timedelta(hours=3)
    assert all(noticed.over for noticed in watch.look())
    assert [row[:2] for row in rows(installed)] == [row[:2] for row in written]
    assert all(row[2] for row in rows(installed))


def test_a_usual_day_a_special_day_and_an_empty_store_have_none(installed: Installed) -> None:
    watch = SurgeWatch(installed.database, load_catalogue(), installed.clock)
    assert watch.look() == []
    installed.take(
        [e for week in range(WEEKS) for e in calls(week, 0, 4)], nine(WEEKS - 1) + timedelta(hours=2)
    )
    assert watch.look() == []
    installed.clock.at = datetime(2026, 12, 24, 12, 0, tzinfo=UTC)
    assert watch.look() == []


class Counting:
    """The store, and how many events' worth of past days it was asked for."""

    def __init__(self, database: Database) -> None:
        self._database, self.asked = database, 0

    def rows(self, query: Query) -> Sequence[Sequence[Any]]:
        """Answer, and count what asks for a past day."""
        until = query.parameters.get("until")
        self.asked += isinstance(until, datetime) and until.year < 2100
        return self._database.rows(query)

    def insert(self, table: Table, columns: Sequence[Sequence[Any]]) -> None:
        """Insert."""
        self._database.insert(table, columns)


def test_past_days_are_read_now_and_then_and_today_at_every_look(installed: Installed) -> None:
    usual = [e for week in range(WEEKS) for e in calls(week, 0, 4, "turism")]
    installed.take(usual, nine(WEEKS) + timedelta(minutes=2))
    store = Counting(installed.database)
    watch = SurgeWatch(store, load_catalogue(), installed.clock)
    assert [watch.look() for _ in range(5)] == [[]] * 5
    assert store.asked == 2, "arrivals and registrations, once"
    installed.take(calls(WEEKS, 100, 40, "va-avfall"), nine(WEEKS) + timedelta(minutes=62))
    assert {noticed.topic for noticed in watch.look()} == {TOTAL, "va-avfall"}
    assert store.asked == 4, "after a quarter of an hour once more"
    installed.clock.at = nine(WEEKS) + timedelta(days=1)
    watch.look()
    assert store.asked == 6, "another day has another past"


def test_an_errand_that_is_registered_again_today_counts_on_the_day_of_the_first_time(
    installed: Installed,
) -> None:
    usual = [e for week in range(WEEKS) for e in calls(week, 0, 4, "turism")]
    said = {"channel": "telephone", "errand": "e1", "topic": "va-avfall", "outcome": "resolved"}
    again = [
        event("errand.registered", f"pbx1:{week}.{n}", nine(WEEKS) + timedelta(minutes=1), "desk", **said)
        for week in range(WEEKS)
        for n in range(4)
    ]
    installed.take([*usual, *again], nine(WEEKS) + timedelta(minutes=40))
    assert SurgeWatch(installed.database, load_catalogue(), installed.clock).look() == []


def rows(installed: Installed) -> list[tuple[object, ...]]:
    """Return what is written of surges."""
    sql = "SELECT topic, since, over, recorded_at FROM surges FINAL ORDER BY topic"
    return [tuple(row) for row in installed.database.rows(Query(sql))]
