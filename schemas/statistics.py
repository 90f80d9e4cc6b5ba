"""Uncertainty: the Wilson interval of shares (DOMAIN §2.5), and how probable a count is (§2.6)."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma, log, log1p, sqrt

Z95 = 1.959963984540054
SMALL_N = 20
"""Below this many, a share is shown greyed."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share ``hits / n`` with its 95 % interval; all in 0..1."""

    hits: int
    n: int
    value: float
    low: float
    high: float

    @property
    def small(self) -> bool:
        """Tell whether n is too small to lean on."""
        return self.n < SMALL_N

    def covers(self, target: float) -> bool:
        """Tell whether the target lies inside: then it is neither met nor missed."""
        return self.low <= target <= self.high


def wilson(hits: int, n: int) -> Share | None:
    """Return the share with its Wilson score interval at 95 %; None for an empty denominator.

    Source: Wilson (1927), J. Am. Stat. Assoc. 22:209. ``hits`` is clamped to 0..n.
    """
    if n <= 0:
        return None
    inside = min(max(hits, 0), n)
    p = inside / n
    z2 = Z95 * Z95
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Share(inside, n, p, max(0.0, centre - half), min(1.0, centre + half))


def negative_binomial_tail(count: int, mean: float, excess: float) -> float:
    """Return P(X >= count) for a negative binomial of this mean, with variance ``excess`` * mean.

    ``excess`` is above 1. Summed upwards from ``count``, so that small tails keep their digits.
    """
    if count <= 0:
        return 1.0
    size, success = mean / (excess - 1), 1 / excess
    log_term = (
        lgamma(count + size)
        - lgamma(size)
        - lgamma(count + 1)
        + size * log(success)
        + count * log1p(-success)
    )
    term = total = exp(log_term)
    k = count
    while term > total * 1e-12 or k < mean:
        term *= (k + size) / (k + 1) * (1 - success)
        total += term
        k += 1
        if term == 0.0:
            break
    return min(1.0, total)
