"""The charts: they draw the cells and nothing else, within the picture, and each has its words."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.report.charts import alt_text, draw
from dashboards.report.charts.scale import scale_of
from dashboards.report.charts.svg import WIDTH, text_width
from dashboards.report.document import Cell, Chart, ChartKind, Document, Kind, Row, Shown, Table
from dashboards.report.render.text import cell_text
from tests.report.samples import sample

CHARTS = {block.kind: block for block in sample().blocks() if isinstance(block, Chart)}
SVG = "{http://www.w3.org/2000/svg}"
KINDS = pytest.mark.parametrize("kind", list(ChartKind))


def drawn(document: Document, kind: ChartKind) -> ET.Element:
    return ET.fromstring(str(draw(document, CHARTS[kind])))


def texts(picture: ET.Element) -> list[str]:
    return [element.text or "" for element in picture.iter(f"{SVG}text")]


def with_table(document: Document, key: str, rows: tuple[Row, ...]) -> Document:
    def changed(block: object) -> object:
        return replace(block, rows=rows) if isinstance(block, Table) and block.key == key else block

    sections = tuple(replace(s, blocks=tuple(map(changed, s.blocks))) for s in document.sections)  # type: ignore[arg-type]
    return replace(document, sections=sections)


def hiding(row: Row) -> Row:
    cells = tuple(c and Cell(c.key, c.kind, shown=Shown.HIDDEN) for c in row.cells)
    return replace(row, cells=cells)


@KINDS
def test_each_is_read_aloud(kind: ChartKind) -> None:
    document, chart = sample(), CHARTS[kind]
    picture = drawn(document, kind)
    names = {element.get("id"): element.text for element in picture if element.tag != f"{SVG}defs"}
    labels = str(picture.get("aria-labelledby")).split()
    assert [names[label] for label in labels] == [chart.title, alt_text(document, chart)]
    assert f"”{document.table_of[chart.table].title}”" in alt_text(document, chart)


@KINDS
def test_no_text_leaves_the_picture(kind: ChartKind) -> None:
    """By an estimate that is on the wide side for most fonts."""
    for element in drawn(sample(), kind).iter(f"{SVG}text"):
        wide = text_width(element.text or "", int(element.get("font-size") or 0))
        before = {"start": 0.0, "middle": 0.5, "end": 1.0}[str(element.get("text-anchor"))]
        left = float(element.get("x") or 0) - before * wide
        assert left >= -1, element.text
        assert left + wide <= WIDTH + 1, element.text


def test_bars_name_their_values_and_end_where_they_stand() -> None:
    document = sample()
    picture = drawn(document, ChartKind.BARS)
    said = texts(picture)
    for key in ("kanaler/telephone/share", "kanaler/visit/resolved"):
        assert cell_text(document.cells[key]) in said
    bars = [
        e for e in picture.iter(f"{SVG}rect") if "kanalbild" in str(e.get("fill")) and e.get("height") == "12"
    ]
    lengths = [float(bar.get("width") or 0) for bar in bars if bar.get("width") != "18"]
    shares = [
        document.cells[f"kanaler/{c}/{s}"].value
        for c in ("telephone", "mail", "visit")
        for s in ("share", "resolved")
    ]
    full = lengths[0] / (shares[0] or 1)
    assert lengths == pytest.approx([full * (share or 0) for share in shares], abs=0.02)


def test_series_differ_by_pattern_and_not_by_colour_alone() -> None:
    picture = drawn(sample(), ChartKind.LADDER)
    patterns = [p for p in picture.iter(f"{SVG}pattern") if not str(p.get("id")).endswith("hidden")]
    marks = [[path.get("d") for path in pattern.iter(f"{SVG}path")] for pattern in patterns]
    assert len({tuple(mark) for mark in marks}) == len(patterns)


@KINDS
def test_what_is_hidden_is_not_drawn(kind: ChartKind) -> None:
    document = sample()
    table = document.table_of[CHARTS[kind].table]
    first, *others = table.rows
    some = with_table(document, table.key, (hiding(first), *others))
    without = with_table(document, table.key, tuple(others))
    assert len(texts(drawn(some, kind))) > 0
    scales = [
        [t for t in texts(drawn(d, kind)) if re.match(r"^[\d ]+ ?(%|s|tim|min)", t)] for d in (some, without)
    ]
    assert set(scales[0]) <= set(scales[1])
    hidden = with_table(document, table.key, tuple(map(hiding, table.rows)))
    assert not any(character.isdigit() for t in bodies(drawn(hidden, kind), kind) for character in t)


def bodies(picture: ET.Element, kind: ChartKind) -> list[str]:
    """Return the texts that are neither labels nor axes: those a value would be in."""
    sizes = {ChartKind.HEAT: "10"}
    return [e.text or "" for e in picture.iter(f"{SVG}text") if e.get("font-size") == sizes.get(kind)]


@given(st.floats(0, 1e7), st.sampled_from(list(Kind)))
def test_a_scale_reaches_its_values_in_a_few_even_steps(highest: float, kind: Kind) -> None:
    scale = scale_of(kind, [highest, None], 0, 100)
    if kind is not Kind.SHARE:
        assert scale.top >= highest
        assert 2 <= len(scale.ticks) <= 6
    steps = [b - a for a, b in pairwise(scale.ticks)]
    assert max(steps) - min(steps) <= 1e-6 * max(steps)
    assert scale.at(scale.top) == pytest.approx(100)
