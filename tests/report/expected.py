"""What every cell of a report ought to hold, out of the contacts and of formulas typed by hand.

Nothing here is taken from the report's code or the registry of metrics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from math import isclose
from statistics import median
from typing import Any

from dashboards.report import period
from dashboards.report.period import Period
from schemas.clickhouse.queries import Between, Query
from schemas.timebase import day_start
from tests.producers.test_simulator_sources import CATALOGUE
from tests.report.simulated_store import Centre

INTERNAL = [name for name, topic in CATALOGUE.topics.items() if topic.internal]
SINCE, UNTIL = date(2025, 1, 1), date(2027, 1, 1)

# Numerators and denominators, typed from DOMAIN and CORRECTIONS and not from the registry.
FORMULAS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], int]] = {
    "offered": (("offered",), (), 1),
    "errands": (("errands",), (), 1),
    "abandoned": (("abandoned",), (), 1),
    "excluded": (
        ("excluded_internal", "excluded_auto_reply", "excluded_bounce", "excluded_bulk", "excluded_spam"),
        (),
        1,
    ),
    "service_level": (("answered_in_target",), ("calls_answered", "calls_abandoned"), 1),
    "speed_of_answer": (("wait_ms",), ("calls_answered",), 1000),
    "handling_time": (("handle_ms",), ("calls_answered",), 1000),
    "resolved_in_centre": (("resolved_in_centre",), ("errands",), 1),
    "fcr_provisional": (("fcr_provisional",), ("errands",), 1),
    "fcr_final_7d": (("fcr_final_7d",), ("errands",), 1),
    "fcr_citizen_final_7d": (("fcr_citizen_final_7d",), ("errands",), 1),
    "fcr_final_traceable_7d": (("fcr_final_traceable_7d",), ("traceable",), 1),
    "fcr_net_final_7d": (("fcr_net_final_7d",), ("within_mandate",), 1),
    "traceable": (("traceable",), ("errands",), 1),
    "handover_rate": (("handed_over",), ("handover_base",), 1),
    "handovers": (("handovers",), (), 1),
    "under_reach": (("under_reach",), (), 1),
    "over_reach": (("over_reach",), (), 1),
    "mandate_use": (("solved_within_mandate",), ("within_mandate",), 1),
    "mail_in_time": (("mail_in_time",), ("mail_due",), 1),
    "mail_replied_in_time": (("mail_replied_in_time",), ("mail_due",), 1),
    "mail_in_24h": (("mail_in_24h",), ("mail_due_24h",), 1),
    "visit_wait": (("visit_wait_ms",), ("visits_called",), 1000),
    "outcome_registered": (("outcome_registered",), ("errands",), 1),
    "outcome_derived": (("outcome_derived",), ("errands",), 1),
    "outcome_default": (("outcome_default",), ("errands",), 1),
}
OF_ERRANDS = {
    "errands",
    "resolved_in_centre",
    "fcr_provisional",
    "fcr_final_7d",
    "fcr_citizen_final_7d",
    "fcr_final_traceable_7d",
    "fcr_net_final_7d",
    "traceable",
    "handover_rate",
    "handovers",
    "under_reach",
    "over_reach",
    "mandate_use",
    "outcome_registered",
    "outcome_derived",
    "outcome_default",
}
"""What an area limits (DOMAIN §1: contacts have no topic)."""
GOALS = {"resolved_in_centre": 0.68, "service_level": 0.80, "mail_in_time": 0.85}
TO_THE_MS = {"mandat": 0.01, "trappan": 0.01}
"""The report divides whole milliseconds among a contact's errands, this test real numbers."""
PUBLISHED = {"telephone": 0.81, "email": 0.12, "visit": 0.07}


@dataclass(frozen=True, eq=False)
class Facts:
    """Sums of measures by day and dimensions, from the contacts."""

    rows: tuple[tuple[date, str, str, str, str, str, int], ...]

    def sums(self, of: Between, **where: str) -> Counter[str]:
        return summed(self, of, tuple(where.items()))


@cache
def of_days(facts: Facts, of: Between) -> list[tuple[Any, ...]]:
    return [row for row in facts.rows if of.since <= row[0] < of.until]


