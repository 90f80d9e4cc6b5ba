"""Every metric by every dimension, from the figures and once more from the contacts, in SQL written by hand.

verify's SQL holds the measures; here the metrics themselves, numerator and denominator as DOMAIN §2 words
them, over the contacts' facts. Nothing is taken from the registry but the names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.catalogue import load_catalogue
from schemas.clickhouse.queries import Between, Grain, Query, metrics_query
from schemas.events import Event
from schemas.metrics import METRICS
from tests.histories import START, histories
from tests.streams.verify.conftest import Installed
from tests.streams.verify.test_compare import a_day
from tests.streams.verify.test_naive import crowds, rotations

pytestmark = pytest.mark.integration

SINCE, UNTIL = START - timedelta(days=60), START + timedelta(days=60)
INTERNAL_TOPICS = [name for name, topic in load_catalogue().topics.items() if topic.internal]

# Who is outside, and no machine: DOMAIN §1 and §2.1.
CONTACTS = """SELECT *, arrived_at AS at, '' AS area, '' AS topic, '' AS unit,
    automatic = '' AND audience != 'internal' AS external,
    external AND channel = 'telephone' AS call,
    outcome = 'answered' AND wait_ms IS NOT NULL AS was_answered,
    outcome = 'abandoned' AND NOT short_abandoned AS gave_up,
    (left_at - arrived_at) <= 60 AS within_a_minute
FROM contacts_current WHERE NOT unlinked"""

# A mail stands where it falls due: DOMAIN §2.4.
MAIL = """SELECT *, '' AS area, '' AS topic, '' AS unit FROM contacts_current
WHERE channel = 'email' AND automatic = '' AND audience != 'internal' AND NOT unlinked AND NOT thanks"""
MAIL_BY_WORKING_DAY = f"SELECT *, due_at AS at FROM ({MAIL}) WHERE due_at IS NOT NULL"
MAIL_BY_THE_CLOCK = f"SELECT *, arrived_at + INTERVAL 1 DAY AS at FROM ({MAIL})"

ERRANDS = """SELECT arrived_at AS at, channel, e.1 AS area, e.2 AS topic, '' AS unit, party, taken,
    e.3 = 'resolved' AND e.4 = 'centre' AS by_centre,
    e.5 AS said_by, e.6 = 1 AS inside, e.6 = 0 AS above, e.7 AS at_once, e.7 OR e.8 AS at_once_for_citizen,
    notEmpty(e.9) AS passed_on, e.10 AS repeated_at, reopened_at
FROM contacts_current
ARRAY JOIN arrayZip(errand_area, errand_topic, errand_outcome, errand_performed_by, errand_outcome_source,
    arrayMap(known -> ifNull(known, 2), errand_within_mandate), errand_first_contact, errand_warm_transfer,
    errand_handover_units, errand_first_repeat_at) AS e
