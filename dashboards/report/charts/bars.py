"""Bars: one per row and series, with the interval of a share and the goal as marks."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from dashboards.report.charts.scale import Scale, scale_of
from dashboards.report.charts.shape import Drawing
from dashboards.report.charts.svg import WIDTH, element, fill, shortened, text
from dashboards.report.document import Cell, Row, Shown
from dashboards.report.render.text import cell_text, value_text

BAR, GAP, NUMBERS = 14, 10, 74


def bars(drawing: Drawing) -> tuple[float, Iterator[Markup]]:
    """Return the height of the picture and what is drawn in it."""
    top = drawing.legend_height()
    high = len(drawing.series) * BAR + GAP
    height = top + high * len(drawing.rows) + 30
    return height, _drawn(drawing, top, high)


def _drawn(drawing: Drawing, top: float, high: float) -> Iterator[Markup]:
    values = [*drawing.values(), *(drawing.goal(row) for row in drawing.rows)]
    labels = drawing.label_width()
    scale = scale_of(drawing.kind, values, labels, WIDTH - NUMBERS)
    bottom = top + high * len(drawing.rows)
    yield from drawing.legend()
    yield from _axis(drawing, scale, top, bottom)
    for at, row in enumerate(drawing.rows):
        y = top + at * high + GAP / 2
        label = shortened(row.label, labels - 12)
        middle = y + len(drawing.series) * BAR / 2 + 4
        yield text(labels - 8, middle, label, anchor="end", fill=drawing.theme["ink"])
        for number, cell in enumerate(drawing.cells(row)):
            yield from _bar(drawing, scale, cell, number, y + number * BAR)
        yield from _goal(drawing, scale, row, y)


def _axis(drawing: Drawing, scale: Scale, top: float, bottom: float) -> Iterator[Markup]:
    for tick in scale.ticks:
        x = scale.at(tick)
        yield element("line", x1=x, x2=x, y1=top, y2=bottom, stroke=drawing.theme["line"])
        words = value_text(drawing.kind, tick)
        yield text(x, bottom + 16, words, size=11, anchor="middle", fill=drawing.theme["muted"])


def _bar(drawing: Drawing, scale: Scale, cell: Cell | None, number: int, y: float) -> Iterator[Markup]:
    theme = drawing.theme
    if cell is None:
        return
    end = scale.start
    if cell.shown is Shown.FULL and cell.value is not None:
        end = scale.at(cell.value)
        colours = fill(drawing.prefix, theme, number)
        yield element("rect", x=scale.start, y=y + 1, width=end - scale.start, height=BAR - 2, fill=colours)
        if cell.low is not None and cell.high is not None:
            low, high, middle = scale.at(cell.low), scale.at(cell.high), y + BAR / 2
            for width, colour in ((4.0, theme["paper"]), (1.6, theme["ink"])):
                yield element(
                    "path",
                    d=f"M{low:.1f} {middle - 4:.1f} v8 M{low:.1f} {middle:.1f} H{high:.1f} m0 -4 v8",
                    stroke=colour,
                    stroke_width=width,
                    fill="none",
                )
            end = max(end, high)
    yield text(end + 6, y + BAR - 3, cell_text(cell), size=11, fill=theme["ink"])


def _goal(drawing: Drawing, scale: Scale, row: Row, y: float) -> Iterator[Markup]:
    goal = drawing.goal(row)
    if goal is not None:
        x, high = scale.at(goal), len(drawing.series) * BAR
        yield element(
            "path",
            d=f"M{x:.1f} {y - 3:.1f} v{high + 6}",
            stroke=drawing.theme["bad"],
            stroke_width=2.2,
            stroke_dasharray="4 2",
        )
