"""The rule of silence once more, in plain Python: what the query is held against, and what is measured."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from schemas.catalogue import Catalogue, DayKind
from schemas.clickhouse.silence import SilenceRule
from schemas.timebase import STOCKHOLM, local_day, window_start

QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
WEEKS = 8


def clock_quarter(instant: datetime) -> time:
    """Return the local start of the quarter of an hour in which an instant falls."""
    return window_start(instant).astimezone(STOCKHOLM).time()


@dataclass
class Arrivals:
    """When calls, messages or visits first stood in a source's events; several in a minute count once."""

    catalogue: Catalogue
    first_day: date | None = None
    minutes: dict[date, Counter[time]] = field(default_factory=lambda: defaultdict(Counter))
    _rhythms: dict[date, dict[tuple[int, time], float]] = field(default_factory=dict)

    @classmethod
    def of(cls, catalogue: Catalogue, instants: Iterable[datetime]) -> Arrivals:
        """Return the arrivals at these instants."""
        found = cls(catalogue)
        for minute in sorted({instant.replace(second=0, microsecond=0) for instant in instants}):
            found.minutes[local_day(minute)][clock_quarter(minute)] += 1
        found.first_day = min(found.minutes, default=None)
        return found

    def rhythm(self, day: date) -> dict[tuple[int, time], float]:
        """Return the usual minutes by weekday and quarter, as known at the beginning of a day."""
        if day not in self._rhythms:
            before = [day - DAY * back for back in range(1, 7 * WEEKS + 1)]
            comparable = [
                d for d in before if self.first_day and d >= self.first_day and d not in self.catalogue.days
            ]
            days = Counter(d.isoweekday() for d in comparable)
            sums: Counter[tuple[int, time]] = Counter()
            for d in comparable:
                for quarter, minutes in self.minutes.get(d, Counter()).items():
                    sums[d.isoweekday(), quarter] += minutes
            self._rhythms[day] = {key: n / days[key[0]] for key, n in sums.items()}
        return self._rhythms[day]

    def expected(self, since: datetime, until: datetime) -> float:
        """Return how many were to be expected in a time in which none came."""
        rhythm = self.rhythm(local_day(since))
        total, start = 0.0, window_start(since)
        while start < until:
            weekday, factor = self._like(local_day(start))
            overlap = (min(start + QUARTER, until) - max(start, since)) / QUARTER
            total += overlap * factor * rhythm.get((weekday, clock_quarter(start)), 0.0)
            start += QUARTER
        return total

    def silent(self, since: datetime, now: datetime, rule: SilenceRule) -> bool:
        """Tell whether nothing since then is an alarm."""
        return now - since >= rule.floor and (
            self.expected(since, now) >= rule.missing or now - since > WEEKS * 7 * DAY
        )

    def usual(self, since: datetime, now: datetime) -> float:
        """Return how many are usual in the hour of the clock at ``now``."""
        weekday, factor = self._like(local_day(now))
        hour = now.astimezone(STOCKHOLM).hour
        return factor * sum(
            n for (day, at), n in self.rhythm(local_day(since)).items() if (day, at.hour) == (weekday, hour)
        )

    def _like(self, day: date) -> tuple[int, float]:
        special = self.catalogue.days.get(day)
        if special is None:
            return day.isoweekday(), 1.0
        return (7, 1.0) if special.kind is DayKind.CLOSED else (day.isoweekday(), 0.5)
