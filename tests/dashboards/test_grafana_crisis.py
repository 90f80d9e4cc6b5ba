"""The panels of a crisis and of single contacts, against the same computed once more in Python."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

import pytest

from dashboards.board.baseline import read_usual
from dashboards.grafana.variables import topic_labels, unit_labels
from kommuncenter.database import ClickHouseDatabase
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from schemas.catalogue import load_catalogue
from schemas.clickhouse.queries import Query
from schemas.clickhouse.rows import MOST_ROWS
from schemas.clickhouse.tables import SURGES
from schemas.metrics import CHANNEL_LABELS
from schemas.timebase import STOCKHOLM, day_start, local_day
from tests.dashboards.filled import Counts, by_channel, local_quarters, put, put_windows
from tests.dashboards.grafana_answers import BOARDS, EVERYTHING, Range, Row, answer, panel_of, sql_of
from tests.dashboards.grafana_macros import expand
from tests.dashboards.test_grafana_figures import crowd, mails_and_visits
from tests.histories import START, event
from tests.services.clickhouse import migrated
from tests.streams.verify.conftest import Installed

pytestmark = pytest.mark.integration

CATALOGUE = load_catalogue()
TOPICS = topic_labels(CATALOGUE)
QUARTER = timedelta(minutes=15)
FIRST, LAST = date(2026, 8, 31), date(2026, 11, 20)
WITHOUT_CONTACTS = date(2026, 11, 6)
"""A Friday on which the exchange was silent: it tells nothing of what is usual."""


@pytest.fixture(scope="module")
def database(clickhouse: EmbeddedClickHouse) -> Iterator[ClickHouseDatabase]:
    """A migrated database."""
    with migrated(clickhouse) as found:
        yield found


# ---- against a usual day -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def offered(database: ClickHouseDatabase) -> Counts:
    """Twelve weeks of contacts per quarter, the end of summer time among them."""
    chance = random.Random(6)
    counts: Counts = Counter()
    for ahead in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=ahead)
        if day.weekday() < 6 and day != WITHOUT_CONTACTS:  # mail comes on Saturdays too
            for window in local_quarters(day):
                counts[window.astimezone(UTC), ""] = chance.randrange(8)
    put_windows(database, "offered", counts)
    return counts


@pytest.fixture(scope="module")
def errands(database: ClickHouseDatabase, offered: Counts) -> Counts:
    """Errands of the same weeks, by topic: rare and frequent ones, and one that surges on the last day."""
    chance = random.Random(7)
    counts: Counts = Counter()
    for (window, _), contacts in offered.items():
        for topic, share in (("va-avfall", 0.3), ("omsorg", 0.1), ("turism", 0.01), ("", 0.2)):
            surging = topic == "va-avfall" and local_day(window) == LAST
            n = sum(chance.random() < share for _ in range(contacts)) + 4 * surging
            if n:
                counts[window, topic] = n
    put_windows(database, "errands", counts)
    return counts


def usual_days(day: date, offered: Counts) -> list[date]:
    """Return the days that one is compared with: the last eight ordinary ones of its weekday."""
    if day in CATALOGUE.days or day.weekday() > 4:
        return []
    known = {local_day(window) for (window, _), n in offered.items() if n}
    back = [day - timedelta(weeks=number) for number in range(1, 27)]
    return [d for d in back if d in known and d not in CATALOGUE.days][:8]


def clock(window: datetime) -> tuple[int, int]:
    local = window.astimezone(STOCKHOLM)
    return local.hour, local.minute


def at_clock(day: date, hour: int, minute: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=STOCKHOLM).astimezone(UTC)


RANGES = {
    "two days": (
        datetime(2026, 11, 19, 0, 0, tzinfo=STOCKHOLM),
        datetime(2026, 11, 20, 14, 10, tzinfo=STOCKHOLM),
    ),
    "the end of summer time": (
        datetime(2026, 10, 24, 6, 7, tzinfo=STOCKHOLM),
        datetime(2026, 10, 26, 23, 59, tzinfo=STOCKHOLM),
    ),
    "an eve and a holiday": (
        datetime(2026, 10, 30, 0, 0, tzinfo=STOCKHOLM),
        datetime(2026, 10, 31, 12, 0, tzinfo=STOCKHOLM),
    ),
}


@pytest.mark.parametrize("chosen", ["all", "email"])
@pytest.mark.parametrize(("since", "until"), RANGES.values(), ids=RANGES)
def test_contacts_against_a_usual_day(
    database: ClickHouseDatabase, offered: Counts, since: datetime, until: datetime, chosen: str
) -> None:
    counts = offered
    if chosen != "all":
        counts = Counter({key: by_channel(n)[chosen] for key, n in offered.items()})
    asked = {**EVERYTHING, "channel": ["$__all" if chosen == "all" else chosen]}
    panel = panel_of("Kris", "Kontakter per kvart mot en vanlig dag")
    found = answer(database, sql_of(panel, Range(since, until, asked)))
    window = since.astimezone(UTC).replace(minute=since.minute // 15 * 15)
    wanted = []
    while window + QUARTER <= until:
        days = usual_days(local_day(window), counts)
        former = [counts[at_clock(day, *clock(window)), ""] for day in days]
        wanted.append((window, counts[window, ""], median(former) if former else None))
        window += QUARTER
    assert [(row["time"], row["Kontakter"], row["Vanligt"]) for row in found] == wanted
    assert any(row["Vanligt"] is None for row in found) == any(usual is None for *_, usual in wanted)


def test_grafana_and_the_board_mean_the_same_by_usual(database: ClickHouseDatabase, offered: Counts) -> None:
    day = date(2026, 11, 20)
    usual = read_usual(database, CATALOGUE, day)
    panel = panel_of("Kris", "Kontakter per kvart mot en vanlig dag")
    rows = answer(
        database, sql_of(panel, Range(day_start(day), day_start(day) + timedelta(hours=20), EVERYTHING))
    )
    for row in rows:
        assert row["Vanligt"] == usual.at(row["time"].astimezone(STOCKHOLM).time().replace(tzinfo=None))


@pytest.mark.parametrize("at", [(14, 10), (9, 0), (1, 30)])
def test_topics_against_their_usual(
    database: ClickHouseDatabase, offered: Counts, errands: Counts, at: tuple[int, int]
) -> None:
    until = datetime(2026, 11, 20, *at, tzinfo=STOCKHOLM)
    panel = panel_of("Kris", "Ämnen de senaste 3 timmarna")
    found = answer(database, sql_of(panel, Range(until - timedelta(hours=9), until, EVERYTHING)))
    begin = max(until.hour * 60 + until.minute - 180, 0)

    def n(day: date, topic: str) -> int:
        return sum(
            count
            for (window, named), count in errands.items()
            if named == topic
            and local_day(window) == day
            and begin <= clock(window)[0] * 60 + clock(window)[1] < until.hour * 60 + until.minute
        )

    days = usual_days(LAST, offered)
    assert len(days) == 8
    wanted = {
        TOPICS[topic]: (n(LAST, topic), median(n(day, topic) for day in days))
        for topic in ("va-avfall", "omsorg", "turism", "")
        if n(LAST, topic)
    }
    assert {row["Ämne"]: (row["Ärenden"], row["Vanligt"]) for row in found} == wanted
    for row in found:
        times = row["Ärenden"] / row["Vanligt"] if row["Vanligt"] else None
        assert row["Gånger"] == pytest.approx(times)
    known = [row["Gånger"] for row in found if row["Gånger"] is not None]
    assert known == sorted(known, reverse=True)
    if at == (14, 10):
        assert found[0]["topic_key"] == "va-avfall"
        assert known[0] > 2


# ---- surges --------------------------------------------------------------------------------------

SURGE_DAY = at_clock(LAST, 0, 0)


def surge(topic: str, hour: float, *, over: bool, contacts: int = 40, recorded: int = 0) -> Row:
    since = SURGE_DAY + timedelta(hours=hour)
    return {
        "since": since,
        "topic": topic,
        "noticed_at": since + QUARTER,
        "until": since + 2 * QUARTER,
        "contacts": contacts,
        "usual": 8.0,
        "over": int(over),
        "recorded_at": since + timedelta(minutes=recorded),
    }


@pytest.fixture(scope="module")
def surges(database: ClickHouseDatabase) -> Sequence[Row]:
    """Surges as they stand last: each was written before, going on and with fewer contacts."""
    lasting = [
        surge("va-avfall", 9, over=False, recorded=30),
        surge("", 9.25, over=True, recorded=30),
        surge("turism", -30, over=False, recorded=30),
    ]
    put(
        database, SURGES, [{**row, "contacts": 12, "over": 0, "recorded_at": row["since"]} for row in lasting]
    )
    put(database, SURGES, lasting)
    return lasting


def test_surges_of_the_range(database: ClickHouseDatabase, surges: Sequence[Row]) -> None:
    today = Range(SURGE_DAY, SURGE_DAY + timedelta(hours=15), EVERYTHING)
    found = answer(database, sql_of(panel_of("Kris", "Toppar"), today))
    assert [(row["Ämne"], row["Läge"], row["topic_key"]) for row in found] == [
        ("Alla kontakter", "Över", "$__all"),
        (TOPICS["va-avfall"], "Pågår", "va-avfall"),
    ]
    for row in found:
        [stored] = [s for s in surges if s["since"] == row["Sedan"]]
        assert (row["Märktes"], row["Till"], row["Kontakter"]) == (stored["noticed_at"], stored["until"], 40)
        assert (row["Vanligt"], row["Gånger"]) == (8.0, 5.0)
    [number] = answer(database, sql_of(panel_of("Kris", "Toppar som pågår"), today))
    assert number == {"Pågår nu": 1}


def test_the_first_hours_of_topics_that_surged(
    database: ClickHouseDatabase, errands: Counts, surges: Sequence[Row]
) -> None:
    since, until = SURGE_DAY + timedelta(hours=7, minutes=5), SURGE_DAY + timedelta(hours=12)
    panel = panel_of("Kris", "De första timmarna: ämnen med en topp, kvart för kvart")
    found = answer(database, sql_of(panel, Range(since, until, EVERYTHING)))
    wanted = [
        (window, TOPICS[topic], n)
        for (window, topic), n in sorted(errands.items())
        if topic == "va-avfall" and since <= window <= until
    ]
    assert [(row["time"], row["Ämne"], row["Ärenden"]) for row in found if row["Ärenden"]] == wanted
    assert wanted


def test_surges_and_special_days_are_marked(database: ClickHouseDatabase, surges: Sequence[Row]) -> None:
    marks = {mark.name: mark.target.raw_sql or "" for mark in BOARDS["Kris"].annotations.list}
    since, until = SURGE_DAY, SURGE_DAY + timedelta(hours=15)
    found = answer(database, expand(marks["Toppar"], since, until, {}))
    assert [row["title"] for row in found] == [f"Topp: {TOPICS['va-avfall']}", "Topp: alla kontakter"]
    assert [row["text"] for row in found] == ["40 mot vanliga 8, pågår", "40 mot vanliga 8"]
    assert all(row["timeEnd"] - row["time"] == 2 * QUARTER for row in found)
    autumn = (datetime(2026, 10, 30, 15, tzinfo=UTC), datetime(2026, 10, 31, 3, tzinfo=UTC))
    days = answer(database, expand(marks["Helgdagar"], *autumn, {}))
    wanted = {d: s.name for d, s in CATALOGUE.days.items() if date(2026, 10, 30) <= d <= date(2026, 10, 31)}
    assert {local_day(row["time"]): row["title"] for row in days} == wanted
    for row in days:
        assert row["time"] == day_start(local_day(row["time"]))
        assert row["timeEnd"] == day_start(local_day(row["time"]) + timedelta(days=1)) - timedelta(seconds=1)


# ---- single contacts -----------------------------------------------------------------------------

OUTCOMES = {"answered": "Besvarad", "abandoned": "Lade på", "open": "Öppen", "flowed_out": "Lämnade kön"}
ERRANDS = {"resolved": "Löst", "handed_over": "Lämnat vidare", "open": "Öppet", "": "–"}


@pytest.fixture(scope="module")
def contacts(database: ClickHouseDatabase) -> Installed:
    """Contacts of all channels, among them a colleague's and a call that was hung up at once."""
    installed = Installed(database)
    at = START + timedelta(days=3, hours=5)
    base = {"channel": "telephone"}
    more = [
        event("contact.queued", "pbx1:x1", at, queue="kommuncenter", audience="internal", **base),
        event("contact.queued", "pbx1:x2", at, queue="kommuncenter", **base),
        event("contact.abandoned", "pbx1:x2", at + timedelta(seconds=2), **base),
        event("contact.queued", "pbx1:x3", at, queue="kommuncenter", **base),
        event("contact.abandoned", "pbx1:x3", at + timedelta(seconds=90), **base),
        event("contact.queued", "pbx1:x4", at, queue="kommuncenter", **base),
        event("contact.answered", "pbx1:x4", at + timedelta(seconds=9), **base),
        *(
            event("errand.registered", "pbx1:x4", at + timedelta(seconds=60), "desk", **base, **said)
            for said in (
                {"errand": "e1", "topic": "siths-kort", "outcome": "resolved"},
                {"errand": "e2", "topic": "turism", "outcome": "resolved"},
            )
        ),
    ]
    installed.fill([*crowd(), *mails_and_visits(), *more])
    return installed


