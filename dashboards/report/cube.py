"""The figures of a period by all their dimensions, read once and summed as each table needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dashboards.figures import Group, Store, merged, read_groups
from dashboards.report.document import Quantity
from schemas.clickhouse.queries import Between, Grain
from schemas.clickhouse.tables import DIMENSIONS
from schemas.measures import MEASURES, Per
from schemas.metric import Metric, Sums

_OF_CONTACTS = frozenset(measure.name for measure in MEASURES if measure.per is Per.CONTACT)


def of_errands(metric: Metric) -> bool:
    """Tell whether a metric can be split by area and topic: contacts have none."""
    return not _OF_CONTACTS.intersection(metric.measures)


@dataclass(frozen=True, slots=True)
class Slice:
    """Sums of measures over a period (named as in ``Quantity``), for those whom ``where`` tells.

    ``known`` tells whether the store has anything of the period; if not, its zeros say nothing.
    """

    period: str
    sums: Sums = field(default_factory=dict)
    waits: Mapping[int, int] = field(default_factory=dict)
    where: tuple[tuple[str, str], ...] = ()
    known: bool = True

    def quantity(self, *measures: str) -> Quantity:
        """Return the name of the sum of measures; of several it is a quantity of its own."""
        return Quantity("+".join(measures), self.period, self.where)

    def __getitem__(self, measure: str) -> int:
        return self.sums.get(measure, 0)


@dataclass(frozen=True, slots=True)
class Cube:
    """A period's sums by channel, area, topic and receiving unit. ``area`` is what the report is limited to.

    What is counted per contact has no area, and is always of the whole centre.
    """

    period: str
    groups: Mapping[tuple[str, ...], Group]
    area: str = ""
    _summed: dict[tuple[object, ...], dict[tuple[str, ...], Slice]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def whole(self) -> Slice:
        """Return the sums of the whole centre."""
        return self.by(contacts=True).get((), Slice(self.period))

    def chosen(self) -> Slice:
        """Return the sums of the chosen area; without one, of the whole centre."""
        if not self.area:
            return self.whole()
        return self.by().get((), Slice(self.period, where=(("area", self.area),)))

    def of(self, metric: Metric) -> Slice:
        """Return what a metric is to be computed from."""
        return self.chosen() if of_errands(metric) else self.whole()

    def by(self, *dimensions: str, contacts: bool = False) -> dict[tuple[str, ...], Slice]:
        """Return the sums by dimensions, within the chosen area unless it is about ``contacts``."""
        asked = (*dimensions, contacts)
        if asked not in self._summed:
            self._summed[asked] = self._by(dimensions, contacts=contacts)
        return self._summed[asked]

    def _by(self, dimensions: tuple[str, ...], *, contacts: bool) -> dict[tuple[str, ...], Slice]:
        places = [DIMENSIONS.index(name) for name in dimensions]
        parts: dict[tuple[str, ...], list[Group]] = {}
        for key, group in (self.groups if contacts else self._rows()).items():
            parts.setdefault(tuple(key[place] for place in places), []).append(group)
        return {
            key: self._slice(parts[key], self._where(dimensions, key, contacts=contacts))
            for key in sorted(parts)
        }

    def _where(
        self, dimensions: tuple[str, ...], key: tuple[str, ...], *, contacts: bool
    ) -> tuple[tuple[str, str], ...]:
        where = dict(zip(dimensions, key, strict=True))
        if self.area and not contacts and not {"area", "topic"} & set(dimensions):
            where["area"] = self.area
        return tuple(sorted(where.items()))

    def _rows(self) -> Mapping[tuple[str, ...], Group]:
        if not self.area:
            return self.groups
        place = DIMENSIONS.index("area")
        return {key: group for key, group in self.groups.items() if key[place] == self.area}

    def _slice(self, groups: Iterable[Group], where: tuple[tuple[str, str], ...]) -> Slice:
        whole = merged(groups)
        return Slice(self.period, whole.sums, whole.waits, where)


def read_cube(store: Store, name: str, days: Between, area: str = "") -> Cube:
    """Read the figures of local days. Raises RetriableError while the store is away."""
    return Cube(name, read_groups(store, Grain.DAY, days, by=DIMENSIONS), area)
