"""Surges: quarters of an hour in which far more came than is usual (DOMAIN §2.6).

Each quarter of a day is held against the same quarter, and its two neighbours, of the last comparable days.
Counts of contacts vary more than a Poisson variable does, so the alarm is by a negative binomial whose
variance is estimated from those days. All quarters are local: index 0 begins at midnight, there are 96.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from schemas.statistics import negative_binomial_tail
from schemas.timebase import STOCKHOLM

QUARTERS = 96
FEWEST_DAYS = 3
"""With fewer comparable days nothing is known of what is usual."""


def quarter_of(at: datetime) -> int:
    """Return the local quarter of an instant."""
    local = at.astimezone(STOCKHOLM)
    return local.hour * 4 + local.minute // 15


Day = Mapping[int, int]
"""Counts of one day: quarter -> contacts or errands; a quarter without any is left out."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """When a quarter is out, and when that is an alarm."""

    out: float = 1e-2
    """So improbable a count, or one more so, is out; two such quarters in a row are an alarm."""
    far_out: float = 1e-5
    """So improbable a count is an alarm by itself."""
    hour_out: float = 1e-4
    """So improbable a count of the last hour is an alarm: a topic with an errand every other hour has no
    quarter that could be far out. (Not in DOMAIN; see benchmarks/surge.py for what it is worth.)"""
    fewest: int = 3
    """A count below this is never out: two calls at night are no crisis."""
    quiet: int = 4
    """A surge has ended when so many quarters in a row are not out."""


DEFAULT = Sensitivity()


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual in each quarter: the mean, and by how much the variance exceeds it."""

    means: tuple[float, ...]
    excess: float

    def probability(self, quarters: Sequence[int], count: int) -> float:
        """Return how probable so many, or more, are in some quarters together."""
        mean = sum(self.means[quarter] for quarter in quarters)
        return negative_binomial_tail(count, mean, self.excess)


@dataclass(frozen=True, slots=True)
class Surge:
    """A surge of one day. ``first`` to ``last`` are the quarters that are out; ``noticed`` raised the alarm.

    ``count`` came in these quarters, where ``usual`` is to be expected. ``over`` tells that it has ended.
    """

    first: int
    noticed: int
    last: int
    count: int
    usual: float
    over: bool = False

    @property
    def times(self) -> float:
        """How many times the usual."""
        return self.count / self.usual


def usual_of(days: Sequence[Day]) -> Usual | None:
    """Return what the comparable days tell; None if they are too few."""
    if len(days) < FEWEST_DAYS:
        return None
    means = tuple(_mean(days, quarter) for quarter in range(QUARTERS))
    looked_at = len(days) * 3
    return Usual(means, _dispersion(days, means) * (1 + 1 / looked_at))


def _mean(days: Sequence[Day], quarter: int) -> float:
    """Return the mean of a quarter and its neighbours; half a contact more, since never is not known."""
    around = [q for q in (quarter - 1, quarter, quarter + 1) if 0 <= q < QUARTERS]
    return (sum(day.get(q, 0) for day in days for q in around) + 0.5) / (len(days) * len(around))


def _dispersion(days: Sequence[Day], means: Sequence[float]) -> float:
    """Return Pearson's estimate of variance over mean, from 1 (Poisson) on."""
    cells = [(day.get(q, 0), mean) for day in days for q, mean in enumerate(means) if mean >= 0.2]
    free = len(cells) * (len(days) - 1) / len(days)
    if free < 1:
        return 1.0
    return max(1.0, sum((count - mean) ** 2 / mean for count, mean in cells) / free)


def surges(day: Day, until: int, usual: Usual, sensitivity: Sensitivity = DEFAULT) -> list[Surge]:
    """Return the surges of a day in its first ``until`` quarters, in order."""
    found: list[Surge] = []
    running: Surge | None = None
    before = False
    for quarter in range(until):
        p = _probability(day, (quarter,), usual, sensitivity)
        out = p < sensitivity.out
        if running is not None:
            running = _go_on(running, quarter, out, sensitivity)
            if running.over:
                found.append(running)
                running = None
        elif p < sensitivity.far_out or (out and before):
            running = Surge(quarter - 1 if before else quarter, quarter, quarter, 0, 0.0)
        elif (hour := _hour(found, quarter)) and _probability(
            day, hour, usual, sensitivity
        ) < sensitivity.hour_out:
            first = next(q for q in hour if day.get(q, 0) > usual.means[q])
            running = Surge(first, quarter, quarter, 0, 0.0)
        before = out
    if running is not None:
        found.append(replace(running, over=until == QUARTERS))
    return [_counted(surge, day, usual) for surge in found]


def _probability(day: Day, quarters: Sequence[int], usual: Usual, sensitivity: Sensitivity) -> float:
    count = sum(day.get(quarter, 0) for quarter in quarters)
    return usual.probability(quarters, count) if count >= sensitivity.fewest else 1.0


def _hour(found: Sequence[Surge], quarter: int) -> range:
    """Return the quarters of the hour up to ``quarter`` that belong to no earlier surge."""
    begin = max(0, quarter - 3)
    return range(max(begin, found[-1].last + 1) if found else begin, quarter + 1)


def _go_on(surge: Surge, quarter: int, out: bool, sensitivity: Sensitivity) -> Surge:
    if out:
        return replace(surge, last=quarter)
    return replace(surge, over=quarter - surge.last >= sensitivity.quiet)


def _counted(surge: Surge, day: Day, usual: Usual) -> Surge:
    quarters: Iterable[int] = range(surge.first, surge.last + 1)
    count = sum(day.get(quarter, 0) for quarter in quarters)
    return replace(surge, count=count, usual=sum(usual.means[quarter] for quarter in quarters))
