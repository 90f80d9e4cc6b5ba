"""Which version of the data a report shows, what was published of it, and what has been corrected since.

A version is a digest of all that the report says in numbers, so it changes when and only when one of them
does. What is published is kept by key; a later version of the same period lists old and new.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from dashboards.figures import Store
from dashboards.report.document import (
    Cell,
    Column,
    Document,
    Kind,
    Note,
    Quantity,
    Row,
    Section,
    Table,
    Tone,
    as_published,
)
from dashboards.report.words import sentence
from dashboards.swedish import datetime_sv
from schemas.clickhouse.database import Database
from schemas.clickhouse.report import published_query
from schemas.clickhouse.tables import REPORTS

KEY = "rattelser"
_DIGITS = 12
_NUMBERS = frozenset(Kind) - {Kind.TEXT}
_CORRECTED = frozenset(
    {"nyckeltal", "kanaler", "omraden", "amnen", "mottagare", "overlamningar", "vantetider"}
)
"""The tables whose figures are listed when they have changed; the others are told of these."""
_LIVE = frozenset({"now", "errands", "share", "resolved", "first", "handed_over"})


@dataclass(frozen=True, slots=True)
class Published:
    """A version of a report that was published: its final numbers by key."""

    version: str
    cells: Mapping[str, float]
    at: datetime


def version_of(cells: Iterable[Cell]) -> str:
    """Return the digest of cells: of their keys, values and what they rest on."""
    digest = hashlib.sha256()
    for cell in cells:
        told = (cell.key, cell.kind.value, cell.value, cell.hits, cell.n, cell.low, cell.high, cell.text)
        digest.update(repr((*told, cell.preliminary)).encode())
    return digest.hexdigest()[:_DIGITS]


def final_numbers(cells: Iterable[Cell]) -> dict[str, float]:
    """Return the numbers that are final, by key. That a preliminary one changes is no correction."""
    return {
        cell.key: float(cell.value)
        for cell in cells
        if cell.value is not None and cell.kind in _NUMBERS and not cell.preliminary
    }


def read_published(store: Store, period: str, scope: str) -> list[Published]:
    """Return what was published of a report, the latest first."""
    return [
        Published(str(version), {str(key): float(value) for key, value in dict(cells).items()}, at)
        for version, cells, at in store.rows(published_query(period, scope))
    ]


def publish(database: Database, document: Document, scope: str, at: datetime) -> bool:
    """Keep a version of a report as published; tell whether it was a new one.

    ``document`` is the internal one: what is kept is what it says, whoever has got how much of it. ``scope``
    sets it apart from others of its period.
    """
    known = read_published(database, document.period, scope)
    if known and known[0].version == document.data_version:
        return False
    numbers = final_numbers(document.cells.values())
    database.insert(REPORTS, [[document.period], [scope], [document.data_version], [numbers], [at]])
    return True


def corrections(
    published: Iterable[Published], version: str, cells: Mapping[str, Cell], labels: Mapping[str, str]
) -> Section | None:
    """Return what has changed since the last other version that was published; None where nothing has.

    ``labels`` says what each key is about.
    """
    former = next((one for one in published if one.version != version), None)
    if former is None:
        return None
    rows = tuple(_rows(former, cells, labels))
    if not rows:
        return None
    note = Note(
        "Rättelser",
        (
            sentence(
                f"Siffror i den här rapporten har ändrats sedan den publicerades {datetime_sv(former.at)}. "
                "Uppgifter kom in efteråt, eller så har dagarna räknats om. Den här rapporten gäller."
            ),
            # A digest of numbers tells whoever guesses them whether he is right.
            sentence(f"Den tidigare versionen är {former.version}.", sensitive=True),
        ),
        Tone.WARNING,
    )
    table = Table(
        KEY,
        "Ändrade siffror",
        "Siffror som var preliminära när de publicerades är inte med.",
        (Column("old", "Publicerat", Kind.NUMBER), Column("new", "Rättat", Kind.NUMBER)),
        rows,
        row_heading="Siffra",
    )
    return Section("avsnitt-rattelser", "Rättelser", (note, table))


def _rows(former: Published, cells: Mapping[str, Cell], labels: Mapping[str, str]) -> Iterator[Row]:
    for key, cell in cells.items():
        table, _, column = key.split("/")
        if table not in _CORRECTED or column not in _LIVE | _units(cells, table) or cell.preliminary:
            continue
        old = former.cells.get(key)
        if old is None or cell.value is None or old == float(cell.value):
            continue
        name = key.replace("/", ".")
        yield Row(
            name,
            labels.get(key, key),
            (
                Cell(f"{KEY}/{name}/old", cell.kind, _same_type(cell, old), of=_then(cell, former.version)),
                replace(cell, key=f"{KEY}/{name}/new"),
            ),
        )


def _units(cells: Mapping[str, Cell], table: str) -> frozenset[str]:
    """Return all columns of the tables whose columns are no periods."""
    if table not in {"mottagare", "overlamningar"}:
        return frozenset()
    return frozenset(key.split("/")[2] for key in cells if key.startswith(f"{table}/")) - {"then"}


def _then(cell: Cell, version: str) -> tuple[Quantity, ...]:
    """Name what a published number gave away: not what the quantity is now."""
    return tuple(as_published(name, version) for name in cell.of)


def _same_type(cell: Cell, old: float) -> float:
    return int(old) if cell.kind in {Kind.COUNT, Kind.NUMBER} else old
