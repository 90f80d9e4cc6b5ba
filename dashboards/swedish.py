"""Numbers, dates and times as Swedes write them: decimal comma, no-break spaces, weeks by ISO.

Everything that a person reads goes through here, so board and report write a number alike. A value
that is missing (an empty denominator) is always ``–``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from schemas.timebase import STOCKHOLM, iso_week_days

NBSP = "\u00a0"
NOTHING = "–"
"""What stands where there is no value; never 0 % or 100 %."""

MONTHS = (
    "januari",
    "februari",
    "mars",
    "april",
    "maj",
    "juni",
    "juli",
    "augusti",
    "september",
    "oktober",
    "november",
    "december",
)
WEEKDAYS = ("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag")


def number(value: float | None, decimals: int = 0) -> str:
    """Return a number such as ``1 234`` or ``12,5``; halves are rounded away from zero."""
    if value is None:
        return NOTHING
    rounded = _rounded(Decimal(repr(value)), decimals)
    text = f"{abs(rounded):,.{decimals}f}".replace(",", NBSP).replace(".", ",")
    return f"\u2212{text}" if rounded < 0 else text


def percent(share: float | None, decimals: int = 0) -> str:
    """Return a share (0..1) as ``68 %``."""
    if share is None:
        return NOTHING
    return f"{_hundredths(share, decimals)}{NBSP}%"


def percent_interval(low: float, high: float) -> str:
    """Return an interval of shares (0..1) as ``65–71 %``."""
    return f"{_hundredths(low, 0)}–{_hundredths(high, 0)}{NBSP}%"


def points(difference: float, decimals: int = 0) -> str:
    """Return the size of a difference between two shares as ``3 procentenheter``, without its sign."""
    text = _hundredths(abs(difference), decimals)
    return f"{text}{NBSP}{'procentenhet' if text == '1' else 'procentenheter'}"


def duration(seconds: float | None) -> str:
    """Return a span as ``45 s``, ``1 min 30 s`` or ``2 tim 5 min``; whole seconds, never negative."""
    if seconds is None:
        return NOTHING
    whole = int(_rounded(Decimal(repr(max(seconds, 0))), 0))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _joined((hours, "tim"), (minutes, "min"))
    return _joined((minutes, "min"), (rest, "s")) if minutes else f"{rest}{NBSP}s"


def date_sv(day: date, *, weekday: bool = False) -> str:
    """Return a date as ``16 november 2026``, with ``weekday`` as ``måndag 16 november 2026``."""
    text = f"{day.day}{NBSP}{MONTHS[day.month - 1]} {day.year}"
    return f"{WEEKDAYS[day.weekday()]} {text}" if weekday else text


def clock_sv(instant: datetime) -> str:
    """Return an instant's local clock time as ``14.05``."""
    return instant.astimezone(STOCKHOLM).strftime("%H.%M")


def datetime_sv(instant: datetime) -> str:
    """Return an instant in local time as ``16 november 2026 kl. 14.05``."""
    local = instant.astimezone(STOCKHOLM)
    return f"{date_sv(local.date())} kl.{NBSP}{clock_sv(local)}"


def week_sv(week: str) -> str:
    """Return an ISO week such as ``2026-W47`` as ``vecka 47, 2026``. Raises ConfigurationError."""
    year, number_, _ = iso_week_days(week)[0].isocalendar()
    return f"vecka{NBSP}{number_}, {year}"


def week_days_sv(week: str) -> str:
    """Return the days of an ISO week as ``16–22 november 2026``. Raises ConfigurationError."""
    monday, after = iso_week_days(week)
    return days_sv(monday, after - timedelta(days=1))


def days_sv(first: date, last: date) -> str:
    """Return days in a row, both included, as ``16–22 november 2026``."""
    if first == last:
        return date_sv(first)
    if first.year != last.year:
        return f"{date_sv(first)} – {date_sv(last)}"
    if first.month != last.month:
        return f"{first.day}{NBSP}{MONTHS[first.month - 1]} – {date_sv(last)}"
    return f"{first.day}–{date_sv(last)}"


def count_of(n: int, one: str, many: str) -> str:
    """Return ``1 ärende`` or ``12 ärenden``."""
    return f"{number(n)}{NBSP}{one if n == 1 else many}"


def listed(parts: Iterable[str]) -> str:
    """Return ``a, b och c``."""
    *head, last = tuple(parts) or ("",)
    return f"{', '.join(head)} och {last}" if head else last


def _rounded(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def _hundredths(share: float, decimals: int) -> str:
    return number(float(Decimal(repr(share)) * 100), decimals)


def _joined(*parts: tuple[int, str]) -> str:
    return " ".join(f"{amount}{NBSP}{unit}" for amount, unit in parts if amount)
