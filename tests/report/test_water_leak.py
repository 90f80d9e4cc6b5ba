"""A simulated week with a water leak: the report of that week says so, in Swedish that needs no editing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from dashboards.report import period
from dashboards.report.disclosure import made_public
from dashboards.report.document import Document, Kind
from dashboards.report.render.html import render_html
from dashboards.report.render.pdf import render_pdf
from dashboards.swedish import number
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from tests.report.reports import said
from tests.report.simulated_store import Centre, centre
from tests.services.browser import assert_no_axe_violations
from tests.services.verapdf import breaches_of_pdf_ua_1

pytestmark = pytest.mark.integration


def test_the_report_of_the_week_tells_of_the_leak(simulated: Centre) -> None:
    expect_the_leak(simulated.report(), since="10.15")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_tells_of_it_after_a_whole_year(clickhouse: EmbeddedClickHouse) -> None:
    with centre(clickhouse, weeks=52) as year:
        expect_the_leak(year.report(), since="10.00")
        summary = said(year.report(period.days("2025-11-24..2026-11-22")))
    assert re.match(r"\w.* kom \d\d \d\d\d kontakter in", summary[0]), summary[0]


def expect_the_leak(document: Document, since: str) -> None:
    """The summary tells of it next after the size of the week: when, how many, and what is usual."""
    found = {key: cell.value for key, cell in document.cells.items()}
    times = number(found["storningar/1/times"], 1)
    assert said(document)[1] == (
        "Onsdagen den 18 november kom ovanligt många ärenden om vatten, avlopp och avfall. "
        f"Mellan kl. {since} och 11.15 kom {found['storningar/1/contacts']} ärenden, {times} gånger så många "
        "som vanligt."
    )
    now, usual = found["fragor/va-avfall/now"], found["fragor/va-avfall/usual"]
    assert said(document)[2] == (
        f"Under hela veckan kom {now} ärenden om vatten, avlopp och avfall, mot vanligen {number(usual)}."
    )
    assert document.cells["fragor/va-avfall/verdict"].text == "↑ ökar"


def test_a_week_without_one_tells_of_none(simulated: Centre) -> None:
    before = simulated.report(period.week("2026-W46"))
    assert not any("ovanligt många" in text for text in said(before))
    assert "Inga störningar märktes under veckan." in said(before, "avsnitt-storningar")
    assert "storningar" not in before.table_of


def test_the_summary_reads_as_swedish(simulated: Centre) -> None:
    """Whole sentences, no gaps, no English, nothing twice."""
    for document in (
        simulated.report(),
        simulated.report(area="bygga-bo-miljo"),
        simulated.report(period.month("2026-11")),
        simulated.report(period.tertial("2026-T3")),
        simulated.report(period.days("2026-11-02..2026-11-15")),
    ):
        for section in document.sections:
            if section.key == "avsnitt-definitioner":
                continue
            texts = said(document, section.key)
            assert len(texts) == len(set(texts))
            for text in texts:
                assert re.match(r"^[A-ZÅÄÖ0-9]", text), text
                assert text.endswith((".", ")")), text
                assert not re.search(r"  |\(\)|–\)|None|nan|\.\.|,,| ,| \.|: \.", text), text
                assert not re.search(r"\b(the|of|errands?|week|topic)\b", text), text


def test_every_cell_has_a_finite_value_or_none(simulated: Centre) -> None:
    for key, cell in simulated.report().cells.items():
        assert cell.kind is not Kind.TEXT or cell.text, key
        assert cell.value is None or abs(cell.value) < 1e9, key


def test_its_pdf_keeps_to_pdf_ua_1(simulated: Centre, tmp_path: Path) -> None:
    internal = simulated.report()
    files = {"internal.pdf": internal, "public.pdf": made_public(internal).document}
    for name, document in files.items():
        (tmp_path / name).write_bytes(render_pdf(document))
    assert breaches_of_pdf_ua_1(*(tmp_path / name for name in files)) == []


@pytest.mark.browser
def test_its_page_has_no_accessibility_violations(simulated: Centre, page: Page) -> None:
    internal = simulated.report()
    for document in (internal, made_public(internal).document):
        page.set_content(render_html(document))
        assert_no_axe_violations(page)
