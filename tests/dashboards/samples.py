"""Invented rows of the figures' day grain, and a store that answers from such rows."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from dashboards.report.material import DAY_MEASURES
from schemas.clickhouse.queries import (
    OPEN_REBUILDS,
    Between,
    Grain,
    Query,
    dead_letters_query,
    source_health_query,
    sums_query,
)
from schemas.clickhouse.report import (
    hours_query,
    ladder_query,
    late_query,
    published_query,
    surges_query,
)
from schemas.clickhouse.social import social_query
from schemas.clickhouse.tables import DIMENSIONS
from schemas.measures import MEASURE_NAMES, wait_bin
from schemas.timebase import local_day


@dataclass(frozen=True, slots=True)
class Row:
    """A row of ``service_days``."""

    day: date
    channel: str
    area: str = ""
    topic: str = ""
    unit: str = ""
    sums: Mapping[str, int] = field(default_factory=dict)
    waits: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowStore:
    """A store over rows in memory: sums of the day grain, dead letters and health."""

    data: Sequence[Row]
    dead: Sequence[tuple[str, str, datetime]] = ()
    """Instance, reason, found at."""
    health: Sequence[tuple[str, datetime, datetime | None]] = ()
    """Instance, seen at, last event at."""
    rungs: Sequence[tuple[Any, ...]] = ()
    """Rows of the ladder's query."""
    hours: Sequence[tuple[int, ...]] = ()
    """Rows of the query for hours."""
    surges: Sequence[tuple[Any, ...]] = ()
    """Topic, since, until, contacts, usual, over."""
    gauges: Sequence[tuple[Any, ...]] = ()
    """Rows of the query for social media."""
    late: int = 0
    rebuilds: Sequence[tuple[str, date, int]] = ()
    published: Sequence[tuple[str, Mapping[str, float], datetime]] = ()
    """Version, cells, published at; the latest first, whatever the period."""

    def rows(self, query: Query) -> Sequence[Sequence[Any]]:
        """Answer the queries that the report asks; any other is an error of the test."""
        given = query.parameters
        if query == OPEN_REBUILDS:
            return self.rebuilds
        if "at" in given:
            at = given["at"]
            assert isinstance(at, datetime)
            assert query == source_health_query(at)
            return self._health(at)
        if "scope" in given:
            assert query == published_query(str(given["period"]), str(given["scope"]))
            return self.published
        since, until = given["since"], given["until"]
        assert isinstance(since, date)
        assert isinstance(until, date)
        if query == social_query(until, since):
            return self.gauges
        period = Between(since, until)
        return self._instants(query, period) if isinstance(since, datetime) else self._days(query, period)

    def _instants(self, query: Query, period: Between) -> Sequence[Sequence[Any]]:
        if query == dead_letters_query(period):
            return self._dead(period)
        assert isinstance(period.since, datetime)
        assert isinstance(period.until, datetime)
        days = Between(local_day(period.since), local_day(period.until))
        if query == hours_query(days):
            return self.hours
        if query == surges_query(days):
            return [row for row in self.surges if period.since <= row[1] < period.until]
        assert query == late_query(days)
        return [[self.late]]

    def _days(self, query: Query, period: Between) -> Sequence[Sequence[Any]]:
        if "internal_topics" in query.parameters:
            internal = query.parameters["internal_topics"]
            assert isinstance(internal, list)
            assert query == ladder_query(period, internal)
            return self.rungs
        if query == sums_query(Grain.DAY, period, by=DIMENSIONS, histogram=True):
            return self._sums(period, DIMENSIONS)
        by = ("day", "area", "topic")
        assert query == sums_query(Grain.DAY, period, by=by, measures=DAY_MEASURES), query.sql
        places = [len(by) + MEASURE_NAMES.index(name) for name in DAY_MEASURES]
        return [[*row[: len(by)], *(row[place] for place in places)] for row in self._sums(period, by)]

    def _sums(self, period: Between, by: tuple[str, ...]) -> list[list[Any]]:
        sums: dict[tuple[Any, ...], Counter[str]] = {}
        waits: dict[tuple[Any, ...], Counter[int]] = {}
        for row in self.data:
            if period.since <= row.day < period.until:
                key = tuple(getattr(row, name) for name in by)
                sums.setdefault(key, Counter()).update(row.sums)
                waits.setdefault(key, Counter()).update(row.waits)
        return [
            [*key, *(sums[key][name] for name in MEASURE_NAMES), dict(waits[key])] for key in sorted(sums)
        ]

    def _dead(self, period: Between) -> list[list[Any]]:
        counts = Counter((i, reason) for i, reason, at in self.dead if period.since <= at < period.until)
        return [[*key, n] for key, n in sorted(counts.items())]

    def _health(self, at: datetime) -> list[list[Any]]:
        latest = {i: (seen, last) for i, seen, last in sorted(self.health, key=str) if seen <= at}
        return [[instance, seen, last, None] for instance, (seen, last) in sorted(latest.items())]


