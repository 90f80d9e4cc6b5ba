"""A takeover reads back the open horizon only: what reaches over its border must stay as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from schemas.events import Event
from schemas.identity import stable_hash
from schemas.timebase import day_start, local_day
from tests.histories import START, event, party
from tests.streams.test_worker import World, expect, owner, work

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
