"""Every mode of the page without a breach of WCAG 2.1 AA, and the page when its server is gone."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboards.board.access import KnownToken, Role, TokenAccess, token_hash
from dashboards.board.app import board_app
from schemas.catalogue import Catalogue
from schemas.clickhouse.silence import SourceStatus, SourceVerdict
from tests.board.days import NOW, furnished
from tests.board.fakes import FakeStore, FixedClock
from tests.board.serving import HOST, Site, serving
from tests.services.browser import assert_no_axe_violations

pytestmark = pytest.mark.browser

Scheme = Literal["light", "dark"]
State = Literal["surge", "away", "empty"]
MINUTE = timedelta(minutes=1)


def with_alarms(store: FakeStore) -> FakeStore:
    """Add everything that the banner may tell."""
    store.surges = [
        ("", NOW - 76 * MINUTE, NOW - 46 * MINUTE, NOW - MINUTE, 61, 22.5, 0),
        ("va-avfall", NOW - 76 * MINUTE, NOW - 46 * MINUTE, NOW - MINUTE, 24, 3.0, 0),
        ("omsorg", NOW - 46 * MINUTE, NOW - 16 * MINUTE, NOW - MINUTE, 9, 0.0, 0),
    ]
    store.overdue = (3, NOW - timedelta(days=1))
    told = {"state": "reading", "reason": "", "lag": None, "lag_unit": "", "published": 1, "rejected": 0}
    store.statuses = [
        SourceStatus(
            instance="desk",
            verdict=SourceVerdict.SILENT,
            seen_at=NOW,
            heard_at=NOW - 22 * MINUTE,
            last_event_at=NOW - 22 * MINUTE,
            last_read_at=NOW - MINUTE,
            expected=4.2,
            usual=10.0,
            gaps=0,
            **told,  # type: ignore[arg-type]
        )
    ]
    return store


@pytest.fixture(scope="module")
def stores() -> dict[State, FakeStore]:
    """The same board in each state."""
    from schemas.catalogue import load_catalogue

    catalogue = load_catalogue()
    full = furnished(catalogue, weeks=4)
    return {"surge": with_alarms(full), "away": furnished(catalogue, weeks=4), "empty": FakeStore()}


@pytest.fixture(scope="module")
def sites(stores: dict[State, FakeStore]) -> Iterator[dict[State, Site]]:
    """A board for each state."""
    from schemas.catalogue import load_catalogue

    with contextlib.ExitStack() as stack:
        found = {}
        for state, store in stores.items():
            app = board_app(store, FixedClock(NOW), load_catalogue(), poll_seconds=0.05)
            found[state] = stack.enter_context(serving(app))
        found["away"].get("/")
        found["away"].get("/?vy=vagg")
        stores["away"].away()
        yield found


@pytest.mark.parametrize("state", ["surge", "away", "empty"])
@pytest.mark.parametrize("width", [320, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["", "vagg"])
def test_axe_finds_nothing_in_any_mode(
    browser: Browser, *, sites: dict[State, Site], view: str, scheme: Scheme, width: int, state: State
) -> None:
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 1080}, bypass_csp=True
    )
    page = context.new_page()
    page.goto(f"{sites[state].url}?vy={view}")
    expect(page.locator("#connection")).to_have_text("Uppdateras av sig själv")
    expected = {"surge": "#part-alarms .alarm", "away": "#part-notice .notice", "empty": ".sections"}
    expect(page.locator(expected[state]).first).to_be_visible()
    assert_no_axe_violations(page)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()


@pytest.mark.parametrize(("system", "chosen"), [("light", "morkt"), ("dark", "ljust")])
def test_a_chosen_look_beats_the_computer_s_and_stays(
    browser: Browser, sites: dict[State, Site], system: Scheme, chosen: str
) -> None:
    def background(page: Page) -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    plain = browser.new_context(color_scheme="dark" if chosen == "morkt" else "light").new_page()
    plain.goto(sites["surge"].url)
    context = browser.new_context(color_scheme=system, bypass_csp=True)
    page = context.new_page()
    page.goto(sites["surge"].url)
    before = background(page)
    page.get_by_text("Utseende").click()
    with page.expect_navigation():  # a click alone does not wait for the page that it leads to
        page.get_by_role("link", name="Mörkt" if chosen == "morkt" else "Ljust").click()
    assert background(page) == background(plain) != before
    assert_no_axe_violations(page)
    with page.expect_navigation():
        page.get_by_role("link", name="Väggvy").click()
    assert background(page) == background(plain)
    context.close()
    plain.context.close()


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (3840, 2160)])
def test_the_wall_fits_a_screen_also_with_every_alarm(
    browser: Browser, sites: dict[State, Site], width: int, height: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.goto(sites["surge"].url + "?vy=vagg")
    expect(page.locator(".alarm")).to_have_count(6)
    expect(page.locator("#chart canvas")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollHeight") <= height
    context.close()


def test_a_telephone_and_a_login(browser: Browser, catalogue: Catalogue, store: FakeStore) -> None:
    known = KnownToken("leader", Role.LEADER, token_hash("an invented code"), 3600)
    access = TokenAccess([known], b"a key of tests", secure=False)
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, bypass_csp=True)
    page = context.new_page()
    with serving(board_app(store, FixedClock(NOW), catalogue, access=access)) as site:
        page.goto(site.url)
        expect(page).to_have_url(site.url + "logga-in")
        assert_no_axe_violations(page)
        page.get_by_label("Kod").fill("a wrong one")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("Koden stämmer inte.")
        assert_no_axe_violations(page)
        page.get_by_label("Kod").fill("an invented code")
        page.get_by_role("button", name="Logga in").click()
        expect(page).to_have_url(site.url)
        expect(page.locator("#connection")).to_have_text("Uppdateras av sig själv")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        for target in page.locator(".top a, .top button, .top summary").all():
            box = target.bounding_box() if target.is_visible() else None
            assert box is None or box["height"] >= 24
        page.get_by_role("button", name="Logga ut").click()
        expect(page).to_have_url(site.url + "logga-in")
    context.close()


def test_a_tile_in_a_frame_stands_still_when_paused(
    browser: Browser, catalogue: Catalogue, store: FakeStore
) -> None:
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    with serving(board_app(store, FixedClock(NOW), catalogue, poll_seconds=0.01)) as site:
        page.goto(site.url + "bricka/waiting_telephone")
        expect(page.locator(".big")).to_have_text("2")
        assert_no_axe_violations(page)
        pause = page.get_by_role("button", name="Pausa")
        pause.click()
        store.open.clear()
        pause.click()
        expect(page.locator(".big")).to_have_text("0")
    context.close()


# ---- the server is gone ----------------------------------------------------------------------------


def a_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def test_a_page_whose_server_is_gone_keeps_its_picture_tells_its_age_and_goes_on(
    page: Page, catalogue: Catalogue, store: FakeStore
) -> None:
    """Also when it is loaded anew meanwhile: from what the browser has kept."""
    port, lost = a_port(), page.locator("#lost")
    with serving(board_app(store, FixedClock(NOW), catalogue, poll_seconds=0.05), port) as site:
        page.goto(site.url + "?vy=vagg")
        expect(page.locator("#connection")).to_have_text("Uppdateras av sig själv")
        page.evaluate("() => navigator.serviceWorker.ready")
        page.reload()  # the first load was before there was anybody to keep it
        store.open.clear()
        expect(page.locator("#gauge-telephone .big")).to_have_text("0")
        expect(lost).to_be_hidden()
        kept = "() => Object.values(localStorage).some((kept) => /telephone[^]*?big\\W+0</.test(kept))"
        page.evaluate("() => window.dispatchEvent(new Event('pagehide'))")
        assert page.evaluate(kept)
    expect(lost).to_contain_text("Ingen kontakt med servern sedan kl. ")
    expect(lost).to_contain_text("Siffrorna är från kl. 13.41, mindre än en minut gamla.")
    expect(page.locator("#gauge-telephone .big")).to_have_text("0")
    page.reload()
    expect(page.locator("#gauge-telephone .big")).to_have_text("0")
    expect(lost).to_contain_text("Siffrorna är från kl. 13.41")
    with serving(board_app(furnished(catalogue), FixedClock(NOW), catalogue, poll_seconds=0.05), port):
        expect(page.locator("#gauge-telephone .big")).to_have_text("2", timeout=20_000)
        expect(lost).to_be_hidden()


def test_a_server_that_has_no_figures_does_not_take_the_picture_away(
    page: Page, catalogue: Catalogue, store: FakeStore
) -> None:
    port, empty = a_port(), FakeStore()
    empty.away()
    with serving(board_app(store, FixedClock(NOW), catalogue, poll_seconds=0.05), port) as site:
        page.goto(site.url)
        expect(page.locator("#connection")).to_have_text("Uppdateras av sig själv")
    with serving(board_app(empty, FixedClock(NOW), catalogue, poll_seconds=0.05), port):
        expect(page.locator("#part-notice")).to_contain_text("går inte att nå", timeout=20_000)
        expect(page.locator("#gauge-telephone .big")).to_have_text("2")
        expect(page.locator("#clock")).to_have_text("13.41")
