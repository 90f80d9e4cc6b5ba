"""The worker: whatever step it dies at, and whoever else still writes, the figures come out the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.clock import Clock
from schemas.errors import RetriableError
from schemas.events import Event, SystemRestarted, event_adapter, to_json
from schemas.identity import partition_for
from schemas.legs import LegMessage, leg_message_adapter
from streams.core.stage1 import payload_version
from streams.ports import Store
from streams.worker import Records, Worker
from tests.histories import START, event, histories, party
from tests.streams.memory import Faults, Killed, MemoryStore, MemoryTopic
from tests.streams.test_laws import PARTITIONS, RULES, run


class FixedClock:
    """Always the same instant."""

    def now(self) -> datetime:
        """Return it."""
        return START + timedelta(days=13)


def _bytes(message: LegMessage) -> bytes:
    return leg_message_adapter.dump_json(message)


async def _held(_: Collection[int]) -> bool:
    return True


@dataclass
class World:
    """What outlives a worker: the store and the topics. ``real`` is used in place of the one in memory."""

    store: MemoryStore = field(default_factory=MemoryStore)
    real: Store | None = None
    clock: Clock = field(default_factory=FixedClock)
    events: MemoryTopic = field(default_factory=lambda: MemoryTopic("kc.events.pbx1", PARTITIONS))
    legs: MemoryTopic = field(default_factory=lambda: MemoryTopic("kc.legs", PARTITIONS))

    def worker(self) -> Worker:
        """Return a worker that owns nothing yet."""

        async def send(messages: Sequence[LegMessage]) -> None:
            for message in messages:
                self.store.faults.around(partial(self.legs.append, message.key, _bytes(message)))

        store = self.real or self.store
        return Worker(store=store, send=send, fence=_held, rules=RULES, clock=self.clock)

    def publish(self, events: Sequence[Event]) -> None:
        """Put events on the topic, a restart in every partition."""
        for item in events:
            if isinstance(item, SystemRestarted):
                for partition in range(PARTITIONS):
                    self.events.append_to(partition, to_json(item))
            else:
                self.events.append(item.subject, to_json(item))


async def owner(world: World, partitions: Collection[int] = range(PARTITIONS)) -> Worker:
    """Return a worker that has taken partitions over."""
    worker = world.worker()
    worker.assign(partitions)
    await worker.ready()
    return worker


async def work(world: World, largest: int) -> None:
    """Let a new worker take over and work until nothing is left."""
    await finish(world, await owner(world), largest)


async def finish(world: World, worker: Worker, largest: int) -> None:
    """Let a worker work until nothing is left."""
    while True:
        events, legs = world.events.poll(largest), world.legs.poll(largest)
        if not events and not legs:
            return
        if events:
            world.events.mark(await worker.take_events(events))
        if legs:
            world.legs.mark(await worker.take_legs(legs))


def expect(world: World, events: Sequence[Event]) -> None:
    """The store shows just what the pure functions make of the events."""
    pure = run([events])
    assert world.store.visible_facts() == pure.facts()
    assert world.store.visible_rows() == pure.rows()


def steps(events: Sequence[Event], largest: int) -> int:
    """Return how many steps a run without a fault has."""
    world = World()
    world.publish(events)
    asyncio.run(work(world, largest))
    expect(world, events)
    return world.store.faults.seen


def die_and_go_on(events: Sequence[Event], faults: Faults, sizes: tuple[int, int], forget: bool) -> World:
    """Die at a step; let another worker, with other batch borders, finish the work."""
    world = World(store=MemoryStore(faults=faults))
    world.publish(events)
    with pytest.raises(Killed):
        asyncio.run(work(world, sizes[0]))
    world.store.faults = Faults()
    if forget:  # the embedded broker keeps nothing; sources read again from what is not in the archive
        world.events = MemoryTopic(world.events.name, PARTITIONS)
        world.legs = MemoryTopic(world.legs.name, PARTITIONS)
        archived = {event_id for _, _, event_id in world.store.events}
        world.publish([e for e in events if e.id not in archived or isinstance(e, SystemRestarted)])
    asyncio.run(work(world, sizes[1]))
    return world


PARTY = party(1)["current"]
CASE = [
    event("contact.queued", "pbx1:1", START, channel="telephone", queue="kommuncenter", party=party(1)),
    event("contact.answered", "pbx1:1", START + timedelta(seconds=9), channel="telephone"),
    event("contact.ended", "pbx1:1", START + timedelta(seconds=99), channel="telephone"),
    event(
        "errand.registered",
        "pbx1:1",
        START + timedelta(seconds=120),
        "desk",
        channel="telephone",
        errand="e1",
        topic="va-avfall",
        outcome="resolved",
    ),
    event(
        "contact.queued",
        "pbx1:2",
        START + timedelta(days=2),
        channel="telephone",
        queue="kommuncenter",
        party=party(1, rotated=True),
    ),
    event("contact.answered", "pbx1:2", START + timedelta(days=2, seconds=3), channel="telephone"),
    event("contact.queued", "pbx1:3", START, channel="telephone", queue="kommuncenter"),
    event("contact.abandoned", "pbx1:3", START + timedelta(seconds=30), channel="telephone"),
]


@pytest.mark.parametrize("forget", [False, True], ids=["broker keeps", "broker forgets"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_death_at_every_step_changes_nothing(after: bool, forget: bool) -> None:
    """CORRECTIONS 38: each await between writes, and the retry with other batch borders."""
    for step in range(1, steps(CASE, 2) + 1):
        world = die_and_go_on(CASE, Faults(step, after), (2, 5), forget)
        expect(world, CASE)


@given(
    histories(),
    st.integers(0, 10_000),
    st.booleans(),
    st.booleans(),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_death_anywhere_in_any_history_changes_nothing(
    events: list[Event], step: int, after: bool, forget: bool, sizes: tuple[int, int]
) -> None:
    faults = Faults(1 + step % steps(events, sizes[0]), after)
    expect(die_and_go_on(events, faults, sizes, forget), events)


@given(histories(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_zombie_that_goes_on_writing_changes_nothing(events: list[Event], rng: random.Random) -> None:
    """CORRECTIONS 2, 38: two live owners of the same partitions; the later one's epoch counts."""

    async def scene() -> World:
        world = World()
        world.publish(events)
        zombie = await owner(world)
        heir: Worker | None = None
        seen_events: list[Records] = []
        seen_legs: list[Records] = []
        for _ in range(60):
            size = rng.randint(1, 6)
            batch, legs = world.events.poll(size), world.legs.poll(size)
            seen_events, seen_legs = batch or seen_events, legs or seen_legs
            if heir is None and rng.random() < 0.3:
                heir = await owner(world)
            if heir is not None and rng.random() < 0.5:  # the zombie does its last batches again
                await zombie.take_events(seen_events)
                await zombie.take_legs(seen_legs)
            active = heir or zombie
            world.events.mark(await active.take_events(batch))
            world.legs.mark(await active.take_legs(legs))
        await finish(world, heir or zombie, 50)
        return world

    expect(asyncio.run(scene()), events)


