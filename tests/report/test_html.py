"""The report's page: every number of it is a cell's, and a browser finds nothing to complain of."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from playwright.sync_api import Page

from dashboards.report.document import Kind
from dashboards.report.render.html import render_html
from dashboards.report.render.text import cell_text
from tests.report.samples import HOSTILE, sample
from tests.services.browser import assert_no_axe_violations


class DataElements(HTMLParser):
    """Collects key, value and text of each ``data`` element."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self._open: dict[str, str | None] | None = None
        self._text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "data":
            self._open, self._text = dict(attrs), ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "data" and self._open is not None:
            key, value = self._open["data-key"], self._open["value"]
            self.found.append((key or "", value or "", self._text))
            self._open = None


def test_every_number_in_a_table_is_its_cell_and_all_cells_are_there() -> None:
    document = sample()
    found = DataElements(render_html(document)).found
    in_tables = {key: (float(value), text) for key, value, text in found if key in document.cells}
    assert in_tables == {
        key: (cell.value, cell_text(cell))
        for key, cell in document.cells.items()
        if cell.value is not None and cell.kind is not Kind.TEXT
    }


def test_sides_of_cells_in_sentences_are_named() -> None:
    found = {key: value for key, value, _ in DataElements(render_html(sample())).found}
    assert found["kanaler/total/resolved#hits"] == "497"
    assert found["kanaler/total/resolved#n"] == "750"


def test_the_same_document_gives_the_same_bytes() -> None:
    assert render_html(sample()) == render_html(sample())


def test_what_is_written_by_others_is_no_markup() -> None:
    html = render_html(sample())
    assert HOSTILE not in html
    assert not re.search(r"<script|<b>å", html)


@pytest.mark.integration
@pytest.mark.browser
def test_no_accessibility_violations(page: Page) -> None:
    page.set_content(render_html(sample()))
    assert_no_axe_violations(page)


@pytest.mark.integration
@pytest.mark.browser
def test_a_report_without_sections_is_a_page_too(page: Page) -> None:
    page.set_content(render_html(replace(sample(), sections=())))
    assert_no_axe_violations(page)


@pytest.mark.integration
@pytest.mark.browser
def test_a_narrow_screen_scrolls_only_within_tables_and_pictures(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    page.set_content(render_html(sample()))
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.integration
@pytest.mark.browser
def test_on_paper_nothing_is_wider_than_the_page(page: Page) -> None:
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 1000})  # A4 less its margins, at 96 dots an inch
    page.set_content(render_html(sample()))
    widths = page.evaluate(
        "[...document.querySelectorAll('table, svg')].map(t => t.getBoundingClientRect().right)"
    )
    assert widths
    assert max(widths) <= 680
