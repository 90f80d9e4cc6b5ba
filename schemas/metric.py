"""What a metric is: a sum of measures, or a sum over a sum, with its label, formula and direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from schemas.measures import MEASURE_NAMES
from schemas.statistics import Share, wilson

Sums = Mapping[str, int]
"""Measure name -> sum over the rows asked for."""


class Unit(StrEnum):
    """What a value is counted in."""

    COUNT = "count"
    SHARE = "share"
    SECONDS = "seconds"
    PER_ERRAND = "per_errand"


class Better(StrEnum):
    """In which direction a change is an improvement."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure: the sum of ``numerator`` over the sum of ``denominator`` (none: a plain sum).

    ``per_day`` metrics depend on W: their latest days are preliminary (``final_after_days``).
    """

    name: str
    label_sv: str
    description_sv: str
    unit: Unit
    numerator: tuple[str, ...]
    denominator: tuple[str, ...] = ()
    better: Better = Better.NEITHER
    target: float | None = None
    final_after_days: int = 0
    source: str = ""

    def __post_init__(self) -> None:
        unknown = [name for name in self.measures if name not in MEASURE_NAMES]
        if unknown:
            raise ValueError(f"metric {self.name}: no such measure: {', '.join(unknown)}")

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that the metric needs."""
        return self.numerator + self.denominator

    def counts(self, sums: Sums) -> tuple[int, int]:
        """Return numerator and denominator; the denominator of a plain sum is 1."""
        top = sum(sums.get(name, 0) for name in self.numerator)
        if not self.denominator:
            return top, 1
        return top, sum(sums.get(name, 0) for name in self.denominator)

    def value(self, sums: Sums) -> float | None:
        """Return the figure (shares in 0..1, spans in seconds); None for an empty denominator."""
        top, bottom = self.counts(sums)
        if bottom <= 0:
            return None
        scale = 1000 if self.unit is Unit.SECONDS else 1
        return top / bottom / scale

    def share(self, sums: Sums) -> Share | None:
        """Return a share with its interval; None for an empty denominator or another unit."""
        if self.unit is not Unit.SHARE:
            return None
        return wilson(*self.counts(sums))

    def sql(self) -> str:
        """Return the figure as a ClickHouse expression over the figures' columns, read ``AS f``."""
        top = " + ".join(f"sum(f.{name})" for name in self.numerator)
        if not self.denominator:
            return top
        bottom = " + ".join(f"sum(f.{name})" for name in self.denominator)
        scale = " / 1000" if self.unit is Unit.SECONDS else ""
        return f"if(({bottom}) = 0, NULL, ({top}) / ({bottom}){scale})"

    def formula(self) -> str:
        """Return the formula as it is printed beside the figure."""
        top = " + ".join(self.numerator)
        return f"{top} / ({' + '.join(self.denominator)})" if self.denominator else top
