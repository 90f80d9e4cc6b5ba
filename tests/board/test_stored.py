"""The picture out of the real store: the same as out of the rows in memory, and after running the core."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from dashboards.board.app import board_app
from dashboards.board.periods import Period
from dashboards.board.picture import read_picture
from dashboards.board.reading import SourceReport, read_sources
from kommuncenter.database import ClickHouseDatabase
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from schemas.catalogue import Catalogue
from schemas.clickhouse.queries import HEALTH_DAYS
from schemas.clickhouse.tables import (
    DEAD_LETTERS,
    SERVICE_DAYS,
    SERVICE_WINDOWS,
    SOURCE_HEALTH,
    SURGES,
)
from schemas.events import Event
from schemas.identity import stable_hash
from schemas.measures import MEASURE_NAMES
from schemas.timebase import local_day
from streams.core.rules import Rules
from streams.core.stage1 import Stage1
from streams.core.stage2 import Stage2
from streams.sink import BEGINNING, ClickHouseStore
from tests.board.asking import Visiting
from tests.board.days import NOW, furnished
from tests.board.fakes import FakeStore, FixedClock, Key
from tests.health import health_row
from tests.histories import event, party
from tests.services.clickhouse import migrated

pytestmark = pytest.mark.integration


@pytest.fixture
def database(clickhouse: EmbeddedClickHouse) -> Iterator[ClickHouseDatabase]:
    """A migrated database of its own."""
    with migrated(clickhouse) as found:
        yield found


def fill(database: ClickHouseDatabase, store: FakeStore) -> None:
    """Write the rows of a store in memory, spread over two partitions, each once before with other values."""
    days: dict[tuple[object, ...], tuple[dict[str, int], dict[int, int]]] = {}
    for key, row in store.rows_.items():
        sums, waits = days.setdefault((local_day(key[0]), *key[1:]), ({}, {}))
        for name, amount in row.items():
            sums[name] = sums.get(name, 0) + amount
        for index, calls in store.waits[key].items():
            waits[index] = waits.get(index, 0) + calls
    windows: dict[tuple[object, ...], tuple[dict[str, int], dict[int, int]]] = {
        key: (row, store.waits[key]) for key, row in store.rows_.items()
    }
    for revision, factor in ((1, 5), (2, 1)):
        for table, rows in ((SERVICE_WINDOWS, windows), (SERVICE_DAYS, days)):
            written = [
                (
                    key[0],
                    number % 2,
                    *key[1:],
                    revision,
                    *(factor * sums.get(name, 0) for name in MEASURE_NAMES),
                    {index: factor * calls for index, calls in waits.items()},
                )
                for number, (key, (sums, waits)) in enumerate(rows.items())
            ]
            database.insert(table, [list(column) for column in zip(*written, strict=True)])
    letters = [
        (f"{n:032x}", i, "1", why, "", "0" * 64, 1, at, "record", "")
        for n, (i, why, at) in enumerate(store.letters)
    ]
    database.insert(DEAD_LETTERS, [list(column) for column in zip(*letters, strict=True)])
    health = [
        health_row(name, at, last_event_at=event_at, last_read_at=read_at)
        for name, at, event_at, read_at in store.sources
    ]
    database.insert(SOURCE_HEALTH, [list(column) for column in zip(*health, strict=True)])


def test_the_store_gives_the_picture_that_its_rows_amount_to(
    database: ClickHouseDatabase, catalogue: Catalogue
) -> None:
    store = furnished(catalogue, weeks=10)
    store.open = []
    store.sources.append(("stilla", NOW - timedelta(days=2), None, None))
    late: Key = (datetime(2026, 11, 23, 23, 0, tzinfo=UTC), "email", "", "", "")  # midnight in Sweden
    store.rows_[late], store.waits[late] = {"offered": 7, "contacts": 7}, {}
    fill(database, store)
    for period in Period:
        expected = read_picture(store, catalogue, NOW, period)
        assert read_picture(database, catalogue, NOW, period) == expected
        assert expected.figures["errands"].n == 1
        assert expected.figures["errands"].hits > 50


def call(number: int, at: datetime, *, answered: bool, unit: str | None = None) -> list[Event]:
    """Return the events of a call, answered after 20 seconds or still waiting."""
    leg = f"pbx1:{number}"
    base = {"channel": "telephone"}
    events = [event("contact.queued", leg, at, queue="kommuncenter", party=party(number % 4), **base)]
    if answered:
        events.append(event("contact.answered", leg, at + timedelta(seconds=20), **base))
        if unit:
            moved = at + timedelta(seconds=80)
            events.append(event("contact.handed_over", leg, moved, kind="blind", unit=unit, **base))
        events.append(event("contact.ended", leg, at + timedelta(seconds=90), talk_ms=70_000, **base))
    return events


def test_what_the_stream_writes_is_what_the_board_shows(
    database: ClickHouseDatabase, catalogue: Catalogue
) -> None:
    """Events through both stages and the sink; then the gauges and figures by hand."""
    minute = timedelta(minutes=1)
    events = [
        *call(1, NOW - 60 * minute, answered=True),
        *call(2, NOW - 50 * minute, answered=True, unit="energi"),
        *call(3, NOW - timedelta(seconds=75), answered=False),
        *call(4, NOW - 180 * minute, answered=False),
        event("contact.queued", "desk:1", NOW - 4 * minute, "desk", channel="visit", queue="koordinaten"),
    ]
    sink = ClickHouseStore(database, FixedClock(NOW))
    sink.activate(sink.claim([0]).values())
    one = Stage1(partition=0, epoch=1)
    two = Stage2(partition=0, epoch=1, horizon=BEGINNING, rules=Rules(catalogue))
    sink.write({0: two.apply(one.apply(events))})

    picture = read_picture(database, catalogue, NOW, Period.TODAY)
    telephone, visit = picture.waiting
    assert (telephone.waiting, telephone.longest_s, telephone.stale) == (1, 75, 1)
    assert (visit.waiting, visit.longest_s, visit.stale) == (1, 240, 0)
    figures = picture.figures
    assert figures["offered"].hits == 5
    assert (figures["service_level"].hits, figures["service_level"].n) == (2, 2)
    assert (figures["resolved_in_centre"].hits, figures["resolved_in_centre"].n) == (1, 2)
    assert [(unit.unit, unit.handovers, unit.blind) for unit in picture.units] == [("energi", 1, 1)]
    assert picture.waits.mean.value == 20
    assert picture.waits.median_s == 21


def test_a_source_started_again_keeps_its_last_event_and_one_taken_away_goes(
    database: ClickHouseDatabase,
) -> None:
    minute = timedelta(minutes=1)
    long_ago = NOW - timedelta(days=HEALTH_DAYS, minutes=1)
    told = [
        ("pbx1", NOW - 9 * minute, NOW - 10 * minute, NOW - 9 * minute),
        ("pbx1", NOW - minute, None, None),
        ("pbx1", NOW + minute, NOW + minute, NOW + minute),
        ("gammal", long_ago, NOW - timedelta(days=20), None),
    ]
    rows = [health_row(name, at, last_event_at=event, last_read_at=read) for name, at, event, read in told]
    database.insert(SOURCE_HEALTH, [list(column) for column in zip(*rows, strict=True)])
    assert read_sources(database, NOW) == [
        SourceReport("pbx1", NOW - minute, NOW - 10 * minute, NOW - 9 * minute)
    ]


def test_alarms_of_the_real_store(database: ClickHouseDatabase, catalogue: Catalogue) -> None:
    """Surges of today only, at their latest state; mail past its working day that nobody has answered."""
    minute = timedelta(minutes=1)
    since = NOW - 76 * minute
    surges = [
        (since, "va-avfall", since + 30 * minute, NOW - 20 * minute, 18, 3.0, 0, NOW - minute),
        (since, "va-avfall", since + 30 * minute, NOW - 5 * minute, 24, 3.0, 0, NOW),
        (NOW - timedelta(days=1), "", NOW, NOW, 50, 10.0, 1, NOW),
        (NOW + minute, "", NOW, NOW, 50, 10.0, 0, NOW),
    ]
    database.insert(SURGES, [list(column) for column in zip(*surges, strict=True)])
    weeks = timedelta(days=21)
    told = [
        *mail(1, NOW - timedelta(days=4)),
        *mail(2, NOW - timedelta(days=2), replied=True),
        *mail(3, NOW - timedelta(hours=2)),  # falls due tomorrow
        *mail(4, NOW - weeks),  # nobody's work any more
    ]
    sink = ClickHouseStore(database, FixedClock(NOW))
    sink.activate(sink.claim([0]).values())
    two = Stage2(partition=0, epoch=1, horizon=BEGINNING, rules=Rules(catalogue))
    sink.write({0: two.apply(Stage1(partition=0, epoch=1).apply(told))})

    picture = read_picture(database, catalogue, NOW, Period.TODAY)
    [surge] = picture.surges
    assert (surge.label, surge.since, surge.contacts, surge.times) == (
        "Vatten, avlopp och avfall",
        since,
        24,
        8.0,
    )
    overdue = picture.overdue_mail
    due = catalogue.due_within_working_day(NOW - timedelta(days=4))
    assert (overdue.mails, overdue.first_due_at) == (1, due)


def mail(number: int, at: datetime, *, replied: bool = False) -> list[Event]:
    """Return a mail of somebody, and the centre's reply an hour later."""
    asked, reply = stable_hash("mail", str(number), "asked"), stable_hash("mail", str(number), "reply")
    base = {"channel": "email", "mailbox": "kommun", "party": party(number)}
    events = [event("contact.received", f"kommun:{asked}", at, "mail", message=asked, **base)]
    if replied:
        told = {"message": reply, "references": (asked,), **base}
        events.append(event("contact.replied", f"kommun:{reply}", at + timedelta(hours=1), "mail", **told))
    return events


@pytest.mark.parametrize("by", ["", "channel", "topic,unit"])
def test_the_api_answers_from_the_real_store_as_from_the_rows(
    database: ClickHouseDatabase, catalogue: Catalogue, by: str
) -> None:
    store = furnished(catalogue, weeks=2)
    fill(database, store)
    for grain in ("total", "day", "quarter"):
        for name in ("resolved_in_centre", "handovers", "speed_of_answer"):
            path = f"/api/v1/metrics/{name}?first=2026-11-18&last=2026-11-24&grain={grain}&by={by}"
            real, fake = (
                Visiting(board_app(each, FixedClock(NOW), catalogue)).get(path).json()["rows"]
                for each in (database, store)
            )
            assert real
            assert real == fake
