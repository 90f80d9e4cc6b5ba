"""The people of the simulated town: stable numbers and addresses that can be nobody's.

Numbers are those that the Swedish telecom authority reserves for fiction, with three more digits: still
E.164 (at most 15 digits), longer than any Swedish number in use, and enough for a town.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random

from schemas.catalogue import InternalRules
from schemas.errors import ConfigurationError

_RESERVED = (
    *(f"+46701740{n:03d}" for n in range(605, 700)),
    *(f"+46313900{n:03d}" for n in range(600, 650)),
    *(f"+46406280{n:03d}" for n in range(400, 450)),
    *(f"+468465004{n:02d}" for n in range(50)),
    *(f"+46980319{n:03d}" for n in range(200, 250)),
)
_HIDDEN = ("anonymous", "Anonymous", "anonymous", "unknown")


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who makes contact. ``number`` is E.164; ``hidden`` tells who never shows it."""

    index: int
    number: str
    address: str
    hidden: bool
    internal: bool = False

    def caller_id(self, rng: Random) -> str:
        """Return the number as the exchange shows it: international or national, or a word for none."""
        if self.internal:
            return self.number
        if self.hidden:
            return rng.choice(_HIDDEN)
        shape = rng.random()
        if shape < 0.70:
            return self.number
        return "0" + self.number[3:] if shape < 0.95 else "00" + self.number[1:]


class Population:
    """All outside customers, by index from 0, and the colleagues who make contact."""

    def __init__(self, size: int, hidden_share: float, internal: InternalRules) -> None:
        self._size = size
        self._hidden = round(hidden_share * 1000)
        self._colleagues = colleagues(internal)
        self._made: dict[int, Customer] = {}

    def anybody(self, rng: Random) -> Customer:
        """Return a customer at random; everybody is as likely."""
        return self.customer(rng.randrange(self._size))

    def customer(self, index: int) -> Customer:
        """Return the customer with this index."""
        known = self._made.get(index)
        if known is None:
            known = self._made[index] = Customer(
                index,
                # Neighbours in the list differ in the base, and each pair of base and suffix stands once.
                f"{_RESERVED[index % len(_RESERVED)]}{1 + index // len(_RESERVED):03d}",
                f"invanare{index + 1:04d}@post.example",
                # Spread evenly over the indexes: 619 has no factor in common with 1000.
                index * 619 % 1000 < self._hidden,
            )
        return known

    def colleague(self, rng: Random) -> Customer:
        """Return a colleague at random: a short number and an internal address."""
        return rng.choice(self._colleagues)


@cache
def _short_numbers(pattern_rules: InternalRules) -> tuple[str, ...]:
    return tuple(number for n in range(4100, 5900, 17) if pattern_rules.number(number := str(n)))


def colleagues(rules: InternalRules) -> tuple[Customer, ...]:
    """Return the simulated colleagues. Raises ConfigurationError where the number plan fits none."""
    numbers = _short_numbers(rules)
    if not numbers or not rules.domains:
        raise ConfigurationError(
            "simulation: internal.number_pattern must allow numbers between 4100 and 5899, "
            "and internal.domains must name a domain"
        )
    return tuple(
        Customer(index, number, f"medarbetare{index + 1:03d}@{rules.domains[0]}", hidden=False, internal=True)
        for index, number in enumerate(numbers)
    )
