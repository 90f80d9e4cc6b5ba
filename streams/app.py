"""The Faust application: agents for both stages and the dead letters, around the worker."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import faust
import structlog

from schemas.clock import Clock
from schemas.deadletter import Seal, drop
from schemas.errors import RetriableError
from schemas.identity import partition_for
from schemas.legs import LegMessage, leg_message_adapter
from schemas.topics import DEAD_LETTERS, LEGS, TopicPlan
from streams.core.rules import Rules
from streams.health import HealthReporter
from streams.ports import Store
from streams.surges import SurgeWatch
from streams.transport import BatchApp, BatchConsumer, Passed
from streams.vitals import WorkerState
from streams.worker import Records, Worker

log = structlog.get_logger(__name__)

Take = Callable[[Sequence[Records]], Awaitable[Sequence[Records]]]


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How the worker talks to Kafka. Times in seconds.

    The session time-out bounds how long a killed worker's partitions stand still.
    """

    bootstrap_servers: str
    group: str = "kommuncenter"
    session_timeout: float = 6.0
    heartbeat: float = 1.0
    rebalance_timeout: float = 6.0
    commit_interval: float = 0.5
    batch_within: float = 0.05
    surge_interval: float = 20.0
    """How often one of the workers looks for surges; a quarter of an hour is told soon after its end."""
    horizon_interval: float = 10.0
    """How often the worker looks whether days have frozen, or are to be rebuilt."""
    health_interval: float = 5.0
    """How often the worker reports how it does."""
    max_poll_records: int = 4000
    data_dir: Path = Path("var/faust")
    """Where Faust keeps its own files; none of ours are there."""
    web_port: int | None = None


def build_app(
    settings: StreamSettings,
    plan: TopicPlan,
    store: Store,
    rules: Rules,
    clock: Clock,
    *,
    seal: Seal = drop,
    surges: SurgeWatch | None = None,
    health: HealthReporter | None = None,
) -> faust.App:
    """Return the application; nothing is connected before it is started. The topics must exist by then.

    ``seal`` encrypts the messages that can't be used, or drops them. ``surges`` is asked to look every now
    and then, by the one worker that owns the first partition. ``health`` reports how the worker does.
    """
    app = BatchApp(
        settings.group,
        broker=[f"kafka://{server}" for server in settings.bootstrap_servers.split(",")],
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.heartbeat,
        broker_rebalance_timeout=settings.rebalance_timeout,
        broker_request_timeout=max(20.0, settings.session_timeout + 5),
        broker_commit_interval=settings.commit_interval,
        broker_max_poll_records=settings.max_poll_records,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=4 * 1024 * 1024,
        producer_acks=-1,
        producer_compression_type=None,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=plan.partitions,
        stream_wait_empty=False,
        store="memory://",
        datadir=settings.data_dir,
        web_enabled=settings.web_port is not None,
        web_bind="127.0.0.1",
        web_port=settings.web_port or 6066,
        worker_redirect_stdouts=False,
    )
    passed = Passed()

    def topic(*names: str) -> Any:
        return app.topic(*names, key_type=None, key_serializer=passed, value_serializer=passed)

    async def send(messages: Sequence[LegMessage]) -> None:
        await _send(app, plan.partitions, messages)

    async def fence(partitions: Collection[int]) -> bool:
        return bool(await _consumer(app).fence(partitions))

    worker = Worker(store=store, send=send, fence=fence, rules=rules, clock=clock, seal=seal)
    _agent(app, topic(*plan.event_topics), "events", worker.take_events, settings)
    _agent(app, topic(LEGS), "legs", worker.take_legs, settings)
    _agent(app, topic(DEAD_LETTERS), "letters", worker.take_letters, settings)
    _follow_assignment(app, worker)
    _follow_horizon(app, worker, settings.horizon_interval)
    if surges is not None:
        _look_for_surges(app, worker, surges, settings.surge_interval)
    if health is not None:
        _report_health(app, worker, health, settings.health_interval)
    return app


def _consumer(app: faust.App) -> BatchConsumer:
    return cast(BatchConsumer, app.consumer)


