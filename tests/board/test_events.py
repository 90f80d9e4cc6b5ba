"""The events over a real connection: first picture, changes, ids, pulses, and pages that go."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from dashboards.board.app import board_app
from schemas.catalogue import Catalogue
from tests.board.days import NOW
from tests.board.fakes import FakeStore, FixedClock, OpenContact
from tests.board.serving import Site, serving


@pytest.fixture
def site(store: FakeStore, clock: FixedClock, catalogue: Catalogue) -> Iterator[Site]:
    app = board_app(store, clock, catalogue, poll_seconds=0.02, pulse_seconds=0.2)
    with serving(app) as running:
        yield running


def pictures(events: Iterator[dict[str, object]]) -> Iterator[dict[str, object]]:
    return (event for event in events if event["event"] == "picture")


def test_a_new_page_gets_a_pulse_and_the_picture(site: Site) -> None:
    with site.listen() as events:
        assert next(events)["event"] == "pulse"
        picture = next(pictures(events))
    assert picture["id"] == picture["data"]["id"]  # type: ignore[index]
    assert picture["data"]["clock"] == "13.41"  # type: ignore[index]
    assert "Väntar i telefon" in picture["data"]["html"]  # type: ignore[index]


def test_a_change_in_the_store_comes_as_a_new_picture(site: Site, store: FakeStore) -> None:
    with site.listen() as events:
        first = next(pictures(events))
        store.open.append(OpenContact("telephone", NOW - timedelta(seconds=3)))
        second = next(pictures(events))
    assert first["id"] != second["id"]


@pytest.mark.parametrize("how", ["header", "query"])
def test_a_page_that_has_the_picture_gets_pulses_only(site: Site, store: FakeStore, how: str) -> None:
    with site.listen() as events:
        known = str(next(pictures(events))["id"])
    path, headers = (
        ("/events", {"Last-Event-ID": known}) if how == "header" else (f"/events?sedan={known}", {})
    )
    with site.listen(path, **headers) as events:
        assert [next(events)["event"] for _ in range(4)] == ["pulse"] * 4
        store.open.clear()
        assert next(pictures(events))["id"] != known


def test_pages_that_go_are_forgotten(site: Site) -> None:
    def listeners() -> int:
        return int(json.loads(site.get("/halsa").text)["listeners"])

    with site.listen() as one, site.listen("/events?period=vecka") as other:
        next(pictures(one))
        next(pictures(other))
        assert listeners() == 2
    while listeners():  # the test's time limit ends this if pages are kept
        pass


def test_events_are_not_kept_and_not_buffered(site: Site) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    connection.request("GET", "/events")
    response = connection.getresponse()
    assert response.getheader("cache-control") == "no-store"
    assert response.getheader("x-accel-buffering") == "no"
    response.close()
    connection.close()


def test_pulses_tell_the_time_of_the_figures_and_not_of_an_outage(
    site: Site, store: FakeStore, clock: FixedClock
) -> None:
    with site.listen() as events:
        next(pictures(events))
        store.away()
        clock.at = NOW + timedelta(minutes=9)
        outage = next(pictures(events))
        assert outage["data"]["clock"] == "13.41"  # type: ignore[index]
        pulse = next(event for event in events if event["event"] == "pulse")
        assert pulse["data"]["clock"] == "13.41"


def test_a_server_that_stops_ends_the_events_and_does_not_wait_for_them(
    store: FakeStore, clock: FixedClock, catalogue: Catalogue
) -> None:
    with contextlib.ExitStack() as listening:
        with serving(board_app(store, clock, catalogue, pulse_seconds=60)) as site:
            events = listening.enter_context(site.listen())
            next(pictures(events))
            began = time.monotonic()
        assert time.monotonic() - began < 4  # uvicorn would have waited for 5 s
        assert list(events) == []


def test_a_change_is_sent_as_the_parts_that_differ_and_an_outage_as_a_whole(
    site: Site, store: FakeStore
) -> None:
    with site.listen() as events:
        shown = pictures(events)
        next(shown)
        store.open.append(OpenContact("telephone", NOW - timedelta(seconds=3)))
        change = next(shown)["data"]
        store.away()
        outage = next(shown)["data"]
    assert set(change["parts"]) == {"now", "summary"}  # type: ignore[index]
    assert "html" not in change  # type: ignore[operator]
    assert "Statistiken går inte att nå" in outage["html"]  # type: ignore[index]
