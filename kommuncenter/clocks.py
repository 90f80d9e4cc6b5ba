"""Clocks: the real one, and one that runs at another speed for the demo."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas.clock import Clock
from schemas.errors import ConfigurationError


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """A clock that showed ``shown`` at the real instant ``real``, and runs ``speed`` times as fast."""

    shown: datetime
    real: datetime
    speed: float

    def now(self) -> datetime:
        """Return the instant that the clock shows, in UTC."""
        return self.shown + (datetime.now(UTC) - self.real) * self.speed

    def real_seconds_until(self, instant: datetime) -> float:
        """Return how many real seconds pass until the clock shows ``instant``; 0 if it has."""
        return max(0.0, (instant - self.now()) / timedelta(seconds=1) / self.speed)

    def spec(self) -> str:
        """Return the clock as a setting, so that every process of a demo has the same."""
        return f"{self.shown.isoformat()}@{self.real.isoformat()}x{self.speed:g}"


_SPEC = re.compile(r"^(?P<shown>[^@]+)@(?P<real>[^@]+)x(?P<speed>[0-9.]+)$")


def clock_from_spec(spec: str | None) -> Clock:
    """Return the clock of a setting; the system's for None.

    Raises ConfigurationError for anything that is no clock.
    """
    if spec is None:
        return SystemClock()
    match = _SPEC.match(spec)
    try:
        if match is None:
            raise ValueError(spec)
        shown, real = (datetime.fromisoformat(match[name]) for name in ("shown", "real"))
        speed = float(match["speed"])
        if shown.tzinfo is None or real.tzinfo is None or speed <= 0:
            raise ValueError(spec)
    except ValueError as error:
        raise ConfigurationError(
            "clock: write it as <shown>@<real>x<speed>, both ISO 8601 with a zone and the speed above 0; "
            "leave it out for the machine's clock"
        ) from error
    return ScaledClock(shown, real, speed)
