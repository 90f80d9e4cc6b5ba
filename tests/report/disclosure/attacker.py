"""An attacker with a solver: what can be worked out of published numbers, sums and labels, to the last digit.

Shares no code with the disclosure control that it attacks. Every question is put to HiGHS as an integer
program, so an answer holds for all worlds and not only for those that somebody thought of.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import highspy

FEW = (1, 4)
ROOM = 60
"""How far above all that is published a hidden number may lie: far enough to stand for any."""


@dataclass(frozen=True)
class Published:
    """What the attacker holds. ``values`` are published; ``few`` are labelled "färre än 5".

    ``not_few`` are taken to be 0, or 5 or more. Every other number in ``sums`` (whole, parts) is any count.
    """

    values: Mapping[Hashable, int]
    sums: Sequence[tuple[Hashable, Sequence[Hashable]]]
    few: frozenset[Hashable] = frozenset()
    not_few: frozenset[Hashable] = frozenset()
    others: frozenset[Hashable] = field(default_factory=frozenset)

    def names(self) -> list[Hashable]:
        """Return all numbers, in a fixed order."""
        named = [name for whole, parts in self.sums for name in (whole, *parts)]
        return list(dict.fromkeys((*named, *self.values, *self.few, *self.not_few, *self.others)))


class Attacker:
    """Knows what is published and reckons with it. Raises AssertionError where that contradicts itself."""

    def __init__(self, published: Published) -> None:
        make: Any = highspy.Highs
        self._highs: Any = make()
        self._highs.silent()
        for option, setting in (("threads", 1), ("parallel", "off"), ("presolve", "off")):
            self._highs.setOptionValue(
                option, setting
            )  # small programs: setting out takes longer than solving
        top = sum(published.values.values()) + ROOM
        self._vars: dict[Hashable, Any] = {}
        for name in published.names():
            self._vars[name] = self._variable(published, name, top)
        for whole, parts in published.sums:
            total = sum(self._vars[part] for part in parts)
            self._highs.addConstr(self._vars[whole] - total == 0)

    def _variable(self, published: Published, name: Hashable, top: int) -> Any:
        integer = highspy.HighsVarType.kInteger
        if name in published.values:
            value = published.values[name]
            return self._highs.addVariable(value, value, type=integer)
        if name in published.few:
            return self._highs.addVariable(*FEW, type=integer)
        found = self._highs.addVariable(0, top, type=integer)
        if name in published.not_few:
            large = self._highs.addVariable(0, 1, type=integer)
            self._highs.addConstr(found - (FEW[1] + 1) * large >= 0)
            self._highs.addConstr(found - top * large <= 0)
        return found

    def bounds(self, name: Hashable) -> tuple[int, int]:
        """Return the least and the greatest value that a number can have."""
        return self._extreme(name, least=True), self._extreme(name, least=False)

    def _extreme(self, name: Hashable, *, least: bool) -> int:
        solve = self._highs.minimize if least else self._highs.maximize
        solve(self._vars[name])
        assert self._highs.getModelStatus() == highspy.HighsModelStatus.kOptimal, (
            "nothing fits what is published"
        )
        found: float = self._highs.getObjectiveValue()
        return round(found)

    def can_be(self, name: Hashable, value: int) -> bool:
        """Tell whether a number can have a value."""
        at = self._vars[name].index
        _, _, low, high, *_ = self._highs.getCol(at)
        if not low <= value <= high:
            return False
        self._highs.changeColBounds(at, value, value)
        self._highs.minimize(0 * self._vars[name])
        found = bool(self._highs.getModelStatus() == highspy.HighsModelStatus.kOptimal)
        self._highs.changeColBounds(at, low, high)
        return found
