"""What a report is made of: everything that it needs from the store, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dashboards.figures import Store
from dashboards.report.cube import Cube, read_cube
from dashboards.report.period import Against, Kind, Period, check_begun
from schemas.catalogue import Catalogue
from schemas.clickhouse.queries import (
    OPEN_REBUILDS,
    Between,
    Grain,
    dead_letters_query,
    source_health_query,
    sums_query,
)
from schemas.clickhouse.report import (
    hours_query,
    instants,
    ladder_query,
    late_query,
    surges_query,
)
from schemas.clickhouse.social import SocialGauge, social_query
from schemas.errors import ConfigurationError
from schemas.timebase import day_start, local_day

COMPARED_WEEKS = 26
"""As far back comparable days are looked for; eight of a weekday are enough (DOMAIN §2.5)."""
DAY_MEASURES = (
    "offered",
    "errands",
    "resolved_in_centre",
    "answered_in_target",
    "calls_answered",
    "calls_abandoned",
    "calls_abandoned_in_target",
    "calls_abandoned_after_target",
    "calls_short_abandoned",
    "calls_flowed_out",
)
"""What is shown by day; the last six are those of the service level, whichever its formula."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for. ``area`` (a name of the catalogue) limits what can be split by area; empty: all."""

    period: Period
    against: Against = Against.BEFORE
    area: str = ""


@dataclass(frozen=True, slots=True)
class DayRow:
    """Sums of a local day, by topic; contacts have none and stand under the empty one."""

    day: date
    area: str
    topic: str
    sums: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Hour:
    """Calls of a weekday (1 is Monday) and hour (local clock); waits in milliseconds, summed."""

    weekday: int
    hour: int
    answered: int
    wait_ms: int
    abandoned: int


@dataclass(frozen=True, slots=True)
class Rung:
    """Errands of a topic at a level (-1: not known) by who closed them (empty: nobody yet).

    ``timed`` are those whose contact's time is known, ``ms`` that time; ``solved_…``: of those that the
    centre resolved.
    """

    area: str
    topic: str
    level: int
    performed_by: str
    errands: int
    timed: int
    ms: int
    solved_timed: int
    solved_ms: int


@dataclass(frozen=True, slots=True)
class Surge:
    """A surge that was noticed (UTC). ``topic`` is empty for all contacts; ``usual`` is what is expected."""

    topic: str
    since: datetime
    until: datetime
    contacts: int
    usual: float
    over: bool


@dataclass(frozen=True, slots=True)
class Rejected:
    """Records of a source that could not be used."""

    instance: str
    reason: str
    records: int


@dataclass(frozen=True, slots=True)
class Source:
    """A source's last event (UTC) as known at the end of the period."""

    instance: str
    last_event_at: datetime | None


@dataclass(frozen=True, slots=True)
class Material:
    """All that was read. ``clock_now`` (aware) decides what has passed, and nothing else.

    ``then`` and ``year`` are None where there is no such period (a week 53) or the store has nothing of it.
    ``days`` (in their order) reach back over what the period is compared with; ``surges`` too.
    """

    request: Request
    clock_now: datetime
    now: Cube
    then: Cube | None
    year: Cube | None
    days: tuple[DayRow, ...]
    hours: tuple[Hour, ...]
    rungs: tuple[Rung, ...]
    surges: tuple[Surge, ...]
    gauges: tuple[SocialGauge, ...]
    rejected: tuple[Rejected, ...]
    sources: tuple[Source, ...]
    late: int
    rebuilds: int

    @property
    def period(self) -> Period:
        """The period that the report is about."""
        return self.request.period

    @property
    def compared(self) -> Period | None:
        """The period that it is compared with."""
        return self.period.compared(self.request.against)

    @property
    def over(self) -> bool:
        """Tell whether the period has passed."""
        return self.period.over(self.clock_now)

    @property
    def empty(self) -> bool:
        """Tell whether the store has nothing at all of the period."""
        return not any(self.now.whole().sums.values())

    def worked(self) -> tuple[date, ...]:
        """Return the days with contacts, in order."""
        return tuple(sorted({row.day for row in self.days if row.sums["offered"]}))

    def surges_now(self) -> tuple[Surge, ...]:
        """Return the surges of the period."""
        since, until = day_start(self.period.since), day_start(self.period.until)
        return tuple(surge for surge in self.surges if since <= surge.since < until)


