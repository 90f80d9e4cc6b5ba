"""A report as one self-contained HTML file: semantic, in Swedish, without scripts, fit for A4.

Every number stands in a ``data`` element: its ``value`` is the raw number (shares in 0..1, spans in seconds)
and its ``data-key`` the key of its cell, so that a machine can check the page against the store.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dashboards import swedish
from dashboards.report.charts import draw
from dashboards.report.document import (
    Cell,
    Chart,
    Definitions,
    Document,
    Kind,
    Note,
    Paragraph,
    Row,
    Sentence,
    Shown,
    Table,
)
from dashboards.report.render.text import (
    Piece,
    cell_text,
    headings_turned,
    remarks,
    small_print,
    spoken,
)
from dashboards.theme import load_theme

_BLOCKS = {
    Paragraph: "paragraph",
    Table: "table",
    Chart: "chart",
    Note: "note",
    Definitions: "definitions",
}


def render_html(document: Document) -> str:
    """Return a report as an HTML document."""
    theme = load_theme()
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            document=document,
            theme=theme,
            css=Markup(_css()),  # noqa: S704 - our own style sheet
            say=lambda sentences: _said(document, sentences),
            draw=lambda chart: draw(document, chart),
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dashboards.report.render"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["runs"] = _runs
    environment.globals.update(sv=swedish, cell=cell_html, numeric=lambda kind: kind is not Kind.TEXT)
    environment.globals.update(turned=headings_turned)
    environment.globals.update(block_of=lambda block: _BLOCKS[type(block)])
    return environment


def _runs(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    """Return rows in their order, those that follow one another in the same group together."""
    return [(group, list(found)) for group, found in groupby(rows, key=lambda row: row.group)]


def _css() -> str:
    theme = load_theme()
    own = {
        **{name.replace("_", "-"): colour for name, colour in theme.colours.items()},
        "body": theme.stack("body"),
        "mono": theme.stack("mono"),
    }
    variables = "\n".join(f"  --{name}: {value};" for name, value in own.items())
    sheet = resources.files("dashboards.report.render") / "templates" / "report.css"
    return f":root {{\n{variables}\n}}\n{sheet.read_text(encoding='utf-8')}"


def _said(document: Document, sentences: Iterable[Sentence]) -> list[Markup]:
    said = spoken(document, sentences)
    return [Markup("").join(_piece(piece) for piece in pieces) for pieces in said]


def _piece(piece: Piece) -> Markup | str:
    if piece.raw is None:
        return Markup("{}").format(piece.text)
    return _data(piece.key, piece.raw, piece.text)


def _data(key: str, raw: float, text: str) -> Markup:
    return Markup('<data value="{}" data-key="{}">{}</data>').format(repr(raw), key, text)


def cell_html(found: Cell | None, dense: bool) -> Markup:
    """Return a cell's value, with what it rests on in small print unless the table is dense."""
    if found is None:
        return Markup("")
    text = cell_text(found)
    if found.shown is not Shown.FULL:
        return Markup('<span class="hidden">{}</span>').format(text)
    if found.value is None:
        return Markup("{}").format(text)
    shown = _data(found.key, found.value, text)
    if found.few:
        shown = Markup('<span class="few">{}</span>').format(shown)
    small = () if dense else (small_print(found), *remarks(found))
    return shown + Markup("").join(Markup("<small>{}</small>").format(words) for words in small if words)
