"""CSV, XLSX and JSON hold the numbers of the tables to the digit, and nothing that would be run."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from io import BytesIO, StringIO
from pathlib import Path

import jsonschema
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from dashboards.report.document import Cell, Column, Document, Kind, Row, Section, Table
from dashboards.report.render.csv import HEADINGS, render_csv
from dashboards.report.render.json import render_json
from dashboards.report.render.text import cell_text
from dashboards.report.render.xlsx import HEAD, columns_of, render_xlsx, sheet_names
from tests.report.samples import HOSTILE, sample

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"
NUMBERS = st.floats(0, 1e9, allow_nan=False) | st.integers(0, 10**9)


def lines_of(document: Document) -> dict[str, dict[str, str]]:
    """Read the CSV as a Swedish spreadsheet does."""
    text = render_csv(document).decode("utf-8-sig")
    rows = list(csv.reader(StringIO(text), delimiter=";"))
    assert tuple(rows[0]) == HEADINGS
    return {row[-1]: dict(zip(HEADINGS, row, strict=True)) for row in rows[1:]}


def swedish(text: str) -> float | None:
    return float(text.replace(",", ".")) if text else None


def test_csv_holds_every_cell() -> None:
    document = sample()
    lines = lines_of(document)
    assert lines.keys() == document.cells.keys()
    for key, cell in document.cells.items():
        line = lines[key]
        sides = tuple(swedish(line[name]) for name in ("Värde", "Täljare", "Nämnare", "Lägst", "Högst"))
        assert sides == (cell.value, cell.hits, cell.n, cell.low, cell.high)
        assert line["Visas som"].lstrip("'") == cell_text(cell).lstrip("'")


def test_csv_starts_with_a_mark_and_uses_semicolons_and_commas() -> None:
    made = render_csv(sample())
    assert made.startswith(b"\xef\xbb\xbfTabell;")
    assert ";94,25;sekunder;" in made.decode()


def test_csv_runs_nothing() -> None:
    document = sample()
    assert HOSTILE.startswith("=")
    for line in lines_of(document).values():
        texts = [value for name, value in line.items() if name not in {"Värde", "Lägst", "Högst"}]
        assert not any(text.startswith(("=", "+", "-", "@", "\t", "\r")) for text in texts)


def sheets_of(document: Document) -> dict[str, Worksheet]:
    book = openpyxl.load_workbook(BytesIO(render_xlsx(document)))
    assert book.sheetnames[1:] == sheet_names(document)
    return {
        table.key: book[name] for table, name in zip(document.tables(), sheet_names(document), strict=True)
    }


def test_xlsx_holds_every_cell_as_a_number() -> None:
    document = sample()
    sheets = sheets_of(document)
    for table in document.tables():
        headings = [heading for column in table.columns for heading in columns_of(table, column)]
        for line, row in enumerate(table.rows, HEAD + 2):
            for at, (column, side) in enumerate(headings, 2):
                found = sheets[table.key].cell(line, at)
                expected = side_of(table.cell(row.key, column.key), side)
                place = (table.key, row.key, column.key, side)
                if isinstance(expected, float):  # a spreadsheet keeps 15 digits or more
                    assert found.value == pytest.approx(expected, rel=1e-15), place
                else:
                    assert found.value == expected, place
                assert found.data_type in ("n", "s")


def side_of(cell: Cell | None, side: str) -> float | str | None:
    if cell is None:
        return None
    if side:
        sides = {"täljare": cell.hits, "nämnare": cell.n, "lägst": cell.low, "högst": cell.high}
        return sides[side]
    return cell_text(cell) if cell.value is None else cell.value


def test_xlsx_writes_shares_in_per_cent() -> None:
    sheet = sheets_of(sample())["kanaler"]
    assert sheet.cell(HEAD + 2, 3).number_format == "0%"
    assert sheet.cell(HEAD + 2, 2).number_format == "#,##0"


def test_the_first_sheet_says_what_the_report_says() -> None:
    book = openpyxl.load_workbook(BytesIO(render_xlsx(sample())))
    said = [row[0] for row in book.worksheets[0].iter_rows(values_only=True)]
    assert "Under veckan kom 750\u00a0ärenden in." in said
    assert HOSTILE in said


def one_number(value: float, kind: Kind) -> Document:
    cell = Cell("t/r/c", kind, value)
    table = Table("t", "T", "", (Column("c", "C", kind),), (Row("r", "R", (cell,)),))
    return replace(sample(), sections=(Section("s", "S", (table,)),))


@given(NUMBERS, st.sampled_from([Kind.NUMBER, Kind.SECONDS, Kind.MINUTES, Kind.FACTOR, Kind.PER_ERRAND]))
def test_no_digit_is_lost(value: float, kind: Kind) -> None:
    document = one_number(value, kind)
    assert swedish(lines_of(document)["t/r/c"]["Värde"]) == value
    sections = json.loads(render_json(document))["sections"]
    assert sections[0]["blocks"][0]["rows"][0]["cells"][0]["value"] == value


def test_json_is_as_its_schema_says() -> None:
    document = sample()
    made = json.loads(render_json(document))
    jsonschema.validate(made, json.loads(SCHEMA.read_text(encoding="utf-8")))
    cells = {
        cell["key"]: cell
        for section in made["sections"]
        for block in section["blocks"]
        if block["type"] == "table"
        for row in block["rows"]
        for cell in row["cells"]
        if cell is not None
    }
    assert {key: (c["value"], c["hits"], c["n"], c["low"], c["high"]) for key, c in cells.items()} == {
        key: (c.value, c.hits, c.n, c.low, c.high) for key, c in document.cells.items()
    }


def test_the_same_document_gives_the_same_bytes() -> None:
    for render in (render_csv, render_xlsx, render_json):
        assert render(sample()) == render(sample())
