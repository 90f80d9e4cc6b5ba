"""Looks for surges in what the store holds of today, and writes down what it notices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import structlog

from schemas.catalogue import Catalogue
from schemas.clickhouse.database import Database
from schemas.clickhouse.queries import Query
from schemas.clickhouse.tables import SURGES
from schemas.clock import Clock
from schemas.timebase import STOCKHOLM, WINDOW, day_start, local_day
from streams.core.surge import Day, Surge, quarter_of, surges, usual_of
from streams.rows import transpose

log = structlog.get_logger(__name__)

TOTAL = ""
"""The series of all contacts; every other one is a topic."""
WEEKS_BACK = 8
"""Each has one comparable day at most. Registrations are in the archive, which keeps events for 60 days."""
SETTLED = timedelta(minutes=1)
"""A quarter is looked at when its last contacts have had this long to come in."""

PAST_FOR = timedelta(minutes=15)
"""For so long the past days are not read again: registrations may still be corrected, days be rebuilt."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """A surge as it is stored: a series, from and to instants (UTC)."""

    topic: str
    since: datetime
    noticed_at: datetime
    until: datetime
    contacts: int
    usual: float
    over: bool


@dataclass(frozen=True, slots=True)
class _Past:
    """What was counted on the days before today."""

    read_at: datetime
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class SurgeWatch:
    """Compares today with the last comparable days; see :mod:`streams.core.surge`."""

    database: Database
    catalogue: Catalogue
    clock: Clock
    _past: dict[tuple[date, date], _Past] = field(default_factory=dict)

    def look(self) -> list[Noticed]:
        """Return the surges of today so far, and write those that are new or have changed.

        Contacts count by arrival, abandoned and blocked ones included; errands by topic and registration
        (CORRECTIONS 33). Internal topics are no service. Raises RetriableError while the store is away.
        """
        now = self.clock.now() - SETTLED
        today = local_day(now)
        compared = self.catalogue.comparable_days(today, WEEKS_BACK)
        if not compared:
            return []
        counts = self._counts(compared[-1], today)
        found = [n for topic in sorted(counts) for n in self._noticed(topic, counts[topic], compared, now)]
        self._write(found, today)
        return found

    def _noticed(
        self, topic: str, counts: Mapping[date, Day], compared: Iterable[date], now: datetime
    ) -> Iterator[Noticed]:
        """Yield the surges of a series. A day on which nothing was counted at all says nothing."""
        usual = usual_of([counts[day] for day in compared if day in counts])
        today = local_day(now)
        if usual is not None:
            for surge in surges(counts.get(today, {}), quarter_of(now), usual):
                yield _stored(topic, today, surge)

    def _counts(self, since: date, today: date) -> Mapping[str, Mapping[date, Day]]:
        """Return counts by series, local day and quarter from a day on; what is past is read now and then."""
        past = self._past.get((since, today))
        if past is None or self.clock.now() - past.read_at >= PAST_FOR:
            past = _Past(self.clock.now(), self._rows(since, today))
            self._past.clear()
            self._past[since, today] = past
        found: dict[str, dict[date, dict[int, int]]] = {}
        for topic, at, count in (*past.rows, *self._rows(today)):
            if not self.catalogue.is_internal_topic(topic):
                quarters = found.setdefault(topic, {}).setdefault(local_day(at), {})
                quarters[quarter_of(at)] = quarters.get(quarter_of(at), 0) + int(count)
        for topic, days in found.items():
            if topic != TOTAL:  # a day on which the centre worked, but nobody registered the topic, counts
                days.update({day: {} for day in found.get(TOTAL, {}) if day not in days})
        return found

    def _rows(self, since: date, until: date | None = None) -> Sequence[Sequence[Any]]:
        """Return series, quarter (UTC) and count from a local day on, and before another."""
        end = day_start(until) if until else datetime(2100, 1, 1, tzinfo=UTC)
        period = {"since": day_start(since), "until": end}
        return (*self._arrivals(period), *self._registrations(period))

    def _arrivals(self, period: Mapping[str, datetime]) -> Sequence[Sequence[Any]]:
        query = """SELECT '', window, sum(f.offered) AS contacts FROM service_windows_current AS f
WHERE window >= {since:DateTime64(3, 'UTC')} AND window < {until:DateTime64(3, 'UTC')}
GROUP BY window HAVING contacts > 0"""
        return self.database.rows(Query(query, period))

    def _registrations(self, period: Mapping[str, datetime]) -> Sequence[Sequence[Any]]:
        """An errand counts once, when it was first registered, under the topic that it has now.

        It may be registered again later, so all of the legs that are registered in the period is read.
        """
        query = """SELECT topic, toStartOfFifteenMinutes(registered_at) AS quarter, count() FROM
(
    SELECT
        argMax(JSONExtractString(payload, 'data', 'topic'), occurred_at) AS topic,
        min(occurred_at) AS registered_at
    FROM events FINAL
    WHERE type = 'kommuncenter.errand.registered' AND NOT late
        AND NOT JSONExtractBool(payload, 'data', 'thanks')
        AND leg_id IN
        (
            SELECT leg_id FROM events
            WHERE type = 'kommuncenter.errand.registered'
                AND occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}
        )
    GROUP BY leg_id, JSONExtractString(payload, 'data', 'errand')
    HAVING registered_at >= {since:DateTime64(3, 'UTC')} AND registered_at < {until:DateTime64(3, 'UTC')}
)
WHERE topic != '' GROUP BY topic, quarter"""
        return self.database.rows(Query(query, period))

    def _write(self, found: Iterable[Noticed], today: date) -> None:
        rows = self.database.rows(
            Query(
                """SELECT topic, since, noticed_at, until, contacts, usual, over FROM surges FINAL
WHERE since >= {since:DateTime64(3, 'UTC')}""",
                {"since": day_start(today)},
            )
        )
        known = {
            Noticed(topic, since, noticed_at, until, contacts, usual, bool(over))
            for topic, since, noticed_at, until, contacts, usual, over in rows
        }
        new = [noticed for noticed in found if noticed not in known]
        if not new:
            return
        at = self.clock.now()
        table = [(n.since, n.topic, n.noticed_at, n.until, n.contacts, n.usual, int(n.over), at) for n in new]
        self.database.insert(SURGES, transpose(table, len(SURGES.columns)))
        for noticed in new:
            log.warning(
                "surge", topic=noticed.topic or "all", since=noticed.since.isoformat(), over=noticed.over
            )


def _stored(topic: str, day: date, surge: Surge) -> Noticed:
    return Noticed(
        topic=topic,
        since=_instant(day, surge.first),
        noticed_at=_instant(day, surge.noticed) + WINDOW,
        until=_instant(day, surge.last) + WINDOW,
        contacts=surge.count,
        usual=surge.usual,
        over=surge.over,
    )


def _instant(day: date, quarter: int) -> datetime:
    """Return when a local quarter begins. Of the hour that a day has twice, the first one."""
    return datetime.combine(day, time(quarter // 4, quarter % 4 * 15), STOCKHOLM).astimezone(UTC)
