"""A report as JSON for other programs; docs/report.schema.json says what may stand in it.

Texts are those of the page; numbers are raw. What is hidden in a public report has no number here either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dashboards.report.charts import alt_text
from dashboards.report.document import (
    Audience,
    Block,
    Cell,
    Chart,
    ChartKind,
    Definitions,
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
from dashboards.report.render.text import cell_text, plain, spoken


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CellJson(_Model):
    """A number: raw (shares in 0..1, spans in seconds or minutes), and as it is written in the report."""

    key: str
    kind: Kind
    value: float | None
    text: str
    hits: int | None
    n: int | None
    low: float | None
    high: float | None
    preliminary: bool
    few: bool
    shown: Shown


class ColumnJson(_Model):
    """A column of a table."""

    key: str
    label: str
    kind: Kind
    note: str


class RowJson(_Model):
    """A row of a table; cells in the order of the columns, null where there is none."""

    key: str
    label: str
    note: str
    group: str
    total: bool
    cells: tuple[CellJson | None, ...]


class TableJson(_Model):
    """A table."""

    type: Literal["table"] = "table"
    key: str
    title: str
    caption: str
    columns: tuple[ColumnJson, ...]
    rows: tuple[RowJson, ...]


class TextJson(_Model):
    """Sentences; ``listed`` ones are points of their own."""

    type: Literal["text"] = "text"
    listed: bool
    sentences: tuple[str, ...]


class NoteJson(_Model):
    """A box beside the text."""

    type: Literal["note"] = "note"
    heading: str
    tone: Tone
    sentences: tuple[str, ...]


class ChartJson(_Model):
    """A picture of columns of a table; its numbers are the table's."""

    type: Literal["chart"] = "chart"
    key: str
    kind: ChartKind
    title: str
    table: str
    series: tuple[str, ...]
    goal: str
    alt: str
    sentences: tuple[str, ...]


class DefinitionJson(_Model):
    """What a figure means."""

    term: str
    text: str
    formula: str


class DefinitionsJson(_Model):
    """A list of definitions."""

    type: Literal["definitions"] = "definitions"
    items: tuple[DefinitionJson, ...]


BlockJson = Annotated[
    TableJson | TextJson | NoteJson | ChartJson | DefinitionsJson, Field(discriminator="type")
]


class SectionJson(_Model):
    """A part of the report under a heading."""

    key: str
    heading: str
    blocks: tuple[BlockJson, ...]


class ReportJson(_Model):
    """A whole report. ``period`` is a week 2026-W47, month 2026-11, tertial 2026-T3 or days a..b."""

    format: Literal[1] = 1
    title: str
    subtitle: str
    period: str
    made_at: AwareDatetime
    data_version: str
    preliminary: bool
    audience: Audience
    sections: tuple[SectionJson, ...]


def render_json(document: Document) -> bytes:
    """Return a report as JSON in UTF-8."""
    report = ReportJson(
        title=document.title,
        subtitle=document.subtitle,
        period=document.period,
        made_at=document.made_at,
        data_version=document.data_version,
        preliminary=document.preliminary,
        audience=document.audience,
        sections=tuple(
            SectionJson(
                key=section.key,
                heading=section.heading,
                blocks=tuple(_blocks(document, section.blocks)),
            )
            for section in document.sections
        ),
    )
    return f"{report.model_dump_json(indent=1)}\n".encode()


def _blocks(document: Document, blocks: Iterable[Block]) -> Iterator[BlockJson]:
    def said(sentences: Iterable[Sentence]) -> tuple[str, ...]:
        return tuple(plain(pieces) for pieces in spoken(document, sentences))

    for block in blocks:
        match block:
            case Table():
                yield _table(block)
            case Paragraph():
                yield TextJson(listed=block.listed, sentences=said(block.sentences))
            case Note():
                yield NoteJson(heading=block.heading, tone=block.tone, sentences=said(block.sentences))
            case Chart():
                yield _chart(block, alt_text(document, block), said(block.text))
            case Definitions():
                items = (DefinitionJson(term=d.term, text=d.text, formula=d.formula) for d in block.items)
                yield DefinitionsJson(items=tuple(items))


def _chart(chart: Chart, alt: str, sentences: tuple[str, ...]) -> ChartJson:
    return ChartJson(
        key=chart.key,
        kind=chart.kind,
        title=chart.title,
        table=chart.table,
        series=chart.series,
        goal=chart.goal,
        alt=alt,
        sentences=sentences,
    )


def _table(table: Table) -> TableJson:
    return TableJson(
        key=table.key,
        title=table.title,
        caption=table.caption,
        columns=tuple(ColumnJson(key=c.key, label=c.label, kind=c.kind, note=c.note) for c in table.columns),
        rows=tuple(_row(row) for row in table.rows),
    )


def _row(row: Row) -> RowJson:
    cells = tuple(None if cell is None else _cell(cell) for cell in row.cells)
    return RowJson(key=row.key, label=row.label, note=row.note, group=row.group, total=row.total, cells=cells)


def _cell(cell: Cell) -> CellJson:
    return CellJson(
        key=cell.key,
        kind=cell.kind,
        value=cell.value,
        text=cell_text(cell),
        hits=cell.hits,
        n=cell.n,
        low=cell.low,
        high=cell.high,
        preliminary=cell.preliminary,
        few=cell.few,
        shown=cell.shown,
    )
