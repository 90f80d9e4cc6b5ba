"""Figures read from the store: what board and report share, so that they cannot differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from schemas.clickhouse.queries import Between, Grain, Query, sums_query
from schemas.measures import MEASURE_NAMES


class Store(Protocol):
    """Runs a query; the only thing that dashboards ask of ClickHouse. Raises RetriableError when away."""

    def rows(self, query: Query) -> Sequence[Sequence[Any]]:
        """Return the result's rows. Times are aware and in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Group:
    """Sums of one group of rows, and its histogram of waits (bin -> calls)."""

    sums: Mapping[str, int] = field(default_factory=dict)
    waits: Mapping[int, int] = field(default_factory=dict)


def read_groups(
    store: Store,
    grain: Grain,
    period: Between,
    *,
    by: Sequence[str] = (),
    where: Mapping[str, Sequence[str]] | None = None,
    measures: Sequence[str] = MEASURE_NAMES,
) -> dict[tuple[Any, ...], Group]:
    """Return the sums per combination of ``by`` (time column and dimensions), in its order.

    Without ``by`` there is one group under the empty tuple. Groups without rows are missing. A query costs
    as much as it has ``measures``.
    """
    query = sums_query(grain, period, by=by, where=where, measures=measures, histogram=True)
    groups = {}
    for row in store.rows(query):
        key, values, waits = row[: len(by)], row[len(by) : -1], row[-1]
        sums = dict(zip(measures, map(int, values), strict=True))
        groups[tuple(key)] = Group(sums, {int(index): int(n) for index, n in dict(waits).items()})
    return groups


def read_total(
    store: Store, grain: Grain, period: Between, *, where: Mapping[str, Sequence[str]] | None = None
) -> Group:
    """Return the sums of a whole period."""
    return read_groups(store, grain, period, where=where).get((), Group())


def merged(groups: Iterable[Group]) -> Group:
    """Return the sum of groups: measures and histograms alike."""
    sums: Counter[str] = Counter()
    waits: Counter[int] = Counter()
    for group in groups:
        sums.update(group.sums)
        waits.update(group.waits)
    return Group(dict(sums), dict(waits))