@cache
def summed(facts: Facts, of: Between, where: tuple[tuple[str, str], ...]) -> Counter[str]:
    found: Counter[str] = Counter()
    places = {"channel": 1, "area": 2, "topic": 3, "unit": 4}
    for row in of_days(facts, of):
        if all(row[places[name]] == value for name, value in where):
            found[row[5]] += row[6]
    return found


def days(of: Period | None) -> Between:
    assert of is not None
    return Between(of.since, of.until)


@dataclass(frozen=True, slots=True)
class Number:
    """What a cell ought to hold."""

    value: float | None
    hits: int | None = None
    n: int | None = None


def formula(name: str, sums: Mapping[str, int]) -> Number:
    top, bottom, scale = FORMULAS[name]
    hits, n = sum(sums.get(m, 0) for m in top), sum(sums.get(m, 0) for m in bottom)
    if not bottom:
        return Number(hits)
    value = hits / n / scale if n else None
    if scale != 1:
        return Number(value, n=n)
    return Number(value, hits, n) if n else Number(None)


# ---- what each table ought to hold -------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Asked:
    """What a document was made of."""

    facts: Facts
    of: Period
    then: Period | None
    year: Period | None
    area: str
    centre: Centre

    def sums(self, of: Period | None, *, errands: bool, **where: str) -> Counter[str]:
        if of is None:
            return Counter()
        limit = {"area": self.area} if self.area and errands and "topic" not in where else {}
        return self.facts.sums(days(of), **{**limit, **where})

    def known(self, of: Period | None) -> bool:
        return of is not None and bool(self.facts.sums(days(of)))


def key_figures(asked: Asked, row: str, column: str) -> Number:
    if column == "goal":
        return Number(GOALS[row])
    of = {"now": asked.of, "then": asked.then, "year": asked.year}[column]
    if row == "open_days":
        assert of is not None
        every = (of.since + timedelta(days=n) for n in range(of.days))
        return Number(sum(CATALOGUE.opening(day) is not None for day in every))
    if not asked.known(of):
        return Number(None, n=0) if FORMULAS[row][2] != 1 else Number(None)
    return formula(row, asked.sums(of, errands=row in OF_ERRANDS))


def channels(asked: Asked, row: str, column: str) -> Number:
    if column == "goal":
        return Number(PUBLISHED[row])
    of = asked.then if column == "then" else asked.of
    whole = asked.sums(of, errands=True)["errands"]
    part = whole if row == "total" else asked.sums(of, errands=True, channel=row)["errands"]
    if column == "errands":
        return Number(part)
    return Number(part / whole, part, whole) if whole else Number(None)


SPLIT = {
    "errands": "errands",
    "resolved": "resolved_in_centre",
    "then": "resolved_in_centre",
    "first": "fcr_final_7d",
    "handed_over": "handover_rate",
}


def areas(asked: Asked, row: str, column: str) -> Number:
    where = {} if row == "total" else {"area": "" if row == "okant" else row}
    of = asked.then if column == "then" else asked.of
    return formula(SPLIT[column], asked.sums(of, errands=True, **where))


def topics(asked: Asked, row: str, column: str) -> Number:
    of = asked.then if column == "then" else asked.of
    return formula(SPLIT[column], asked.sums(of, errands=True, topic="" if row == "okant" else row))


def mix(asked: Asked, row: str, column: str) -> Number:
    if column == "now":
        return formula(row, asked.sums(asked.of, errands=True))
    top, bottom, _ = FORMULAS[row]
    now, then = Counter[str](), Counter[str]()
    rates: dict[str, tuple[float, float]] = {}
    names = {one[3] for one in asked.facts.rows if asked.area in {"", one[2]}}
    for topic in names:
        where = {"topic": topic, **({"area": asked.area} if asked.area else {})}
        one = asked.facts.sums(days(asked.of), **where)
        other = asked.facts.sums(days(asked.then), **where)
        now[topic], then[topic] = one[bottom[0]], other[bottom[0]]
        if now[topic] and then[topic]:
            rates[topic] = one[top[0]] / now[topic], other[top[0]] / then[topic]
    weight = sum(then[topic] for topic in rates)
    which = 0 if column == "standard" else 1
    return Number(sum(then[topic] / weight * pair[which] for topic, pair in rates.items()))