TOPICS = {
    "va-avfall": ("bygga-bo-miljo", 0.85),
    "omsorg": ("omsorg-stod", 0.5),
    "skola-forskola": ("barn-utbildning", 0.75),
    "": ("", 0.6),
}
UNITS = ("samhallsbyggnad", "omsorg", "okand")


def invented_days(first: date, days: int, *, seed: int, size: int = 40) -> list[Row]:
    """Return rows whose measures agree with each other: the identity holds and no share is above one."""
    chance = random.Random(seed)
    rows: list[Row] = []
    for ahead in range(days):
        day = first + timedelta(days=ahead)
        if day.weekday() < 5:
            for channel, part in (("telephone", 0.81), ("email", 0.12), ("visit", 0.07)):
                rows.append(_contacts(chance, day, channel, round(size * part)))
                rows.extend(_errands(chance, day, channel, round(size * part)))
    return _merged(rows)


def _merged(rows: Sequence[Row]) -> list[Row]:
    """Make one row of those with the same key, as the stream does: an unknown topic is empty as well."""
    merged: dict[tuple[object, ...], Row] = {}
    for row in rows:
        key = (row.day, row.channel, row.area, row.topic, row.unit)
        whole = merged.setdefault(key, Row(*key, sums=Counter(), waits=Counter()))
        for mine, theirs in ((whole.sums, row.sums), (whole.waits, row.waits)):
            assert isinstance(mine, Counter)
            mine.update(theirs)
    return list(merged.values())


def _contacts(chance: random.Random, day: date, channel: str, n: int) -> Row:
    sums: Counter[str] = Counter(offered=n, contacts=n)
    waits: Counter[int] = Counter()
    for _ in range(n):
        outcome = chance.choices(("answered", "abandoned", "flowed_out", "open"), (80, 12, 5, 3))[0]
        sums[outcome] += 1
        sums["taken"] += outcome == "answered"
        if channel == "telephone":
            _call(chance, outcome, sums, waits)
        elif channel == "email":
            in_time = chance.random() < 0.85
            replied = in_time and chance.random() < 0.7
            sums.update(mail_due=1, mail_in_time=in_time, mail_replied_in_time=replied)
            sums.update(mail_due_24h=1, mail_in_24h=chance.random() < 0.8)
        elif outcome == "answered":
            sums.update(visits_called=1, visit_wait_ms=chance.randrange(600_000))
    for name in ("excluded_internal", "excluded_auto_reply", "excluded_spam"):
        sums[name] = chance.randrange(4)
    return Row(day, channel, sums=sums, waits=waits)


def _call(chance: random.Random, outcome: str, sums: Counter[str], waits: Counter[int]) -> None:
    if outcome == "answered":
        wait = int(chance.expovariate(1 / 40_000))
        sums.update(calls_answered=1, wait_ms=wait, answered_in_target=wait <= 60_000)
        sums["handle_ms"] += int(chance.lognormvariate(11.9, 0.8))
        waits[wait_bin(wait)] += 1
    else:
        sums["calls_abandoned"] += outcome == "abandoned"


def _errands(chance: random.Random, day: date, channel: str, n: int) -> list[Row]:
    rows: dict[tuple[str, str], Row] = {}
    for _ in range(n):
        topic = chance.choice(list(TOPICS))
        area, solved = TOPICS[topic]
        by_centre, within = chance.random() < solved, chance.random() < 0.8
        row = rows.setdefault((topic, ""), Row(day, channel, area, topic, sums=Counter()))
        unit = None if by_centre else chance.choice(UNITS)
        repeated, followed = chance.random() < 0.1, chance.random() < 0.88
        _add(
            row,
            errands=1,
            handover_base=1,
            resolved_in_centre=by_centre,
            handed_over=unit is not None,
            fcr_provisional=by_centre,
            fcr_final_1d=by_centre and not repeated,
            fcr_final_7d=by_centre and not repeated,
            fcr_final_14d=by_centre and not repeated,
            fcr_final_30d=by_centre and not repeated,
            fcr_citizen_final_7d=by_centre and not repeated,
            traceable=followed,
            fcr_final_traceable_7d=followed and by_centre and not repeated,
            fcr_net_final_7d=within and by_centre and not repeated,
            within_mandate=within,
            fcr_net=within and by_centre,
            solved_within_mandate=within and by_centre,
            under_reach=within and unit is not None,
            over_reach=not within and by_centre,
            outcome_registered=1,
        )
        if unit:
            target = rows.setdefault((topic, unit), Row(day, channel, area, topic, unit, Counter()))
            kind = chance.choice(("handovers_blind", "handovers_consulted", "handovers_ticket"))
            _add(target, handovers=1, **{kind: 1})
    return list(rows.values())


def _add(row: Row, **amounts: int) -> None:
    assert isinstance(row.sums, Counter)
    row.sums.update({name: int(amount) for name, amount in amounts.items()})
