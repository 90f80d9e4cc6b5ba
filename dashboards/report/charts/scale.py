"""Axes: from what to what, and where the ticks stand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from math import floor, log10

from dashboards.report.document import Kind


@dataclass(frozen=True, slots=True)
class Scale:
    """From 0 to ``top``, on ``start`` .. ``end`` of the picture."""

    top: float
    ticks: tuple[float, ...]
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return where a value stands; one beyond the top stands at the end."""
        return self.start + (self.end - self.start) * min(max(value, 0.0), self.top) / self.top


def scale_of(kind: Kind, values: Iterable[float | None], start: float, end: float) -> Scale:
    """Return a scale for values of a kind: shares always 0..100 %, others up to a round number."""
    highest = max((value for value in values if value is not None), default=0.0)
    if kind is Kind.SHARE:
        return Scale(1.0, (0.0, 0.25, 0.5, 0.75, 1.0), start, end)
    step = _step(highest, kind)
    steps = max(1, -int(-highest // step))
    return Scale(steps * step, tuple(step * i for i in range(steps + 1)), start, end)


def _step(highest: float, kind: Kind) -> float:
    """Return the least round step of which five or fewer reach the highest value."""
    if highest <= 0:
        return 1.0
    for step in _SPANS if kind in {Kind.SECONDS, Kind.MINUTES} else ():
        if highest <= 5 * step:
            return step
    first = floor(log10(highest)) - 1
    steps = (nice * 10.0**power for power in count(first) for nice in (1, 2, 5))
    least = 1.0 if kind in {Kind.COUNT, Kind.NUMBER} else 0.0
    return next(step for step in steps if step >= least and highest <= 5 * step)


_SPANS = (1.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 18000.0)
"""Steps of spans, which are read in sixties."""
