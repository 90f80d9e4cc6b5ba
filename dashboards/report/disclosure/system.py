"""What an attacker is taken to know: numbers, of which some are published, and which add up to which."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

FEWEST, MOST = 1, 4
"""Counts from FEWEST to MOST are not published (DOMAIN §2.5)."""


class Known(Enum):
    """What is told of a number."""

    VALUE = "value"
    FEW = "few"
    """That it is 1 to 4."""
    NOT_FEW = "not few"
    """Left out, though it is none of these; who knows the rule knows that it is 0, or 5 or more."""
    NOTHING = "nothing"
    """Nothing but that it is a count."""

    def allows(self, value: int, truth: int) -> bool:
        """Tell whether a number may have a value, by what is told of it when it is ``truth``."""
        if self is Known.VALUE:
            return value == truth
        if self is Known.FEW:
            return FEWEST <= value <= MOST
        return value >= 0 and (self is Known.NOTHING or not FEWEST <= value <= MOST)


def is_few(value: int) -> bool:
    """Tell whether a count is too small to be published."""
    return FEWEST <= value <= MOST


Relation = tuple[tuple[int, int], ...]
"""Pairs (number, factor) whose products add up to zero: the whole with 1, its parts with -1."""
World = Mapping[int, int]
"""The numbers that differ from the truth, with the values that they have instead."""


@dataclass
class System:
    """Numbers by their places in ``truth``, and relations between them, all of which hold in truth.

    ``known`` is what is told of each, ``public`` which are known already and can't be hidden any more, and
    ``sensitive`` which must be protected for being few.
    """

    names: Sequence[Hashable]
    truth: Sequence[int]
    known: list[Known]
    relations: Sequence[Relation]
    public: frozenset[int] = frozenset()
    of: list[list[tuple[int, int]]] = field(init=False)
    """The relations that each number stands in, with its factor."""

    def __post_init__(self) -> None:
        self.of = [[] for _ in self.truth]
        for at, relation in enumerate(self.relations):
            for number, factor in relation:
                self.of[number].append((at, factor))
        broken = [r for r in self.relations if sum(factor * self.truth[i] for i, factor in r)]
        if broken:
            named = ", ".join(str(self.names[i]) for i, _ in broken[0])
            raise ValueError(f"these do not add up: {named}")

    def whole(self, number: int) -> bool:
        """Tell whether a number is the whole of anything."""
        return any(factor > 0 for _, factor in self.of[number])

    def free(self, number: int) -> bool:
        """Tell whether a number's value is not told."""
        return self.known[number] is not Known.VALUE

    def allows(self, number: int, value: int) -> bool:
        """Tell whether a number may have a value as far as its own label goes."""
        return self.known[number].allows(value, self.truth[number])

    def possible(self, world: World) -> bool:
        """Tell whether an attacker must reckon with a world: labels and sums are as they are published."""
        touched = {at for number in world for at, _ in self.of[number]}
        return all(self.allows(number, value) for number, value in world.items()) and not any(
            sum(factor * world.get(number, self.truth[number]) for number, factor in self.relations[at])
            for at in touched
        )


def sum_relation(whole: int, parts: Iterable[int]) -> Relation:
    """Return the relation of a sum; a number that is named more than once gets its factors together."""
    factors: dict[int, int] = {whole: 1}
    for part in parts:
        factors[part] = factors.get(part, 0) - 1
    return tuple((number, factor) for number, factor in factors.items() if factor)
