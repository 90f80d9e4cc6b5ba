"""Tiles: one figure on its own, as a page for frames, as a picture and as JSON."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest

from dashboards.board.app import board_app
from dashboards.board.picture import SHOWN
from schemas.catalogue import Catalogue
from tests.board.asking import Visiting
from tests.board.days import NOW
from tests.board.fakes import FakeStore, FixedClock

NAMES = [*(metric.name for metric in SHOWN), "service_level", "speed_of_answer", "waiting_telephone"]
SITES = ("https://intranat.kommun.example",)


@pytest.fixture
def visitor(store: FakeStore, clock: FixedClock, catalogue: Catalogue) -> Visiting:
    return Visiting(board_app(store, clock, catalogue, tile_ancestors=SITES, poll_seconds=0))


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_of_the_board_has_a_tile_in_three_forms(visitor: Visiting, name: str) -> None:
    told = visitor.get(f"/bricka/{name}.json").json()
    assert told["name"] == name
    assert told["at"] == NOW.isoformat()
    page = visitor.get(f"/bricka/{name}").text
    root = ET.fromstring(visitor.get(f"/bricka/{name}.svg").text)
    drawn = " ".join("".join(element.itertext()) for element in root)
    for words in (told["label"], told["value"], *told["notes"]):
        assert words in page
        assert words in drawn


def test_a_tile_says_what_the_board_says(visitor: Visiting) -> None:
    told = visitor.get("/bricka/waiting_telephone.json").json()
    assert (told["value"], told["period"]) == ("2", "Just nu")
    week = visitor.get("/bricka/errands.json?period=forra").json()
    assert week["period"] == "Förra veckan"
    assert int(week["value"].replace("\u00a0", "")) > 300


def test_only_the_sites_that_were_named_may_frame_a_tile_and_nobody_the_board(visitor: Visiting) -> None:
    for path in ("/bricka/offered", "/bricka/offered.svg", "/bricka/nothing"):
        policy = visitor.get(path).headers.getlist("content-security-policy")
        assert len(policy) == 1
        assert policy[0].endswith("frame-ancestors 'self' https://intranat.kommun.example")
        assert "unsafe" not in policy[0]
    assert visitor.get("/").headers["content-security-policy"].endswith("frame-ancestors 'self'")


@pytest.mark.parametrize("form", ["", ".svg", ".json"])
def test_what_is_no_tile_is_told(visitor: Visiting, form: str) -> None:
    for path in (
        f"/bricka/nothing{form}",
        f"/bricka/offered{form}?period=x",
        f"/bricka/offered{form}?tema=x",
    ):
        answer = visitor.get(path)
        assert answer.status_code == 404
        assert "Ingen siffra att visa" in answer.text


def test_a_tile_of_an_outage_says_so_and_keeps_its_figure(
    visitor: Visiting, store: FakeStore, clock: FixedClock, catalogue: Catalogue
) -> None:
    value = visitor.get("/bricka/offered.json").json()["value"]
    store.away()
    clock.at = NOW + timedelta(minutes=5)
    told = visitor.get("/bricka/offered.json").json()
    assert (told["value"], told["away"], told["at"]) == (value, True, NOW.isoformat())
    assert any("går inte att nå" in note for note in told["notes"])
    empty = FakeStore()
    empty.away()
    visitor.app = board_app(empty, clock, catalogue)
    assert visitor.get("/bricka/offered").status_code == 503


def test_a_picture_that_is_known_is_not_sent_again(visitor: Visiting) -> None:
    first = visitor.get("/bricka/offered.svg")
    assert first.headers["content-type"] == "image/svg+xml"
    again = visitor.get("/bricka/offered.svg", {"if-none-match": first.headers["etag"]})
    assert again.status_code == 304


def test_a_share_of_few_is_marked(store: FakeStore, clock: FixedClock, catalogue: Catalogue) -> None:
    few = FakeStore()
    few.add(NOW - timedelta(hours=1), errands=10, resolved_in_centre=7)
    told = Visiting(board_app(few, clock, catalogue)).get("/bricka/resolved_in_centre.json").json()
    assert told["notes"][0] == "? För få för att säga säkert"
    assert told["notes"][-1].replace("\u00a0", " ") == "n = 10, osäkerhet 40–89 %"
