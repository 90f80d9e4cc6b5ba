"""Every number of a report, traced to the panels' SQL and to SQL written by hand over the contacts.

The left side is the document. The right side is built here of two things that share no code with it: sums
of measures that ``verify``'s hand-written SQL gives from the contacts (not from the figures), and formulas
typed from DOMAIN and CORRECTIONS. A cell without an expectation fails, so that none is forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from dashboards.report import period
from dashboards.report.document import Cell, Document, Kind
from dashboards.report.period import Against
from schemas.clickhouse.queries import Grain, Query, metrics_query
from schemas.metrics import METRICS
from schemas.timebase import day_start
from streams.verify import sql as verify_sql
from tests.report.expected import (
    FORMULAS,
    INTERNAL,
    SINCE,
    SPLIT,
    TABLES,
    TO_THE_MS,
    UNTIL,
    Asked,
    Facts,
    close,
    days,
)
from tests.report.simulated_store import Centre

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def facts(simulated: Centre) -> Facts:
    """What verify's own SQL makes of the contacts."""
    query = f"""SELECT toDate(window, 'Europe/Stockholm') AS day, channel, area, topic, unit, name,
    sum(amount)
FROM ({verify_sql._RECOMPUTED}) GROUP BY day, channel, area, topic, unit, name"""
    parameters = {
        "since": SINCE,
        "until": UNTIL,
        "begin": day_start(SINCE),
        "end": day_start(UNTIL),
        "internal_topics": INTERNAL,
    }
    rows = simulated.database.rows(Query(query, parameters))
    return Facts(tuple((day, c, a, t, u, name, int(amount)) for day, c, a, t, u, name, amount in rows))


def numbers(document: Document) -> Iterator[tuple[Cell, str, str, str]]:
    for key, cell in document.cells.items():
        if cell.kind is not Kind.TEXT:
            table, row, column = key.split("/")
            yield cell, table, row, column


REPORTS = {
    "the week of the leak": (period.week("2026-W47"), Against.BEFORE, ""),
    "an area": (period.week("2026-W47"), Against.BEFORE, "bygga-bo-miljo"),
    "against last year, of which nothing is known": (period.week("2026-W46"), Against.LAST_YEAR, ""),
}


@pytest.mark.parametrize("name", REPORTS)
def test_every_number_is_that_of_sql_written_by_hand(name: str, simulated: Centre, facts: Facts) -> None:
    of, against, area = REPORTS[name]
    document = simulated.report(of, against=against, area=area)
    asked = Asked(facts, of, of.compared(against), of.last_year(), area, simulated)
    traced: Counter[str] = Counter()
    for cell, table, row, column in numbers(document):
        if not asked.known(asked.then) and column in {"then", "standard"} and cell.value is None:
            continue  # a dash: nothing is known of that period
        ought = TABLES[table](asked, row, column)
        assert close(cell.value, ought.value, TO_THE_MS.get(table, 1e-9)), (cell, ought)
        if cell.kind is Kind.SHARE and cell.hits is not None:
            assert (cell.hits, cell.n) == (ought.hits, ought.n), (cell, ought)
        elif cell.kind is Kind.SECONDS and table != "timmar":
            assert cell.n == ought.n, (cell, ought)
        traced[table] += 1
    expected = set(TABLES) - ({"storningar"} if of.name != "2026-W47" else set())
    if not asked.known(asked.then):
        expected.discard("jamforbart")
    assert set(traced) == expected
    assert sum(traced.values()) > 250


def test_every_metric_is_what_the_panels_sql_gives(simulated: Centre) -> None:
    """The panels' and the board's queries over the same days: by nothing, by channel, by area, by topic."""
    document = simulated.report()
    of = days(period.week("2026-W47"))
    [row] = simulated.database.rows(metrics_query(Grain.DAY, of, METRICS))
    panel = dict(zip((metric.name for metric in METRICS), row, strict=True))
    seen = 0
    for name, value in panel.items():
        cell = document.cells.get(f"nyckeltal/{name}/now")
        if cell is not None:
            assert close(cell.value, value), name
            seen += 1
    assert seen == len(FORMULAS)
    shown = {name: column for column, name in SPLIT.items() if column != "then"}
    chosen = [metric for metric in METRICS if metric.name in shown]
    for table, dimension in (("omraden", "area"), ("amnen", "topic")):
        for key, *values in simulated.database.rows(metrics_query(Grain.DAY, of, chosen, by=(dimension,))):
            for metric, value in zip(chosen, values, strict=True):
                cell = document.cells.get(f"{table}/{key or 'okant'}/{shown[metric.name]}")
                if cell is not None:
                    assert close(cell.value, value), (cell.key, value)
                    seen += 1
    assert seen > 100


def test_a_wrong_number_is_found(simulated: Centre, facts: Facts) -> None:
    """The test can fail: against the facts of another week nearly nothing holds."""
    document = simulated.report()
    other = period.week("2026-W45")
    asked = Asked(facts, other, other.before(), other.last_year(), "", simulated)
    wrong = 0
    for cell, table, row, column in numbers(document):
        if table in {"nyckeltal", "kanaler", "omraden"} and column == "now" and row != "open_days":
            wrong += not close(cell.value, TABLES[table](asked, row, column).value)
    assert wrong >= 20
