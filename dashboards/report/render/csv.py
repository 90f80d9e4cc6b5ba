"""A report's numbers as CSV, one line per cell, as a Swedish spreadsheet opens it: BOM, ``;``, decimal comma.

Texts that a spreadsheet would take for a formula get an apostrophe first; the numbers are raw, to the last
digit, with the text of the report beside them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from dashboards.report.document import Cell, Column, Document, Row, Table
from dashboards.report.render.text import UNITS, cell_text, remarks

HEADINGS = (
    "Tabell",
    "Grupp",
    "Rad",
    "Kolumn",
    "Värde",
    "Enhet",
    "Visas som",
    "Täljare",
    "Nämnare",
    "Lägst",
    "Högst",
    "Anmärkning",
    "Nyckel",
)
_BOM = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render_csv(document: Document) -> bytes:
    """Return all cells of a report's tables, in their order."""
    text = StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for table in document.tables():
        writer.writerows(_lines(table))
    return f"{_BOM}{text.getvalue()}".encode()


def _lines(table: Table) -> Iterator[tuple[str, ...]]:
    for row in table.rows:
        for column, cell in zip(table.columns, row.cells, strict=True):
            if cell is not None:
                yield _line(table, row, column, cell)


def _line(table: Table, row: Row, column: Column, cell: Cell) -> tuple[str, ...]:
    words = (table.title, row.group, row.label, column.label)
    numbers = (cell.hits, cell.n, cell.low, cell.high)
    return (
        *map(neutral, words),
        number(cell.value),
        UNITS[cell.kind],
        neutral(cell_text(cell)),
        *map(number, numbers),
        ", ".join(remarks(cell)),
        neutral(cell.key),
    )


def number(value: float | None) -> str:
    """Return a raw number with a decimal comma, to the last digit; empty where there is none."""
    return "" if value is None else repr(value).replace(".", ",")


def neutral(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula (OWASP: CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text
