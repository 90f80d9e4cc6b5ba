"""Finds another world that fits all that is published: the proof that a hidden number can't be worked out.

A number is given another value; each sum that no longer holds is mended by changing one more hidden number
in it, until all sums hold. That is a search with a limit: it may overlook a world, and then more is hidden
than was needed; but any that it finds is one that an attacker must reckon with (``System.possible``).
"""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.report.disclosure.system import FEWEST, MOST, Known, System

LIMIT = 300
"""How many changes are tried for one world."""


class Search:
    """One search for a world in which a number has another value.

    ``ends`` tells where it could not go on: relations with no hidden number left to mend them with, each
    with all relations that had to be mended then.
    """

    def __init__(self, system: System) -> None:
        self.ends: dict[tuple[int, frozenset[int]], None] = {}
        self._system = system
        self._world: dict[int, int] = {}
        self._off: dict[int, int] = {}
        self._left = LIMIT

    def world(self, number: int, value: int) -> dict[int, int] | None:
        """Return a world in which the number has the value; None where none was found."""
        if not self._system.allows(number, value):
            return None
        self._change(number, value)
        return dict(self._world) if self._mend() else None

    def _change(self, number: int, value: int) -> None:
        step = value - self._world.get(number, self._system.truth[number])
        self._world[number] = value
        self._shift(number, step)

    def _undo(self, number: int) -> None:
        self._shift(number, self._system.truth[number] - self._world.pop(number))

    def _shift(self, number: int, step: int) -> None:
        for at, factor in self._system.of[number]:
            off = self._off.get(at, 0) + factor * step
            if off:
                self._off[at] = off
            else:
                self._off.pop(at, None)

    def _mend(self) -> bool:
        if not self._off:
            return True
        options = {at: list(self._options(at)) for at in self._off}
        at = min(options, key=lambda a: (len(options[a]), a))
        if not options[at]:
            self.ends[at, frozenset(self._off)] = None
            return False
        for number, value in options[at]:
            self._left -= 1
            if self._left < 0:
                return False
            self._change(number, value)
            if self._mend():
                return True
            self._undo(number)
        return False

    def _options(self, at: int) -> Iterator[tuple[int, int]]:
        """Yield the changes that mend a relation, or a part of what it is off by; the best first."""
        found = []
        for number, factor in self._system.relations[at]:
            if number in self._world or not self._system.free(number):
                continue
            truth = self._system.truth[number]
            wanted = truth - self._off[at] * factor
            value = self._nearest(number, wanted)
            if value != truth:
                others = [a for a, _ in self._system.of[number] if a != at]
                mends = sum(a in self._off for a in others)
                found.append((value != wanted, len(others) - 2 * mends, -truth, number, value))
        yield from ((number, value) for *_, number, value in sorted(found))

    def _nearest(self, number: int, wanted: int) -> int:
        """Return the allowed value on the way from the truth that comes nearest to what is wanted."""
        if self._system.allows(number, wanted):
            return wanted
        truth = self._system.truth[number]
        if self._system.known[number] is Known.FEW:
            return min(max(wanted, FEWEST), MOST)
        if truth > MOST and self._system.known[number] is Known.NOT_FEW:
            return max(wanted, MOST + 1)
        return max(wanted, 0) if self._system.known[number] is Known.NOTHING else truth
