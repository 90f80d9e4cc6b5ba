"""The words of cells and sentences, the same in every format; hidden numbers get no further than here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dashboards import swedish
from dashboards.report.document import (
    Audience,
    Cell,
    Document,
    Form,
    Gap,
    Kind,
    Part,
    Ref,
    Sentence,
    Shown,
    Table,
)

FEW = "färre än 5"
HIDDEN = "visas inte"
SMALL_BASIS = "litet underlag"
PRELIMINARY = "preliminärt"
UNITS = {
    Kind.COUNT: "antal",
    Kind.NUMBER: "antal",
    Kind.SHARE: "andel (0–1)",
    Kind.SECONDS: "sekunder",
    Kind.MINUTES: "minuter",
    Kind.PER_ERRAND: "per ärende",
    Kind.FACTOR: "gånger",
    Kind.TEXT: "text",
}
"""What the raw value of a cell is counted in."""
UPRIGHT, _SHORT = 7, 8
"""With more columns than UPRIGHT, headings longer than _SHORT letters are turned on their side."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a sentence as it is written; ``key`` and ``raw`` where it is a cell's number.

    The key of another side of a cell than its value ends in ``#hits``, ``#n`` or ``#interval``.
    """

    text: str
    key: str = ""
    raw: float | None = None


def cell_text(cell: Cell) -> str:
    """Return a cell's value as Swedes write it; "–" where there is none."""
    if cell.shown is not Shown.FULL:
        return FEW if cell.shown is Shown.FEW else HIDDEN
    return cell.text if cell.kind is Kind.TEXT else value_text(cell.kind, cell.value)


def value_text(kind: Kind, value: float | None) -> str:
    """Return a raw value of a kind as Swedes write it."""
    match kind:
        case Kind.SHARE:
            return swedish.percent(value)
        case Kind.SECONDS:
            return swedish.duration(value)
        case Kind.MINUTES:
            return _minutes(value)
        case Kind.PER_ERRAND:
            return swedish.number(value, 2)
        case Kind.FACTOR:
            return swedish.number(value, 1)
        case _:
            return swedish.number(value)


def _minutes(value: float | None) -> str:
    """Return work in whole minutes: seconds of a sum of estimates would say more than is known."""
    if value is None:
        return swedish.NOTHING
    whole = round(value)
    return swedish.duration(whole * 60) if whole else f"0{swedish.NBSP}min"


def interval_text(cell: Cell) -> str:
    """Return a cell's interval; empty where there is none or it is hidden."""
    if cell.low is None or cell.high is None or cell.shown is not Shown.FULL:
        return ""
    if cell.kind is Kind.SHARE:
        return swedish.percent_interval(cell.low, cell.high)
    return f"{value_text(cell.kind, cell.low)}–{value_text(cell.kind, cell.high)}"


def basis_text(cell: Cell) -> str:
    """Return what a ratio rests on, ``510 av 750``; empty where that says nothing."""
    if cell.value is None or cell.hits is None or cell.n is None or cell.shown is not Shown.FULL:
        return ""
    return f"{swedish.number(cell.hits)} av {swedish.number(cell.n)}"


def small_print(cell: Cell) -> str:
    """Return interval and basis in one line; empty where there is neither."""
    return " · ".join(words for words in (interval_text(cell), basis_text(cell)) if words)


def remarks(cell: Cell) -> tuple[str, ...]:
    """Return what a reader must know of a shown cell, in words."""
    if cell.shown is not Shown.FULL or cell.value is None:
        return ()
    return (*((SMALL_BASIS,) if cell.few else ()), *((PRELIMINARY,) if cell.preliminary else ()))


def headings_turned(table: Table) -> bool:
    """Tell whether the headings of a table's columns are turned on their side, to fit a page."""
    return len(table.columns) > UPRIGHT and any(len(column.label) > _SHORT for column in table.columns)


def spoken(document: Document, sentences: Iterable[Sentence]) -> Iterator[tuple[Piece, ...]]:
    """Yield the sentences that may be said, in their order, each as the pieces that it is written of."""
    for sentence in sentences:
        pieces = sentence_pieces(document, sentence)
        if pieces:
            yield pieces


def plain(pieces: Iterable[Piece]) -> str:
    """Return pieces as running text."""
    return "".join(piece.text for piece in pieces)


def sentence_pieces(document: Document, sentence: Sentence) -> tuple[Piece, ...]:
    """Return the pieces of a sentence; empty where it may not be said (see ``Sentence``)."""
    if sentence.sensitive and document.audience is Audience.PUBLIC:
        return ()
    cells = [document.cells.get(key) for key in sentence.refers_to()]
    if all(cell is not None and cell.shown is Shown.FULL for cell in cells):
        return tuple(_piece(document, part) for part in sentence.parts)
    return _instead(document, sentence.instead)


def _instead(document: Document, parts: tuple[Part, ...]) -> tuple[Piece, ...]:
    """Return the other wording; empty where it names what can't even be called few."""
    pieces = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(Piece(part))
            continue
        cells = [document.cells.get(key) for key in _keys(part)]
        if all(cell is not None and cell.shown is Shown.FULL for cell in cells):
            pieces.append(_piece(document, part))
        elif isinstance(part, Ref) and part.form is Form.VALUE and _is_few(cells[0]):
            pieces.append(Piece(_with_noun(FEW, part, 0)))
        else:
            return ()
    return tuple(pieces)


def _keys(part: Ref | Gap) -> tuple[str, ...]:
    return (part.key,) if isinstance(part, Ref) else (part.key, part.other)


def _is_few(cell: Cell | None) -> bool:
    return cell is not None and cell.shown is Shown.FEW


def _piece(document: Document, part: Part) -> Piece:
    if isinstance(part, str):
        return Piece(part)
    if isinstance(part, Gap):
        return _gap(document.cells[part.key], document.cells[part.other])
    return _named(document.cells[part.key], part)


def _named(cell: Cell, ref: Ref) -> Piece:
    match ref.form:
        case Form.VALUE:
            return Piece(_with_noun(cell_text(cell), ref, cell.value), cell.key, cell.value)
        case Form.INTERVAL:
            return Piece(interval_text(cell) or swedish.NOTHING, f"{cell.key}#interval")
        case _:
            raw = cell.hits if ref.form is Form.HITS else cell.n
            return Piece(_with_noun(swedish.number(raw), ref, raw), f"{cell.key}#{ref.form.value}", raw)


def _with_noun(text: str, ref: Ref, raw: float | None) -> str:
    if not ref.many:
        return text
    return f"{text}{swedish.NBSP}{ref.one if raw == 1 else ref.many}"


def _gap(cell: Cell, other: Cell) -> Piece:
    key = f"{cell.key}~{other.key}"
    if cell.value is None or other.value is None:
        return Piece(swedish.NOTHING, key)
    gap = abs(cell.value - other.value)
    text = swedish.points(gap) if cell.kind is Kind.SHARE else value_text(cell.kind, gap)
    return Piece(text, key, gap)