WHERE automatic = '' AND audience != 'internal' AND NOT unlinked AND topic NOT IN {internal:Array(String)}"""

HANDOVERS = """SELECT at, channel, area, topic, u AS unit FROM
(
    SELECT arrived_at AS at, channel, area, topic, u
    FROM contacts_current
    ARRAY JOIN errand_area AS area, errand_topic AS topic, errand_handover_units AS units
    ARRAY JOIN units AS u
    WHERE automatic = '' AND audience != 'internal' AND NOT unlinked AND topic NOT IN {internal:Array(String)}
)"""


@dataclass(frozen=True, slots=True)
class Wording:
    """A metric in words of SQL: a condition or an amount over a population, over another condition."""

    population: str
    top: str
    bottom: str = ""
    scale: int = 1

    def sql(self) -> str:
        """Return the figure; NULL where there is nothing to divide by (DOMAIN §2)."""
        top = f"sum(ifNull(toInt64({self.top}), 0))"
        if not self.bottom:
            return top
        bottom = f"sum(ifNull(toInt64({self.bottom}), 0))"
        return f"if({bottom} = 0, NULL, {top} / {bottom} / {self.scale})"


def _no_return(days: int) -> str:
    return " AND ".join(
        f"(isNull({again}) OR {again} > at + INTERVAL {days * 24} HOUR)"
        for again in ("repeated_at", "reopened_at")
    )


def _finals(days: int) -> Mapping[str, Wording]:
    kept = _no_return(days)
    return {
        f"fcr_final_{days}d": Wording(ERRANDS, f"at_once AND {kept}", "1"),
        f"fcr_citizen_final_{days}d": Wording(ERRANDS, f"at_once_for_citizen AND {kept}", "1"),
        f"fcr_final_traceable_{days}d": Wording(
            ERRANDS, f"at_once AND party != '' AND {kept}", "party != ''"
        ),
        f"fcr_net_final_{days}d": Wording(ERRANDS, f"at_once AND inside AND {kept}", "inside"),
    }


IN_TIME = "call AND was_answered AND wait_ms <= 60000"
ANSWERED = "call AND was_answered"
SHORT = "call AND short_abandoned"
WORDINGS: Mapping[str, Wording] = {
    "offered": Wording(CONTACTS, "external"),
    "abandoned": Wording(CONTACTS, "external AND gave_up"),
    "excluded": Wording(CONTACTS, "NOT external"),
    "service_level": Wording(CONTACTS, IN_TIME, "call AND (was_answered OR gave_up)"),
    "service_level_abandons_met": Wording(
        CONTACTS,
        "call AND (was_answered AND wait_ms <= 60000 OR gave_up AND within_a_minute)",
        "call AND (was_answered OR gave_up)",
    ),
    "service_level_abandons_left_out": Wording(
        CONTACTS, IN_TIME, "call AND (was_answered OR gave_up AND NOT ifNull(within_a_minute, false))"
    ),
    "service_level_short_abandons": Wording(
        CONTACTS, IN_TIME, "call AND (was_answered OR outcome = 'abandoned')"
    ),
    "service_level_flow_outs": Wording(
        CONTACTS, IN_TIME, "call AND (was_answered OR gave_up OR outcome = 'flowed_out')"
    ),
    "service_level_answered_only": Wording(CONTACTS, IN_TIME, ANSWERED),
    "speed_of_answer": Wording(CONTACTS, f"if({ANSWERED}, wait_ms, 0)", ANSWERED, 1000),
    "handling_time": Wording(CONTACTS, f"if({ANSWERED}, handle_ms, 0)", ANSWERED, 1000),
    "visit_wait": Wording(
        CONTACTS,
        "if(external AND channel = 'visit' AND taken, wait_ms, 0)",
        "external AND channel = 'visit' AND taken AND wait_ms IS NOT NULL",
        1000,
    ),
    "mail_in_time": Wording(MAIL_BY_WORKING_DAY, "answered_at <= at", "1"),
    "mail_replied_in_time": Wording(MAIL_BY_WORKING_DAY, "replied_at <= at", "1"),
    "mail_in_24h": Wording(MAIL_BY_THE_CLOCK, "answered_at <= at", "1"),
    "errands": Wording(ERRANDS, "1"),
    "resolved_in_centre": Wording(ERRANDS, "by_centre", "1"),
    "fcr_provisional": Wording(ERRANDS, "at_once", "1"),
    "fcr_citizen_provisional": Wording(ERRANDS, "at_once_for_citizen", "1"),
    "fcr_net": Wording(ERRANDS, "at_once AND inside", "inside"),
    "traceable": Wording(ERRANDS, "party != ''", "1"),
    **dict(chain.from_iterable(_finals(days).items() for days in (1, 7, 14, 30))),
    "handover_rate": Wording(ERRANDS, "taken AND passed_on", "taken"),
    "handovers": Wording(HANDOVERS, "1"),
    "under_reach": Wording(ERRANDS, "inside AND passed_on"),
    "over_reach": Wording(ERRANDS, "above AND by_centre"),
    "mandate_use": Wording(ERRANDS, "inside AND by_centre", "inside"),
    "outcome_registered": Wording(ERRANDS, "said_by = 'registered'", "1"),
    "outcome_derived": Wording(ERRANDS, "said_by = 'derived'", "1"),
    "outcome_default": Wording(ERRANDS, "said_by = 'default'", "1"),
}
SPLITS: Sequence[tuple[str, ...]] = (
    (),
    ("time",),
    ("channel",),
    ("area",),
    ("topic",),
    ("unit",),
    ("time", "channel", "area", "topic", "unit"),
)
TIMES = {
    Grain.WINDOW: "toStartOfFifteenMinutes(at)",
    Grain.DAY: "toDate(at, 'Europe/Stockholm')",
}


def test_every_metric_is_worded() -> None:
    assert WORDINGS.keys() == {metric.name for metric in METRICS}


Answer = dict[tuple[str, ...], dict[str, float | None]]
"""Metric name -> value, per key; a count of 0 and a ratio without anything to divide by are left out."""


def worded(installed: Installed, grain: Grain, by: Sequence[str]) -> Answer:
    """Return all metrics from the contacts."""
    answer: Answer = {}
    for population in dict.fromkeys(wording.population for wording in WORDINGS.values()):
        names = [name for name, wording in WORDINGS.items() if wording.population == population]
        keys = [TIMES[grain] if name == "time" else name for name in by]
        columns = [*keys, *(WORDINGS[name].sql() for name in names)]
        grouped = f" GROUP BY {', '.join(keys)}" if keys else ""
        sql = f"SELECT {', '.join(columns)} FROM ({population}){grouped}"
        parameters = {"internal": INTERNAL_TOPICS} if "{internal" in sql else {}
        _take_in(answer, installed.database.rows(Query(sql, parameters)), len(by), names)
    return answer


def streamed(installed: Installed, grain: Grain, by: Sequence[str]) -> Answer:
    """Return all metrics from the figures that the stream wrote, as panels, board and report read them."""
    period = Between(SINCE, UNTIL) if grain is Grain.WINDOW else Between(SINCE.date(), UNTIL.date())
    columns = [grain.value if name == "time" else name for name in by]
    answer: Answer = {}
    rows = installed.database.rows(metrics_query(grain, period, METRICS, by=columns))
    _take_in(answer, rows, len(by), [metric.name for metric in METRICS])
    return answer


def _take_in(answer: Answer, rows: Sequence[Sequence[Any]], keys: int, names: Sequence[str]) -> None:
    for row in rows:
        values = {
            name: value for name, value in zip(names, row[keys:], strict=True) if _says_something(name, value)
        }
        if values:
            answer.setdefault(tuple(map(_written, row[:keys])), {}).update(values)


def _says_something(name: str, value: Any) -> bool:
    return value is not None and (bool(WORDINGS[name].bottom) or value != 0)


def _written(key: Any) -> str:
    """Return a key as text: the engine's times come with and without their zone, which is UTC."""
    return key.replace(tzinfo=None).isoformat() if isinstance(key, datetime) else str(key)


