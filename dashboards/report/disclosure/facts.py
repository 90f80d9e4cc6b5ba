"""What a document would tell if all of it were printed: quantities, their values, and all that adds up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dashboards.report.document import Cell, Document, Kind, Quantity, Sum, Table
from schemas.errors import FatalError


@dataclass
class Facts:
    """Values of quantities; which of them stand in a cell, which under a label of their own; sums."""

    values: dict[Quantity, int] = field(default_factory=dict)
    told: set[Quantity] = field(default_factory=set)
    """Given away by some cell that is to be printed."""
    named: set[Quantity] = field(default_factory=set)
    """Counts with a cell of their own, where it would say "färre än 5"."""
    rests: set[Quantity] = field(default_factory=set)
    """The others of a share: n less hits, which whoever knows both knows too."""
    sums: dict[Sum, None] = field(default_factory=dict)


def facts_of(printed: Document, internal: Document) -> Facts:
    """Return what a document tells; values of what it does not print are those of the internal one.

    Raises FatalError where two cells give the same quantity two values, or a declared sum does not hold:
    then nobody can say what is safe.
    """
    facts = Facts()
    for document in (internal, printed):
        for cell in document.cells.values():
            for name, value in _values(cell):
                _put(facts, name, value, cell.key)
    for cell in printed.cells.values():
        facts.told.update(name for name in cell.quantities if name in facts.values)
        if cell.kind is Kind.COUNT and cell.value is not None:
            facts.named.add(cell.quantities[0])
    _declared(facts, (*internal.sums, *printed.sums))
    for table in (*internal.tables(), *printed.tables()):
        facts.sums.update(dict.fromkeys(s for s in _totals(table) if _holds(facts, s)))
    for cell in printed.cells.values():
        _rest(facts, cell)
    return facts


def _values(cell: Cell) -> Iterator[tuple[Quantity, int]]:
    """Yield what a cell says of its quantities."""
    if cell.kind is Kind.COUNT and cell.value is not None:
        yield cell.quantities[0], int(cell.value)
    elif (
        cell.kind is Kind.SHARE and cell.hits is not None and cell.n is not None and len(cell.quantities) > 1
    ):
        yield cell.quantities[0], cell.hits
        yield cell.quantities[1], cell.n
    elif cell.kind in {Kind.SECONDS, Kind.PER_ERRAND} and cell.n is not None and len(cell.quantities) == 1:
        yield cell.quantities[0], cell.n


def _put(facts: Facts, name: Quantity, value: int, where: str) -> None:
    known = facts.values.setdefault(name, value)
    if known != value or value < 0:
        raise FatalError(
            f"report: cell {where} gives {name} as {value}, another cell as {known}; give quantities that "
            "are not the same number different names"
        )


def _declared(facts: Facts, sums: Iterable[Sum]) -> None:
    """Take in declared sums, with the values of parts that stand in no cell: what is left for them."""
    waiting = list(dict.fromkeys(sums))
    while waiting:
        ready = [s for s in waiting if len(_unknown(facts, s)) <= 1] or waiting[:1]
        for found in ready:
            waiting.remove(found)
            _take(facts, found)


def _unknown(facts: Facts, found: Sum) -> list[Quantity]:
    return [name for name in dict.fromkeys((found.whole, *found.parts)) if name not in facts.values]


def _take(facts: Facts, found: Sum) -> None:
    unknown = _unknown(facts, found)
    if found.whole in unknown:
        if len(unknown) == 1:
            facts.values[found.whole] = sum(facts.values[part] for part in found.parts)
            facts.sums[found] = None
        return  # a whole and parts that nobody prints: nothing is known of either
    parts = [part for part in found.parts if part not in unknown]
    left = facts.values[found.whole] - sum(facts.values[part] for part in parts)
    if left < 0 or (left and not unknown):
        raise FatalError(f"report: the parts of {found.whole} do not add up to it: {left} are left")
    if unknown:
        rest = unknown[0] if len(unknown) == 1 else Quantity("+".join(map(str, unknown)), "")
        facts.values.setdefault(rest, left)
        found = Sum(found.whole, (*parts, rest))
    facts.sums[found] = None


def _totals(table: Table) -> Iterator[Sum]:
    """Yield what the totals of a table say of counts, and of both sides of shares."""
    for total in table.totals:
        lines = [column.key for column in table.columns] if not total.columns else [r.key for r in table.rows]
        for line in lines:
            cells = [
                table.cell(line, name) if total.columns else table.cell(name, line)
                for name in (total.whole, *total.parts)
            ]
            named = [cell.quantities for cell in cells if cell is not None]
            if len(named) == len(cells) and len({len(names) for names in named}) == 1:
                for whole, *parts in zip(*named, strict=True):
                    yield Sum(whole, tuple(parts))


def _holds(facts: Facts, found: Sum) -> bool:
    """Tell whether a sum is true: the denominators of shares of one whole do not add up, for one."""
    if _unknown(facts, found) or found.whole in found.parts:
        return False
    return facts.values[found.whole] == sum(facts.values[part] for part in found.parts)


def _rest(facts: Facts, cell: Cell) -> None:
    if cell.kind is not Kind.SHARE or len(cell.quantities) != 2:
        return
    hits, n = cell.quantities
    if hits == n or hits not in facts.values or n not in facts.values or facts.values[hits] > facts.values[n]:
        return
    alike = (n.period, n.where) == (hits.period, hits.where)
    measure = f"{n.measure} utom {hits.measure}"  # over the same days it is a measure like others
    rest = Quantity(measure, n.period, n.where) if alike else Quantity(f"{n} utom {hits}", "")
    facts.values[rest] = facts.values[n] - facts.values[hits]
    facts.rests.add(rest)
    facts.sums[Sum(n, (hits, rest))] = None
