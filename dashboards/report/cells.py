"""Cells of the report's tables, each made from the sums that it shows and named after them."""

from __future__ import annotations

from dashboards.report.comparison import Change
from dashboards.report.context import Compared
from dashboards.report.cube import Slice
from dashboards.report.document import Cell, Kind, Quantity
from schemas.metric import Better, Metric, Unit
from schemas.statistics import wilson

_DIRECTIONS = {
    Unit.COUNT: {Change.HIGHER: "↑ fler", Change.LOWER: "↓ färre"},
    Unit.SECONDS: {Change.HIGHER: "↑ längre", Change.LOWER: "↓ kortare"},
}
_WORDS = {
    Change.HIGHER: "↑ högre",
    Change.LOWER: "↓ lägre",
    Change.UNCHANGED: "→ oförändrat",
    Change.NOT_YET: "jämförs senare",
    Change.UNKNOWN: "–",
}


def quantities(metric: Metric, part: Slice) -> tuple[Quantity, ...]:
    """Return what a metric's figure gives away: the count, numerator and denominator, or a mean's n."""
    if metric.unit is Unit.COUNT:
        return (part.quantity(*metric.numerator),)
    if metric.unit is Unit.SHARE:
        return part.quantity(*metric.numerator), part.quantity(*metric.denominator)
    return (part.quantity(*metric.denominator),)


def metric_cell(key: str, metric: Metric, part: Slice, *, preliminary: bool = False) -> Cell:
    """Return a metric over a slice."""
    hits, n = metric.counts(part.sums)
    of = quantities(metric, part)
    if metric.unit is Unit.COUNT:
        return Cell(key, Kind.COUNT, hits if part.known else None, of=of, preliminary=preliminary)
    if metric.unit is not Unit.SHARE:
        kind = Kind.SECONDS if metric.unit is Unit.SECONDS else Kind.PER_ERRAND
        return Cell(key, kind, metric.value(part.sums), n=n, of=of, preliminary=preliminary)
    share = metric.share(part.sums)
    if share is None:
        return Cell(key, Kind.SHARE, of=of, preliminary=preliminary)
    return Cell(
        key,
        Kind.SHARE,
        share.value,
        hits=hits,
        n=n,
        low=share.low,
        high=share.high,
        of=of,
        preliminary=preliminary,
    )


def count_cell(key: str, part: Slice, *measures: str) -> Cell:
    """Return the sum of measures over a slice."""
    value = sum(part[name] for name in measures) if part.known else None
    return Cell(key, Kind.COUNT, value, of=(part.quantity(*measures),))


def part_cell(key: str, part: Slice, whole: Slice, measure: str) -> Cell:
    """Return a slice's share of another one, such as of a channel of all errands."""
    of = part.quantity(measure), whole.quantity(measure)
    share = wilson(part[measure], whole[measure])
    if share is None:
        return Cell(key, Kind.SHARE, of=of)
    return Cell(
        key, Kind.SHARE, share.value, hits=share.hits, n=share.n, low=share.low, high=share.high, of=of
    )


def goal_cell(key: str, goal: float | None) -> Cell | None:
    """Return a goal in 0..1, which is nobody's doing; None without one."""
    return None if goal is None else Cell(key, Kind.SHARE, goal)


def change_cell(key: str, compared: Compared) -> Cell:
    """Return the comparison in a word or two, and whether it is for the better."""
    of = (*quantities(compared.metric, compared.now), *quantities(compared.metric, compared.then))
    return Cell(key, Kind.TEXT, text=_change_text(compared), of=of)


def _change_text(compared: Compared) -> str:
    word = _DIRECTIONS.get(compared.metric.unit, {}).get(compared.change) or _WORDS[compared.change]
    better = compared.metric.better
    if not compared.change.real or better is Better.NEITHER:
        return word
    return f"{word} ({'bättre' if better.value == compared.change.value else 'sämre'})"


def number_cell(key: str, value: float | None) -> Cell:
    """Return a number that counts nobody's doings."""
    return Cell(key, Kind.NUMBER, value)


def text_cell(key: str, text: str, *of: Quantity) -> Cell:
    """Return a few words, and what they were concluded from."""
    return Cell(key, Kind.TEXT, text=text, of=of)
