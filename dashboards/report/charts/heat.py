"""A heat map: a field per row and column, darker the higher, with the number written in it."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from dashboards.report.charts.shape import Drawing
from dashboards.report.charts.svg import WIDTH, element, shortened, text
from dashboards.report.document import Cell, Kind, Shown
from dashboards.report.render.text import cell_text, value_text

LABELS, FIELD, HEAD = 90, 24, 22


def heat(drawing: Drawing) -> tuple[float, Iterator[Markup]]:
    """Return the height of the picture and what is drawn in it."""
    return HEAD + FIELD * len(drawing.rows) + 40, _drawn(drawing)


def _drawn(drawing: Drawing) -> Iterator[Markup]:
    wide = (WIDTH - LABELS) / max(len(drawing.series), 1)
    highest = max(drawing.values(), default=0.0)
    for at, (_, label) in enumerate(drawing.series):
        x = LABELS + (at + 0.5) * wide
        words = shortened(label, wide, 11)
        yield text(x, HEAD - 7, words, size=11, anchor="middle", fill=drawing.theme["ink"])
    for at, row in enumerate(drawing.rows):
        y = HEAD + at * FIELD
        label = shortened(row.label, LABELS - 8)
        yield text(LABELS - 8, y + 16, label, anchor="end", fill=drawing.theme["ink"])
        for number, cell in enumerate(drawing.cells(row)):
            yield from _field(drawing, cell, highest, x=LABELS + number * wide, y=y, wide=wide)
    yield from _key(drawing, highest, HEAD + FIELD * len(drawing.rows) + 12)


def shade(drawing: Drawing, value: float, highest: float) -> str:
    """Return the colour of a value."""
    shades = drawing.theme.heat
    return shades[min(int(value / highest * len(shades)), len(shades) - 1)] if highest > 0 else shades[0]


def _field(
    drawing: Drawing, cell: Cell | None, highest: float, *, x: float, y: float, wide: float
) -> Iterator[Markup]:
    theme = drawing.theme
    if cell is None or (cell.value is None and cell.shown is Shown.FULL):
        yield element("rect", x=x, y=y, width=wide, height=FIELD, fill=theme["paper"], stroke=theme["line"])
        yield text(x + wide / 2, y + 16, "–", size=11, anchor="middle", fill=theme["muted"])
        return
    if cell.shown is not Shown.FULL:
        colour = f"url(#{drawing.prefix}-hidden)"
        yield element("rect", x=x, y=y, width=wide, height=FIELD, fill=colour, stroke=theme["paper"])
        return
    colour = shade(drawing, cell.value or 0.0, highest)
    yield element("rect", x=x, y=y, width=wide, height=FIELD, fill=colour, stroke=theme["paper"])
    words = shortened(_short(cell), wide - 2, 10)
    yield text(x + wide / 2, y + 16, words, size=10, anchor="middle", fill=theme.on(colour))


def _short(cell: Cell) -> str:
    """Return a span as minutes and seconds, ``1:30``: the field has no room for words."""
    if cell.kind is not Kind.SECONDS or cell.value is None:
        return cell_text(cell)
    minutes, seconds = divmod(round(cell.value), 60)
    return f"{minutes}:{seconds:02d}"


def _key(drawing: Drawing, highest: float, y: float) -> Iterator[Markup]:
    shades, wide = drawing.theme.heat, 40
    yield text(LABELS - 8, y + 11, "Från 0", size=11, anchor="end", fill=drawing.theme["muted"])
    for at, colour in enumerate(shades):
        yield element("rect", x=LABELS + at * wide, y=y, width=wide, height=14, fill=colour)
    words = f"till {value_text(drawing.kind, highest)}"
    if drawing.kind is Kind.SECONDS:
        words += " (i fälten: minuter:sekunder)"
    x = LABELS + len(shades) * wide + 8
    yield text(x, y + 11, words, size=11, fill=drawing.theme["muted"])
