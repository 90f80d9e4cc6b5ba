"""What residents ask more about than usual: counts by topic against comparable days.

A topic's count over the period is held against what the same weekdays usually give. Counts vary more than
a Poisson variable does, so the test is by a negative binomial whose excess of variance is estimated from the
days compared with, over all topics; and of many topics some are always high, so it is corrected for their
number (Benjamini and Hochberg 1995, J. R. Stat. Soc. B 57:289, at 5 %).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import mean, median

from schemas.statistics import negative_binomial_tail

FALSE_AMONG_FOUND = 0.05
FEWEST = 5
"""Fewer than so many of a topic are told as no rise, however rare it is."""
FEWEST_DAYS = 3
"""With fewer comparable days of a weekday nothing is known of what is usual."""

Counts = Mapping[date, int]
"""Local day -> errands (or contacts); a day without any may be left out."""


@dataclass(frozen=True, slots=True)
class Series:
    """One topic (or all contacts): its counts, its open days now, and for each the days it is compared with.

    The nearest comparable day comes first.
    """

    counts: Counts
    days: Mapping[date, Sequence[date]]


@dataclass(frozen=True, slots=True)
class Level:
    """A series beside what is usual.

    ``usual`` is the median of the comparable periods; ``expected`` their mean, by which is tested. ``rise``:
    more than chance gives, the number of topics taken into account. None where too few days compare.
    """

    now: int
    usual: float | None
    expected: float | None
    p: float | None
    rise: bool = False

    @property
    def times(self) -> float | None:
        """How many times the usual; None where nothing is usual."""
        return self.now / self.usual if self.usual else None


def levels(series: Mapping[str, Series]) -> dict[str, Level]:
    """Return where each series stands, and which of them rise."""
    excess = _excess(series.values())
    found = {name: _level(one, excess) for name, one in series.items()}
    rising = _discoveries({name: level.p for name, level in found.items() if level.p is not None})
    return {
        name: Level(one.now, one.usual, one.expected, one.p, rise=name in rising and one.now >= FEWEST)
        for name, one in found.items()
    }


def _level(one: Series, excess: float) -> Level:
    now = sum(one.counts.get(day, 0) for day in one.days)
    compared = min((len(days) for days in one.days.values()), default=0)
    if compared < FEWEST_DAYS:
        return Level(now, None, None, None)
    usual = median(sum(one.counts.get(days[k], 0) for days in one.days.values()) for k in range(compared))
    # Days of one weekday share their comparable days: what is not known of their mean counts for all of them.
    times = Counter(tuple(days) for days in one.days.values())
    means = {days: mean(one.counts.get(day, 0) for day in days) for days in times}
    expected = sum(means[days] * n for days, n in times.items())
    # Half an errand more, since that a topic never came is not known from a few days.
    expected += 0.5 * sum(n / len(days) for days, n in times.items()) / len(times)
    unsure = sum(n * n * (means[days] + 0.5 / len(days)) / len(days) for days, n in times.items())
    p = negative_binomial_tail(now, expected, excess * (1 + unsure / expected))
    return Level(now, usual, expected, p)


def _excess(series: Iterable[Series]) -> float:
    """Return Pearson's estimate of variance over mean of the days compared with, from 1 (Poisson) on."""
    squares, free = 0.0, 0
    for one in series:
        for days in {tuple(days) for days in one.days.values()}:
            counts = [one.counts.get(day, 0) for day in days]
            if len(counts) >= FEWEST_DAYS and (middle := mean(counts)) >= 0.5:
                squares += sum((count - middle) ** 2 / middle for count in counts)
                free += len(counts) - 1
    return max(1.0, squares / free) if free else 1.0


def _discoveries(chances: Mapping[str, float]) -> set[str]:
    """Return the names that stand out when so many were looked at."""
    ordered = sorted(chances, key=lambda name: (chances[name], name))
    last = 0
    for rank, name in enumerate(ordered, start=1):
        if chances[name] <= FALSE_AMONG_FOUND * rank / len(ordered):
            last = rank
    return set(ordered[:last])
