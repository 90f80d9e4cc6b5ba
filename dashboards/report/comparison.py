"""Whether a figure changed from another period: only where chance does not explain the difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import hypot, sqrt

from schemas.measures import bin_upper_seconds
from schemas.statistics import Z95, Share, wilson


class Change(StrEnum):
    """What a comparison with another period says."""

    HIGHER = "higher"
    LOWER = "lower"
    UNCHANGED = "unchanged"
    """The 95 % interval of the difference covers zero."""
    NOT_YET = "not_yet"
    """The period, or the W of its figure, has not passed, so the two can't be compared."""
    UNKNOWN = "unknown"
    """One of the two has no value, or its spread is not stored."""

    @property
    def real(self) -> bool:
        """Tell whether something changed."""
        return self in {Change.HIGHER, Change.LOWER}


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference (now less then) with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def change(self) -> Change:
        """Which way it goes; unchanged where the interval covers 0."""
        if self.low > 0:
            return Change.HIGHER
        return Change.LOWER if self.high < 0 else Change.UNCHANGED


def compare_shares(now: Share | None, then: Share | None) -> Change:
    """Compare two independent shares by the interval of their difference.

    Source: Newcombe (1998), Stat. Med. 17:873, method 10, which is built of two Wilson intervals.
    """
    if now is None or then is None:
        return Change.UNKNOWN
    return _weighted([(1.0, now, then)]).change


def compare_counts(now: int, then: int) -> Change:
    """Compare two counts of independent events over equal periods.

    Given their sum, the first is binomial; they are equal where the interval of its share covers a half.
    """
    share = wilson(now, now + then)
    if share is None:
        return Change.UNKNOWN
    return Difference(share.value - 0.5, share.low - 0.5, share.high - 0.5).change


def compare_means(
    now: float | None, then: float | None, waits_now: Mapping[int, int], waits_then: Mapping[int, int]
) -> Change:
    """Compare two mean waits in seconds; their spreads come from the histograms of waits."""
    if now is None or then is None:
        return Change.UNKNOWN
    errors = [_standard_error(waits) for waits in (waits_now, waits_then)]
    if any(error is None for error in errors):
        return Change.UNKNOWN
    half = Z95 * hypot(*(error for error in errors if error is not None))
    return Difference(now - then, now - then - half, now - then + half).change


def _standard_error(waits: Mapping[int, int]) -> float | None:
    """Return the standard error of the mean in seconds; None for fewer than two calls."""
    n = sum(waits.values())
    if n < 2:
        return None
    mean = sum(bin_upper_seconds(index) * count for index, count in waits.items()) / n
    squares = sum(count * (bin_upper_seconds(index) - mean) ** 2 for index, count in waits.items())
    return sqrt(squares / (n - 1) / n)


Strata = Mapping[str, tuple[tuple[int, int], tuple[int, int]]]
"""Topic -> (hits, n) now and (hits, n) then."""


@dataclass(frozen=True, slots=True)
class Standardised:
    """What a share would be, had the topics been as common as then (direct standardisation).

    ``value`` with its interval is that of now by the mix of then; ``then`` is then's own, both over the
    topics that both periods have: ``topics``, which hold ``covered`` (0..1) of then's errands.
    ``difference`` is of the two, so it is free of the mix.
    """

    value: float
    low: float
    high: float
    then: float
    difference: Difference
    covered: float
    topics: tuple[str, ...]


def standardised(strata: Strata) -> Standardised | None:
    """Standardise a share for the mix of topics of the other period; None where no topic is in both.

    The intervals are put together of those of each topic (method of variance estimates recovery). Source:
    Yan and Su (2010), Stat. Biopharm. Res. 2:323, for stratified differences of two Wilson intervals.
    """
    total = sum(then[1] for _, then in strata.values())
    common = {name: pair for name, pair in sorted(strata.items()) if pair[0][1] > 0 and pair[1][1] > 0}
    kept = sum(then[1] for _, then in common.values())
    if not kept:
        return None
    parts = []
    for now, then in common.values():
        shares = wilson(*now), wilson(*then)
        if shares[0] is not None and shares[1] is not None:
            parts.append((then[1] / kept, shares[0], shares[1]))
    value = sum(weight * now.value for weight, now, _ in parts)
    return Standardised(
        value=value,
        low=value - hypot(*(weight * (now.value - now.low) for weight, now, _ in parts)),
        high=value + hypot(*(weight * (now.high - now.value) for weight, now, _ in parts)),
        then=sum(weight * then.value for weight, _, then in parts),
        difference=_weighted(parts),
        covered=kept / total,
        topics=tuple(common),
    )


def _weighted(parts: list[tuple[float, Share, Share]]) -> Difference:
    """Return the weighted sum of differences of independent shares with its interval."""
    value = sum(weight * (now.value - then.value) for weight, now, then in parts)
    below = [weight * (now.value - now.low) for weight, now, _ in parts]
    below += [weight * (then.high - then.value) for weight, _, then in parts]
    above = [weight * (now.high - now.value) for weight, now, _ in parts]
    above += [weight * (then.value - then.low) for weight, _, then in parts]
    return Difference(value, value - hypot(*below), value + hypot(*above))