def expect_the_same(installed: Installed) -> None:
    """Every metric, by every split and in both grains, is what the wording says."""
    for grain in Grain:
        for by in SPLITS:
            found, wanted = streamed(installed, grain, by), worded(installed, grain, by)
            assert found.keys() == wanted.keys(), (grain, by)
            for key, values in wanted.items():
                assert found[key] == pytest.approx(values, rel=1e-12), (grain, by, key)


@given(st.one_of(histories(), histories(span=7200), rotations(), crowds()))
@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_every_metric_by_every_dimension_is_what_its_wording_says(
    installed: Installed, events: list[Event]
) -> None:
    installed.empty()
    installed.fill(events)
    expect_the_same(installed)


def test_a_figure_that_is_off_by_one_is_noticed(installed: Installed) -> None:
    """Each measure that a metric reads, raised by hand, makes a metric differ from its wording."""
    installed.fill(a_day())
    expect_the_same(installed)
    measures = sorted({name for metric in METRICS for name in metric.measures})
    _raise(installed, *measures)  # so that no metric is 0 whatever it is divided by
    with pytest.raises(AssertionError):
        expect_the_same(installed)
    for name in measures:
        before = streamed(installed, Grain.DAY, ())
        _raise(installed, name)
        assert streamed(installed, Grain.DAY, ()) != before, name


def _raise(installed: Installed, *names: str) -> None:
    raised = ", ".join(f"{name} + 1 AS {name}" for name in names)
    installed.database.command(
        f"INSERT INTO service_days SELECT * REPLACE ({raised}, revision + 1 AS revision) "
        "FROM (SELECT * FROM service_days FINAL WHERE channel = 'telephone' AND offered > 0)"
    )
