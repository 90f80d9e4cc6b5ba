"""The desk's form in a browser: keyboard only, without scripts, large text, and no breaches found by axe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from producers.sources.desk import records
from schemas.events import Audience, ErrandOutcome
from tests.producers.desk_server import Desk, running_desk
from tests.services.browser import assert_no_axe_violations, browser, page

__all__ = ["browser", "page"]
pytestmark = [pytest.mark.integration, pytest.mark.browser]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with running_desk(tmp_path) as running:
        yield running


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    """A page in a browser that runs no scripts."""
    context = browser.new_context(locale="sv-SE", java_script_enabled=False)
    yield context.new_page()
    context.close()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the control with this accessible name has the focus."""
    wanted = page.get_by_role("button", name=name, exact=True)
    wanted = wanted.or_(page.get_by_label(name)).or_(page.get_by_role("link", name=name, exact=True)).first
    for _ in range(40):
        page.keyboard.press("Tab")
        if wanted.and_(page.locator(":focus")).count():
            return
    raise AssertionError(f"no way to {name!r} by keyboard")


def show_errors(page: Page, desk: Desk) -> None:
    page.goto(desk.origin)
    page.get_by_label("Lämnat vidare").check()
    page.get_by_label("Telefonnummer").fill("12")
    page.get_by_role("button", name="Registrera besöket").click()


def test_a_visit_is_registered_by_keyboard_without_scripts(plain_page: Page, desk: Desk) -> None:
    page = plain_page
    page.goto(desk.origin)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Hoppa till innehållet")).to_be_focused()
    tab_to(page, "Boende")
    page.keyboard.press("ArrowDown")
    tab_to(page, "Vad gäller ärendet?")
    page.keyboard.type("Turism")
    tab_to(page, "Löst här")
    page.keyboard.press("ArrowDown")
    tab_to(page, "Enhet som tog över (valfritt)")
    page.keyboard.type("Ekonomi")
    tab_to(page, "Telefonnummer (valfritt)")
    page.keyboard.type("031-390 06 12")
    tab_to(page, "Registrera besöket")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Besöket är registrerat.")
    expect(page).to_have_title("Besöket är registrerat. – Besök, Koordinaten")
    arrived, errand = desk.lines[0], desk.lines[3]
    assert isinstance(errand, records.Errand)
    assert arrived.audience is Audience.BUSINESS
    assert arrived.party is not None
    assert (errand.topic, errand.outcome, errand.unit) == ("turism", ErrandOutcome.HANDED_OVER, "ekonomi")


def test_a_visitor_waits_is_called_and_is_done_by_keyboard(plain_page: Page, desk: Desk) -> None:
    page = plain_page
    page.goto(desk.origin)
    for control in ("Ny besökare väntar", "Kalla nr 1", "Avsluta nr 1", "Boende"):
        tab_to(page, control)
        page.keyboard.press("Space" if control == "Boende" else "Enter")
    tab_to(page, "Vad gäller ärendet?")
    page.keyboard.type("Turism")
    tab_to(page, "Löst här")
    page.keyboard.press("Space")
    tab_to(page, "Avsluta besöket")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Besöket är avslutat.")
    assert [line.action for line in desk.lines] == ["registered", "called", "errand", "finished"]


def test_going_back_and_sending_again_saves_nothing_twice(page: Page, desk: Desk) -> None:
    page.goto(desk.origin)
    html = page.content()
    for name in ("Boende", "Löst här"):
        page.get_by_label(name).check()
    page.get_by_label("Vad gäller ärendet?").select_option("turism")
    key = page.locator('form[action="/besok"] input[name=key]').input_value()
    assert key in html
    page.get_by_role("button", name="Registrera besöket").dblclick()
    expect(page.get_by_role("status")).to_be_visible()
    assert len(desk.lines) == 4
    answer = desk.ask(
        "/besok", {"key": key, "audience": "resident", "topic": "turism", "outcome": "resolved"}
    )
    assert answer.headers["location"] == "/?sparat=redan"
    assert len(desk.lines) == 4


def test_errors_are_listed_first_have_the_focus_and_lead_to_their_fields(page: Page, desk: Desk) -> None:
    show_errors(page, desk)
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert.get_by_role("link")).to_have_count(4)
    alert.get_by_role("link", name="Välj vad ärendet gäller.").click()
    expect(page.get_by_label("Vad gäller ärendet?")).to_be_focused()
    number = page.get_by_label("Telefonnummer")
    expect(number).to_have_value("")
    expect(number).to_have_accessible_description(
        "För att se om samma person återkommer. Numret sparas inte. "
        "Fel: Skriv numret med riktnummer, till exempel 031-390 06 00, eller lämna tomt."
    )
    expect(page.get_by_role("radiogroup", name="Vem är besökaren?")).to_have_accessible_description(
        "Fel: Välj vem besökaren är."
    )
    expect(page.get_by_label("Lämnat vidare")).to_be_checked()


def test_axe_finds_nothing_in_any_state(page: Page, desk: Desk) -> None:
    page.goto(desk.origin)
    assert_no_axe_violations(page)
    page.get_by_role("button", name="Ny besökare väntar").click()
    page.get_by_role("button", name="Ny besökare väntar").click()
    page.get_by_role("button", name="Kalla nr 2").click()
    expect(page.get_by_role("row")).to_have_count(3)
    assert_no_axe_violations(page)
    page.get_by_role("link", name="Avsluta nr 2").click()
    assert_no_axe_violations(page)
    page.get_by_role("button", name="Avsluta besöket").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_no_axe_violations(page)
    show_errors(page, desk)
    assert_no_axe_violations(page)


@pytest.mark.parametrize("state", ["start", "errors", "ending"])
def test_at_four_hundred_per_cent_nothing_scrolls_sideways(page: Page, desk: Desk, state: str) -> None:
    page.set_viewport_size({"width": 320, "height": 256})
    page.goto(desk.origin)
    page.get_by_role("button", name="Ny besökare väntar").click()
    page.wait_for_url("**/?sparat=vantar")
    if state == "errors":
        show_errors(page, desk)
    if state == "ending":
        page.get_by_role("link", name="Avsluta nr 1").click()
        page.wait_for_url("**/avsluta")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert_no_axe_violations(page)


def test_the_focus_is_clearly_seen_and_targets_are_large(page: Page, desk: Desk) -> None:
    page.goto(desk.origin)
    page.get_by_role("button", name="Ny besökare väntar").click()
    for name in ("Kalla nr 1", "Avsluta nr 1", "Boende", "Registrera besöket"):
        tab_to(page, name)
        focused = page.locator(":focus")
        width, style = focused.evaluate(
            "e => [getComputedStyle(e).outlineWidth, getComputedStyle(e).outlineStyle]"
        )
        assert (width, style) == ("3px", "solid")
    for control in page.get_by_role("button").all():
        box = control.bounding_box()
        assert box is not None
        assert box["height"] >= 44


def test_no_page_breaks_its_own_policy(page: Page, desk: Desk) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(desk.origin)
    page.get_by_role("button", name="Ny besökare väntar").click()
    show_errors(page, desk)
    assert [text for text in complaints if "favicon" not in text and "422" not in text] == []


def test_the_form_says_what_language_it_is_in(page: Page, desk: Desk) -> None:
    page.goto(desk.origin)
    expect(page.locator("html")).to_have_attribute("lang", "sv")
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
