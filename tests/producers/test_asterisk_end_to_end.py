"""The telephone log, a runner and a real broker together: what is in the file arrives, once or more."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer

from kommuncenter.topics import TopicConfig, ensure_topics
from producers.conformance import KEY
from producers.contract import Broadcast, Context, Raw
from producers.journal import Journal
from producers.publisher import kafka_publisher
from producers.runner import Pace, Rejection, SourceRunner, normalise_all
from producers.sources.asterisk.settings import AsteriskSettings
from producers.sources.asterisk.source import SOURCE
from schemas.catalogue import load_catalogue
from schemas.events import event_adapter
from schemas.identity import Pseudonymiser
from schemas.topics import DEAD_LETTERS, event_topic
from tests.producers.fakes import FakeArchive, FakeHealth, FixedClock
from tests.services.brokers import RunningBroker

PARTITIONS = 4
PACE = Pace(health=timedelta(milliseconds=20), confirm=timedelta(milliseconds=50))


def calls(first: int, count: int) -> bytes:
    """Return the lines of some calls; their callers have numbers that are nobody's."""
    lines = []
    for number in range(first, first + count):
        at, callid = 1795510800 + number, f"{1795510799 + number}.{number}"
        lines += [
            f"{at}|{callid}|kommuncenter|NONE|ENTERQUEUE||07017406{5 + number % 95:02}|1",
            f"{at + 5}|{callid}|kommuncenter|Agent 1|CONNECT|5|{callid}1|2",
            f"{at + 65}|{callid}|kommuncenter|Agent 1|COMPLETECALLER|5|60|1",
        ]
    return "".join(line + "\n" for line in lines).encode()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what it waits for happens in threads
        await asyncio.sleep(0.01)


def arrived(servers: str, topic: str, count: int) -> set[str]:
    consumer: Any = KafkaConsumer(  # type: ignore[no-untyped-call]
        topic,
        bootstrap_servers=servers,
        auto_offset_reset="earliest",
        consumer_timeout_ms=20_000,
        group_id=None,
    )
    ids: set[str] = set()
    try:
        for record in consumer:
            ids.add(event_adapter.validate_json(record.value).id)
            if len(ids) == count:
                break
    finally:
        consumer.close()
    return ids


@pytest.mark.integration
def test_a_log_that_grows_and_is_rotated_arrives_as_a_whole(broker: RunningBroker, tmp_path: Path) -> None:
    instance = "t" + uuid.uuid4().hex[:8]
    topics = {event_topic(instance): TopicConfig(timestamps="append"), DEAD_LETTERS: TopicConfig()}
    ensure_topics(broker.bootstrap_servers, topics, PARTITIONS)
    log = tmp_path / "queue_log"
    log.write_bytes(calls(0, 500))
    settings = AsteriskSettings(path=log)
    context = Context(instance, Pseudonymiser(KEY), load_catalogue(), PARTITIONS)
    archive, health = FakeArchive(), FakeHealth()
    journal = tmp_path / "journal"

    def runner() -> SourceRunner:
        return SourceRunner(
            source=SOURCE,
            settings=settings,
            context=context,
            publisher=kafka_publisher(broker.bootstrap_servers, partitions=PARTITIONS),
            journal=Journal(journal, instance),
            archive=archive,
            health=health,
            clock=FixedClock(),
            pace=PACE,
        )

    async def live_through_it() -> None:
        first = runner()
        task = asyncio.create_task(first.run())
        await until(lambda: first.report().published == 1500)
        with log.open("ab") as file:
            file.write(calls(500, 100))
        await until(lambda: first.report().published == 1800)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with log.open("ab") as file:
            file.write(calls(600, 50))
        log.rename(tmp_path / "queue_log.1")
        log.write_bytes(calls(650, 50))
        archive.ids = await asyncio.to_thread(arrived, broker.bootstrap_servers, event_topic(instance), 1800)
        second = runner()
        task = asyncio.create_task(second.run())
        await until(lambda: second.report().published == 300)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(live_through_it(), 90))
    records = [Raw(line, "a line") for line in calls(0, 700).splitlines()]
    wanted = {
        result.event.id if isinstance(result, Broadcast) else result.id
        for result in normalise_all(SOURCE, settings, context, records)
        if not isinstance(result, Rejection)
    }
    assert len(wanted) == 2100
    assert arrived(broker.bootstrap_servers, event_topic(instance), 2100) == wanted
    assert health.reports[-1].rejected == 0
