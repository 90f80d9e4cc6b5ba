"""Lines along the rows of a table, each with its interval as a band and its points as a shape of its own."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from dashboards.report.charts.scale import Scale, scale_of
from dashboards.report.charts.shape import SHAPES, Drawing
from dashboards.report.charts.svg import WIDTH, element, shortened, text
from dashboards.report.document import Cell, Shown
from dashboards.report.render.text import value_text

LEFT, HIGH, FOOT, EDGE = 66, 190, 26, 34
_DASHES = ("none", "7 3", "2 3", "9 3 2 3")


def lines(drawing: Drawing) -> tuple[float, Iterator[Markup]]:
    """Return the height of the picture and what is drawn in it."""
    top = drawing.legend_height() + 6
    return top + HIGH + FOOT, _drawn(drawing, top)


def _drawn(drawing: Drawing, top: float) -> Iterator[Markup]:
    goals = [drawing.goal(row) for row in drawing.rows]
    scale = scale_of(drawing.kind, [*drawing.values(), *goals], top + HIGH, top)
    places = _places(len(drawing.rows))
    yield from drawing.legend()
    yield from _axes(drawing, scale, places, top)
    for number in range(len(drawing.series)):
        cells = [drawing.cells(row)[number] for row in drawing.rows]
        yield from _series(drawing, scale, number, list(zip(places, cells, strict=True)))
    points = [(x, goal) for x, goal in zip(places, goals, strict=True) if goal is not None]
    if points:
        yield element(
            "path",
            d=_path([(x, scale.at(goal)) for x, goal in points]),
            stroke=drawing.theme["bad"],
            stroke_width=2,
            stroke_dasharray="4 2",
            fill="none",
        )


def _places(n: int) -> list[float]:
    room = WIDTH - LEFT - 10 - EDGE
    return [LEFT + 10 + room * at / (n - 1) if n > 1 else LEFT + room / 2 for at in range(n)]


def _axes(drawing: Drawing, scale: Scale, places: list[float], top: float) -> Iterator[Markup]:
    theme = drawing.theme
    for tick in scale.ticks:
        y = scale.at(tick)
        yield element("line", x1=LEFT, x2=WIDTH, y1=y, y2=y, stroke=theme["line"])
        words = value_text(drawing.kind, tick)
        yield text(LEFT - 6, y + 4, words, size=11, anchor="end", fill=theme["muted"])
    every = -(-len(places) * 48 // (WIDTH - LEFT))
    for at, (x, row) in enumerate(zip(places, drawing.rows, strict=True)):
        if (len(places) - 1 - at) % max(every, 1) == 0:
            words = shortened(row.label, 46 * max(every, 1), 11)
            yield text(x, top + HIGH + 17, words, size=11, anchor="middle", fill=theme["ink"])


def _series(
    drawing: Drawing, scale: Scale, number: int, points: list[tuple[float, Cell | None]]
) -> Iterator[Markup]:
    """Draw a series; where a value is missing or hidden the line is broken."""
    colour = drawing.theme.series[number % len(drawing.theme.series)]
    for run in _runs(points):
        band = [(x, cell.low, cell.high) for x, cell in run if cell.low is not None and cell.high is not None]
        if len(band) == len(run) and len(run) > 1:
            outline = [(x, scale.at(high)) for x, _, high in band]
            outline += [(x, scale.at(low)) for x, low, _ in reversed(band)]
            yield element("path", d=f"{_path(outline)} Z", fill=colour, fill_opacity=0.16)
        line = [(x, scale.at(cell.value or 0.0)) for x, cell in run]
        dashes = _DASHES[number % len(_DASHES)]
        yield element(
            "path", d=_path(line), stroke=colour, stroke_width=2, fill="none", stroke_dasharray=dashes
        )
        for x, y in line:
            shape = SHAPES[number % len(SHAPES)]
            yield element("path", d=shape, fill=colour, transform=f"translate({x:.1f} {y:.1f})")


def _runs(points: list[tuple[float, Cell | None]]) -> Iterator[list[tuple[float, Cell]]]:
    run: list[tuple[float, Cell]] = []
    for x, cell in points:
        if cell is not None and cell.shown is Shown.FULL and cell.value is not None:
            run.append((x, cell))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _path(points: list[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
