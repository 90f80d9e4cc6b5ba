"""Sensitive topics leave the centre only as part of their area (DOMAIN §4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from dashboards.report.disclosure.calendar import span_of
from dashboards.report.document import (
    Audience,
    Cell,
    Document,
    Kind,
    Quantity,
    Row,
    Sum,
    Table,
    Total,
    without_version,
)
from schemas.statistics import wilson

OTHER = "Övrigt"


def coarsened(document: Document) -> Document:
    """Return a document in which each area with a sensitive topic is one row.

    Where a table has a row of that area already, the topics are left out. What is in the new rows is added
    up (counts, minutes, both sides of shares); what can't be, such as a median, is left blank. Rows elsewhere
    that tell of one of these topics alone, such as a correction, are left out too.
    """
    sums: dict[Sum, None] = dict.fromkeys(document.sums)
    document = _with_tables(document, _without_hours)
    merged = _with_tables(document, lambda table: _table(table, sums))
    alone = {name for table in document.tables() for name in _alone(table)}
    return replace(_with_tables(merged, lambda table: _without(table, alone)), sums=tuple(sums))


def _with_tables(document: Document, made: Callable[[Table], Table]) -> Document:
    sections = tuple(
        replace(section, blocks=tuple(made(b) if isinstance(b, Table) else b for b in section.blocks))
        for section in document.sections
    )
    return replace(document, audience=Audience.PUBLIC, sections=sections)


def _without_hours(table: Table) -> Table:
    """Leave out what a sensitive topic was for less than a day: it leaves the centre by day or week only."""
    rows = tuple(row for row in table.rows if not (row.sensitive and any(map(_within_a_day, _told([row])))))
    return table if len(rows) == len(table.rows) else replace(table, rows=rows)


def _within_a_day(name: Quantity) -> bool:
    """Tell whether a quantity is of some hours of a day: all other periods are whole days."""
    hours = {"hour", "window"} & {key for key, _ in name.where}
    return bool(hours) or (bool(name.period) and span_of(name.period) is None)


def _alone(table: Table) -> set[Quantity]:
    """Return what tells of one topic of several that become one, and is in no other row of the table."""
    sensitive = {_area(row) for row in table.rows if row.sensitive}
    areas = Counter(_area(row) for row in table.rows if row.area or row.sensitive)
    several = {area for area in sensitive if areas[area] > 1}
    topics = [row for row in table.rows if (row.area or row.sensitive) and _area(row) in several]
    others = [row for row in table.rows if row not in topics]
    return _told(topics) - _told(others)


def _told(rows: Iterable[Row]) -> set[Quantity]:
    return {name for row in rows for cell in row.cells if cell is not None for name in cell.of}


def _without(table: Table, alone: set[Quantity]) -> Table:
    rows = tuple(row for row in table.rows if not alone & {without_version(name) for name in _told([row])})
    return table if len(rows) == len(table.rows) else replace(table, rows=rows)


def _area(row: Row) -> str:
    return row.area or OTHER


def _table(table: Table, sums: dict[Sum, None]) -> Table:
    sensitive = {_area(row) for row in table.rows if row.sensitive}
    if not sensitive:
        return table
    whole = {row.label for row in table.rows if not row.area and not row.sensitive}
    rows: list[Row] = []
    renamed: dict[str, str | None] = {}
    for row in table.rows:
        area = _area(row)
        if area not in sensitive or not (row.area or row.sensitive):
            rows.append(row)
        elif area in whole:
            renamed[row.key] = None
        else:
            key = _key(area)
            if key not in renamed.values():
                together = [r for r in table.rows if (r.area or r.sensitive) and _area(r) == area]
                rows.append(_merged(table, key, area, together, sums))
            renamed[row.key] = key
    return replace(table, rows=tuple(rows), totals=_totals(table, renamed))


def _totals(table: Table, renamed: dict[str, str | None]) -> tuple[Total, ...]:
    found = []
    for total in table.totals:
        parts = tuple(dict.fromkeys(renamed.get(part, part) for part in total.parts))
        if total.columns:
            found.append(total)
        elif total.whole not in renamed and None not in parts:
            found.append(replace(total, parts=tuple(part for part in parts if part is not None)))
    return tuple(found)


def _key(area: str) -> str:
    return "område-" + area.lower().replace(",", "").replace(" ", "-").replace("/", "-")


def _merged(table: Table, key: str, area: str, rows: Sequence[Row], sums: dict[Sum, None]) -> Row:
    cells = []
    for at, column in enumerate(table.columns):
        found = [row.cells[at] for row in rows]
        cells.append(_cell(f"{table.key}/{key}/{column.key}", column.kind, found, sums))
    return Row(key, area, tuple(cells), group=rows[0].group)


def _cell(key: str, kind: Kind, found: Sequence[Cell | None], sums: dict[Sum, None]) -> Cell | None:
    cells = [cell for cell in found if cell is not None]
    if not cells:
        return None
    if len(cells) == 1:
        return replace(cells[0], key=key)
    preliminary = any(cell.preliminary for cell in cells)
    of = tuple(_quantity(side, sums) for side in zip(*(cell.quantities for cell in cells), strict=False))
    if kind in {Kind.COUNT, Kind.MINUTES}:
        values = [cell.value for cell in cells if cell.value is not None]
        return Cell(key, kind, sum(values) if values else None, of=of, preliminary=preliminary)
    if kind is Kind.SHARE and len(of) == 2:
        hits = sum(cell.hits or 0 for cell in cells)
        same = len({cell.quantities[1] for cell in cells}) == 1
        share = wilson(hits, (cells[0].n or 0) if same else sum(cell.n or 0 for cell in cells))
        if share is not None:
            found_share = (share.value, share.hits, share.n, share.low, share.high)
            return Cell(key, kind, *found_share, of=of, preliminary=preliminary)
    return Cell(key, kind)


def _quantity(parts: Sequence[Quantity], sums: dict[Sum, None]) -> Quantity:
    """Return the quantity that is the sum of others, and take the sum down."""
    distinct = tuple(dict.fromkeys(parts))
    if len(distinct) == 1:
        return distinct[0]
    wheres = [dict(part.where) for part in distinct]
    first = distinct[0]
    alike = all(
        (part.measure, part.period) == (first.measure, first.period) and where.keys() == wheres[0].keys()
        for part, where in zip(distinct, wheres, strict=True)
    )
    if alike:
        where = tuple(
            (name, "+".join(dict.fromkeys(where[name] for where in wheres))) for name in sorted(wheres[0])
        )
        whole = Quantity(first.measure, first.period, where)
    else:
        whole = Quantity("+".join(map(str, distinct)), "")
    sums[Sum(whole, distinct)] = None
    return whole
