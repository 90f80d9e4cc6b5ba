"""When what is done every day or every week is due, by the clock on the wall in Sweden."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time

from schemas.clock import Clock
from schemas.errors import ConfigurationError
from schemas.timebase import STOCKHOLM, local_day

LONGEST_SLEEP_S = 30.0
"""Clocks are set, and machines sleep: the time is looked at again after so long."""


def clock_time_of(option: str, text: str) -> clock_time:
    """Return a local clock time such as ``03:15``. Raises ConfigurationError for anything else."""
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", text)
    if found is None:
        raise ConfigurationError(f"{option} {text!r}: no such time; write it as 03:15")
    return clock_time(int(found[1]), int(found[2]))


def at_local(day: date, at: clock_time) -> datetime:
    """Return a local clock time of a day as an instant in UTC.

    A time that the day has twice is the first of the two, one that it has not is an hour later.
    """
    return datetime.combine(day, at, STOCKHOLM).astimezone(UTC)


def next_daily(after: datetime, at: clock_time) -> datetime:
    """Return the next instant after another at which a local clock shows a time."""
    today = local_day(after)
    return next(due for n in range(3) if (due := at_local(today + timedelta(days=n), at)) > after)


def wait_until(instant: datetime, clock: Clock, sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait until a clock shows an instant."""
    while (left := (instant - clock.now()).total_seconds()) > 0:
        sleep(min(left, LONGEST_SLEEP_S))
