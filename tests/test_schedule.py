"""When something is due: every day has one instant for a clock time, also when clocks are changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kommuncenter.schedule import LONGEST_SLEEP_S, at_local, clock_time_of, next_daily, wait_until
from schemas.errors import ConfigurationError
from schemas.timebase import STOCKHOLM

YEARS = st.integers(1_735_689_600, 1_925_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))
TIMES = st.builds(clock_time, st.integers(0, 23), st.integers(0, 59))


@given(YEARS, TIMES)
@example(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), clock_time(2, 30))
@example(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), clock_time(2, 30))
def test_the_next_is_later_and_no_more_than_a_long_day_away(after: datetime, at: clock_time) -> None:
    due = next_daily(after, at)
    assert timedelta(0) < due - after <= timedelta(hours=25)
    shown = due.astimezone(STOCKHOLM).time()
    assert shown == at or (at.hour == 2 and shown == at.replace(hour=3))  # the hour that spring leaves out


@given(YEARS, TIMES)
def test_every_day_is_served_once(after: datetime, at: clock_time) -> None:
    days = []
    for _ in range(5):
        after = next_daily(after, at)
        days.append(after.astimezone(STOCKHOLM).date())
    assert days == [days[0] + timedelta(days=n) for n in range(5)]


def test_of_an_hour_that_comes_twice_the_first_counts() -> None:
    assert at_local(date(2026, 10, 25), clock_time(2, 30)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_time_is_written_with_four_digits() -> None:
    assert clock_time_of("--daily", "03:15") == clock_time(3, 15)
    for wrong in ("3:15", "24:00", "03:60", "0315", "03:15:00", ""):
        with pytest.raises(ConfigurationError, match="--daily"):
            clock_time_of("--daily", wrong)


@dataclass
class Slept:
    """A clock that goes on while one sleeps, in the end at a jump."""

    at: datetime
    slept: float = 0.0

    def now(self) -> datetime:
        """Return the instant."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Let time go by; after a minute the clock is set on by a day."""
        assert 0 < seconds <= LONGEST_SLEEP_S
        self.slept += seconds
        self.at += timedelta(seconds=seconds) + timedelta(days=self.slept >= 60)


def test_a_clock_that_is_set_on_is_noticed() -> None:
    clock = Slept(datetime(2026, 11, 16, tzinfo=UTC))
    wait_until(clock.at + timedelta(hours=20), clock, clock.sleep)
    assert clock.slept == 60
    wait_until(clock.at, clock, clock.sleep)
    assert clock.slept == 60
