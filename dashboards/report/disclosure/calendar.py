"""Periods that overlap: what a week, its days and a month tell of one another.

A measure that is added up over days gives relations that nobody wrote down: a week is its days, a month its
whole weeks and the days at its ends. The days are cut where any period begins or ends; each period is then
the sum of its pieces. What a piece without a name counts is not known here, and need not be: any values will
do that fit the periods, for they are only where the search for other worlds starts from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import pairwise

from dashboards.report.period import days, month, tertial, week
from schemas.errors import ConfigurationError

Span = tuple[int, int]
"""First day and the day after the last, as ordinals."""


@cache
def span_of(period: str) -> Span | None:
    """Return the days of a period, written as in ``Quantity``; None for what is no period."""
    try:
        if len(period) == 10:
            day = date.fromisoformat(period)
            return day.toordinal(), (day + timedelta(days=1)).toordinal()
        if len(period) == 4:
            return date(int(period), 1, 1).toordinal(), date(int(period) + 1, 1, 1).toordinal()
        read = days if ".." in period else week if "W" in period else tertial if "T" in period else month
        found = read(period)
    except (ValueError, ConfigurationError):
        return None
    return found.since.toordinal(), found.until.toordinal()


def overlap(one: Span, other: Span) -> bool:
    """Tell whether two spans have a day in common."""
    return one[0] < other[1] and other[0] < one[1]


def pieces(spans: Sequence[Span]) -> list[Span]:
    """Return the pieces into which spans cut one another, in order."""
    edges = sorted({edge for span in spans for edge in span})
    return [cut for cut in pairwise(edges) if any(overlap(cut, span) for span in spans)]


def fitted(counts: Mapping[Span, int]) -> dict[Span, int] | None:
    """Return a count for each piece, such that each span is the sum of its pieces; None where nothing fits.

    With the running total before each edge as the unknown, a span is a difference of two of them, and
    a piece never negative: a system of differences, which is solved by shortest paths (Bellman-Ford).
    """
    edges = sorted({edge for span in counts for edge in span})
    limits = [(later, earlier, 0) for earlier, later in pairwise(edges)]  # earlier <= later + 0
    for (first, after), count in counts.items():
        limits += [(first, after, count), (after, first, -count)]
    total = dict.fromkeys(edges, 0)
    for _ in range(len(edges) + 1):
        changed = False
        for source, target, most in limits:
            if total[source] + most < total[target]:
                total[target] = total[source] + most
                changed = True
        if not changed:
            return {cut: total[cut[1]] - total[cut[0]] for cut in pieces(list(counts))}
    return None
