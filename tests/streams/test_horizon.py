"""A takeover reads back the open horizon only: what reaches over its border must stay as it was."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.events import Event, SystemRestarted
from schemas.identity import stable_hash
from schemas.timebase import day_start, local_day
from tests.histories import START, event, histories, party
from tests.streams.test_worker import World, expect, owner, work

SPAN = 70
"""Days: so that the horizon moves through the history."""
LATENESS = timedelta(days=2)

BORDER = day_start(local_day(START) + timedelta(days=1))
"""A local midnight; the horizon of a worker that starts 32 days later."""
CALL: dict[str, Any] = {"channel": "telephone"}
REF, AGAIN = stable_hash("mail", "first"), stable_hash("mail", "again")


def at(minutes: float) -> Any:
    """Return an instant so many minutes after the border."""
    return BORDER + timedelta(minutes=minutes)


def call(number: int, begin: float, *told: tuple[str, float, dict[str, Any]]) -> list[Event]:
    """Return a call of one party, and what became of it, in minutes after the border."""
    leg = f"pbx1:{number}"
    first = event("contact.queued", leg, at(begin), queue="kommuncenter", party=party(1), **CALL)
    return [first, *(event(f"contact.{kind}", leg, at(when), **CALL, **said) for kind, when, said in told)]


def mail(ref: str, minutes: float, *references: str) -> Event:
    """Return a message of one thread."""
    said = {"channel": "email", "mailbox": "kommun", "message": ref, "references": references}
    return event("contact.received", f"kommun:{ref}", at(minutes), "mail", party=party(1), **said)


DROPPED = [
    *call(1, -1.5, ("answered", -1.4, {}), ("ended", -1, {"talk_ms": 20_000})),
    *call(2, 1, ("answered", 1.2, {}), ("ended", 5, {"talk_ms": 228_000})),
]
REDIALLED = [*call(1, -9, ("abandoned", -5, {})), *call(2, 9, ("abandoned", 12, {}))]
WRITTEN_AGAIN = [mail(REF, -600), mail(AGAIN, 600, REF)]
FALLS_DUE = [mail(REF, -600)]


@pytest.mark.parametrize(
    "events",
    [DROPPED, REDIALLED, WRITTEN_AGAIN, FALLS_DUE],
    ids=["a dropped call", "a redial", "a mail thread", "a mail that falls due"],
)
def test_a_takeover_leaves_what_reaches_over_the_horizon(events: Sequence[Event]) -> None:
    """CORRECTIONS 9, 14: the same facts and rows as without a takeover."""
    later = event(
        "contact.queued", "pbx1:9", BORDER + timedelta(days=32, hours=3), queue="kommuncenter", **CALL
    )
    world = World()
    world.publish([*events, later])
    asyncio.run(work(world, 9))
    expect(world, [*events, later])
    asyncio.run(owner(world))
    assert world.store.claims[-1].horizon == BORDER
    expect(world, [*events, later])


@st.composite
def moving(draw: st.DrawFn) -> tuple[list[Event], list[datetime]]:
    """A history, and instants at which the horizon comes to lie just after one of its events.

    A call at each of these instants moves the watermark there. No restart: one that ends a call of weeks
    ago, of which nothing more was said, changes a frozen day, and awaits a rebuild.
    """
    history = draw(histories(largest=10, span=SPAN * 86400))
    events = [e for e in history if not isinstance(e, SystemRestarted)]
    near = st.tuples(st.sampled_from(events), st.integers(1, 40))
    moves = sorted(e.time + timedelta(days=32, hours=h) for e, h in draw(st.lists(near, max_size=4)))
    calls = [
        event("contact.queued", f"pbx1:{900 + n}", at, queue="kommuncenter", **CALL)
        for n, at in enumerate(moves)
    ]
    return [*events, *calls], [at + LATENESS for at in moves]


@given(moving(), st.integers(1, 40), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_days_freeze_and_owners_change_without_changing_a_figure(
    case: tuple[list[Event], list[datetime]], largest: int, rng: random.Random
) -> None:
    """CORRECTIONS 11: within lateness every order gives the same, whenever the horizon moves on."""
    events, moves = case
    arrivals = sorted((e.time + rng.random() * LATENESS, n) for n, e in enumerate(events))
    world = World()
    published = 0
    for move in [*moves, arrivals[-1][0], arrivals[-1][0]]:
        due = [events[n] for at, n in arrivals[published:] if at <= move]
        published += len(due)
        world.publish(due)
        asyncio.run(work(world, largest))  # a new owner each time
    assert not any(late for _, _, _, late in world.store.events.values())
    expect(world, events)
