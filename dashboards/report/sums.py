"""What adds up to what among the figures of a report, beyond the totals of its tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dashboards.report.cube import Cube, Slice
from dashboards.report.document import Sum
from schemas.measures import MEASURES, Per
from schemas.metric import Metric

_OF_ERRANDS = tuple(measure.name for measure in MEASURES if measure.per is Per.ERRAND)
_OF_HANDOVERS = tuple(measure.name for measure in MEASURES if measure.per is Per.HANDOVER)
_OF_CONTACTS = tuple(measure.name for measure in MEASURES if measure.per is Per.CONTACT)


def sums_of(cube: Cube, metrics: Sequence[Metric]) -> Iterator[Sum]:
    """Yield which quantities of a period are the sum of which: areas of topics, the whole of its channels."""
    whole, areas = cube.chosen(), cube.by("area")
    topics, units, channels = cube.by("topic"), cube.by("unit"), cube.by("channel")
    by_area = cube.by("area", "topic")
    matrix = cube.by("topic", "unit")
    for name in (*_OF_ERRANDS, *_OF_HANDOVERS):
        yield from _sum(name, whole, channels.values())
        if not cube.area:
            yield from _sum(name, whole, areas.values())
        for (area,), part in areas.items():
            yield from _sum(name, part, (topics[topic,] for of, topic in by_area if of == area))
    for name in _OF_HANDOVERS:
        yield from _sum(name, whole, units.values())
        for (topic,), part in topics.items():
            yield from _sum(name, part, (matrix[pair] for pair in matrix if pair[0] == topic))
        for (unit,), part in units.items():
            yield from _sum(name, part, (matrix[pair] for pair in matrix if pair[1] == unit))
    contacts = cube.by("channel", contacts=True)
    for name in _OF_CONTACTS:
        yield from _sum(name, cube.whole(), contacts.values())
    yield from _combined(metrics, (whole, cube.whole(), *topics.values(), *areas.values()))


def _sum(measure: str, whole: Slice, parts: Iterable[Slice]) -> Iterator[Sum]:
    """Yield a sum that holds; a topic that has moved between areas adds up to neither."""
    found = [part for part in parts if part[measure]]
    if found and sum(part[measure] for part in found) == whole[measure]:
        names = tuple(part.quantity(measure) for part in found)
        if names != (whole.quantity(measure),):
            yield Sum(whole.quantity(measure), names)


def _combined(metrics: Sequence[Metric], slices: Sequence[Slice]) -> Iterator[Sum]:
    """Yield what a numerator or denominator of several measures is put together of."""
    several = {side for metric in metrics for side in (metric.numerator, metric.denominator) if len(side) > 1}
    for side in sorted(several):
        for part in slices:
            if any(part[name] for name in side):
                yield Sum(part.quantity(*side), tuple(part.quantity(name) for name in side))
