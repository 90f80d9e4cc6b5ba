"""The report's page in a real browser: accessible, and without sideways scrolling on a narrow screen."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from playwright.sync_api import Page

from dashboards.report import render_html, weekly_report
from schemas.catalogue import load_catalogue
from tests.dashboards.samples import RowStore, invented_days
from tests.services.browser import assert_no_axe_violations

pytestmark = [pytest.mark.integration, pytest.mark.browser]

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def page_of(size: int) -> str:
    store = RowStore(
        invented_days(date(2026, 11, 9), 14, seed=2, size=size) if size else (),
        dead=[("telephony", "malformed", datetime(2026, 11, 17, tzinfo=UTC))],
        health=[("mail", datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC))],
    )
    return render_html(weekly_report(store, load_catalogue(), "2026-W47", NOW))


@pytest.mark.parametrize("size", [0, 6, 150])
def test_no_violations_with_much_little_and_no_data(page: Page, size: int) -> None:
    page.set_content(page_of(size))
    assert_no_axe_violations(page)


def test_a_narrow_screen_scrolls_only_within_tables(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    page.set_content(page_of(150))
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_on_paper_no_table_is_wider_than_the_page(page: Page) -> None:
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 1000})  # A4 less its margins, at 96 dots an inch
    page.set_content(page_of(150))
    widths = page.evaluate(
        "[...document.querySelectorAll('table')].map(t => t.getBoundingClientRect().right)"
    )
    assert widths
    assert max(widths) <= 680
