"""Which period the board shows, and how it is read: past days by the day, today by the quarter.

A mail stands in the window in which it falls due, so today's row of the day grain holds what falls due
later today. Today is therefore always read in windows, and only those that have begun (CORRECTIONS 14).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from schemas.clickhouse.queries import Between
from schemas.timebase import day_start, local_day


class Period(StrEnum):
    """What a reader may choose; the values stand in the page's address."""

    TODAY = "idag"
    WEEK = "vecka"
    LAST_WEEK = "forra"

    @property
    def label(self) -> str:
        """The name that people see."""
        return _LABELS[self]


_LABELS = {Period.TODAY: "I dag", Period.WEEK: "Den här veckan", Period.LAST_WEEK: "Förra veckan"}


@dataclass(frozen=True, slots=True)
class Span:
    """A period of whole local days, ``first`` to ``last``, of which ``today`` may be the last."""

    first: date
    last: date
    today: date

    @property
    def past(self) -> Between | None:
        """The days before today, for the day grain; None where there are none."""
        end = min(self.last + timedelta(days=1), self.today)
        return Between(self.first, end) if self.first < end else None

    @property
    def has_today(self) -> bool:
        """Tell whether the period goes on today."""
        return self.first <= self.today <= self.last

    def instants(self, now: datetime) -> Between:
        """Return the period in instants (UTC), up to ``now`` at most."""
        return Between(day_start(self.first), min(day_start(self.last + timedelta(days=1)), now))

    def final(self, days: int, now: datetime) -> bool:
        """Tell whether every errand of the period has been followed for ``days`` times 24 hours."""
        return day_start(self.last + timedelta(days=1)) + timedelta(days=days) <= now


def span_of(period: Period, now: datetime) -> Span:
    """Return the days of a period as seen at ``now``; weeks are ISO weeks in Europe/Stockholm."""
    today = local_day(now)
    monday = today - timedelta(days=today.weekday())
    if period is Period.TODAY:
        return Span(today, today, today)
    if period is Period.WEEK:
        return Span(monday, today, today)
    return Span(monday - timedelta(days=7), monday - timedelta(days=1), today)


def today_so_far(now: datetime) -> Between:
    """Return today's windows that have begun at ``now``."""
    return Between(day_start(local_day(now)), now)


def last_final_week(days: int, today: date) -> Span:
    """Return the latest ISO week of which every errand has been followed for ``days`` days."""
    ready = today - timedelta(days=days)
    monday = ready - timedelta(days=ready.weekday() + 7)
    return Span(monday, monday + timedelta(days=6), today)