def test_a_store_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is dropped and nothing marked while ClickHouse is down (DESIGN, rule 5)."""
    import stamina

    world = World()
    world.publish(CASE)
    archive, away = world.store.archive, iter([True, True, False])

    def flaky(events: Sequence[object]) -> None:
        if next(away, False):
            raise RetriableError("ClickHouse is away")
        archive(events)  # type: ignore[arg-type]

    monkeypatch.setattr(world.store, "archive", flaky)
    with stamina.set_testing(True, attempts=10, cap=False):
        asyncio.run(work(world, 3))
    expect(world, CASE)


def test_batches_of_partitions_that_moved_on_are_not_marked() -> None:
    async def scene() -> Sequence[Records]:
        world = World()
        world.publish(CASE)
        worker = await owner(world)
        batch = world.events.poll(9)
        original = world.store.archive

        def revoked_meanwhile(events: Sequence[object]) -> None:
            original(events)  # type: ignore[arg-type]
            loop.call_soon_threadsafe(worker.revoke)

        loop = asyncio.get_running_loop()
        world.store.archive = revoked_meanwhile  # type: ignore[method-assign]
        return await worker.take_events(batch)

    assert asyncio.run(scene()) == []


def test_a_worker_that_is_fenced_off_writes_nothing() -> None:
    """CORRECTIONS 3: without the commit no epoch becomes active."""

    async def scene() -> World:
        world = World()
        world.publish(CASE)
        worker = world.worker()

        async def lost(_: Collection[int]) -> bool:
            return False

        worker.fence = lost
        worker.assign(range(PARTITIONS))
        await worker.ready()
        worker.revoke()
        assert await worker.take_events(world.events.poll(5)) == []
        return world

    world = asyncio.run(scene())
    assert not world.store.active
    assert not world.store.events


def test_a_contact_that_moves_to_a_party_of_its_own_partition_is_not_buried() -> None:
    """A registration comes first, under the leg's own key; then the call says whose it is."""
    legs = [f"pbx1:{number}" for number in range(60)]
    same = [n for n in legs if partition_for(n, PARTITIONS) == partition_for(PARTY, PARTITIONS)]
    assert len(same) > 5
    said = [
        event("errand.registered", leg, START, "desk", channel="telephone", errand="e1", outcome="open")
        for leg in same
    ]
    called = {"channel": "telephone", "queue": "kommuncenter", "party": party(1)}
    calls = [event("contact.queued", leg, START + timedelta(hours=n), **called) for n, leg in enumerate(same)]
    for size in (1, 3, 100):
        world = World()
        world.publish(said)
        asyncio.run(work(world, size))
        world.publish(calls)
        asyncio.run(work(world, size))
        expect(world, [*said, *calls])