def units(asked: Asked, row: str, column: str) -> Number:
    where = {} if row == "total" else {"unit": row}
    of = asked.then if column == "then" else asked.of
    return Number(asked.sums(of, errands=True, **where)["handovers" if column == "then" else column])


def matrix(asked: Asked, row: str, column: str) -> Number:
    where = {} if row == "total" else {"topic": "" if row == "okant" else row}
    if column != "total":
        where["unit"] = column
    return Number(asked.sums(asked.of, errands=True, **where)["handovers"])


SHARED_TIME = """SELECT topic, level, by, count(), countIf(timed), sum(part),
    countIf(solved AND timed), sumIf(part, solved AND timed)
FROM
(
    SELECT e.1 AS topic, e.2 AS area, ifNull(e.3, -1) AS level, if(e.5 = 'open', '', e.4) AS by,
        e.5 = 'resolved' AND e.4 = 'centre' AS solved,
        handle_ms / length(errand_topic) AS part, handle_ms > 0 AS timed
    FROM contacts_current
    ARRAY JOIN arrayZip(errand_topic, errand_area, errand_level, errand_performed_by, errand_outcome) AS e
    WHERE automatic = '' AND audience != 'internal' AND NOT unlinked AND topic NOT IN {internal:Array(String)}
        AND day >= {since:Date} AND day < {until:Date} AND ({area:String} = '' OR area = {area:String})
)
GROUP BY topic, level, by"""


@cache
def shared_time(asked: Asked) -> list[tuple[Any, ...]]:
    parameters = {"internal": INTERNAL, "since": asked.of.since, "until": asked.of.until, "area": asked.area}
    return [tuple(row) for row in asked.centre.database.rows(Query(SHARED_TIME, parameters))]


def reach(asked: Asked, row: str, column: str) -> Number:
    if row == "total" and column == "minutes":
        under = [n for n in CATALOGUE.topics if asked.sums(asked.of, errands=True, topic=n)["under_reach"]]
        return Number(sum(reach(asked, name, "minutes").value or 0 for name in under))
    where = {} if row == "total" else {"topic": "" if row == "okant" else row}
    errands = asked.sums(asked.of, errands=True, **where)["under_reach"]
    if column == "errands":
        return Number(errands)
    mine = [found for found in shared_time(asked) if found[0] == where["topic"]]
    n = sum(found[6] for found in mine)
    each = sum(found[7] for found in mine) / n / 1000 if n else None
    if column == "each":
        return Number(each, n=n)
    return Number(None if each is None else errands * each / 60)


def ladder(asked: Asked, row: str, column: str) -> Number:
    what, _, by = column.partition("_")
    mine = [
        found
        for found in shared_time(asked)
        if (row == "total" or found[1] == (-1 if row == "okand" else int(row)))
        and (not by or found[2] == ("" if by == "open" else by))
    ]
    place = {"errands": 3, "timed": 4, "minutes": 5}[what]
    return Number(sum(found[place] for found in mine) / (60_000 if what == "minutes" else 1))


def waits(asked: Asked, row: str, column: str) -> Number:
    of = asked.of if column == "now" else asked.then
    sums = asked.sums(of, errands=False)
    n = sums["calls_answered"]
    if row == "n":
        return Number(n)
    if row == "mean":
        return Number(sums["wait_ms"] / n / 1000, n=n)
    assert of is not None
    quantile = {"median": 0.5, "p90": 0.9}[row]
    query = """SELECT arraySort(groupArray(intDiv(wait_ms, 1000))) FROM contacts_current
WHERE channel = 'telephone' AND outcome = 'answered' AND automatic = '' AND audience != 'internal'
    AND NOT unlinked AND wait_ms IS NOT NULL AND day >= {since:Date} AND day < {until:Date}"""
    [[seconds]] = asked.centre.database.rows(Query(query, {"since": of.since, "until": of.until}))
    place = next(i for i in range(n) if i + 1 >= quantile * n)
    assert seconds[place] < 600  # below, a bin is a second; its upper edge is told
    return Number(float(seconds[place] + 1), n=n)


