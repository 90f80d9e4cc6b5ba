"""The report's page, with the content of much, little and no data, in a real browser: accessible."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from playwright.sync_api import Page

from dashboards.report.render.html import render_html
from tests.dashboards.samples import RowStore, invented_days
from tests.report.reports import TUESDAY, report_of
from tests.services.browser import assert_no_axe_violations

pytestmark = [pytest.mark.integration, pytest.mark.browser]


def page_of(size: int) -> str:
    store = RowStore(
        invented_days(date(2026, 9, 7), 77, seed=2, size=size) if size else (),
        dead=[("telephony", "malformed", datetime(2026, 11, 17, tzinfo=UTC))],
        health=[("mail", datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC))],
        hours=[(1, 9, 30, 900_000, 2), (1, 10, 25, 500_000, 0), (2, 9, 21, 100_000, 1)] if size else (),
        rungs=[("bygga-bo-miljo", "va-avfall", 10, "centre", 9, 9, 1_800_000, 9, 1_800_000)] if size else (),
    )
    return render_html(report_of(store=store, now=TUESDAY))


@pytest.mark.parametrize("size", [0, 6, 150])
def test_no_violations_with_much_little_and_no_data(page: Page, size: int) -> None:
    page.set_content(page_of(size))
    assert_no_axe_violations(page)


def test_a_narrow_screen_scrolls_only_within_tables(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    page.set_content(page_of(150))
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
