"""Every number of the report's page against SQL written by hand, on the ClickHouse engine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from dashboards.report import render_html, weekly_report
from kommuncenter.database import ClickHouseDatabase
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from schemas.catalogue import load_catalogue
from schemas.clickhouse.queries import Query
from tests.dashboards.samples import RowStore, invented_days
from tests.dashboards.stored import database_with

pytestmark = pytest.mark.integration

MONDAY = date(2026, 3, 23)  # summer time begins on the Sunday of this week
NOW = datetime(2026, 4, 20, 9, tzinfo=UTC)
WEEKS = {"now": ("2026-03-23", "2026-03-30"), "before": ("2026-03-16", "2026-03-23")}

# Numerators and denominators, typed from DOMAIN and CORRECTIONS and not from the registry.
FIGURES = {
    "offered": "sum(offered)",
    "errands": "sum(errands)",
    "abandoned": "sum(abandoned)",
    "excluded": "sum(excluded_internal) + sum(excluded_auto_reply) + sum(excluded_bounce) "
    "+ sum(excluded_bulk) + sum(excluded_spam)",
    "service_level": "sum(answered_in_target) / (sum(calls_answered) + sum(calls_abandoned))",
    "speed_of_answer": "sum(wait_ms) / sum(calls_answered) / 1000",
    "handling_time": "sum(handle_ms) / sum(calls_answered) / 1000",
    "resolved_in_centre": "sum(resolved_in_centre) / sum(errands)",
    "fcr_provisional": "sum(fcr_provisional) / sum(errands)",
    "fcr_final_1d": "sum(fcr_final_1d) / sum(errands)",
    "fcr_final_7d": "sum(fcr_final_7d) / sum(errands)",
    "fcr_final_14d": "sum(fcr_final_14d) / sum(errands)",
    "fcr_final_30d": "sum(fcr_final_30d) / sum(errands)",
    "fcr_citizen_final_7d": "sum(fcr_citizen_final_7d) / sum(errands)",
    "fcr_final_traceable_7d": "sum(fcr_final_traceable_7d) / sum(traceable)",
    "fcr_net": "sum(fcr_net) / sum(within_mandate)",
    "fcr_net_final_7d": "sum(fcr_net_final_7d) / sum(within_mandate)",
    "traceable": "sum(traceable) / sum(errands)",
    "handover_rate": "sum(handed_over) / sum(handover_base)",
    "handovers": "sum(handovers)",
    "under_reach": "sum(under_reach)",
    "over_reach": "sum(over_reach)",
    "mandate_use": "sum(solved_within_mandate) / sum(within_mandate)",
    "mail_in_time": "sum(mail_in_time) / sum(mail_due)",
    "mail_replied_in_time": "sum(mail_replied_in_time) / sum(mail_due)",
    "mail_in_24h": "sum(mail_in_24h) / sum(mail_due_24h)",
    "visit_wait": "sum(visit_wait_ms) / sum(visits_called) / 1000",
    "outcome_registered": "sum(outcome_registered) / sum(errands)",
    "outcome_derived": "sum(outcome_derived) / sum(errands)",
    "outcome_default": "sum(outcome_default) / sum(errands)",
    "waits.n": "sum(calls_answered)",
    "waits.mean": "sum(wait_ms) / sum(calls_answered) / 1000",
}
PARTS = ("answered", "abandoned", "short_abandoned", "flowed_out", "callback_taken", "no_show", "open")
EXCLUDED = (
    "excluded_internal",
    "excluded_auto_reply",
    "excluded_bounce",
    "excluded_bulk",
    "excluded_spam",
    "errands_internal_topic",
)
TYPES = ("handovers", "handovers_blind", "handovers_consulted", "handovers_ticket")


@pytest.fixture(scope="module")
def stored(clickhouse: EmbeddedClickHouse) -> Iterator[ClickHouseDatabase]:
    """Two weeks of invented figures, and their neighbours, in the store."""
    data = RowStore(
        invented_days(date(2026, 3, 9), 28, seed=3, size=60),
        dead=[
            ("telephony", "malformed", datetime(2026, 3, 22, 23, 0, tzinfo=UTC)),
            ("telephony", "malformed", datetime(2026, 3, 29, 21, 59, tzinfo=UTC)),
            ("mail", "too_large", datetime(2026, 3, 25, tzinfo=UTC)),
            ("mail", "too_large", datetime(2026, 3, 22, 22, 59, tzinfo=UTC)),
            ("mail", "too_large", datetime(2026, 3, 29, 22, 0, tzinfo=UTC)),
        ],
        health=[
            ("telephony", datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 3, 26, tzinfo=UTC)),
            ("telephony", datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 3, 27, tzinfo=UTC)),
            ("telephony", datetime(2026, 4, 3, tzinfo=UTC), datetime(2026, 4, 3, tzinfo=UTC)),
            ("mail", datetime(2026, 3, 28, tzinfo=UTC), None),
        ],
    )
    with database_with(clickhouse, data) as found:
        yield found.reader


def _one(store: ClickHouseDatabase, sql: str) -> dict[tuple[Any, ...], list[float]]:
    """Return rows as key columns (text) -> numbers (the rest)."""
    found = {}
    for row in store.rows(Query(sql)):
        keys = tuple(value for value in row if isinstance(value, (str, date)))
        found[keys] = [value for value in row if not isinstance(value, (str, date))]
    return found


def expected(store: ClickHouseDatabase) -> dict[str, float]:
    """Return every number that the page shows, by its key."""
    numbers: dict[str, float] = {}
    for when, (since, until) in WEEKS.items():
        where = f"FROM service_days FINAL WHERE day >= '{since}' AND day < '{until}'"
        [values] = _one(store, f"SELECT {', '.join(FIGURES.values())} {where}").values()
        numbers |= {f"{when}.{name}": value for name, value in zip(FIGURES, values, strict=True)}
        numbers |= _quantiles(store, when, where)
        counts = (*EXCLUDED, "errands_unlinked", "channel_default", "redial")
        [values] = _one(store, f"SELECT {', '.join(f'sum({name})' for name in counts)} {where}").values()
        for name, value in zip(counts, values, strict=True):
            numbers[f"{when}.{'excluded' if name in EXCLUDED else 'quality'}.{name}"] = value
        total = numbers[f"{when}.errands"]
        for (channel,), (n,) in _one(store, f"SELECT channel, sum(errands) {where} GROUP BY channel").items():
            numbers[f"{when}.channel.{channel}.share"] = n / total
            if when == "now":
                numbers[f"now.channel.{channel}.errands"] = n
    return numbers | _tables(store)


def _quantiles(store: ClickHouseDatabase, when: str, where: str) -> dict[str, float]:
    sql = f"""SELECT bin, sum(n)
        FROM (SELECT arrayJoin(wait_histogram) AS pair, pair.1 AS bin, pair.2 AS n {where})
        GROUP BY bin ORDER BY bin"""
    bins = store.rows(Query(sql))
    assert max(index for index, _ in bins) < 600, "the upper edges below are those of whole seconds"
    calls = sorted(second for index, n in bins for second in [index + 1] * n)
    return {
        f"{when}.waits.{name}": next(s for i, s in enumerate(calls, 1) if i >= share * len(calls))
        for name, share in (("median", 0.5), ("p90", 0.9))
    }


def _tables(store: ClickHouseDatabase) -> dict[str, float]:
    since, until = WEEKS["now"]
    where = f"FROM service_days FINAL WHERE day >= '{since}' AND day < '{until}'"
    numbers: dict[str, float] = {}
    columns = [FIGURES[n] for n in ("errands", "resolved_in_centre", "handover_rate", "under_reach")]
    sql = f"SELECT topic, {', '.join(columns)} {where} GROUP BY topic HAVING sum(errands) > 0"
    for (topic,), values in _one(store, sql).items():
        names = ("errands", "resolved_in_centre", "handover_rate", "under_reach")
        numbers |= {f"now.topic.{topic}.{n}": v for n, v in zip(names, values, strict=True)}
    sums = ", ".join(f"sum({name})" for name in TYPES)
    for (unit,), values in _one(store, f"SELECT unit, {sums} {where} AND unit != '' GROUP BY unit").items():
        numbers |= {f"now.unit.{unit}.{n}": v for n, v in zip(TYPES, values, strict=True)}
        [[before]] = store.rows(
            Query(
                f"SELECT sum(handovers) FROM service_days FINAL WHERE unit = '{unit}' "
                f"AND day >= '{WEEKS['before'][0]}' AND day < '{WEEKS['before'][1]}'"
            )
        )
        numbers[f"before.unit.{unit}.handovers"] = before
    sql = (
        f"SELECT day, sum(offered), sum(errands), {FIGURES['resolved_in_centre']}, "
        f"{FIGURES['service_level']} {where} GROUP BY day"
    )
    for (day,), values in _one(store, sql).items():
        names = ("offered", "errands", "resolved_in_centre", "service_level")
        numbers |= {f"now.day.{day}.{n}": v for n, v in zip(names, values, strict=True)}
    for closed in ("2026-03-28", "2026-03-29"):
        numbers |= {f"now.day.{closed}.offered": 0, f"now.day.{closed}.errands": 0}
    return numbers | _identity(store, where) | _rejected(store)


def _identity(store: ClickHouseDatabase, where: str) -> dict[str, float]:
    sums = ", ".join(f"sum({name})" for name in ("offered", *PARTS))
    rows = _one(store, f"SELECT channel, {sums} {where} GROUP BY channel")
    rows[("",)] = list(store.rows(Query(f"SELECT {sums} {where}"))[0])
    return {
        f"now.identity.{channel}.{name}": value
        for (channel,), values in rows.items()
        for name, value in zip(("offered", *PARTS), values, strict=True)
    }


def _rejected(store: ClickHouseDatabase) -> dict[str, float]:
    sql = """SELECT instance, reason, uniqExact(id) FROM dead_letters
        WHERE toDate(at, 'Europe/Stockholm') BETWEEN '2026-03-23' AND '2026-03-29'
        GROUP BY instance, reason"""
    return {f"now.rejected.{i}.{reason}": n for (i, reason), (n,) in _one(store, sql).items()}


def test_every_number_on_the_page_is_that_of_sql_written_by_hand(stored: ClickHouseDatabase) -> None:
    report = weekly_report(stored, load_catalogue(), "2026-W13", NOW)
    page = render_html(report)
    elements = re.findall(r'<data value="([^"]*)" data-key="([^"]*)">', page)
    shown = {key: float(value) for value, key in elements}
    wanted = expected(stored)
    assert len(shown) == len(elements), "a key stands twice"
    assert shown.keys() == wanted.keys()
    assert shown == pytest.approx(wanted, rel=1e-12)
    assert shown["now.rejected.telephony.malformed"] == 2
    assert shown["now.rejected.mail.too_large"] == 1


def test_the_sources_last_events_are_those_known_when_the_week_ended(stored: ClickHouseDatabase) -> None:
    report = weekly_report(stored, load_catalogue(), "2026-W13", NOW)
    rows = {row.instance: (row.last_event_at, row.in_week) for row in report.quality.sources}
    assert rows == {"telephony": (datetime(2026, 3, 27, tzinfo=UTC), True), "mail": (None, False)}


def test_a_week_without_data_says_so(stored: ClickHouseDatabase) -> None:
    report = weekly_report(stored, load_catalogue(), "2025-W13", NOW)
    assert report.empty
    page = render_html(report)
    assert "Det finns inga uppgifter om veckan." in page
    assert "data-key" not in page
