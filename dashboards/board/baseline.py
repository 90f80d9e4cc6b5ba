"""Today against a usual day: the median of the last comparable days (DOMAIN §2.5)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median

from dashboards.figures import Store
from schemas.catalogue import Catalogue
from schemas.clickhouse.queries import Between, Grain, sums_query
from schemas.timebase import STOCKHOLM, WINDOW, day_start, local_day, window_start

COMPARED_DAYS = 8
MEASURE = "offered"
_MARGIN = timedelta(hours=1)

Quarters = Mapping[time, int]
"""Local start of a quarter -> contacts."""


@dataclass(frozen=True, slots=True)
class Usual:
    """Contacts per quarter on each of the days that today is compared with; none where none compares."""

    days: tuple[tuple[date, Quarters], ...] = ()

    def at(self, quarter: time) -> float | None:
        """Return the median of a quarter over the days; None without days."""
        return median(counts.get(quarter, 0) for _, counts in self.days) if self.days else None

    def until(self, end: time | None) -> tuple[float, int, int] | None:
        """Return median, lowest and highest of the contacts before ``end`` (None: of the whole day)."""
        if not self.days:
            return None
        sums = [
            sum(n for quarter, n in counts.items() if end is None or quarter < end) for _, counts in self.days
        ]
        return median(sums), min(sums), max(sums)


@dataclass(frozen=True, slots=True)
class Quarter:
    """One row of the chart: ``channels`` (contacts by channel) is None until the quarter has passed."""

    start: datetime
    channels: Mapping[str, int] | None
    usual: float | None

    @property
    def contacts(self) -> int | None:
        """Contacts in all; None until the quarter has passed."""
        return None if self.channels is None else sum(self.channels.values())


@dataclass(frozen=True, slots=True)
class Today:
    """Contacts so far today, by quarter, and what is usual. ``until`` is the end of the last full quarter."""

    until: datetime
    contacts: int
    usual: tuple[float, int, int] | None
    whole_day: tuple[float, int, int] | None
    compared_days: tuple[date, ...]
    quarters: tuple[Quarter, ...]
    outside: int
    """Contacts so far in quarters that lie outside the chart."""
    special: str | None = None
    """The name of a day that is not compared, such as Julafton."""


def read_usual(store: Store, catalogue: Catalogue, today: date) -> Usual:
    """Read the days to compare with. A day without any contact says nothing and is left out."""
    days = catalogue.comparable_days(today)
    if not days:
        return Usual()
    period = Between(day_start(days[-1]), day_start(days[0] + timedelta(days=1)))
    rows = store.rows(sums_query(Grain.WINDOW, period, by=("window",), measures=(MEASURE,)))
    per_day: dict[date, Counter[time]] = defaultdict(Counter)
    for window, contacts in rows:
        if contacts:
            per_day[local_day(window)][_quarter(window)] += int(contacts)
    known = [(day, dict(per_day[day])) for day in days if day in per_day]
    return Usual(tuple(known[:COMPARED_DAYS]))


def compare(
    windows: Iterable[tuple[datetime, Mapping[str, int]]], usual: Usual, catalogue: Catalogue, now: datetime
) -> Today:
    """Put today's contacts by window and channel beside a usual day, up to the last full quarter."""
    until = window_start(now)
    today = local_day(now)
    by_channel = {window: counts for window, counts in windows if window < until}
    per_window = {window: sum(counts.values()) for window, counts in by_channel.items()}
    first, last = _shown(catalogue, today)
    quarters = []
    start = first
    while start < last:
        channels = by_channel.get(start, {}) if start < until else None
        quarters.append(Quarter(start, channels, usual.at(_quarter(start))))
        start += WINDOW
    return Today(
        until=until,
        contacts=sum(per_window.values()),
        usual=usual.until(_quarter(until)),
        whole_day=usual.until(None),
        compared_days=tuple(day for day, _ in usual.days),
        quarters=tuple(quarters),
        special=catalogue.days[today].name if today in catalogue.days else None,
        outside=sum(n for window, n in per_window.items() if not first <= window < last),
    )


def _quarter(instant: datetime) -> time:
    return instant.astimezone(STOCKHOLM).time().replace(tzinfo=None)


def _shown(catalogue: Catalogue, today: date) -> tuple[datetime, datetime]:
    """Return the span of the chart (UTC): opening hours and an hour on either side."""
    hours = catalogue.opening(today)
    if hours is None:
        opens, closes = (
            min(h[0] for h in catalogue.hours.values()),
            max(h[1] for h in catalogue.hours.values()),
        )
        hours = datetime.combine(today, opens, STOCKHOLM), datetime.combine(today, closes, STOCKHOLM)
    return window_start(hours[0] - _MARGIN), window_start(hours[1] + _MARGIN)
