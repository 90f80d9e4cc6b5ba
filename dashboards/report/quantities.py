"""Numbers in the world, by name, and which of them add up to which."""

from __future__ import annotations

from dataclasses import dataclass, replace

_AT_VERSION = "@"


@dataclass(frozen=True, slots=True, order=True)
class Quantity:
    """A number in the world: a measure over a period, for those whom ``where`` tells (sorted pairs).

    ``period`` is a day ``2026-11-16``, ISO week ``2026-W47``, month ``2026-11``, tertial ``2026-T3`` or year
    ``2026``: disclosure control knows which days each has. Make it with ``quantity``.
    """

    measure: str
    period: str
    where: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return "|".join((self.measure, self.period, *(f"{name}={value}" for name, value in self.where)))


def as_published(name: Quantity, version: str) -> Quantity:
    """Return a quantity as an earlier version of the report had it, which a correction tells of."""
    return replace(name, measure=f"{name.measure}{_AT_VERSION}{version}")


def without_version(name: Quantity) -> Quantity:
    """Return the quantity itself, of which ``name`` may be what an earlier version said."""
    return replace(name, measure=name.measure.partition(_AT_VERSION)[0])


def quantity(measure: str, period: str, **where: str) -> Quantity:
    """Return a quantity such as ``quantity("errands", "2026-W47", topic="va-avfall")``.

    The same number must get the same name wherever it stands: no ``where`` at all is the whole centre.
    """
    return Quantity(measure, period, tuple(sorted(where.items())))


@dataclass(frozen=True, slots=True)
class Sum:
    """The whole is the sum of the parts. Parts that are zero and stand nowhere may be left out."""

    whole: Quantity
    parts: tuple[Quantity, ...]