def test_what_a_lost_payload_left_with_stage_2_is_retracted_by_the_next_owner() -> None:
    """The winner is archived and the worker dies before it is sent: the loser is gone from the archive."""
    said = event("contact.queued", "pbx1:1", START, channel="telephone", queue="kommuncenter").model_dump()
    both = [
        event_adapter.validate_python({**said, "data": {**said["data"], "party": party(number)}})
        for number in (1, 2)
    ]
    loser, winner = sorted(both, key=lambda item: payload_version(to_json(item)))
    for step in range(1, 30):
        world = World()
        world.publish([loser])
        asyncio.run(work(world, 9))
        world.publish([winner])
        world.store.faults = Faults(step)
        with suppress(Killed):
            asyncio.run(work(world, 9))
        world.store.faults = Faults()
        asyncio.run(work(world, 9))
        expect(world, [loser, winner])


def test_bytes_that_are_no_event_go_to_the_dead_letters_and_the_rest_goes_on() -> None:
    world = World()
    bad = [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"type":"kommuncenter.contact.queued"}',
        b"\xff\xfe",
        to_json(CASE[0]) * 2,
    ]
    for value in bad:
        world.events.append_to(partition_for("pbx1:1", PARTITIONS), value)
    world.publish(CASE)
    asyncio.run(work(world, 4))
    expect(world, CASE)
    assert len(world.store.letters) == len(bad)
    places = sorted(letter.place for letter in world.store.letters.values())
    assert places[0].startswith("kc.events.pbx1 partition ")
    assert all(letter.reason == "unreadable" for letter in world.store.letters.values())


def test_what_comes_about_a_frozen_day_is_archived_as_late_and_counts_nowhere() -> None:
    """CORRECTIONS 9, 11, 12: the horizon is 32 days before the watermark, at local midnight."""
    long_ago = [
        event(
            "contact.queued",
            "pbx1:old",
            START - timedelta(days=60),
            channel="telephone",
            queue="kommuncenter",
        )
    ]
    world = World()
    world.publish(CASE)
    asyncio.run(work(world, 9))
    world.publish(long_ago)
    asyncio.run(work(world, 9))
    expect(world, CASE)
    late = [late for (_, leg, _), (_, _, _, late) in world.store.events.items() if leg == "pbx1:old"]
    assert late == [True]
    answered_later = [event("contact.answered", "pbx1:old", START, channel="telephone")]
    world.publish(answered_later)
    asyncio.run(work(world, 9))
    expect(world, CASE)