def _agent(app: faust.App, topic: Any, name: str, take: Take, settings: StreamSettings) -> None:
    """Define an agent that hands batches on; no exception leaves it but the process ends."""

    async def work(stream: Any) -> None:
        async for batch in stream.take(64, within=settings.batch_within):
            try:
                done = await take(batch)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.exception("batch_failed", agent=name)
                await app.crash(error)
                return
            for records in done:
                _consumer(app).mark_done(records)

    app.agent(topic, name=name)(work)


def _follow_assignment(app: faust.App, worker: Worker) -> None:
    """Let the worker take over what is assigned, and end the process where a takeover fails."""
    watchers: set[asyncio.Task[None]] = set()

    async def assigned(_app: Any, assigned: Any, *_: Any, **__: Any) -> None:
        worker.assign({tp.partition for tp in assigned})
        task = asyncio.create_task(_or_end(app, worker.ready()))
        watchers.add(task)
        task.add_done_callback(watchers.discard)

    async def revoked(_app: Any, *_: Any, **__: Any) -> None:
        worker.revoke()

    app.on_partitions_assigned.connect(cast(Any, assigned))
    app.on_partitions_revoked.connect(cast(Any, revoked))


def _follow_horizon(app: faust.App, worker: Worker, interval: float) -> None:
    """Let the worker freeze days, and open those that are to be rebuilt."""

    async def renew() -> None:
        if await worker.renew():
            await worker.ready()

    async def follow() -> None:
        await _or_end(app, renew())

    app.timer(interval=interval)(follow)


async def _or_end(app: faust.App, takeover: Awaitable[None]) -> None:
    """Wait for a takeover, and end the process where it fails."""
    try:
        await takeover
    except asyncio.CancelledError:
        raise
    except Exception as error:
        log.exception("takeover_failed")
        await app.crash(error)


def _look_for_surges(app: faust.App, worker: Worker, surges: SurgeWatch, interval: float) -> None:
    """Let one worker of all look for surges; where the store is away, the next time is soon enough."""

    async def look() -> None:
        if worker.owns(0):
            try:
                await asyncio.to_thread(surges.look)
            except RetriableError as error:
                log.warning("surges_not_looked_for", reason=str(error))

    app.timer(interval=interval)(look)


def _report_health(app: faust.App, worker: Worker, health: HealthReporter, interval: float) -> None:
    """Let the worker report how it does, in a thread: batches don't wait for it. At the end it says so."""

    async def report() -> None:
        consumer = _consumer(app)
        # Records are stamped with the broker's time, whatever clock the installation goes by.
        oldest, topics = consumer.progress.oldest(time.time()), consumer.progress_on_topics()
        await asyncio.to_thread(health.send, worker.state, worker.partitions, worker.vitals, topics, oldest)

    async def stopped(_app: Any, *_: Any, **__: Any) -> None:
        if health.stored_last:  # else the store is away, and the end would wait for it
            await asyncio.to_thread(health.send, WorkerState.STOPPED, (), worker.vitals, (), 0.0)

    app.timer(interval=interval)(report)
    app.on_before_shutdown.connect(cast(Any, stopped))


async def _send(app: faust.App, partitions: int, messages: Sequence[LegMessage]) -> None:
    """Send to stage 2 and wait until the broker has acknowledged every message."""
    try:
        sent = [
            await app.producer.send(
                LEGS,
                message.key.encode(),
                leg_message_adapter.dump_json(message),
                partition_for(message.key, partitions),
                None,
                None,
            )
            for message in messages
        ]
        await asyncio.gather(*sent)
    except faust.exceptions.ProducerSendError as error:
        raise RetriableError("Kafka took no message for stage 2; is the broker up?") from error


def run_worker(app: faust.App) -> None:
    """Run the application until SIGINT or SIGTERM; exits non-zero where it failed."""
    # The state is many small objects that live on: with Python's usual thresholds the cycle collector goes
    # through all of them again and again, and validating a batch takes five times as long.
    gc.set_threshold(100_000, 50, 100)
    worker = faust.Worker(app, loglevel="WARN", quiet=True, redirect_stdouts=False)
    worker.execute_from_commandline()
