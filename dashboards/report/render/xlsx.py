"""A report as a workbook: a sheet to read first, then one sheet per table, with real numbers in formats.

Shares are written as 0..1 in per cent, spans in seconds or minutes: what stands in a cell is the raw number.
Dates are those of the data and nothing is taken for a formula, so the same document gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC
from io import BytesIO

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from dashboards import swedish
from dashboards.report.document import (
    Cell,
    Column,
    Document,
    Kind,
    Note,
    Paragraph,
    Shown,
    Table,
)
from dashboards.report.render.text import cell_text, plain, remarks, spoken
from dashboards.theme import load_theme

_FORMATS = {
    Kind.COUNT: "#,##0",
    Kind.NUMBER: "#,##0",
    Kind.SHARE: "0%",
    Kind.SECONDS: '#,##0.0" s"',
    Kind.MINUTES: '#,##0" min"',
    Kind.PER_ERRAND: "0.00",
    Kind.FACTOR: "0.0",
    Kind.TEXT: "@",
}
_FIRST = "Läs först"
HEAD = 3
"""The row, from 0, in which a table's headings stand."""
SIDES = ("täljare", "nämnare", "lägst", "högst")
"""Further columns behind one of shares, where there are such."""


def render_xlsx(document: Document) -> bytes:
    """Return a report as a workbook."""
    stream = BytesIO()
    options = {f"strings_to_{what}": False for what in ("formulas", "urls", "numbers")}
    with Workbook(stream, {"in_memory": True, **options}) as book:
        theme = load_theme()
        created = document.made_at.astimezone(UTC).replace(tzinfo=None)
        book.set_properties(
            {"title": document.title, "author": theme.organisation, "created": created, "language": "sv"}
        )
        styles = _styles(book)
        _first(book.add_worksheet(_FIRST), document, styles)
        for table, name in zip(document.tables(), sheet_names(document), strict=True):
            _sheet(book.add_worksheet(name), table, styles)
    return stream.getvalue()


def sheet_names(document: Document) -> list[str]:
    """Return a name for the sheet of each table: at most 31 characters, all different, as Excel wants it."""
    names: list[str] = []
    for table in document.tables():
        title = re.sub(r"[\[\]:*?/\\']", " ", table.title).strip()[:28] or table.key[:28]
        taken = {name.lower() for name in (_FIRST, *names)}
        other = (f"{title[:25]} {number}" for number in range(2, len(names) + 4))
        names.append(
            title if title.lower() not in taken else next(n for n in other if n.lower() not in taken)
        )
    return names


Styles = dict[str, Format]


def _styles(book: Workbook) -> Styles:
    theme = load_theme()
    found = {kind.value: book.add_format({"num_format": form}) for kind, form in _FORMATS.items()}
    found["title"] = book.add_format({"bold": True, "font_size": 14, "font_color": theme["primary"]})
    found["heading"] = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    found["bold"] = book.add_format({"bold": True})
    found["wrap"] = book.add_format({"text_wrap": True, "valign": "top"})
    found["said"] = book.add_format({"italic": True, "font_color": theme["muted"], "align": "right"})
    return found


def _first(sheet: Worksheet, document: Document, styles: Styles) -> None:
    """Write what the report says in sentences; the numbers stand in the other sheets."""
    sheet.set_column(0, 0, 110)
    sheet.write_string(0, 0, document.title, styles["title"])
    sheet.write_string(1, 0, document.subtitle)
    made = swedish.datetime_sv(document.made_at)
    sheet.write_string(2, 0, f"Uppgifterna är från {made}. Dataversion {document.data_version}.")
    for at, (words, style) in enumerate(_said(document), 4):
        sheet.write_string(at, 0, words, styles[style])


def _said(document: Document) -> Iterator[tuple[str, str]]:
    for section in document.sections:
        texts = [block for block in section.blocks if isinstance(block, (Paragraph, Note))]
        said = [plain(pieces) for block in texts for pieces in spoken(document, block.sentences)]
        if said:
            yield section.heading, "bold"
            yield from ((words, "wrap") for words in said)


def _sheet(sheet: Worksheet, table: Table, styles: Styles) -> None:
    sheet.write_string(0, 0, table.title, styles["title"])
    sheet.write_string(1, 0, table.caption if table.rows else table.empty)
    sheet.set_column(0, 0, 44)
    sheet.freeze_panes(HEAD + 1, 1)
    sheet.write_string(HEAD, 0, table.row_heading, styles["heading"])
    headings = [heading for column in table.columns for heading in columns_of(table, column)]
    for at, (column, side) in enumerate(headings, 1):
        words = f"{column.label}, {side}" if side else column.label
        sheet.write_string(HEAD, at, words, styles["heading"])
    sheet.set_column(1, len(headings) + 1, 16)
    sheet.write_string(HEAD, len(headings) + 1, "Anmärkning", styles["heading"])
    for line, row in enumerate(table.rows, HEAD + 1):
        label = f"{row.label} ({row.note})" if row.note else row.label
        sheet.write_string(line, 0, label, styles["bold" if row.total else "text"])
        for at, (column, side) in enumerate(headings, 1):
            _write(sheet, (line, at), table.cell(row.key, column.key), side, styles)
        found = [remark for cell in row.cells if cell is not None for remark in remarks(cell)]
        if found:
            sheet.write_string(line, len(headings) + 1, ", ".join(dict.fromkeys(found)))


def columns_of(table: Table, column: Column) -> Iterator[tuple[Column, str]]:
    """Yield the columns of the sheet for one of the table: a share's sides follow it."""
    yield column, ""
    cells = [cell for row in table.rows if (cell := table.cell(row.key, column.key)) is not None]
    if column.kind is Kind.SHARE and any(cell.hits is not None for cell in cells):
        yield from ((column, side) for side in SIDES)


def _write(sheet: Worksheet, place: tuple[int, int], cell: Cell | None, side: str, styles: Styles) -> None:
    if cell is None:
        return
    if side:
        raw = dict(zip(SIDES, (cell.hits, cell.n, cell.low, cell.high), strict=True))[side]
        kind = Kind.COUNT if side in SIDES[:2] else Kind.SHARE
        if raw is not None:
            sheet.write_number(*place, raw, styles[kind.value])
    elif cell.value is None or cell.shown is not Shown.FULL:
        sheet.write_string(*place, cell_text(cell), styles["text" if cell.kind is Kind.TEXT else "said"])
    else:
        sheet.write_number(*place, cell.value, styles[cell.kind.value])
