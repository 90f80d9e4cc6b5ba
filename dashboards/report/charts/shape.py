"""What every chart is drawn from: the rows and series of its table, and the legend over it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from dashboards.report.charts.svg import WIDTH, element, fill, text, text_width
from dashboards.report.document import Cell, Chart, ChartKind, Kind, Row, Shown, Table
from dashboards.theme import Theme

LEGEND_LINE = 20
MOST_LABEL = 220
SHAPES = (
    "M-4 0 a4 4 0 1 0 8 0 a4 4 0 1 0 -8 0",
    "M-4 -4 h8 v8 h-8 z",
    "M0 -5 L5 4 H-5 z",
    "M0 -5 L5 0 L0 5 L-5 0 z",
)
"""The points of the series of lines: circle, square, triangle, diamond."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart with its table. Total rows are not drawn: they would dwarf the others."""

    chart: Chart
    table: Table
    theme: Theme

    @property
    def prefix(self) -> str:
        """What the ids within the picture begin with, so that two pictures of a page don't clash."""
        return self.chart.key.replace("/", "-")

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows that are drawn."""
        return tuple(row for row in self.table.rows if not row.total)

    @property
    def series(self) -> tuple[tuple[str, str], ...]:
        """Keys and labels of the columns that are drawn."""
        labels = {column.key: column.label for column in self.table.columns}
        return tuple((key, labels[key]) for key in self.chart.series)

    @property
    def kind(self) -> Kind:
        """What the values are."""
        return next(column.kind for column in self.table.columns if column.key == self.chart.series[0])

    def cells(self, row: Row) -> tuple[Cell | None, ...]:
        """Return the cells of a row that are drawn."""
        return tuple(self.table.cell(row.key, key) for key in self.chart.series)

    def values(self) -> Iterator[float]:
        """Yield all that is shown, with the upper ends of intervals; what is hidden moves no axis."""
        for row in self.rows:
            for cell in self.cells(row):
                if cell is not None and cell.shown is Shown.FULL:
                    yield from (value for value in (cell.value, cell.high) if value is not None)

    def goal(self, row: Row) -> float | None:
        """Return the goal of a row; None where it has none."""
        cell = self.table.cell(row.key, self.chart.goal) if self.chart.goal else None
        return cell.value if cell is not None and cell.shown is Shown.FULL else None

    def label_width(self) -> float:
        """Return how much room the labels of rows take at the left; long ones are shortened."""
        return min(max((text_width(row.label) for row in self.rows), default=0.0) + 20, MOST_LABEL)

    def _entries(self) -> Iterator[tuple[float, float, int | None, str]]:
        """Yield x, y, series (None: the goal) and label of each entry of the legend."""
        named = [(at, label) for at, (_, label) in enumerate(self.series)] if len(self.series) > 1 else []
        entries: list[tuple[int | None, str]] = [*named]
        if self.chart.goal:
            entries.append((None, next(c.label for c in self.table.columns if c.key == self.chart.goal)))
        x, y = 0.0, 0.0
        for at, label in entries:
            wide = 26 + text_width(label) + 14
            if x and x + wide > WIDTH:
                x, y = 0.0, y + LEGEND_LINE
            yield x, y, at, label
            x += wide

    def legend_height(self) -> float:
        """Return how much room the legend takes above the picture."""
        return max((y + LEGEND_LINE + 6 for _, y, _, _ in self._entries()), default=4.0)

    def legend(self) -> Iterator[Markup]:
        """Yield the legend: nothing where one series without a goal needs none."""
        yield from ()
        for x, y, at, label in self._entries():
            if at is None:
                yield element(
                    "path",
                    d=f"M{x + 9:.1f} {y + 1:.1f} v14",
                    stroke=self.theme["bad"],
                    stroke_width=2.2,
                    stroke_dasharray="4 2",
                )
            elif self.chart.kind is ChartKind.LINES:
                colour = self.theme.series[at % len(self.theme.series)]
                yield element("path", d=f"M{x:.1f} {y + 8:.1f} h18", stroke=colour, stroke_width=2)
                place = f"translate({x + 9:.1f} {y + 8:.1f})"
                yield element("path", d=SHAPES[at % len(SHAPES)], fill=colour, transform=place)
            else:
                colours = fill(self.prefix, self.theme, at)
                yield element("rect", x=x, y=y + 2, width=18, height=12, fill=colours)
            yield text(x + 24, y + 12, label, fill=self.theme["ink"])