def expected_contacts(database: ClickHouseDatabase) -> list[tuple[Any, ...]]:
    """Return (time, channel, contact, topic, outcome, within, units) of every errand, out of the facts."""
    columns = """arrived_at, channel, outcome, short_abandoned, errand_topic, errand_outcome,
errand_within_mandate, errand_handover_units"""
    sql = f"""SELECT {columns} FROM contacts_current
WHERE automatic = '' AND audience != 'internal' AND NOT unlinked"""
    rows = []
    for arrived, channel, outcome, short, *errands in database.rows(Query(sql)):
        listed = list(zip(*errands, strict=True)) or [("", "", None, [])]
        for topic, ended, within, units in listed:
            if topic in CATALOGUE.topics and CATALOGUE.topics[topic].internal:
                continue
            hidden = topic in CATALOGUE.topics and CATALOGUE.topics[topic].sensitive
            named = "–" if not topic else "Skyddat ämne" if hidden else TOPICS[topic]
            to = "" if hidden else ", ".join(unit_labels(CATALOGUE).get(unit, unit) for unit in units)
            said = "Lade på genast" if short else OUTCOMES[outcome]
            known = {1: "Ja", 0: "Nej", None: "–"}[within]
            rows.append((arrived, CHANNEL_LABELS[channel], said, named, ERRANDS[ended], known, to))
    return sorted(rows)