@cache
def by_hour(asked: Asked) -> dict[tuple[int, int], tuple[int, int]]:
    query = """SELECT toDayOfWeek(arrived_at, 0, 'Europe/Stockholm') AS weekday,
    toHour(arrived_at, 'Europe/Stockholm') AS hour, count(), sum(wait_ms)
FROM contacts_current
WHERE channel = 'telephone' AND outcome = 'answered' AND automatic = '' AND audience != 'internal'
    AND NOT unlinked AND wait_ms IS NOT NULL AND day >= {since:Date} AND day < {until:Date}
GROUP BY weekday, hour"""
    parameters = {"since": asked.of.since, "until": asked.of.until}
    rows = asked.centre.database.rows(Query(query, parameters))
    return {(weekday, hour): (n, ms) for weekday, hour, n, ms in rows}


def hours(asked: Asked, row: str, column: str) -> Number:
    n, ms = by_hour(asked).get((int(row), int(column.removeprefix("h"))), (0, 0))
    return Number(ms / n / 1000 if n else None)


def over_time(asked: Asked, row: str, column: str) -> Number:
    name = {"resolved": "resolved_in_centre", "level": "service_level"}.get(column, column)
    if column == "goal":
        return Number(GOALS["resolved_in_centre"])
    if "W" in row:
        of = period.week(row)
    elif len(row) == 7:
        of = period.month(row)
    else:
        of = period.days(row if ".." in row else f"{row}..{row}")
    return formula(name, asked.sums(of, errands=name in OF_ERRANDS))


def usual(asked: Asked, row: str, column: str) -> Number:
    """The median week, put together of the last comparable days of each weekday (DOMAIN §2.5)."""
    measure, where = "errands", {"topic": "" if row == "okant" else row}
    if row == "total":
        measure, where = "offered", {}
    now = asked.sums(asked.of, errands=row != "total", **where)[measure]
    if column == "now":
        return Number(now)
    first = min(one[0] for one in asked.facts.rows)
    weekdays = []
    for ahead in range(7):
        day = asked.of.since + timedelta(days=ahead)
        back = [day - timedelta(weeks=n) for n in range(1, 27)]
        weekdays.append([one for one in back if one >= first and one not in CATALOGUE.days][:8])
    weeks = [
        sum(asked.sums(one_day(days[k]), errands=row != "total", **where)[measure] for days in weekdays)
        for k in range(min(map(len, weekdays)))
    ]
    middle = median(weeks)
    return Number(middle if column == "usual" else now / middle if middle else None)


def one_day(day: date) -> Period:
    return period.days(f"{day}..{day}")


def surges(asked: Asked, row: str, column: str) -> Number:
    query = """SELECT contacts, usual, contacts / usual FROM surges FINAL
WHERE since >= {since:DateTime64(3, 'UTC')} ORDER BY since, topic"""
    found = asked.centre.database.rows(Query(query, {"since": day_start(asked.of.since)}))
    return Number(found[int(row) - 1][["contacts", "usual", "times"].index(column)])


def identity(asked: Asked, row: str, column: str) -> Number:
    where = {} if row == "total" else {"channel": row}
    return Number(asked.sums(asked.of, errands=False, **where)[column])


def counted(asked: Asked, row: str, column: str) -> Number:
    if row in {"late", "rebuilds", "gaps"}:
        return Number(0)
    of = asked.of if column == "now" else asked.then
    return Number(asked.sums(of, errands=False)[row])


TABLES: Mapping[str, Callable[[Asked, str, str], Number]] = {
    "nyckeltal": key_figures,
    "kanaler": channels,
    "omraden": areas,
    "amnen": topics,
    "jamforbart": mix,
    "mottagare": units,
    "overlamningar": matrix,
    "mandat": reach,
    "trappan": ladder,
    "trappans-arenden": ladder,
    "vantetider": waits,
    "timmar": hours,
    "utveckling": over_time,
    "dagar": over_time,
    "fragor": usual,
    "storningar": surges,
    "utfall": identity,
    "undantag": counted,
    "forbehall": counted,
}


def close(one: float | None, other: float | None, within: float = 1e-9) -> bool:
    if one is None or other is None:
        return one is other
    return isclose(one, other, rel_tol=1e-9, abs_tol=within)
