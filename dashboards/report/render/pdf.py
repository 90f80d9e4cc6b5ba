"""A report as PDF by typst: tagged, PDF/UA-1, A4, in Swedish; charts as SVG with a text for each.

All words go to typst as data (JSON in ``sys.inputs``), never as markup. No clock and no font of the machine
is used, so the same document gives the same bytes everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC
from functools import cache
from importlib import resources
from itertools import groupby
from typing import Any, Literal

import typst

from dashboards import swedish
from dashboards.report.charts import alt_text, draw
from dashboards.report.document import (
    Audience,
    Block,
    Cell,
    Chart,
    Document,
    Kind,
    Note,
    Paragraph,
    Row,
    Sentence,
    Shown,
    Table,
    Tone,
)
from dashboards.report.render.text import (
    UPRIGHT,
    cell_text,
    headings_turned,
    plain,
    remarks,
    small_print,
    spoken,
)
from dashboards.theme import load_theme

PICTURE_PPI = 110.0


def render_pdf(document: Document) -> bytes:
    """Return a report as a PDF that keeps to PDF/UA-1."""
    return _compiled(document, "pdf")[0]


def render_pages(document: Document) -> list[bytes]:
    """Return the pages of the PDF as PNG pictures, for the documentation."""
    return _compiled(document, "png")


def _compiled(document: Document, form: Literal["pdf", "png"]) -> list[bytes]:
    made = _compiler().compile(
        input=_template(),
        format=form,
        sys_inputs={"report": json.dumps(_report(document), ensure_ascii=False)},
        pdf_standards=["ua-1"],
        timestamp=int(document.made_at.timestamp()),
        ppi=PICTURE_PPI,
    )
    if made is None:
        raise RuntimeError("typst gave nothing back")
    return [made] if isinstance(made, bytes) else made


@cache
def _compiler() -> typst.Compiler:
    return typst.Compiler(ignore_system_fonts=True)


@cache
def _template() -> bytes:
    return (resources.files("dashboards.report.render") / "templates" / "report.typ").read_bytes()


def _report(document: Document) -> dict[str, Any]:
    theme = load_theme()
    made_at = document.made_at.astimezone(UTC)
    parts = ("year", "month", "day", "hour", "minute", "second")
    return {
        "title": document.title,
        "subtitle": _subtitle(document),
        "brand": f"{theme.organisation} · {theme.service}",
        "organisation": theme.organisation,
        "colours": dict(theme.colours),
        "fonts": {name: list(fonts) for name, fonts in theme.fonts.items()},
        "made_at": {part: getattr(made_at, part) for part in parts},
        "data_version": document.data_version,
        "sections": [
            {
                "heading": section.heading,
                "blocks": [shown for block in section.blocks if (shown := _block(document, block))],
            }
            for section in document.sections
        ],
    }


def _subtitle(document: Document) -> str:
    made = f"{document.subtitle}. Uppgifterna är från {swedish.datetime_sv(document.made_at)}."
    preliminary = " Preliminär." if document.preliminary else ""
    internal = " Endast för internt bruk." if document.audience is Audience.INTERNAL else ""
    return f"{made}{preliminary}{internal}"


def _block(document: Document, block: Block) -> dict[str, Any] | None:
    """Return a block as the template takes it; None for one that says nothing."""
    match block:
        case Paragraph():
            said = _said(document, block.sentences)
            return {"type": "paragraph", "listed": block.listed, "sentences": said} if said else None
        case Note():
            said = _said(document, block.sentences)
            warning = block.tone is Tone.WARNING
            note = {"type": "note", "heading": block.heading, "warning": warning, "sentences": said}
            return note if said else None
        case Table():
            return _table(block)
        case Chart():
            return _chart(document, block)
        case _:
            items = [{"term": d.term, "text": d.text, "formula": d.formula} for d in block.items]
            return {"type": "definitions", "items": items}


def _said(document: Document, sentences: Iterable[Sentence]) -> list[str]:
    return [plain(pieces) for pieces in spoken(document, sentences)]


def _chart(document: Document, chart: Chart) -> dict[str, Any]:
    font = load_theme().fonts["pdf"][0]
    return {
        "type": "chart",
        "title": chart.title,
        "alt": f"{chart.title}. {alt_text(document, chart)}",
        "svg": str(draw(document, chart, font=font)),
        "sentences": _said(document, chart.text),
    }


def _table(table: Table) -> dict[str, Any]:
    wide = len(table.columns)
    return {
        "type": "table",
        "title": table.title,
        "caption": table.caption,
        "row_heading": table.row_heading,
        "empty": table.empty,
        "size": 8.5 if wide <= UPRIGHT else 7.5 if wide <= 12 else 6.5,
        "turned": headings_turned(table),
        "columns": [
            {"label": column.label, "note": column.note, "numeric": column.kind is not Kind.TEXT}
            for column in table.columns
        ],
        "groups": [
            {"label": group, "rows": [_row(row, table.dense) for row in rows]}
            for group, rows in groupby(table.rows, key=lambda row: row.group)
        ],
    }


def _row(row: Row, dense: bool) -> dict[str, Any]:
    cells = [None if cell is None else _cell(cell, dense) for cell in row.cells]
    return {"label": row.label, "note": row.note, "total": row.total, "cells": cells}


def _cell(cell: Cell, dense: bool) -> dict[str, Any]:
    small = [words for words in (small_print(cell), *remarks(cell)) if words and not dense]
    return {"text": cell_text(cell), "soft": cell.few or cell.shown is not Shown.FULL, "small": small}
