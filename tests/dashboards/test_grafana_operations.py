"""The panels of operations and of one source, against the same computed once more in Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from dashboards.grafana.model import QueryVariable
from kommuncenter.database import ClickHouseDatabase
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from schemas.catalogue import load_catalogue
from schemas.clickhouse.operations import VERDICTS
from schemas.clickhouse.silence import SourceStatus, source_status_query
from schemas.clickhouse.tables import (
    CONSUMER_LAG,
    DEAD_LETTER_REPLAYS,
    DEAD_LETTERS,
    EVENTS,
    SOURCE_HEALTH,
    VERIFICATIONS,
    WORKER_HEALTH,
)
from tests.dashboards.filled import put
from tests.dashboards.grafana_answers import BOARDS, EVERYTHING, Range, Row, answer, panel_of, sql_of
from tests.dashboards.grafana_macros import expand
from tests.health import health_row
from tests.services.clickhouse import migrated

pytestmark = pytest.mark.integration

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@cache
def now() -> datetime:
    """Return when these tests began to run; the panels go by the store's clock."""
    return datetime.now(UTC).replace(microsecond=0)


def asked(source: str = "telephony") -> Range:
    """Return a range of five hours up to now."""
    return Range(now() - 5 * HOUR, now() + MINUTE, {**EVERYTHING, "source": [source]})


@pytest.fixture(scope="module")
def database(clickhouse: EmbeddedClickHouse) -> Iterator[ClickHouseDatabase]:
    """A migrated database."""
    with migrated(clickhouse) as found:
        yield found


def hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def minute_of(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


# ---- sources -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sources(database: ClickHouseDatabase) -> None:
    """One that works and is behind, one that waits, one that is not read, and one that was taken away."""
    told = [
        health_row(
            "telephony", now() - 20 * MINUTE, lag=900, lag_unit="bytes", last_event_at=now() - 21 * MINUTE
        ),
        health_row("telephony", now(), lag=70, lag_unit="bytes", last_event_at=now() - MINUTE, published=41),
        health_row("telephony", now() - 18 * MINUTE, lag=None, lag_unit="bytes"),
        health_row("mail", now(), state="waiting", reason="mail: the server is away", last_read_at=now()),
        health_row("desk", now() - 15 * MINUTE, rejected=3, gaps=1),
        health_row("gone", now() - timedelta(days=20)),
    ]
    put(database, SOURCE_HEALTH, [dict(zip(SOURCE_HEALTH.columns, row, strict=True)) for row in told])


def test_sources_say_what_source_status_says(database: ClickHouseDatabase, sources: None) -> None:
    rows = database.rows(source_status_query(datetime.now(UTC), load_catalogue()))
    wanted = {status.instance: status for status in (SourceStatus(*row) for row in rows)}
    for board in ("Kris", "Drift"):
        found = answer(database, sql_of(panel_of(board, "Källor"), asked()))
        assert [row["Källa"] for row in found] == ["desk", "mail", "telephony"]
        for row in found:
            status = wanted[row["Källa"]]
            assert row["source_key"] == row["Källa"]
            assert row["Läge"] == VERDICTS[status.verdict.value]
            assert (row["Orsak"], row["Efter"], row["Enhet"]) == (status.reason, status.lag, status.lag_unit)
            assert (row["Händelser"], row["Avvisade"]) == (status.published, status.rejected)
            assert (row["Luckor"], row["Senaste händelse"]) == (status.gaps, status.last_event_at)
    assert {row["Källa"]: row["Läge"] for row in found} == {
        "desk": "Läses inte",
        "mail": "Fungerar",
        "telephony": "Fungerar",
    }
    assert {row["Källa"]: row["Läsaren"] for row in found}["mail"] == "Väntar"


def test_one_source_is_chosen_among_those_that_report(database: ClickHouseDatabase, sources: None) -> None:
    [variable] = BOARDS["Källa"].templating.list
    assert isinstance(variable, QueryVariable)
    assert [row["instance"] for row in answer(database, variable.query)] == ["desk", "mail", "telephony"]
    chosen = asked("mail")
    [row] = answer(database, sql_of(panel_of("Källa", "Läget för källan"), chosen))
    assert row["Källa"] == "mail"


def test_how_far_behind_a_reader_is(database: ClickHouseDatabase, sources: None) -> None:
    found = answer(database, sql_of(panel_of("Källa", "Hur långt efter läsaren ligger"), asked()))
    lags: dict[datetime, list[int]] = defaultdict(list)
    for at, lag in ((now() - 20 * MINUTE, 900), (now(), 70)):
        lags[minute_of(at) - at.minute % 5 * MINUTE].append(lag)
    assert {row["time"]: row["Efter"] for row in found if row["Efter"] is not None} == {
        at: max(several) for at, several in lags.items()
    }


# ---- events and what could not be used -----------------------------------------------------------


def letters() -> list[tuple[str, str, str, datetime]]:
    """Return id, instance, reason, and when it was found."""
    return [
        ("a", "telephony", "unknown-verb", now() - 10 * MINUTE),
        ("b", "telephony", "unknown-verb", now() - 70 * MINUTE),
        ("c", "telephony", "bad-time", now() - 71 * MINUTE),
        ("d", "kc.events.telephony", "not-json", now() - 12 * MINUTE),
        ("e", "mail", "too-large", now() - 13 * MINUTE),
        ("f", "desk", "bad-time", now() - timedelta(days=3)),
    ]


@pytest.fixture(scope="module")
def archive(database: ClickHouseDatabase) -> None:
    """Events of two sources, some twice and one late; letters, one of which has been replayed."""
    rows = [
        {
            "partition": 0,
            "occurred_at": now() - number * 7 * MINUTE,
            "leg_id": f"pbx1:{number}",
            "event_id": f"{source}{number}",
            "type": "kommuncenter.contact.queued",
            "source": source,
            "payload": "{}",
            "version": 2,
            "late": int(number == 5),
            "archived_at": now() - number * 7 * MINUTE,
        }
        for source in ("telephony", "mail")
        for number in range(30 if source == "telephony" else 8)
    ]
    put(database, EVENTS, rows)
    put(database, EVENTS, rows[:12])
    found = [
        {
            "id": name * 32,
            "instance": instance,
            "place": "1",
            "reason": reason,
            "detail": f"{reason} it is",
            "sha256": "0" * 64,
            "size": 1,
            "at": at,
            "kind": "record",
            "sealed": "",
        }
        for name, instance, reason, at in letters()
    ]
    put(database, DEAD_LETTERS, found)
    put(database, DEAD_LETTERS, found)
    put(
        database,
        DEAD_LETTER_REPLAYS,
        [
            {"id": "b" * 32, "at": now(), "outcome": "replayed", "events": 1, "reason": "", "detail": ""},
            {
                "id": "c" * 32,
                "at": now(),
                "outcome": "rejected",
                "events": 0,
                "reason": "no-such-call",
                "detail": "now",
            },
        ],
    )


def in_range(at: datetime) -> bool:
    return asked().since <= at <= asked().until


def test_events_of_a_source_per_hour(database: ClickHouseDatabase, archive: None) -> None:
    times = [now() - number * 7 * MINUTE for number in range(30)]
    wanted = Counter(hour_of(at) for at in times if in_range(at))
    late = Counter({hour_of(times[5]): 1})
    found = answer(database, sql_of(panel_of("Källa", "Händelser per timme"), asked()))
    assert {row["time"]: row["Händelser"] for row in found} == wanted
    assert {row["time"]: row["Försenade"] for row in found if row["Försenade"]} == late


def test_rejections_against_what_became_events(database: ClickHouseDatabase, archive: None) -> None:
    found = answer(database, sql_of(panel_of("Drift", "Avvisat per källa"), asked()))
    events = {"telephony": 30, "mail": 8}
    rejected: Counter[str] = Counter()
    for name, instance, _, at in letters():
        if in_range(at) and name != "b":
            rejected[instance.removeprefix("kc.events.")] += 1
    assert {row["Källa"]: (row["Avvisade"], row["Händelser"]) for row in found} == {
        source: (rejected[source], n) for source, n in events.items()
    }
    for row in found:
        assert row["Andel avvisade"] == pytest.approx(
            rejected[row["Källa"]] / (rejected[row["Källa"]] + events[row["Källa"]])
        )
    assert [row["Andel avvisade"] for row in found] == sorted(
        (r["Andel avvisade"] for r in found), reverse=True
    )


def test_letters_by_reason_over_time(database: ClickHouseDatabase, archive: None) -> None:
    panel = panel_of("Drift", "Poster som inte gick att använda, per orsak")
    found = answer(database, sql_of(panel, asked()))
    wanted = Counter(
        (hour_of(at), "no-such-call" if name == "c" else reason)
        for name, _, reason, at in letters()
        if in_range(at)
    )
    assert {(row["time"], row["Orsak"]): row["Antal"] for row in found} == wanted


def test_letters_of_a_source_by_cause(database: ClickHouseDatabase, archive: None) -> None:
    found = answer(database, sql_of(panel_of("Källa", "Poster som inte gick att använda"), asked()))
    assert [(row["Orsak"], row["Förklaring"], row["Antal"], row["Olösta"]) for row in found] == [
        ("unknown-verb", "unknown-verb it is", 2, 1),
        ("no-such-call", "now", 1, 1),
        ("not-json", "not-json it is", 1, 1),
    ]
    assert (found[0]["Första"], found[0]["Senaste"]) == (letters()[1][3], letters()[0][3])


# ---- workers, queues and verify ------------------------------------------------------------------


def worker(name: str, ago: timedelta, state: str, **told: object) -> Row:
    return {
        "worker": name,
        "at": now() - ago,
        "started_at": now() - 3 * HOUR,
        "state": state,
        "waiting_since": None,
        "error": "",
        "partitions": [0, 1, 2],
        "oldest_ms": 40,
        "span_ms": 5000,
        "batches": 4,
        "batch_ms": 100,
        "longest_batch_ms": 60,
        **told,
    }


@pytest.fixture(scope="module")
def workers(database: ClickHouseDatabase) -> None:
    """One that works, one that waits, one that fell silent, one that was stopped; some rows written twice."""
    rows = [
        worker("a:1", 6 * HOUR, "starting", started_at=now() - 6 * HOUR),
        worker("a:1", 20 * MINUTE, "running", longest_batch_ms=9000),
        worker("a:1", 5 * MINUTE, "running", batches=3, batch_ms=9, longest_batch_ms=4),
        worker("a:1", MINUTE, "running", batches=16, batch_ms=300),
        worker("b:2", MINUTE, "waiting", waiting_since=now() - 9 * MINUTE, error="RetriableError"),
        worker("c:3", 4 * MINUTE, "running"),
        worker("d:4", 30 * MINUTE, "stopped"),
        worker("e:5", timedelta(days=2), "running"),
    ]
    put(database, WORKER_HEALTH, rows)
    put(database, WORKER_HEALTH, rows[3:])


def test_workers_by_their_latest_report(database: ClickHouseDatabase, workers: None) -> None:
    found = {row["Arbetare"]: row for row in answer(database, sql_of(panel_of("Drift", "Arbetare"), asked()))}
    assert {name: row["Läge"] for name, row in found.items()} == {
        "a:1": "Arbetar",
        "b:2": "Väntar",
        "c:3": "Borta",
        "d:4": "Stoppad",
    }
    assert [*found][:2] == ["c:3", "b:2"], "what is wrong stands first"
    assert found["a:1"]["Tid per omgång"] == pytest.approx(309 / 19)
    assert found["a:1"]["Längsta omgång"] == 60
    assert found["d:4"]["Tid per omgång"] is None
    assert (found["b:2"]["Väntar sedan"], found["b:2"]["Fel"]) == (now() - 9 * MINUTE, "RetriableError")
    assert found["a:1"]["Partitioner"] == 3


def test_restarts_of_workers_are_marked(database: ClickHouseDatabase, workers: None) -> None:
    [mark] = [mark for mark in BOARDS["Drift"].annotations.list if mark.name == "Omstarter av arbetare"]
    found = answer(database, expand(mark.target.raw_sql or "", now() - 5 * HOUR, now(), {}))
    started = [(now() - 3 * HOUR, name) for name in ("a:1", "b:2", "c:3", "d:4")]
    assert [(row["time"], row["text"]) for row in found] == started


def test_lag_and_throughput_by_queue(database: ClickHouseDatabase) -> None:
    reports = [
        (name, now() - number * 5 * timedelta(seconds=1) - 10 * MINUTE, topic, lag, records)
        for number in range(40)
        for name, topic, lag, records in (
            ("a:1", "kc.events.mail", number, 10),
            ("b:2", "kc.events.mail", 3, 2 * number),
            ("b:2", "kc.legs", None if number % 3 else 9, 7),
        )
    ]
    rows = [
        {
            "worker": name,
            "at": at,
            "topic": topic,
            "partitions": 4,
            "lag": lag,
            "records": records,
            "span_ms": 5000 if topic == "kc.legs" else 4000,
        }
        for name, at, topic, lag, records in reports
    ]
    put(database, CONSUMER_LAG, rows)
    put(database, CONSUMER_LAG, rows[::5])
    highest: dict[tuple[datetime, str, str], int] = {}
    done: dict[tuple[datetime, str, str], list[int]] = defaultdict(list)
    for name, at, topic, lag, records in reports:
        key = (minute_of(at), topic, name)
        done[key].append(records)
        if lag is not None:
            highest[key] = max(lag, highest.get(key, 0))
    lags: Counter[tuple[datetime, str]] = Counter()
    for (at, topic, _), lag in highest.items():
        lags[at, topic] += lag
    rates: dict[tuple[datetime, str], float] = defaultdict(float)
    for (at, topic, _), counts in done.items():
        rates[at, topic] += sum(counts) / (len(counts) * (5.0 if topic == "kc.legs" else 4.0))
    found = answer(database, sql_of(panel_of("Drift", "Poster som väntar i kö"), asked()))
    assert {(row["time"], row["Kö"]): row["Ogjorda"] for row in found} == lags
    found = answer(database, sql_of(panel_of("Drift", "Hanterade poster per sekund"), asked()))
    assert {(row["time"], row["Kö"]): row["Per sekund"] for row in found} == pytest.approx(rates)


def test_the_latest_runs_of_verify(database: ClickHouseDatabase) -> None:
    runs: Sequence[Row] = [
        {
            "at": now() - number * HOUR,
            "since": date(2026, 11, 1),
            "until": date(2026, 11, 20),
            "equal": number != 2,
            "events": 100 + number,
            "late": 0,
            "awaiting_rebuild": 0,
            "differences": {
                "figures": 3 if number == 2 else 0,
                "contacts": 4 if number == 2 else 0,
                "grains": 0,
            },
            "seconds": 1.5,
        }
        for number in range(12)
    ]
    for _ in range(2):
        put(database, VERIFICATIONS, runs)
    found = answer(database, sql_of(panel_of("Drift", "Kontrollen att siffrorna stämmer (verify)"), asked()))
    assert [row["Kördes"] for row in found] == [run["at"] for run in runs[:10]]
    assert [row["Resultat"] for row in found] == ["Stämmer", "Stämmer", "Skiljer sig", *["Stämmer"] * 7]
    assert (found[2]["Skillnader"], found[2]["Var"]) == (7, "figures: 3, contacts: 4")
    assert (found[0]["Skillnader"], found[0]["Var"], found[0]["Sista dag"]) == (0, "", date(2026, 11, 20))


def test_the_store_tells_its_tables_and_disks(database: ClickHouseDatabase, archive: None) -> None:
    tables = {
        row["Tabell"]: row for row in answer(database, sql_of(panel_of("Drift", "Lagret: tabeller"), asked()))
    }
    assert tables["events"]["Rader"] >= 38
    assert tables["events"]["Storlek"] > 0
    [*disks] = answer(database, sql_of(panel_of("Drift", "Lagret: diskar"), asked()))
    assert disks
    for disk in disks:
        assert 0 < disk["Ledig andel"] <= 1
        assert disk["Version"]


def test_no_panel_of_any_board_is_left_out_of_the_comparisons() -> None:
    """Lägesbild and Uppföljning are compared whole; of the others each panel is named where it is."""
    files = (Path(__file__), Path(__file__).with_name("test_grafana_crisis.py"))
    compared = "".join(file.read_text(encoding="utf-8") for file in files)
    for title, board in BOARDS.items():
        if title not in ("Lägesbild", "Uppföljning"):
            for panel in board.panels:
                assert f'"{panel.title}"' in compared, (title, panel.title)
