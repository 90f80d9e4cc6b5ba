"""What a report says, apart from how it looks: sections of sentences, tables and charts over named cells.

Whoever makes the content builds a ``Document``; render/ prints it as HTML, PDF, CSV, XLSX or JSON;
disclosure/ turns an internal one into a public one. Three rules hold it together:

* **Every number is a cell**, and every cell has a key ``table/row/column`` of its own, by which a test
  traces it to its SQL and a reader's machine finds it in the page.
* **No number is written into a text.** A sentence refers to cells by key, so that a number that must not
  leave the centre can't slip out in a sentence, and is written alike everywhere (dashboards/swedish.py).
* **A cell names the quantities that it gives away** (``of``). Two cells of the same quantity, in two
  tables or two reports, are one number to disclosure control; ``Sum`` says which add up to which.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from dashboards.report.prose import (
    Definition,
    Definitions,
    Form,
    Gap,
    Note,
    Paragraph,
    Part,
    Ref,
    Sentence,
    Tone,
    keys_of,
)
from dashboards.report.quantities import Quantity, Sum, as_published, quantity, without_version
from schemas.statistics import SMALL_N

__all__ = [
    "Audience",
    "Block",
    "Cell",
    "Chart",
    "ChartKind",
    "Column",
    "Definition",
    "Definitions",
    "Document",
    "Form",
    "Gap",
    "Kind",
    "Note",
    "Paragraph",
    "Part",
    "Quantity",
    "Ref",
    "Row",
    "Section",
    "Sentence",
    "Shown",
    "Sum",
    "Table",
    "Tone",
    "Total",
    "as_published",
    "quantity",
    "without_version",
]


class Kind(StrEnum):
    """What a cell's value is, and so how it is written."""

    COUNT = "count"
    """Contacts, errands, handovers: what people did. Counts of 1 to 4 never leave the centre."""
    SHARE = "share"
    """0..1, with ``hits`` of ``n`` and the interval where there is one."""
    SECONDS = "seconds"
    """A span, such as a mean or a quantile of waits over ``n``."""
    MINUTES = "minutes"
    """Minutes of work, a sum; written as minutes or hours."""
    PER_ERRAND = "per_errand"
    """A mean number per errand, two decimals, over ``n``."""
    FACTOR = "factor"
    """Times something, such as a surge against what is usual; one decimal."""
    NUMBER = "number"
    """A whole number that counts nobody's doings: open days, followers, goals, rejected records."""
    TEXT = "text"
    """Words (``text``), such as what a comparison says."""


class Shown(StrEnum):
    """How much of a cell is shown. Only disclosure control sets anything but FULL."""

    FULL = "full"
    FEW = "few"
    """A count of 1 to 4: written "färre än 5"."""
    HIDDEN = "hidden"
    """Left out, for another could be worked out from it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One number, or a few words, under a key ``table/row/column``.

    ``value`` is raw: a count, a share in 0..1, seconds, minutes; None where there is none ("–").
    ``hits`` and ``n`` are what a ratio rests on (``n`` alone for a mean), ``low`` and ``high`` its interval.
    ``of`` are the quantities that the cell gives away: of a count itself; of a share numerator *and*
    denominator, in this order; of a mean its n; of a text all that it was concluded from. The cell is printed
    only where all of these may be. ``preliminary``: the time of the figure has not passed.
    """

    key: str
    kind: Kind
    value: float | None = None
    hits: int | None = None
    n: int | None = None
    low: float | None = None
    high: float | None = None
    text: str = ""
    of: tuple[Quantity, ...] = ()
    preliminary: bool = False
    shown: Shown = Shown.FULL

    @property
    def few(self) -> bool:
        """Tell whether a ratio rests on too few to lean on (DOMAIN §2.5): greyed, and said so."""
        counted = self.kind in {Kind.COUNT, Kind.NUMBER, Kind.TEXT, Kind.MINUTES}
        return not counted and self.n is not None and 0 < self.n < SMALL_N

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What the cell gives away; a number of people that names none is a quantity of its own."""
        if self.of or self.kind in {Kind.TEXT, Kind.NUMBER, Kind.FACTOR}:
            return self.of
        if self.kind is Kind.SHARE:
            return Quantity(f"{self.key}#hits", ""), Quantity(f"{self.key}#n", "")
        return (Quantity(self.key, ""),)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``note`` is small print under the label."""

    key: str
    label: str
    kind: Kind
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, with a cell for every column (in their order; None leaves it blank).

    ``group`` heads the rows of the same group; ``total`` rows are set apart. ``sensitive`` topics leave the
    centre only as part of their ``area`` (its label): in a public report every row of an area that has a
    sensitive one is merged into the area's row. Topics therefore are rows of a table, never columns.
    """

    key: str
    label: str
    cells: tuple[Cell | None, ...]
    note: str = ""
    group: str = ""
    total: bool = False
    area: str = ""
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Total:
    """Within a table: row (or column) ``whole`` is the sum of the rows (columns) ``parts``, counts only."""

    whole: str
    parts: tuple[str, ...]
    columns: bool = False


@dataclass(frozen=True)
class Table:
    """A table; also what a chart draws. ``ranked``: the rows stand in the order of their values.

    ``empty`` is said instead of a table without rows. ``dense``: the cells are too many for small print, so
    the caption says what is uncertain. Raises ValueError for rows that do not fit the columns
    and for a cell whose key is not ``table/row/column``.
    """

    key: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    totals: tuple[Total, ...] = ()
    ranked: bool = False
    row_heading: str = ""
    empty: str = "Inget under perioden."
    dense: bool = False

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(
                    f"table {self.key}, row {row.key}: {len(row.cells)} cells for {len(self.columns)}"
                )
            for column, cell in zip(self.columns, row.cells, strict=True):
                if cell is not None and cell.key != f"{self.key}/{row.key}/{column.key}":
                    raise ValueError(f"cell {cell.key} stands at {self.key}/{row.key}/{column.key}")

    def cells(self) -> Iterator[Cell]:
        """Yield the cells, row by row."""
        return (cell for row in self.rows for cell in row.cells if cell is not None)

    def cell(self, row: str, column: str) -> Cell | None:
        """Return a cell by the keys of its row and column; None where there is none."""
        return self._by_key.get(f"{self.key}/{row}/{column}")

    @cached_property
    def _by_key(self) -> MappingProxyType[str, Cell]:
        return MappingProxyType({cell.key: cell for cell in self.cells()})

    def sums(self) -> Iterator[Sum]:
        """Yield what the totals say of the quantities of counts."""
        for total in self.totals:
            lines = (
                [column.key for column in self.columns] if not total.columns else [r.key for r in self.rows]
            )
            for line in lines:
                whole = self._count(total, total.whole, line)
                parts = tuple(self._count(total, part, line) for part in total.parts)
                if whole is not None and parts and None not in parts:
                    yield Sum(whole, tuple(part for part in parts if part is not None))

    def _count(self, total: Total, name: str, line: str) -> Quantity | None:
        cell = self.cell(line, name) if total.columns else self.cell(name, line)
        return cell.quantities[0] if cell is not None and cell.kind is Kind.COUNT else None


class ChartKind(StrEnum):
    """The pictures that there are. Each draws rows × ``series`` of its table and nothing else."""

    BARS = "bars"
    """A bar per row and series; shares with their interval, and ``goal`` (a column) as a mark."""
    LADDER = "ladder"
    """The cost ladder: a bar per row (level, the highest uppermost), stacked of the series (performers)."""
    HEAT = "heat"
    """A field per row (weekday) and column (hour), shaded by value with the number written in it."""
    LINES = "lines"
    """A line per series along the rows (weeks), with its interval; ``goal`` (a column) as a dashed line."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of a table of the same document, which is printed beside it: the same cells.

    ``series`` are keys of columns; ``goal`` a column of the same kind. ``alt`` says what the picture shows
    ("Stapeldiagram: …") and ``text`` what it tells; both are sentences, so no number can slip out.
    """

    key: str
    kind: ChartKind
    title: str
    table: str
    series: tuple[str, ...]
    alt: tuple[Sentence, ...]
    goal: str = ""
    text: tuple[Sentence, ...] = ()


Block = Paragraph | Table | Chart | Note | Definitions


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report under a heading. ``key`` is its anchor."""

    key: str
    heading: str
    blocks: tuple[Block, ...]


