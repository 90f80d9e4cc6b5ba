"""The board over HTTP: pages, headers, health, and nothing from another address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

import dashboards.board
from dashboards.board.app import board_app
from dashboards.swedish import percent
from schemas.catalogue import Catalogue
from schemas.metrics import METRICS
from tests.board.days import NOW
from tests.board.fakes import FakeStore, FixedClock
from tests.board.serving import Site, serving

PACKAGE = Path(dashboards.board.__file__).parent
VOID = {"meta", "link", "br", "input", "img", "hr"}


class Outline(HTMLParser):
    """Collects headings, ids, and whether elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.stack: list[str] = []
        self.styles = 0
        self.inline_scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if given.get("id"):
            self.ids.append(given["id"] or "")
        for name in ("aria-labelledby", "aria-describedby"):
            self.references += (given.get(name) or "").split()
        self.styles += int("style" in given or tag == "style")
        self.inline_scripts += int(tag == "script" and "src" not in given)
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag


def outline(html: str) -> Outline:
    parser = Outline()
    parser.feed(html)
    assert parser.stack == []
    return parser


@pytest.fixture
def site(store: FakeStore, clock: FixedClock, catalogue: Catalogue) -> Iterator[Site]:
    with serving(board_app(store, clock, catalogue, desk_url="https://desk.example/")) as running:
        yield running


@pytest.mark.parametrize("path", ["/", "/?period=vecka", "/?period=forra", "/?vy=vagg", "/definitioner"])
def test_pages_are_well_formed_and_their_headings_in_order(site: Site, path: str) -> None:
    answer = site.get(path)
    assert answer.status == 200
    assert '<html lang="sv"' in answer.text
    found = outline(answer.text)
    assert found.headings.count(1) == 1
    assert found.headings[0] == 1
    steps = zip(found.headings, found.headings[1:], strict=False)
    assert all(after <= before + 1 for before, after in steps)
    assert len(found.ids) == len(set(found.ids))
    assert set(found.references) <= set(found.ids)
    assert found.styles == found.inline_scripts == 0


def test_the_page_is_whole_without_scripts(site: Site) -> None:
    text = site.get("/").text
    for words in ("Väntar i telefon", "Längsta väntan", "Svarat inom 60 sekunder", "Löst i Kommuncenter"):
        assert words in text
    assert 'id="pause" aria-pressed="false" hidden' in text
    assert "Ladda om sidan" in text
    assert "https://desk.example/" in text
    assert percent(0.68) in text


@pytest.mark.parametrize("path", ["/", "/definitioner", "/static/board.js", "/halsa", "/ingenstans"])
def test_headers_hold_for_every_answer(site: Site, path: str) -> None:
    headers = site.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_live_pages_are_never_kept(site: Site) -> None:
    for path in ("/", "/halsa"):
        assert site.get(path).headers["cache-control"] == "no-store"


def test_wrong_addresses_get_a_page_that_says_so(site: Site) -> None:
    for path in ("/ingenstans", "/?period=igår", "/events?period=x", "/static/../app.py"):
        answer = site.get(path.replace("å", "%C3%A5"))
        assert answer.status == 404
        assert "Sidan finns inte" in answer.text


def test_health_tells_whether_the_store_answers(site: Site, store: FakeStore) -> None:
    assert site.get("/halsa").status == 200
    assert f'"picture_at":"{NOW.isoformat()}"' in site.get("/halsa").text


def test_without_a_store_there_is_a_page_that_says_so(clock: FixedClock, catalogue: Catalogue) -> None:
    store = FakeStore()
    store.away()
    with serving(board_app(store, clock, catalogue)) as site:
        answer = site.get("/")
        assert answer.status == 503
        assert "Statistiken går inte att nå just nu." in answer.text
        assert "Det finns inga siffror att visa än" in answer.text
        assert site.get("/halsa").status == 503


def test_definitions_hold_every_metric_with_its_formula(site: Site) -> None:
    text = site.get("/definitioner").text
    for metric in METRICS:
        assert metric.label_sv in text
        assert metric.formula() in text


def test_static_files_name_no_other_address_and_carry_their_licence() -> None:
    for path in PACKAGE.rglob("*"):
        if path.suffix in {".html", ".js", ".css"} and "vendor" not in path.parts:
            assert "//" not in re.sub(r"^\s*//.*$", "", path.read_text(encoding="utf-8"), flags=re.M), path
    licence = (PACKAGE / "static/vendor/uPlot.LICENSE.txt").read_text(encoding="utf-8")
    assert licence.startswith("The MIT License (MIT)")


def test_nothing_that_the_store_says_becomes_markup(clock: FixedClock, catalogue: Catalogue) -> None:
    store = FakeStore(sources=[("<script>alert(1)</script>", NOW, NOW, NOW)])
    with serving(board_app(store, clock, catalogue)) as site:
        text = site.get("/").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
