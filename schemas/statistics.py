"""Uncertainty of shares: the Wilson interval (DOMAIN §2.5)."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

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