def read_material(store: Store, catalogue: Catalogue, request: Request, clock_now: datetime) -> Material:
    """Read what a report needs.

    Raises ConfigurationError for a period that has not begun or an area that there is not, and RetriableError
    while the store is away.
    """
    period = request.period
    check_begun(period, clock_now)
    if request.area and request.area not in catalogue.areas:
        raise ConfigurationError(
            f"area {request.area!r}: not in the catalogue; there are {', '.join(catalogue.areas)}"
        )
    tomorrow = local_day(clock_now) + timedelta(days=1)

    def cube(of: Period | None) -> Cube | None:
        found = read_cube(store, of.name, _until(of, tomorrow), request.area) if of else None
        return found if found is not None and any(found.whole().sums.values()) else None

    year = period.last_year() if _has_year(request) else None
    days = _until(period, tomorrow)
    back = Between(_back_to(request), days.until)
    return Material(
        request=request,
        clock_now=clock_now,
        now=cube(period) or Cube(period.name, {}, request.area),
        then=cube(period.compared(request.against)),
        year=cube(year),
        days=_read_days(store, back),
        hours=tuple(Hour(*map(int, row)) for row in store.rows(hours_query(days))),
        rungs=_read_rungs(store, catalogue, days),
        surges=tuple(
            Surge(topic, since, until, int(contacts), float(usual), bool(over))
            for topic, since, until, contacts, usual, over in store.rows(surges_query(back))
        ),
        gauges=_read_gauges(store, period),
        rejected=tuple(Rejected(*row) for row in store.rows(dead_letters_query(instants(days)))),
        sources=tuple(
            Source(str(instance), last)
            for instance, _, last, _ in store.rows(
                source_health_query(min(clock_now, day_start(period.until)))
            )
        ),
        late=sum(int(row[0]) for row in store.rows(late_query(days))),
        rebuilds=sum(since < period.until for _, since, _ in store.rows(OPEN_REBUILDS)),
    )


def _until(period: Period, tomorrow: date) -> Between:
    """Return a period's days up to today: mail that falls due later is in the days to come."""
    return Between(period.since, max(period.since, min(period.until, tomorrow)))


def _has_year(request: Request) -> bool:
    return request.against is not Against.LAST_YEAR and request.period.kind is not Kind.DAYS


def _back_to(request: Request) -> date:
    """Return the first day that is needed: of a week's comparable days, or of what it is compared with."""
    period = request.period
    compared = period.compared(request.against)
    first = compared.since if compared else period.since
    return min(first, period.since - timedelta(weeks=COMPARED_WEEKS)) if period.kind is Kind.WEEK else first


def _read_days(store: Store, days: Between) -> tuple[DayRow, ...]:
    query = sums_query(Grain.DAY, days, by=("day", "area", "topic"), measures=DAY_MEASURES)
    return tuple(
        DayRow(day, area, topic, dict(zip(DAY_MEASURES, map(int, values), strict=True)))
        for day, area, topic, *values in store.rows(query)
    )


def _read_rungs(store: Store, catalogue: Catalogue, days: Between) -> tuple[Rung, ...]:
    internal: Sequence[str] = [name for name, topic in catalogue.topics.items() if topic.internal]
    return tuple(
        Rung(str(area), str(topic), int(level), str(by), *map(int, numbers))
        for area, topic, level, by, *numbers in store.rows(ladder_query(days, internal))
    )


def _read_gauges(store: Store, period: Period) -> tuple[SocialGauge, ...]:
    rows = store.rows(social_query(period.last, period.since - timedelta(days=1)))
    return tuple(SocialGauge(*row) for row in rows)
