"""Disclosure control: an internal report made public (DOMAIN §2.5, §4), so that nobody is found in it.

``made_public`` merges sensitive topics into their areas, hides small counts and whatever would give them
away, and returns with the report what it told, for the ledger: the next public report must not undo this one.
What it holds out against is written in protect.py; that it does, in tests/report/disclosure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dashboards.report.disclosure.coarsen import coarsened
from dashboards.report.disclosure.facts import Facts, facts_of
from dashboards.report.disclosure.knowledge import Knowledge, knowledge_of
from dashboards.report.disclosure.ledger import Issue, Ledger, Told
from dashboards.report.disclosure.protect import Proof, protect
from dashboards.report.disclosure.system import Known, System
from dashboards.report.document import (
    Cell,
    Document,
    Kind,
    Paragraph,
    Quantity,
    Row,
    Section,
    Sentence,
    Shown,
    Table,
)
from dashboards.report.versions import version_of
from schemas.errors import FatalError

__all__ = ["Ledger", "Public", "made_public"]


_WHAT_IS_NOT_SHOWN = Section(
    "avsnitt-skydd",
    "Det som inte visas",
    (
        Paragraph(
            (
                Sentence(("Ingen ska kunna kännas igen i rapporten.",)),
                Sentence(("Antal från 1 till 4 skrivs därför färre än 5.",)),
                Sentence(("Siffror som ett så litet antal kan räknas ut av visas inte.",)),
                Sentence(("Känsliga ämnen finns bara med i siffrorna för hela sitt område.",)),
            )
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Public:
    """A public report, and what it told: add ``issue`` to the ledger when the report leaves the centre."""

    document: Document
    issue: Issue


def made_public(document: Document, ledger: Ledger | None = None) -> Public:
    """Return the public version of an internal report. The same input gives the same output.

    Raises FatalError where the document contradicts itself, or a small count can't be kept from being worked
    out because of what earlier reports told.
    """
    printed = coarsened(document)
    facts = facts_of(printed, document)
    knowledge = knowledge_of(facts, ledger or Ledger())
    system = knowledge.system()
    proof = protect(system, knowledge.sensitive)
    _check(system, proof)
    shown = _labels(facts, knowledge, system)
    public = _printed(printed, shown)
    public = replace(
        public,
        sums=(),
        sections=(*public.sections, _WHAT_IS_NOT_SHOWN),
        # The internal version is a digest of all numbers, on which guesses at those left out could be tried.
        data_version=version_of(public.cells.values()),
    )
    return Public(public, _issue(public, facts, knowledge, system))


def _check(system: System, proof: Proof) -> None:
    """Refuse where a small count has no other possible value."""
    moved = {n for world in proof.worlds for n, value in world.items() if value != system.truth[n]}
    pinned = sorted(str(system.names[number]) for number in proof.open - moved)
    if pinned:
        raise FatalError(
            f"the report can't be made public: with what earlier public reports told, {pinned[0]} could be "
            f"worked out ({len(pinned)} such counts); publish another period, or leave the report internal"
        )


def _labels(facts: Facts, knowledge: Knowledge, system: System) -> dict[Quantity, Known]:
    return {name: system.known[knowledge.place(name, value)] for name, value in facts.values.items()}


def _issue(public: Document, facts: Facts, knowledge: Knowledge, system: System) -> Issue:
    told = []
    for name, value in facts.values.items():
        at = knowledge.place(name, value)
        told.append(Told(name, value, system.known[at], at in knowledge.sensitive))
    return Issue(public.period, public.data_version, tuple(told), tuple(facts.sums))


def _printed(document: Document, known: dict[Quantity, Known]) -> Document:
    sections = []
    for section in document.sections:
        blocks = tuple(_table(b, known) if isinstance(b, Table) else b for b in section.blocks)
        sections.append(Section(section.key, section.heading, blocks))
    return replace(document, sections=tuple(sections))


def _table(table: Table, known: dict[Quantity, Known]) -> Table:
    rows = tuple(_row(row, known) for row in table.rows)
    return replace(table, rows=_unranked(rows) if table.ranked else rows)


def _row(row: Row, known: dict[Quantity, Known]) -> Row:
    """Hide a row's cells; what rests on nothing that is named follows the others of its row."""
    cells = [None if cell is None else _cell(cell, known) for cell in row.cells]
    if any(cell is not None and cell.shown is not Shown.FULL for cell in cells):
        cells = [_hidden(cell) if cell is not None and _follows(cell) else cell for cell in cells]
    return replace(row, cells=tuple(cells))


def _follows(cell: Cell) -> bool:
    return not cell.of and cell.kind not in {Kind.COUNT, Kind.NUMBER, Kind.SHARE}


def _cell(cell: Cell, known: dict[Quantity, Known]) -> Cell:
    if cell.value is None and cell.kind is not Kind.TEXT:
        return cell
    if _is_goal(cell):
        return cell
    labels = [known.get(name, Known.NOTHING) for name in cell.quantities]
    if all(label is Known.VALUE for label in labels):
        return cell
    if cell.kind is Kind.COUNT and labels[0] is Known.FEW:
        return replace(_hidden(cell), shown=Shown.FEW)
    return _hidden(cell)


def _is_goal(cell: Cell) -> bool:
    """Tell whether a share rests on nobody's doings, such as a goal, or what was published long ago."""
    return cell.kind is Kind.SHARE and not any(name.period for name in cell.of) and cell.hits is None


def _hidden(cell: Cell) -> Cell:
    """Return a cell of which no number is left, only what it would be of."""
    return Cell(cell.key, cell.kind, of=cell.of, shown=Shown.HIDDEN)


def _unranked(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Put rows with hidden cells last in their group, by name: their place would tell their value."""
    groups = list(dict.fromkeys(row.group for row in rows))

    def place(row: Row) -> tuple[int, bool, bool, str]:
        hides = any(cell is not None and cell.shown is not Shown.FULL for cell in row.cells)
        return groups.index(row.group), row.total, hides and not row.total, row.label if hides else ""

    return tuple(sorted(rows, key=place))