def contact_rows(database: ClickHouseDatabase, **chosen: list[str]) -> list[Row]:
    asked = Range(START - timedelta(days=1), START + timedelta(days=25), {**EVERYTHING, **chosen})
    return answer(database, sql_of(panel_of("Kontakter", "Kontakter"), asked))


HEADINGS = ("Kom in", "Kanal", "Kontakten", "Ämne", "Ärendet", "Inom mandatet", "Lämnat till")


def test_contacts_row_by_row(contacts: Installed) -> None:
    found = contact_rows(contacts.database)
    assert sorted(tuple(row[h] for h in HEADINGS) for row in found) == expected_contacts(contacts.database)
    assert [row["Kom in"] for row in found] == sorted((row["Kom in"] for row in found), reverse=True)
    assert {"Skyddat ämne", "–"} < {row["Ämne"] for row in found}
    assert {"Lade på genast", "Lade på", "Besvarad"} <= {row["Kontakten"] for row in found}
    assert len(found) < MOST_ROWS


def test_contacts_by_what_is_chosen(contacts: Installed) -> None:
    everything = contact_rows(contacts.database)
    for heading, chosen, kept in (
        ("Kanal", {"channel": ["visit"]}, {"Besök"}),
        ("Ämne", {"topic": ["va-avfall", "turism"]}, {TOPICS["va-avfall"], TOPICS["turism"]}),
        ("Ämne", {"topic": ["inget"]}, {"–"}),
        ("Ämne", {"area": ["bygga-bo-miljo"]}, {TOPICS["va-avfall"]}),
    ):
        assert contact_rows(contacts.database, **chosen) == [r for r in everything if r[heading] in kept]
    for row in (found := contact_rows(contacts.database, reach=["ja"])):
        assert row["Inom mandatet"] == "Ja"
        assert row["Lämnat till"]
    assert found
    building = unit_labels(CATALOGUE)["samhallsbyggnad"]
    by_unit = contact_rows(contacts.database, unit=["samhallsbyggnad"])
    assert by_unit == [r for r in everything if building in r["Lämnat till"]]
    assert by_unit


def test_a_protected_topic_can_t_be_chosen(contacts: Installed) -> None:
    """Neither by its name nor by its area or a unit could one tell which contacts it is about."""
    [protected] = [name for name, topic in CATALOGUE.topics.items() if topic.sensitive]
    assert contact_rows(contacts.database, topic=[protected]) == []
    assert contact_rows(contacts.database, area=[CATALOGUE.topics[protected].area]) == []
    for unit in unit_labels(CATALOGUE):
        assert "Skyddat ämne" not in {row["Ämne"] for row in contact_rows(contacts.database, unit=[unit])}
