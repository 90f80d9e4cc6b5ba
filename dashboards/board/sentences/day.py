"""Today against a usual day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dashboards.board.baseline import Today
from dashboards.board.sentences.shares import plain
from dashboards.swedish import NBSP, WEEKDAYS, clock_sv, count_of, date_sv, listed, number

_RANGE = "\u2060–\u2060"
"""A dash that does not end a line."""


def usual_day_name(day: date) -> str:
    """Return ``en vanlig tisdag``."""
    return f"en vanlig {WEEKDAYS[day.weekday()]}"


def against_usual(today: Today, day: date) -> str:
    """Say how today's contacts compare with a usual day at the same time."""
    clock = clock_sv(today.until)
    first = f"{count_of(today.contacts, 'kontakt har', 'kontakter har')} kommit till kl.{NBSP}{clock}."
    if today.special:
        return f"{first} {today.special} jämförs inte med någon annan dag."
    if today.usual is None:
        return f"{first} Det finns ingen jämförbar dag att jämföra med."
    middle, low, high = today.usual
    days = count_of(len(today.compared_days), "jämförbar dag", "jämförbara dagar")
    compared = f"En vanlig {WEEKDAYS[day.weekday()]} är det {plain(middle)} vid samma tid"
    seen = f"{number(low)}{_RANGE}{number(high)} under {days}"
    return f"{first} {compared} ({seen}). {_times(today.contacts, low, high)}"


def _times(contacts: int, low: int, high: int) -> str:
    if contacts > high:
        return "Det är fler än någon av dem."
    if contacts < low:
        return "Det är färre än någon av dem."
    return "Det är som vanligt."


def compared(days: Sequence[date]) -> str:
    """Name the days that today is compared with."""
    return (
        listed(date_sv(day) for day in sorted(days)) if days else "inga dagar, eftersom ingen går att jämföra"
    )
