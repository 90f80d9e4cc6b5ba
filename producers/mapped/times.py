"""Times as other systems write them, turned into instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

ISO: Final = "iso"
EPOCH_SECONDS: Final = "epoch_s"
EPOCH_MILLISECONDS: Final = "epoch_ms"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE_ONLY = len("2026-11-24")


def check_format(text: str) -> str:
    """Return a time format. Raises ValueError for one that is none."""
    if text in {ISO, EPOCH_SECONDS, EPOCH_MILLISECONDS}:
        return text
    if "%" not in text:
        raise ValueError(
            f"{text!r} is no time format; use iso, epoch_s, epoch_ms, or a pattern such as %d/%m/%Y %H.%M"
        )
    # What strftime writes, strptime must be able to read: an unknown directive fails here, not at night.
    if datetime.strptime(_EPOCH.strftime(text), text).year != _EPOCH.year:  # noqa: DTZ007 - only tried
        raise ValueError(f"{text!r} names no year")
    return text


def parse(value: object, pattern: str, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) that ``value`` says, from 2000 on. Raises ValueError where it says none.

    A time without a zone is one of ``zone``. An hour that comes twice, when summer time ends, is taken for
    the first of the two; one that does not exist, when summer time begins, is read with the offset from
    before the change, so 02:30 is the instant at which clocks show 03:30.
    """
    try:
        at = _parse(value, pattern)
        if at.tzinfo is None:
            at = at.replace(tzinfo=zone, fold=0)
        at = at.astimezone(UTC)
    except (OverflowError, TypeError, OSError) as error:
        raise ValueError("no time") from error
    if not 2000 <= at.year <= 9000:
        raise ValueError("no plausible year")
    return at


def _parse(value: object, pattern: str) -> datetime:
    if pattern in {EPOCH_SECONDS, EPOCH_MILLISECONDS}:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError("no number")
        number = value if isinstance(value, int) else _number(value)
        return _EPOCH + (
            timedelta(milliseconds=number) if pattern == EPOCH_MILLISECONDS else timedelta(seconds=number)
        )
    if not isinstance(value, str):
        raise ValueError("not text")
    text = value.strip()
    if pattern != ISO:
        return datetime.strptime(text, pattern)  # noqa: DTZ007 - the caller adds the zone
    if len(text) <= _DATE_ONLY:
        raise ValueError("a date without a time")
    return datetime.fromisoformat(text)


def _number(value: float | str) -> int | float:
    """Return a number that may be written as text; whole ones without going over floats."""
    return int(value) if isinstance(value, str) and value.strip().lstrip("-").isdigit() else float(value)
