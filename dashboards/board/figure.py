"""A metric's value over a group of sums, as the board shows it."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.figures import Group
from schemas.metric import Metric
from schemas.statistics import Share


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric's value over a period. ``hits`` of ``n``; ``value`` is None for an empty denominator."""

    metric: Metric
    value: float | None
    hits: int
    n: int
    share: Share | None
    preliminary: bool = False


def figure(metric: Metric, group: Group, preliminary: bool = False) -> Figure:
    """Return a metric's value over the sums of a group."""
    hits, n = metric.counts(group.sums)
    return Figure(metric, metric.value(group.sums), hits, n, metric.share(group.sums), preliminary)
