"""The page in a browser: accessible in every view, up to date until paused, and calm where it changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from dashboards.board.app import board_app
from schemas.catalogue import Catalogue
from tests.board.days import NOW
from tests.board.fakes import FakeStore, FixedClock, OpenContact
from tests.board.serving import Site, serving
from tests.services.browser import assert_no_axe_violations

pytestmark = pytest.mark.browser

WAITING = "#gauge-telephone .big"


@pytest.fixture
def site(store: FakeStore, clock: FixedClock, catalogue: Catalogue) -> Iterator[Site]:
    app = board_app(store, clock, catalogue, poll_seconds=0.05, pulse_seconds=0.5)
    with serving(app) as running:
        yield running


def opened(page: Page, site: Site, query: str = "") -> Page:
    """Open the board and wait until it is live and the chart is drawn."""
    page.goto(site.url + query)
    expect(page.locator("#connection")).to_have_text("Uppdateras av sig själv")
    expect(page.locator("#chart canvas")).to_be_visible()
    return page


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> Literal["light", "dark"]:
    """Each colour scheme in turn."""
    chosen: Literal["light", "dark"] = request.param
    return chosen


@pytest.mark.parametrize(
    ("query", "width"),
    [("", 1440), ("", 320), ("?period=vecka", 1440)],
)
def test_axe_finds_nothing(
    browser: Browser, site: Site, scheme: Literal["light", "dark"], query: str, width: int
) -> None:
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True
    )
    page = opened(context.new_page(), site, query)
    assert_no_axe_violations(page)
    page.locator("#pause").click()
    expect(page.locator("#connection")).to_contain_text("Pausad")
    for summary in page.locator("details > summary").all():
        if summary.is_visible():
            summary.click()
    assert_no_axe_violations(page)
    context.close()


def test_axe_finds_nothing_while_the_store_is_away_nor_among_the_definitions(
    browser: Browser, site: Site, store: FakeStore, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = opened(context.new_page(), site)
    store.away()
    expect(page.locator("#part-notice")).to_contain_text("Siffrorna är från kl.")
    assert_no_axe_violations(page)
    page.goto(site.url + "definitioner")
    assert_no_axe_violations(page)
    context.close()


@pytest.mark.parametrize("query", ["", "?vy=vagg", "definitioner"])
def test_nothing_scrolls_sideways_at_400_percent(browser: Browser, site: Site, query: str) -> None:
    """1280 px at 400 % are 320 CSS px (WCAG 1.4.10); tables may scroll in their own frame."""
    context = browser.new_context(viewport={"width": 320, "height": 640})
    page = context.new_page()
    page.goto(site.url + query)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    context.close()


def test_the_wall_view_fits_a_screen(browser: Browser, site: Site) -> None:
    for width, height in ((1920, 1080), (3840, 2160)):
        context = browser.new_context(viewport={"width": width, "height": height})
        page = opened(context.new_page(), site, "?vy=vagg")
        assert page.evaluate("document.documentElement.scrollHeight") <= height
        context.close()


def test_figures_change_on_the_page_when_the_store_does(page: Page, site: Site, store: FakeStore) -> None:
    opened(page, site)
    expect(page.locator(WAITING)).to_have_text("2")
    store.open.append(OpenContact("telephone", NOW - timedelta(seconds=30)))
    expect(page.locator(WAITING)).to_have_text("3")


def test_pause_holds_the_figures_and_going_on_shows_the_latest(
    page: Page, site: Site, store: FakeStore, clock: FixedClock
) -> None:
    opened(page, site)
    pause = page.locator("#pause")
    pause.focus()
    page.keyboard.press("Enter")
    expect(pause).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#connection")).to_have_text("Pausad. Sidan visar läget kl. 13.41.")
    store.open.append(OpenContact("telephone", NOW))
    clock.at = NOW + timedelta(minutes=2)
    with page.expect_event("console", lambda message: message.text == "seen") as _:
        page.evaluate(
            """() => {
                const events = new EventSource("events?period=idag");
                events.addEventListener("picture", () => { events.close(); console.log("seen"); });
            }"""
        )  # another listener has been told, so this page has been as well
    expect(page.locator(WAITING)).to_have_text("2")
    expect(page.locator("#clock")).to_have_text("13.41")
    page.keyboard.press("Enter")
    expect(page.locator(WAITING)).to_have_text("3")
    expect(page.locator("#clock")).to_have_text("13.43")


def test_focus_and_opened_details_survive_a_change(page: Page, site: Site, store: FakeStore) -> None:
    opened(page, site)
    summary = page.locator("#how-resolved > summary")
    summary.focus()
    page.keyboard.press("Enter")
    store.open.append(OpenContact("visit", NOW))
    store.add(NOW - timedelta(minutes=20), "visit", "", "", "energi", handovers=40, handovers_blind=40)
    expect(page.locator("#gauge-visit .big")).to_have_text("2")
    expect(page.locator(".units tbody tr").first).to_contain_text("Oxelö Energi")
    expect(summary).to_be_focused()
    assert page.locator("#how-resolved").evaluate("details => details.open")


def test_the_chart_and_its_table_show_swedish_time_in_any_zone(
    browser: Browser, site: Site, store: FakeStore
) -> None:
    context = browser.new_context(locale="en-US", timezone_id="America/New_York")
    page = opened(context.new_page(), site)
    rows = page.locator("#quarters tbody tr")
    assert rows.first.locator("th").text_content() == "07.00"
    ten = NOW.replace(hour=9, minute=0, second=0)  # 10.00 in Sweden
    offered = sum(row.get("offered", 0) for key, row in store.rows_.items() if key[0] == ten)
    cell = page.locator('#quarters tr:has(th:text-is("10.00")) td').first
    assert cell.text_content() == str(offered)
    picture = page.locator("#chart canvas")
    before = picture.evaluate("canvas => canvas.toDataURL()")
    store.add(ten, offered=30)
    expect(cell).to_have_text(str(offered + 30))
    for _ in range(300):  # it is drawn in one of the browser's next frames
        if picture.evaluate("canvas => canvas.toDataURL()") != before:
            break
        page.evaluate("() => new Promise(requestAnimationFrame)")
    assert picture.evaluate("canvas => canvas.toDataURL()") != before
    context.close()


def test_the_summary_is_said_when_asked_for_and_not_before(page: Page, site: Site, store: FakeStore) -> None:
    opened(page, site)
    spoken = page.locator("#spoken")
    store.open.append(OpenContact("telephone", NOW))
    expect(page.locator(WAITING)).to_have_text("3")
    expect(spoken).to_have_text("")
    page.locator("#speak").click()
    expect(spoken).to_contain_text("3 personer väntar i telefon")


def test_an_outage_and_its_end_are_told(page: Page, site: Site, store: FakeStore) -> None:
    opened(page, site)
    store.away()
    expect(page.locator("#part-notice")).to_contain_text("Statistiken går inte att nå just nu.")
    expect(page.locator(WAITING)).to_have_text("2")
    store.error = None
    expect(page.locator("#part-notice")).to_have_text("")


def test_the_page_works_without_scripts(browser: Browser, site: Site, store: FakeStore) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url)
    expect(page.locator(WAITING)).to_have_text("2")
    expect(page.locator("#pause")).to_be_hidden()
    expect(page.locator("#chart")).to_be_hidden()
    store.open.clear()
    page.get_by_role("link", name="Ladda om sidan").click()
    expect(page.locator(WAITING)).to_have_text("0")
    page.get_by_role("link", name="Förra veckan").click()
    expect(page.get_by_role("heading", name="Förra veckan")).to_be_visible()
    context.close()


def test_the_browser_asks_nobody_else_and_complains_about_nothing(page: Page, site: Site) -> None:
    asked: list[str] = []
    said: list[str] = []

    def on_request(request: Request) -> None:
        asked.append(request.url)

    def on_console(message: ConsoleMessage) -> None:
        said.append(message.text)

    page.on("request", on_request)
    page.on("console", on_console)
    page.on("pageerror", lambda error: said.append(str(error)))
    opened(page, site)
    page.get_by_role("link", name="Väggvy").click()
    expect(page.locator("#chart canvas")).to_be_visible()
    assert all(url.startswith(site.url) for url in asked)
    assert said == []


def test_everything_is_reached_with_the_keyboard(page: Page, site: Site) -> None:
    opened(page, site)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Hoppa till innehållet")).to_be_focused()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.textContent.trim().slice(0, 30)"))
    for name in (
        "Den här veckan",
        "Pausa uppdateringen",
        "Så räknas det: Löst i Kommunce",
        "Så räknas siffrorna",
    ):
        assert name in reached
