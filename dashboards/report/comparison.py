"""Whether a figure changed from the week before: only where chance does not explain the difference."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from math import hypot, sqrt

from schemas.measures import bin_upper_seconds
from schemas.statistics import Z95, Share, wilson


class Change(StrEnum):
    """What a comparison with the week before says."""

    HIGHER = "higher"
    LOWER = "lower"
    UNCHANGED = "unchanged"
    """The 95 % interval of the difference covers zero."""
    NOT_YET = "not_yet"
    """The week, or the W of its figure, has not passed, so the two can't be compared."""
    UNKNOWN = "unknown"
    """One of the two has no value, or its spread is not stored."""


def compare_shares(now: Share | None, before: Share | None) -> Change:
    """Compare two independent shares by the interval of their difference.

    Source: Newcombe (1998), Stat. Med. 17:873, method 10, which is built of two Wilson intervals.
    """
    if now is None or before is None:
        return Change.UNKNOWN
    difference = now.value - before.value
    low = difference - hypot(now.value - now.low, before.high - before.value)
    high = difference + hypot(now.high - now.value, before.value - before.low)
    return _direction(low, high)


def compare_counts(now: int, before: int) -> Change:
    """Compare two counts of independent events over equal periods.

    Given their sum, the first is binomial; they are equal where the interval of its share covers a half.
    """
    share = wilson(now, now + before)
    return Change.UNKNOWN if share is None else _direction(share.low - 0.5, share.high - 0.5)


def compare_means(
    now: float | None, before: float | None, waits_now: Mapping[int, int], waits_before: Mapping[int, int]
) -> Change:
    """Compare two mean waits in seconds; their spreads come from the histograms of waits."""
    if now is None or before is None:
        return Change.UNKNOWN
    errors = [_standard_error(waits) for waits in (waits_now, waits_before)]
    if any(error is None for error in errors):
        return Change.UNKNOWN
    half = Z95 * hypot(*(error for error in errors if error is not None))
    return _direction(now - before - half, now - before + half)


def _direction(low: float, high: float) -> Change:
    if low > 0:
        return Change.HIGHER
    return Change.LOWER if high < 0 else Change.UNCHANGED


def _standard_error(waits: Mapping[int, int]) -> float | None:
    """Return the standard error of the mean in seconds; None for fewer than two calls."""
    n = sum(waits.values())
    if n < 2:
        return None
    mean = sum(bin_upper_seconds(index) * count for index, count in waits.items()) / n
    squares = sum(count * (bin_upper_seconds(index) - mean) ** 2 for index, count in waits.items())
    return sqrt(squares / (n - 1) / n)
