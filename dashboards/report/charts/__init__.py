"""Pictures of tables as SVG. Each has a title and a description, and its table is printed beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from markupsafe import Markup

from dashboards.report.charts.bars import bars
from dashboards.report.charts.heat import heat
from dashboards.report.charts.ladder import ladder
from dashboards.report.charts.lines import lines
from dashboards.report.charts.shape import Drawing
from dashboards.report.charts.svg import patterns, picture
from dashboards.report.document import Chart, ChartKind, Document
from dashboards.report.render.text import plain, spoken
from dashboards.theme import Theme, load_theme

_DRAWN: Mapping[ChartKind, Callable[[Drawing], tuple[float, Iterator[Markup]]]] = MappingProxyType(
    {ChartKind.BARS: bars, ChartKind.LADDER: ladder, ChartKind.HEAT: heat, ChartKind.LINES: lines}
)


def alt_text(document: Document, chart: Chart) -> str:
    """Return what a chart shows, in words, for whoever can't see it."""
    said = " ".join(plain(pieces) for pieces in spoken(document, chart.alt))
    title = document.table_of[chart.table].title
    return f"{said} Alla siffror står i tabellen ”{title}”.".strip()


def draw(document: Document, chart: Chart, *, font: str = "inherit", theme: Theme | None = None) -> Markup:
    """Return a chart as SVG: the same bytes for the same cells."""
    drawing = Drawing(chart, document.table_of[chart.table], theme or load_theme())
    height, drawn = _DRAWN[chart.kind](drawing)
    pieces = (patterns(drawing.prefix, drawing.theme), *drawn)
    return picture(chart.key, chart.title, alt_text(document, chart), pieces, font=font, height=height)
