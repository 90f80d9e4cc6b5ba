"""The report as PDF: tagged so that it can be read aloud, and the same bytes each time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dashboards.report.document import Audience, Section
from dashboards.report.render.pdf import render_pages, render_pdf
from tests.report.samples import sample
from tests.services.verapdf import breaches_of_pdf_ua_1


@pytest.mark.integration
def test_it_keeps_to_pdf_ua_1(tmp_path: Path) -> None:
    whole, bare = tmp_path / "whole.pdf", tmp_path / "bare.pdf"
    whole.write_bytes(render_pdf(sample()))
    bare.write_bytes(
        render_pdf(replace(sample(), sections=(Section("a", "Tomt", ()),), audience=Audience.PUBLIC))
    )
    assert breaches_of_pdf_ua_1(whole, bare) == []


@pytest.mark.integration
def test_verapdf_does_find_what_is_wrong(tmp_path: Path) -> None:
    untitled = tmp_path / "untitled.pdf"
    made = render_pdf(sample())
    assert b"/Lang" in made
    untitled.write_bytes(made.replace(b"/Lang", b"/Xang"))
    assert breaches_of_pdf_ua_1(untitled)


def test_the_same_document_gives_the_same_bytes() -> None:
    assert render_pdf(sample()) == render_pdf(sample())


def test_its_date_is_that_of_the_data() -> None:
    later = replace(sample(), made_at=sample().made_at + timedelta(hours=1))
    assert b"D:20261123050000" in render_pdf(sample())
    assert b"D:20261123060000" in render_pdf(later)


def test_its_pages_are_pictures_too() -> None:
    pages = render_pages(sample())
    assert len(pages) > 1
    assert all(page.startswith(b"\x89PNG") for page in pages)
