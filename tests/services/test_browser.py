"""The tests' browser runs scripts in Swedish time, and its accessibility check finds what is wrong."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.services.browser import assert_no_axe_violations

pytestmark = [pytest.mark.integration, pytest.mark.browser]

GOOD = """<!doctype html>
<html lang="sv"><head><meta charset="utf-8"><title>Kommuncenter</title></head>
<body><main><h1>Väntar nu</h1><p id="count">0</p>
<button type="button" onclick="document.getElementById('count').textContent = '1'">Lägg till</button>
</main></body></html>"""
BAD = """<!doctype html>
<html><head><meta charset="utf-8"><title>Kommuncenter</title></head>
<body><main><h1>Väntar nu</h1><p style="color: #bbb; background: #fff">svårt att läsa</p>
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="></main></body></html>"""


def test_a_page_is_shown_and_reacts(page: Page) -> None:
    page.set_content(GOOD)
    page.get_by_role("button", name="Lägg till").click()
    expect(page.locator("#count")).to_have_text("1")


def test_time_and_language_are_swedish(page: Page) -> None:
    page.set_content(GOOD)
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert (zone, page.evaluate("navigator.language")) == ("Europe/Stockholm", "sv-SE")


def test_a_good_page_has_no_violations(page: Page) -> None:
    page.set_content(GOOD)
    assert_no_axe_violations(page)


def test_what_is_wrong_is_named(page: Page) -> None:
    page.set_content(BAD)
    with pytest.raises(AssertionError) as failure:
        assert_no_axe_violations(page)
    rules = {line.split(" ")[0] for line in str(failure.value).splitlines()[1:]}
    assert {"html-has-lang", "color-contrast", "image-alt"} <= rules


def test_a_check_can_be_limited_to_a_part(page: Page) -> None:
    page.set_content(BAD)
    assert_no_axe_violations(page, within="h1")
