"""The cost ladder: a bar per level of handling, the costliest uppermost, stacked of who did the work."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from dashboards.report.charts.scale import Scale, scale_of
from dashboards.report.charts.shape import Drawing
from dashboards.report.charts.svg import WIDTH, element, fill, shortened, text, text_width
from dashboards.report.document import Row, Shown
from dashboards.report.render.text import cell_text, value_text

LABELS, BAR, STEP, RISE = 200, 22, 30, 6


def ladder(drawing: Drawing) -> tuple[float, Iterator[Markup]]:
    """Return the height of the picture and what is drawn in it. Each rung stands further in."""
    top = drawing.legend_height()
    return top + STEP * len(drawing.rows) + 30, _drawn(drawing, top)


def _drawn(drawing: Drawing, top: float) -> Iterator[Markup]:
    indent = RISE * max(len(drawing.rows) - 1, 0)
    sums = [_shown_sum(drawing, row) for row in drawing.rows]
    scale = scale_of(drawing.kind, sums, LABELS + indent, WIDTH - 24)
    bottom = top + STEP * len(drawing.rows)
    yield from drawing.legend()
    for tick in scale.ticks:
        x = scale.at(tick)
        yield element("line", x1=x, x2=x, y1=top, y2=bottom, stroke=drawing.theme["line"])
        words = value_text(drawing.kind, tick)
        yield text(x, bottom + 16, words, size=11, anchor="middle", fill=drawing.theme["muted"])
    for at, row in enumerate(drawing.rows):
        y = top + at * STEP
        step = LABELS + indent - RISE * at
        yield element(
            "path",
            d=f"M{step - 4:.1f} {y + STEP - 4:.1f} H{scale.start:.1f}",
            stroke=drawing.theme["grid"],
            stroke_width=1,
        )
        label = shortened(row.label, step - 14)
        yield text(step - 10, y + 18, label, anchor="end", fill=drawing.theme["ink"])
        yield from _rung(drawing, scale, row, y + 4)


def _shown_sum(drawing: Drawing, row: Row) -> float:
    cells = drawing.cells(row)
    return sum(cell.value or 0.0 for cell in cells if cell is not None and cell.shown is Shown.FULL)


def _rung(drawing: Drawing, scale: Scale, row: Row, y: float) -> Iterator[Markup]:
    """Stack what is shown; what is hidden is said at the end, and has no length."""
    theme, reached, hidden = drawing.theme, 0.0, False
    for number, cell in enumerate(drawing.cells(row)):
        if cell is None or cell.shown is not Shown.FULL:
            hidden = hidden or cell is not None
            continue
        start, end = scale.at(reached), scale.at(reached + (cell.value or 0.0))
        reached += cell.value or 0.0
        colours = fill(drawing.prefix, theme, number)
        yield element("rect", x=start, y=y, width=end - start, height=BAR, fill=colours)
        words = cell_text(cell)
        room = text_width(words, 11) + 8
        if end - start >= room + 6:
            middle = (start + end) / 2
            yield element(
                "rect", x=middle - room / 2, y=y + 4, width=room, height=14, rx=2, fill=theme["paper"]
            )
            yield text(middle, y + 15, words, size=11, anchor="middle", fill=theme["ink"])
    if hidden:
        yield text(scale.at(reached) + 6, y + 15, "en del visas inte", size=11, fill=theme["muted"])
