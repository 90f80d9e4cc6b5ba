"""The periods that a report can be about: an ISO week, a month, a tertial, or any days in a row."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from dashboards.swedish import MONTHS, days_sv, week_sv
from schemas.errors import ConfigurationError
from schemas.timebase import day_start, iso_week, iso_week_days, local_day


class Kind(StrEnum):
    """What a period is a stretch of."""

    WEEK = "week"
    MONTH = "month"
    TERTIAL = "tertial"
    DAYS = "days"


class Against(StrEnum):
    """What a period is compared with."""

    BEFORE = "before"
    """The period of the same kind just before it."""
    LAST_YEAR = "last-year"
    """The same ISO week, month or tertial of the year before."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a kind of period is called in running text."""

    title: str
    this: str
    before: str
    last_year: str


_WORDS = {
    Kind.WEEK: Words("Veckorapport", "veckan", "veckan före", "samma vecka i fjol"),
    Kind.MONTH: Words("Månadsrapport", "månaden", "månaden före", "samma månad i fjol"),
    Kind.TERTIAL: Words("Tertialrapport", "tertialet", "tertialet före", "samma tertial i fjol"),
    Kind.DAYS: Words("Rapport", "perioden", "perioden före", "samma dagar i fjol"),
}


@dataclass(frozen=True, slots=True)
class Period:
    """Local days from ``since`` (included) to ``until`` (not). ``name`` is as people ask for it: 2026-W47."""

    kind: Kind
    name: str
    since: date
    until: date

    @property
    def last(self) -> date:
        """The last day."""
        return self.until - timedelta(days=1)

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.until - self.since).days

    @property
    def words(self) -> Words:
        """What it is called."""
        return _WORDS[self.kind]

    @property
    def label(self) -> str:
        """Which one it is: ``vecka 47, 2026``, ``november 2026``, ``tertial 3, 2026``."""
        if self.kind is Kind.WEEK:
            return week_sv(self.name)
        if self.kind is Kind.MONTH:
            return f"{MONTHS[self.since.month - 1]} {self.since.year}"
        if self.kind is Kind.TERTIAL:
            return f"tertial\u00a0{self.since.month // 4 + 1}, {self.since.year}"
        return days_sv(self.since, self.last)

    @property
    def when(self) -> str:
        """When it is, within a sentence: ``under vecka 47, 2026``, ``den 18 november 2026``."""
        if self.kind is not Kind.DAYS:
            return f"under {self.label}"
        return f"den {self.label}" if self.days == 1 else f"under perioden {self.label}"

    @property
    def days_label(self) -> str:
        """Its days, such as ``16–22 november 2026``."""
        return days_sv(self.since, self.last)

    def before(self) -> Period:
        """Return the period of the same kind just before. Raises OverflowError before year 1."""
        if self.kind is Kind.DAYS:
            first = self.since - timedelta(days=self.days)
            return _days_between(first, self.since)
        return _holding(self.kind, self.since - timedelta(days=1))

    def last_year(self) -> Period | None:
        """Return the same one of the year before; None for a week 53 that the year before had not."""
        year = self.since.year - 1
        if self.kind is Kind.WEEK:
            iso_year, number, _ = self.since.isocalendar()
            try:
                return week_of(date.fromisocalendar(iso_year - 1, number, 1))
            except ValueError:
                return None
        if self.kind is Kind.DAYS:
            first = _same_day(self.since, year)
            return _days_between(first, first + timedelta(days=self.days))
        return _holding(self.kind, self.since.replace(year=year))

    def compared(self, against: Against) -> Period | None:
        """Return the period that this one is compared with."""
        return self.before() if against is Against.BEFORE else self.last_year()

    def over(self, now: datetime) -> bool:
        """Tell whether its last day has passed."""
        return now >= day_start(self.until)


def week(text: str) -> Period:
    """Return an ISO week such as ``2026-W47``. Raises ConfigurationError."""
    return _checked(lambda: week_of(iso_week_days(text.strip())[0]), "week", text, "2026-W47")


def month(text: str) -> Period:
    """Return a month such as ``2026-11``. Raises ConfigurationError."""
    return _checked(
        lambda: month_of(date.fromisoformat(f"{_matched('[0-9]{4}-[0-9]{2}', text)}-01")),
        "month",
        text,
        "2026-11",
    )


def tertial(text: str) -> Period:
    """Return a tertial (four months) such as ``2026-T3``. Raises ConfigurationError."""

    def made() -> Period:
        year, number = _matched("[0-9]{4}-[Tt][1-3]", text).upper().split("-T")
        return tertial_of(date(int(year), int(number) * 4 - 3, 1))

    return _checked(made, "tertial", text, "2026-T3")


def days(text: str) -> Period:
    """Return days such as ``2016-01-01..2025-12-31``, both included. Raises ConfigurationError."""

    def made() -> Period:
        first, last = map(date.fromisoformat, text.strip().split(".."))
        if last < first:
            raise ValueError("ends before it begins")
        return _days_between(first, last + timedelta(days=1))

    return _checked(made, "days", text, "2016-01-01..2025-12-31")


def named(name: str) -> Period:
    """Return the period of a name (``Period.name``). Raises ConfigurationError for what is none."""
    kinds = {"W": week, "T": tertial, "..": days}
    return next((read for mark, read in kinds.items() if mark in name), month)(name)


def check_begun(period: Period, now: datetime) -> None:
    """Raise ConfigurationError, with one to ask for instead, for a period that has not begun."""
    if day_start(period.since) <= now:
        return
    latest = "an earlier one"
    if period.kind is not Kind.DAYS:
        latest = f"one that has passed, such as {_holding(period.kind, local_day(now)).before().name}"
    raise ConfigurationError(f"{period.kind} {period.name!r} has not begun; ask for {latest}")


def _checked(made: Callable[[], Period], kind: str, text: str, example: str) -> Period:
    try:
        period = made()
        day_start(period.before().since)  # the one before it is shown beside it
        day_start(period.until)
        return period
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(f"{kind} {text!r}: no such {kind}; write it as {example}") from error


def _matched(pattern: str, text: str) -> str:
    if not re.fullmatch(pattern, text.strip()):
        raise ValueError("written otherwise")
    return text.strip()


def _holding(kind: Kind, day: date) -> Period:
    made = {Kind.WEEK: week_of, Kind.MONTH: month_of, Kind.TERTIAL: tertial_of}[kind]
    return made(day)


def week_of(day: date) -> Period:
    """Return the ISO week that holds a day."""
    name = iso_week(day)
    monday, after = iso_week_days(name)
    return Period(Kind.WEEK, name, monday, after)


def month_of(day: date) -> Period:
    """Return the month that holds a day."""
    first = day.replace(day=1)
    return Period(Kind.MONTH, f"{first:%Y-%m}", first, _months_later(first, 1))


def tertial_of(day: date) -> Period:
    """Return the tertial that holds a day."""
    first = date(day.year, (day.month - 1) // 4 * 4 + 1, 1)
    return Period(Kind.TERTIAL, f"{first.year:04d}-T{first.month // 4 + 1}", first, _months_later(first, 4))


def _days_between(since: date, until: date) -> Period:
    return Period(Kind.DAYS, f"{since}..{until - timedelta(days=1)}", since, until)


def _months_later(first: date, months: int) -> date:
    years, month_index = divmod(first.month - 1 + months, 12)
    return date(first.year + years, month_index + 1, 1)


def _same_day(day: date, year: int) -> date:
    """Return the day in another year; 28 February for a leap day."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)
