"""Opening hours as a time scale of their own: what is two working hours after a mail of Friday 15:30?"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

from schemas.catalogue import Catalogue
from schemas.timebase import STOCKHOLM


class WorkTime:
    """The opening hours of a catalogue, in seconds since 1970."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._opening = lru_cache(maxsize=64)(self._look_up)

    def opening(self, day: date) -> tuple[float, float] | None:
        """Return opening and closing of a local day; None when closed."""
        return self._opening(day)

    def next_open_day(self, day: date) -> date:
        """Return the first open day on or after ``day``."""
        if self._opening(day):
            return day
        return next(self._catalogue.open_days_after(day))[0]

    def closing_before(self, day: date) -> float:
        """Return the last closing before ``day``."""
        for back in range(1, 400):
            hours = self._opening(day - timedelta(days=back))
            if hours:
                return hours[1]
        raise AssertionError("the catalogue opens on at least one weekday")

    def after(self, at: float, seconds: float) -> float:
        """Return the instant at which ``seconds`` of opening hours have passed since ``at``."""
        day = datetime.fromtimestamp(at, STOCKHOLM).date()
        while True:
            hours = self._opening(day)
            if hours:
                start = max(at, hours[0])
                if start + seconds <= hours[1]:
                    return start + seconds
                seconds -= max(hours[1] - start, 0.0)
            day += timedelta(days=1)

    def _look_up(self, day: date) -> tuple[float, float] | None:
        hours = self._catalogue.opening(day)
        return (hours[0].timestamp(), hours[1].timestamp()) if hours else None
