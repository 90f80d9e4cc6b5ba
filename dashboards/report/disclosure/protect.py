"""Hides what would give a small count away, until every hidden number may be another one.

The rule (DOMAIN §2.5): a count of 1 to 4 is hidden, and with it whatever it could be worked out from. The
means: a *world* is another set of values that fits all that is published: every sum, every label ("färre
än 5"), no count below zero. Each small count must have a world for each of 1, 2, 3 and 4, so that an attacker
knows no more of it than the label says. Where none is found, one more number is hidden, the one that costs
least, and it is tried again. A world stays one when more is hidden, so nothing is done twice and it comes to
an end. At last, what no world moves is published again: hiding it protects nothing.

So every number that is hidden in the end has at least two possible values, and the worlds are the proof.
Labels themselves give something away (four small parts of a small whole are 1 each): where hiding more does
not help, a count is not even called few, but left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from dashboards.report.disclosure.system import FEWEST, MOST, Known, System, World, is_few
from dashboards.report.disclosure.worlds import Search

_ROOM = MOST + MOST
"""From here on a number can be lessened by three and is still not few."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Worlds in which the hidden numbers are others. ``open`` are sensitive numbers left without all four."""

    worlds: tuple[World, ...]
    open: frozenset[int]


def protect(system: System, sensitive: Iterable[int]) -> Proof:
    """Hide in ``system.known`` what must be hidden for the sensitive numbers, and return the proof."""
    _soften_small_wholes(system)
    worlds: list[World] = []
    left_open = set()
    seen: set[tuple[int, int]] = set()
    started_hidden = {number for number in range(len(system.truth)) if system.free(number)}
    for number in sorted(sensitive, key=lambda n: (len(system.of[n]), system.truth[n], n)):
        for value in range(FEWEST, MOST + 1):
            if value == system.truth[number] or (number, value) in seen:
                continue
            world = _made_possible(system, number, value)
            if world is None:
                left_open.add(number)
                continue
            worlds.append(world)
            seen.update(world.items())
    worlds += _for_what_was_left_out_before(system, worlds)
    _publish_what_protects_nothing(system, worlds, started_hidden)
    return Proof(tuple(worlds), frozenset(left_open))


def _for_what_was_left_out_before(system: System, worlds: list[World]) -> list[World]:
    """Return worlds for numbers that earlier reports left out for the sake of others, if none moves them.

    No small count hangs on them, so any other value will do, and none is no disaster.
    """
    found: list[World] = []
    for number in sorted(system.public):
        if not system.free(number) or _moved(system, [*worlds, *found], number):
            continue
        truth = system.truth[number]
        values = [v for v in (truth + 1, truth + MOST + 1, truth - 1) if system.allows(number, v)]
        tries = (_made_possible(system, number, value) for value in values)
        found += list(islice((world for world in tries if world is not None), 1))
    return found


def _moved(system: System, worlds: list[World], number: int) -> bool:
    return any(world.get(number, system.truth[number]) != system.truth[number] for world in worlds)


def _soften_small_wholes(system: System) -> None:
    """Call the parts of a small whole not even few: that each is at least 1 would tell too much."""
    for relation in system.relations:
        small = any(factor > 0 and is_few(system.truth[number]) for number, factor in relation)
        parts = [number for number, factor in relation if factor < 0 and system.truth[number]]
        if small and len(parts) > 1:
            for part in parts:
                if system.known[part] is Known.FEW and part not in system.public:
                    system.known[part] = Known.NOTHING


def _made_possible(system: System, number: int, value: int) -> World | None:
    """Return a world with that value, after hiding as little as it takes; None where nothing helps."""
    while True:
        search = Search(system)
        world = search.world(number, value)
        if world is not None:
            return world
        choice = _cheapest(system, search, number)
        if choice is None:
            return None
        system.known[choice] = _hidden(system, choice)


def _hidden(system: System, number: int) -> Known:
    """Return what is told of a number from now on; one that was called few already is not even that."""
    return Known.NOT_FEW if system.known[number] is Known.VALUE else Known.NOTHING


def _cheapest(system: System, search: Search, number: int) -> int | None:
    """Return the number that is best hidden next."""
    for costs in (_at_ends(system, search), _near(system, number)):
        if costs:
            return min((cost, found) for found, cost in costs.items())[1]
    return _label_to_drop(system, number)


Costs = dict[int, tuple[int, int, int]]


def _at_ends(system: System, search: Search) -> Costs:
    """Cost the numbers in the sums where the search could not go on: fewest new sums to mend first.

    A whole is dear: it is what most readers look for, and other sums hang on it.
    """
    found: Costs = {}
    for at, off in search.ends:
        for candidate, _ in system.relations[at]:
            if _can_be_hidden(system, candidate):
                new = sum(a not in off for a, _ in system.of[candidate])
                cost = (new + 2 * system.whole(candidate), *_loss(system, candidate))
                found[candidate] = min(cost, found.get(candidate, cost))
    return found


def _near(system: System, number: int) -> Costs:
    """Cost what else hangs together with a number, the nearest first."""
    found: Costs = {}
    for distance, relation in _reached(system, number):
        for candidate, _ in system.relations[relation]:
            if _can_be_hidden(system, candidate):
                found.setdefault(candidate, (distance, *_loss(system, candidate)))
    return found


def _reached(system: System, number: int) -> Iterator[tuple[int, int]]:
    """Yield the relations that a number reaches by way of hidden ones, with their distance."""
    seen: set[int] = set()
    ring, distance = [number], 0
    while ring:
        relations = [at for n in ring for at, _ in system.of[n] if at not in seen]
        seen.update(relations)
        yield from ((distance, at) for at in dict.fromkeys(relations))
        ring = [n for at in relations for n, _ in system.relations[at] if system.free(n)]
        distance += 1


def _can_be_hidden(system: System, number: int) -> bool:
    return not system.free(number) and number not in system.public


def _loss(system: System, number: int) -> tuple[int, int]:
    """Return what hiding a number costs: parts before wholes, the small before the great; zeros last."""
    value = system.truth[number]
    if value < _ROOM:
        return (2 if value else 3), value
    return int(system.whole(number)), value


def _label_to_drop(system: System, number: int) -> int | None:
    """Return a number that hangs together with this and still has a label; None where there is none."""
    for _, relation in _reached(system, number):
        for candidate, _ in system.relations[relation]:
            labelled = system.known[candidate] in {Known.FEW, Known.NOT_FEW}
            if labelled and candidate not in system.public and candidate != number:
                return candidate
    return None


def _publish_what_protects_nothing(system: System, worlds: list[World], hidden_before: set[int]) -> None:
    """Show again what was hidden here and is the same in every world."""
    moved = {n for world in worlds for n, value in world.items() if value != system.truth[n]}
    for number in range(len(system.truth)):
        if system.free(number) and number not in hidden_before and number not in moved:
            system.known[number] = Known.VALUE
