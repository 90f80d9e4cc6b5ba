"""A real browser for the tests: Debian's Chromium, driven by Playwright, and the axe accessibility check."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.require import require

BINARY_VARIABLE: Final = "KC_CHROMIUM"
# The rules of WCAG 2.1, levels A and AA, by axe's names.
WCAG_2_1_AA: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_binary() -> str | None:
    """Return the browser that KC_CHROMIUM names, or else the system's; Playwright's own is not downloaded."""
    named = os.environ.get(BINARY_VARIABLE)
    if named:
        return named if Path(named).is_file() else None
    return shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window, started once for a module.

    Not for the session: as long as it runs, Playwright's event loop counts as running in this thread, and
    asyncio.run would fail in every other module's tests.
    """
    binary = chromium_binary()
    require("browser", binary is not None, "no Chromium; install Debian's chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=binary, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page with a profile of its own, as a Swedish user has it."""
    context = browser.new_context(locale="sv-SE", timezone_id="Europe/Stockholm")
    yield context.new_page()
    context.close()


def assert_no_axe_violations(page: Page, *, within: str | None = None) -> None:
    """Fail with rule, element and reason for each breach of WCAG 2.1 AA that axe finds on the page now.

    `within` is a CSS selector that limits the check. Axe finds a part of what the guidelines ask.
    """
    axe: Any = Axe()
    options = {"runOnly": {"type": "tag", "values": list(WCAG_2_1_AA)}, "resultTypes": ["violations"]}
    found = axe.run(page, context=within, options=options).response["violations"]
    breaches = [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {' '.join(map(str, node['target']))}"
        for rule in found
        for node in rule["nodes"]
    ]
    assert not breaches, "accessibility breaches:\n" + "\n".join(breaches)
