"""Nobody with a solver can work out what is hidden: tables with sums by row, column, area and month."""

from __future__ import annotations

from collections.abc import Hashable

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.report.disclosure.protect import protect
from dashboards.report.disclosure.system import Known, System, is_few, sum_relation
from tests.report.disclosure.attacker import Attacker, Published

Sums = list[tuple[Hashable, list[Hashable]]]
COUNTS = st.one_of(st.integers(0, 6), st.integers(0, 40), st.just(0))


class Numbers:
    """Numbers by name, and the sums among them."""

    def __init__(self) -> None:
        self.truth: dict[Hashable, int] = {}
        self.sums: Sums = []

    def add(self, name: Hashable, value: int) -> Hashable:
        self.truth[name] = value
        return name

    def total(self, name: Hashable, parts: list[Hashable]) -> Hashable:
        self.truth.setdefault(name, sum(self.truth[part] for part in parts))
        self.sums.append((name, parts))
        return name

    def system(self) -> System:
        names = list(self.truth)
        at = {name: place for place, name in enumerate(names)}
        relations = [sum_relation(at[whole], [at[part] for part in parts]) for whole, parts in self.sums]
        truth = [self.truth[name] for name in names]
        known = [Known.FEW if is_few(value) else Known.VALUE for value in truth]
        return System(names, truth, known, relations)


@st.composite
def tables(draw: st.DrawFn) -> Numbers:
    """A week's table with sums by row and column, areas of rows, and a second week with their sum."""
    numbers = Numbers()
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    weeks = draw(st.integers(1, 2))
    areas = draw(st.lists(st.integers(0, 2), min_size=rows, max_size=rows))
    for week in range(weeks):
        for row in range(rows):
            cells = [numbers.add((week, row, column), draw(COUNTS)) for column in range(columns)]
            numbers.total((week, row, "all"), cells)
        for column in range(columns):
            numbers.total((week, "all", column), [(week, row, column) for row in range(rows)])
        numbers.total((week, "all", "all"), [(week, row, "all") for row in range(rows)])
        numbers.total((week, "all", "all"), [(week, "all", column) for column in range(columns)])
        for area in set(areas):
            parts: list[Hashable] = [(week, row, "all") for row in range(rows) if areas[row] == area]
            numbers.total((week, f"area {area}", "all"), parts)
    if weeks > 1:
        for name in [name[1:] for name in numbers.truth if isinstance(name, tuple) and name[0] == 0]:
            numbers.total(("month", *name), [(week, *name) for week in range(weeks)])
    return numbers


def attack(system: System, sums: Sums) -> Attacker:
    def named(known: Known) -> frozenset[Hashable]:
        return frozenset(name for name, k in zip(system.names, system.known, strict=True) if k is known)

    told = named(Known.VALUE)
    values = {name: value for name, value in zip(system.names, system.truth, strict=True) if name in told}
    published = Published(values, sums, named(Known.FEW), named(Known.NOT_FEW), named(Known.NOTHING))
    return Attacker(published)


@settings(max_examples=15, deadline=None)
@given(tables())
def test_no_hidden_number_can_be_worked_out(numbers: Numbers) -> None:
    system = numbers.system()
    proof = protect(system, [at for at, value in enumerate(system.truth) if is_few(value)])
    attacker = attack(system, numbers.sums)
    assert not proof.open
    for at, name in enumerate(system.names):
        if is_few(system.truth[at]):
            assert all(attacker.can_be(name, value) for value in range(1, 5)), name
        elif system.free(at):
            low, high = attacker.bounds(name)
            assert low < high, name


@settings(max_examples=60, deadline=None)
@given(tables())
def test_the_proof_is_one(numbers: Numbers) -> None:
    system = numbers.system()
    few = [at for at, value in enumerate(system.truth) if is_few(value)]
    proof = protect(system, few)
    assert all(system.possible(world) for world in proof.worlds)
    for number in few:
        found = {world.get(number, system.truth[number]) for world in proof.worlds}
        assert found >= set(range(1, 5)) - {system.truth[number]}


@settings(max_examples=60, deadline=None)
@given(tables())
def test_what_is_large_and_apart_stays(numbers: Numbers) -> None:
    """A table without a small count is published whole."""
    large = Numbers()
    large.sums = numbers.sums
    large.truth = {name: value * 5 for name, value in numbers.truth.items()}
    system = large.system()
    protect(system, [])
    assert set(system.known) <= {Known.VALUE}


def test_the_least_is_hidden_of_a_plain_table() -> None:
    numbers = Numbers()
    for row, counts in enumerate(((3, 20, 30), (40, 50, 60), (70, 80, 90))):
        numbers.total((row, "all"), [numbers.add((row, column), n) for column, n in enumerate(counts)])
    for column in range(3):
        numbers.total(("all", column), [(row, column) for row in range(3)])
    system = numbers.system()
    protect(system, [system.names.index((0, 0))])
    hidden = {name for at, name in enumerate(system.names) if system.free(at)}
    assert hidden == {(0, 0), (0, 1), (1, 0), (1, 1)}
