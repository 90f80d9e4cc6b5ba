"""Invented days of a contact centre in a store in memory: for looking at the board, and for its tests."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

from schemas.catalogue import Catalogue
from schemas.timebase import day_start
from tests.board.fakes import FakeStore, OpenContact

NOW = datetime(2026, 11, 24, 12, 41, 7, tzinfo=UTC)
"""A Tuesday, 13.41 in Sweden."""
_TOPICS = (("skola-forskola", "barn-utbildning"), ("va-avfall", "bygga-bo-miljo"), ("omsorg", "omsorg-stod"))
_UNITS = ("utbildning", "omsorg", "samhallsbyggnad", "energi", "kansli")
_HOURS = (11, 15, 17, 14, 9, 12, 13, 9)


def furnished(catalogue: Catalogue, now: datetime = NOW, weeks: int = 12, seed: int = 1) -> FakeStore:
    """Return a store with ``weeks`` of ordinary days and today so far; mails fall due the day after."""
    rng = random.Random(seed)
    store = FakeStore()
    today = now.date()
    for back in range(weeks * 7, -1, -1):
        day = today - timedelta(days=back)
        if catalogue.opening(day):
            _fill_day(store, rng, day, now)
    store.open = [
        OpenContact("telephone", now - timedelta(seconds=73)),
        OpenContact("telephone", now - timedelta(seconds=12)),
        OpenContact("visit", now - timedelta(minutes=4)),
        OpenContact("telephone", now - timedelta(hours=3)),
    ]
    minute = timedelta(minutes=1)
    store.sources = [
        ("desk", now - minute, now - 22 * minute, now - minute),
        ("kommun", now - minute, now - 8 * minute, now - minute),
        ("pbx1", now - minute, now - minute, now - minute),
    ]
    store.letters = [("pbx1", "unreadable", now - 50 * minute)]
    return store


def _fill_day(store: FakeStore, rng: random.Random, day: date, now: datetime) -> None:
    for hour, weight in enumerate(_HOURS, start=8):
        for _ in range(round(weight * 1.4 + rng.gauss(0, 2))):
            at = day_start(day) + timedelta(hours=hour, seconds=rng.randrange(3600))
            if at < now:
                _add_contact(store, rng, at)


def _add_contact(store: FakeStore, rng: random.Random, at: datetime) -> None:
    channel = rng.choices(("telephone", "email", "visit"), (81, 12, 7))[0]
    base: dict[str, Any] = {"offered": 1, "contacts": 1}
    if rng.random() < 0.08:
        store.add(at, channel, excluded_internal=1)
    elif channel == "telephone" and rng.random() < 0.06:
        store.add(at, channel, abandoned=1, calls_abandoned=1, **base)
    elif channel == "telephone":
        wait = round(rng.expovariate(1 / 32))
        call: dict[str, Any] = {
            "answered": 1,
            "taken": 1,
            "calls_answered": 1,
            "answered_in_target": int(wait <= 60),
        }
        handled: dict[str, Any] = {"wait_ms": wait * 1000, "handle_ms": 190_000}
        store.add(at, channel, waited_s=[wait], **call, **handled, **base)
        _add_errand(store, rng, at, channel)
    elif channel == "visit":
        wait = round(rng.expovariate(1 / 180))
        visit: dict[str, Any] = {"answered": 1, "taken": 1, "visits_called": 1, "visit_wait_ms": wait * 1000}
        store.add(at, channel, **visit, **base)
        _add_errand(store, rng, at, channel)
    else:
        store.add(at, channel, answered=1, taken=1, **base)
        due = at + timedelta(days=1)
        store.add(due, channel, mail_due=1, mail_in_time=int(rng.random() < 0.86))
        store.add(due, channel, mail_due_24h=1, mail_in_24h=int(rng.random() < 0.8))
        _add_errand(store, rng, at, channel)


def _add_errand(store: FakeStore, rng: random.Random, at: datetime, channel: str) -> None:
    topic, area = rng.choice(_TOPICS)
    solved = rng.random() < 0.68
    first = solved and rng.random() < 0.93
    again = first and rng.random() < 0.06
    store.add(
        at,
        channel,
        area,
        topic,
        errands=1,
        resolved_in_centre=int(solved),
        fcr_provisional=int(first),
        fcr_final_7d=int(first and not again),
        traceable=int(rng.random() < 0.88),
        outcome_registered=int(rng.random() < 0.6),
        handover_base=1,
        handed_over=int(not solved),
        within_mandate=int(rng.random() < 0.7),
        under_reach=int(not solved and rng.random() < 0.2),
    )
    if not solved:
        unit = rng.choices(_UNITS, (30, 22, 25, 8, 15))[0]
        kind: dict[str, Any] = {rng.choice(("handovers_blind", "handovers_consulted", "handovers_ticket")): 1}
        store.add(at, channel, area, topic, unit, handovers=1, **kind)
