"""What a worker reports of itself: how far it is, what it waits for; a lost report loses no counts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import RetriableError
from streams.health import HealthReporter, WorkerHealth
from streams.progress import Fetched, Progress, TopicProgress
from streams.vitals import Vitals, WorkerState
from tests.streams.test_worker import CASE, World, finish, owner

START = datetime(2026, 11, 16, 7, tzinfo=UTC)
EVENTS = ("kc.events.pbx1", 2)


@dataclass
class SteppedClock:
    """Goes on by a second with each look."""

    at: datetime = START

    def now(self) -> datetime:
        """Return the next second."""
        self.at += timedelta(seconds=1)
        return self.at


@dataclass
class Reports:
    """Keeps reports, or refuses them."""

    away: bool = False
    kept: list[WorkerHealth] = field(default_factory=list)

    def report(self, health: WorkerHealth) -> None:
        """Keep a report."""
        if self.away:
            raise RetriableError("the store is away")
        self.kept.append(health)


@given(st.lists(st.integers(1, 5), max_size=8), st.integers(0, 8), st.integers(0, 7))
def test_lag_is_what_stands_beyond_the_last_done(sizes: list[int], batches_done: int, more: int) -> None:
    """Against the plain list of offsets: those that stand on the topic and are in no batch that is done."""
    progress, begin, ends = Progress(), 10, []
    for size in sizes:
        progress.fetched(EVENTS, Fetched(begin, begin + size - 1, came_at=float(begin)))
        begin += size
        ends.append(begin - 1)
    done = ends[:batches_done]
    for last, size in zip(done, sizes, strict=False):
        progress.done(EVENTS, last, size)
    waiting = [offset for offset in range(10, begin + more) if not done or offset > done[-1]]
    [told] = progress.topics([EVENTS], lambda _: begin + more)
    assert told == TopicProgress(EVENTS[0], 1, len(waiting) if sizes else 0, sum(sizes[: len(done)]))
    fetched = [offset for offset in waiting if offset < begin]
    assert progress.oldest(1000.0) == (1000.0 - fetched[0] if fetched else 0.0)


def test_a_broker_that_tells_too_little_hides_no_lag_and_one_that_tells_nothing_gives_none() -> None:
    progress = Progress()
    assert progress.topics([EVENTS], lambda _: None) == [TopicProgress(EVENTS[0], 1, None, 0)]
    progress.fetched(EVENTS, Fetched(0, 9, None))
    assert progress.topics([EVENTS], lambda _: 4)[0].lag == 10
    progress.done(EVENTS, 9, 10)
    assert progress.topics([EVENTS], lambda _: 4)[0].lag == 0
    progress.fetched(EVENTS, Fetched(10, 11, 50.0))
    progress.forget([EVENTS])
    assert progress.oldest(60.0) == 0.0
    assert progress.topics([], lambda _: 12) == []


def test_counts_of_a_report_that_was_lost_come_with_the_next_one() -> None:
    ticks = iter(range(0, 100, 5))
    reports = Reports()
    reporter = HealthReporter("host:1", reports, SteppedClock(), monotonic=lambda: float(next(ticks)))
    vitals = Vitals(SteppedClock())

    def send(records: int) -> None:
        vitals.batches, vitals.seconds = records, records / 10
        vitals.longest = max(vitals.longest, records / 100)
        topics = [TopicProgress(EVENTS[0], 3, 0, records)]
        reporter.send(WorkerState.RUNNING, [2, 0], vitals, topics, 1.5)

    send(10)
    reports.away = True
    send(30)
    assert not reporter.stored_last
    reports.away = False
    send(31)
    first, second = reports.kept
    assert (first.batches, first.span_ms, first.topics[0].records) == (10, 5000, 10)
    assert (second.batches, second.span_ms, second.topics[0].records) == (21, 10000, 21)
    assert (second.batch_ms, second.longest_batch_ms) == (2100, 310)
    assert (second.partitions, second.oldest_ms, second.state) == ([0, 2], 1500, WorkerState.RUNNING)
    assert first.started_at == second.started_at < first.at < second.at


def test_a_worker_waits_from_the_first_failure_until_it_succeeds_and_says_why() -> None:
    vitals = Vitals(SteppedClock())
    seen: list[datetime | None] = []

    async def away() -> str:
        seen.append(vitals.waiting_since)
        if len(seen) < 3:
            raise RetriableError("no answer") from ConnectionRefusedError()
        return "through"

    assert asyncio.run(vitals.patiently(away)) == "through"
    first = START + timedelta(seconds=1)
    assert seen == [None, first, first]
    assert vitals.waiting_since is None
    assert vitals.error == "ConnectionRefusedError"
    vitals.reported()
    assert vitals.error == ""


def test_work_that_is_given_up_is_waited_for_no_longer() -> None:
    async def scene() -> None:
        vitals = Vitals(SteppedClock())
        failed = asyncio.Event()

        async def away() -> None:
            failed.set()
            raise RetriableError("no answer")

        task = asyncio.create_task(vitals.patiently(away))
        await failed.wait()
        assert vitals.waiting_since is not None
        task.cancel()
        await asyncio.wait([task])
        assert vitals.waiting_since is None

    asyncio.run(scene())


def test_a_worker_says_what_it_does_and_counts_its_batches() -> None:
    async def scene() -> None:
        world = World()
        worker = world.worker()
        assert (worker.state, worker.partitions) == (WorkerState.STARTING, [])
        worker.assign([0, 1])
        assert worker.state is WorkerState.TAKING_OVER
        await worker.ready()
        assert (worker.state, worker.partitions) == (WorkerState.RUNNING, [0, 1])
        worker.assign([])
        assert (worker.state, worker.partitions) == (WorkerState.RUNNING, [])
        world.publish(CASE)
        busy = await owner(world)
        await finish(world, busy, 100)
        assert busy.vitals.batches == 2  # all events, and all legs

    asyncio.run(scene())
