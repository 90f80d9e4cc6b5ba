"""A metric over a period by dimensions, from the same queries as the board's own figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime

from dashboards.board.api.asking import MAX_ROWS, MetricAsked
from dashboards.board.api.models import WITHHELD, Dimension, Grain, ProblemCode, Row, Value
from dashboards.board.api.problems import ProblemError
from dashboards.board.audience import sensitive_areas, sensitive_topics
from dashboards.board.periods import Span, today_so_far
from dashboards.board.reading import without_due
from dashboards.figures import Group, Store, merged, read_groups
from schemas.catalogue import Catalogue
from schemas.clickhouse.queries import Between
from schemas.clickhouse.queries import Grain as Table
from schemas.metric import Metric
from schemas.timebase import WINDOW, day_start, local_day

Key = tuple[date | datetime | None, ...]
"""The step of time (None for the total), then the values of the dimensions."""


def metric_rows(
    store: Store, catalogue: Catalogue, metric: Metric, asked: MetricAsked, now: datetime
) -> tuple[Row, ...]:
    """Return the rows that were asked for, in order of time and dimensions.

    Days before today come from the days' table and today from its quarters so far: mail falls due in the
    future (CORRECTIONS 14). Raises ProblemError, and RetriableError while the store is away.
    """
    span = Span(asked.first, asked.last, local_day(now))
    live = asked.grain is Grain.QUARTER or span.has_today
    _refuse_sensitive(asked, catalogue, live)
    parts: dict[tuple[object, ...], list[Group]] = defaultdict(list)
    for key, group in _read(store, metric, asked, span, now):
        parts[key].append(group)
    if len(parts) > MAX_ROWS:
        raise ProblemError(
            ProblemCode.TOO_LARGE, f"{len(parts)} rows; at most {MAX_ROWS} are answered. Ask for fewer days."
        )
    groups = {key: merged(found) for key, found in parts.items()}
    if live:
        groups = _withheld(groups, asked.by, catalogue)
    return tuple(
        _row(key, asked, value_of(metric, groups[key], _preliminary(metric, key, asked, span, now)))
        for key in sorted(groups, key=str)
    )


def value_of(metric: Metric, group: Group, preliminary: bool = False) -> Value:
    """Return a metric's value over sums."""
    hits, n = metric.counts(group.sums)
    share = metric.share(group.sums)
    return Value(
        value=metric.value(group.sums),
        hits=hits,
        n=n,
        low=share.low if share else None,
        high=share.high if share else None,
        preliminary=preliminary,
    )


def _read(
    store: Store, metric: Metric, asked: MetricAsked, span: Span, now: datetime
) -> Iterator[tuple[tuple[object, ...], Group]]:
    by, measures = [dimension.value for dimension in asked.by], metric.measures
    step = asked.grain
    if step is not Grain.QUARTER and span.past:
        columns = (["day"] if step is Grain.DAY else []) + by
        found = read_groups(store, Table.DAY, span.past, by=columns, where=asked.only, measures=measures)
        for key, group in found.items():
            yield (key if step is Grain.DAY else (None, *key)), group
    windows = _windows(asked, span, now)
    if windows is None:
        return
    found = read_groups(store, Table.WINDOW, windows, by=["window", *by], where=asked.only, measures=measures)
    for (window, *rest), group in found.items():
        at = {Grain.QUARTER: window, Grain.DAY: span.today, Grain.TOTAL: None}[step]
        yield (at, *rest), group if window + WINDOW <= now else without_due(group)


def _windows(asked: MetricAsked, span: Span, now: datetime) -> Between | None:
    """Return the period that is read in quarters; None where there is none."""
    if asked.grain is not Grain.QUARTER:
        return today_so_far(now) if span.has_today else None
    period = span.instants(now)
    return period if day_start(span.first) < now else None


def _refuse_sensitive(asked: MetricAsked, catalogue: Catalogue, live: bool) -> None:
    hidden = {*asked.topic} & sensitive_topics(catalogue) or {*asked.area} & sensitive_areas(catalogue)
    if live and hidden:
        raise ProblemError(
            ProblemCode.SENSITIVE,
            f"{', '.join(sorted(hidden))}: ask for whole days before today, and by day or in total",
        )


def _withheld(
    groups: Mapping[tuple[object, ...], Group], by: Sequence[Dimension], catalogue: Catalogue
) -> dict[tuple[object, ...], Group]:
    """Put what is sensitive into one row with something that is not, since alone it would tell itself."""
    found = dict(groups)
    for dimension, hidden in (
        (Dimension.TOPIC, sensitive_topics(catalogue)),
        (Dimension.AREA, sensitive_areas(catalogue)),
    ):
        if dimension in by:
            found = _folded(found, 1 + list(by).index(dimension), hidden)
    return found


def _folded(
    groups: Mapping[tuple[object, ...], Group], place: int, hidden: Collection[str]
) -> dict[tuple[object, ...], Group]:
    sizes: dict[object, int] = defaultdict(int)
    for key, group in groups.items():
        sizes[key[place]] += sum(group.sums.values())
    others = sorted((size, str(name)) for name, size in sizes.items() if name and name not in hidden)
    folded = {*hidden, *(name for _, name in others[:1])}
    if not set(sizes) & set(hidden):
        return dict(groups)
    parts: dict[tuple[object, ...], list[Group]] = defaultdict(list)
    for key, group in groups.items():
        name = WITHHELD if key[place] in folded else key[place]
        parts[(*key[:place], name, *key[place + 1 :])].append(group)
    return {key: merged(found) for key, found in parts.items()}


def _preliminary(
    metric: Metric, key: tuple[object, ...], asked: MetricAsked, span: Span, now: datetime
) -> bool:
    """Tell whether a repeat may still change the row."""
    if not metric.final_after_days:
        return False
    at = key[0]
    last = local_day(at) if isinstance(at, datetime) else at if isinstance(at, date) else asked.last
    return not Span(span.first, last, span.today).final(metric.final_after_days, now)


def _row(key: tuple[object, ...], asked: MetricAsked, value: Value) -> Row:
    at, names = key[0], key[1:]
    placed: dict[str, object] = {d.value: str(name) for d, name in zip(asked.by, names, strict=True)}
    if asked.grain is not Grain.TOTAL:
        placed["day" if asked.grain is Grain.DAY else "start"] = at
    return Row.model_validate({**value.model_dump(), **placed})
