"""Days, clock times and ages as they stand in a sentence."""

from __future__ import annotations

from datetime import date, datetime

from dashboards.board.periods import Span
from dashboards.board.picture import Picture
from dashboards.swedish import NBSP, NOTHING, clock_sv, count_of, date_sv, week_sv
from schemas.timebase import local_day


def span(days: Span) -> str:
    """Return the days of a period: one date, or the first and the last."""
    if days.first == days.last:
        return date_sv(days.first, weekday=True)
    if (days.first.year, days.first.month) == (days.last.year, days.last.month):
        return f"{days.first.day}–{date_sv(days.last)}"
    return f"{date_sv(days.first)} – {date_sv(days.last)}"


def week(iso: str) -> str:
    """Return ``vecka 46``; the year goes without saying on a live page."""
    return week_sv(iso).partition(",")[0]


def moment(instant: datetime | None, today: date) -> str:
    """Return an instant as ``14.05``, or ``23/11 kl. 14.05`` when not today; a dash for None."""
    if instant is None:
        return NOTHING
    day = local_day(instant)
    clock = clock_sv(instant)
    return clock if day == today else f"{day.day}/{day.month} kl.{NBSP}{clock}"


def at(instant: datetime, today: date) -> str:
    """Return an instant as it stands in a sentence: ``kl. 14.05``, or with its day when not today."""
    when = moment(instant, today)
    return when if "kl." in when else f"kl.{NBSP}{when}"


def outage(shown: Picture | None, today: date) -> str:
    """Say that the store is away, and from when the figures are."""
    away = "Statistiken går inte att nå just nu."
    if shown is None:
        return away
    return f"{away} Siffrorna är från {at(shown.at, today)}."


def age(seconds: float) -> str:
    """Return the age of figures: ``mindre än en minut gamla``, ``3 minuter gamla``."""
    minutes = int(max(seconds, 0) // 60)
    if minutes == 0:
        return "mindre än en minut gamla"
    if minutes < 120:
        return f"{count_of(minutes, 'minut', 'minuter')} gamla"
    return f"{count_of(minutes // 60, 'timme', 'timmar')} gamla"