class Audience(StrEnum):
    """Whom the report is for. Only disclosure control makes a public one."""

    INTERNAL = "internal"
    PUBLIC = "public"


@dataclass(frozen=True)
class Document:
    """A whole report, in Swedish.

    ``period`` is written as in ``Quantity``. ``made_at`` (aware) is the instant of the data version, not of
    the printing, so that the same store gives the same bytes. ``sums`` are what adds up beyond the totals
    of the tables: an area of its topics, numbers in two tables, parts that stand in no table.
    Raises ValueError where keys are not unique, or a chart or sentence refers to what is not there.
    """

    title: str
    subtitle: str
    period: str
    made_at: datetime
    data_version: str
    sections: tuple[Section, ...]
    preliminary: bool = False
    audience: Audience = Audience.INTERNAL
    sums: tuple[Sum, ...] = ()

    def __post_init__(self) -> None:
        if self.made_at.tzinfo is None:
            raise ValueError("made_at must be aware")
        keys = Counter(cell.key for table in self.tables() for cell in table.cells())
        keys.update(section.key for section in self.sections)
        keys.update(block.key for block in self.blocks() if isinstance(block, (Table, Chart)))
        twice = sorted(key for key, times in keys.items() if times > 1)
        missing = sorted(set(self._referred()) - set(keys))
        if twice or missing:
            raise ValueError(
                f"report {self.period}: keys used twice: {twice}; referred to but missing: {missing}"
            )

    def _referred(self) -> Iterator[str]:
        for block in self.blocks():
            if isinstance(block, Chart):
                yield block.table
        if self.audience is Audience.INTERNAL:  # what a public one refers to may have been taken out
            for sentence in self.sentences():
                yield from (*sentence.refers_to(), *keys_of(sentence.instead))

    def blocks(self) -> Iterator[Block]:
        """Yield all blocks in their order."""
        return (block for section in self.sections for block in section.blocks)

    def tables(self) -> Iterator[Table]:
        """Yield all tables in their order."""
        return (block for block in self.blocks() if isinstance(block, Table))

    def sentences(self) -> Iterator[Sentence]:
        """Yield all sentences, those about charts too."""
        for block in self.blocks():
            if isinstance(block, Paragraph | Note):
                yield from block.sentences
            elif isinstance(block, Chart):
                yield from (*block.alt, *block.text)

    @cached_property
    def cells(self) -> MappingProxyType[str, Cell]:
        """All cells by their keys."""
        return MappingProxyType({cell.key: cell for table in self.tables() for cell in table.cells()})

    @cached_property
    def table_of(self) -> MappingProxyType[str, Table]:
        """All tables by their keys."""
        return MappingProxyType({table.key: table for table in self.tables()})

    def all_sums(self) -> tuple[Sum, ...]:
        """Return all that is known to add up, once each."""
        found = [*self.sums, *(total for table in self.tables() for total in table.sums())]
        return tuple(dict.fromkeys(found))
