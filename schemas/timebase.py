"""Time: instants in UTC, windows of 15 minutes, days and weeks in Europe/Stockholm."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schemas.errors import ConfigurationError

STOCKHOLM = ZoneInfo("Europe/Stockholm")
WINDOW = timedelta(minutes=15)


def window_start(instant: datetime) -> datetime:
    """Return the start (UTC) of the 15-minute window that holds ``instant``.

    Every offset of Europe/Stockholm since 1980 is a whole hour, so UTC quarters are local quarters.
    """
    utc = instant.astimezone(UTC)
    return utc.replace(minute=utc.minute - utc.minute % 15, second=0, microsecond=0)


def local_day(instant: datetime) -> date:
    """Return the date in Europe/Stockholm on which ``instant`` falls."""
    return instant.astimezone(STOCKHOLM).date()


def day_start(day: date) -> datetime:
    """Return the instant (UTC) at which ``day`` begins in Europe/Stockholm."""
    return datetime.combine(day, time(), STOCKHOLM).astimezone(UTC)


def kept_from(now: datetime, days: int | None) -> date:
    """Return the first day (UTC) of which what is kept for so many days is still there; None: for ever."""
    if days is None:
        return date(1970, 1, 1)
    return now.astimezone(UTC).date() - timedelta(days=days - 1)


def iso_week_days(week: str) -> tuple[date, date]:
    """Return Monday, and the Monday after, of an ISO week such as ``2026-W47``.

    Raises ConfigurationError for anything that names no week.
    """
    try:
        year, number = week.upper().split("-W")
        monday = date.fromisocalendar(int(year), int(number), 1)
        return monday, monday + timedelta(days=7)
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(f"week {week!r}: no such ISO week; write it as 2026-W47") from error


def iso_week(day: date) -> str:
    """Return the ISO week of ``day`` as ``2026-W47``."""
    year, number, _ = day.isocalendar()
    return f"{year}-W{number:02d}"


def to_ms(span: timedelta) -> int:
    """Return a time span in whole milliseconds. Sums of integers do not depend on their order."""
    return span // timedelta(milliseconds=1)
