"""The batch transport, against the pinned Faust: what it overrides is still what Faust calls."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, cast

import faust
from aiokafka import AIOKafkaConsumer
from faust.transport.consumer import Consumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP
from mode import Service

from streams.transport import BatchApp, BatchConsumer, _fetched
from streams.worker import Records

EVENTS = TP("kc.events.pbx1", 2)


@dataclass(frozen=True)
class Record:
    """What aiokafka hands over, as far as it is looked at."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    key: bytes | None = None
    timestamp: int | None = None
    timestamp_type: int | None = None
    headers: tuple[()] = ()
    checksum: int | None = None
    serialized_key_size: int = 0
    serialized_value_size: int = 0


class NoThread(Service):
    """Stands where the thread with the connection would."""


class Unconnected(BatchConsumer):
    """The consumer without its connection."""

    def _new_consumer_thread(self) -> Any:
        return NoThread()


async def _never(*_: Any) -> None:
    raise AssertionError("nothing is consumed here")


def with_consumer(scene: Callable[[BatchConsumer], Awaitable[None]]) -> None:
    """Play a scene with a consumer that is connected to nothing."""

    async def play() -> None:
        app = BatchApp("test", broker="kafka://127.0.0.1:1", store="memory://")
        await scene(Unconnected(app.transport, _never, _never, _never))

    asyncio.run(play())


def records(first: int, last: int) -> Records:
    """Return a batch of those offsets."""
    offsets = tuple(range(first, last + 1))
    return Records(EVENTS.topic, EVENTS.partition, first, last, tuple(b"x" for _ in offsets), offsets)


def test_faust_is_the_version_that_this_was_proved_with() -> None:
    assert version("faust-streaming") == "0.15.3"
    assert faust.__version__.startswith("0.15.3")


def test_aiokafka_still_reads_the_wait_of_a_fetch_when_it_starts() -> None:
    assert "fetch_max_wait_ms=self._fetch_max_wait_ms" in inspect.getsource(AIOKafkaConsumer.start)
    assert hasattr(AIOKafkaConsumerThread, "_create_worker_consumer")


def test_what_is_overridden_exists_in_faust_with_the_same_parameters() -> None:
    for name in ("getmany", "ack", "_new_offset", "_add_gap", "_filter_tps_with_pending_acks"):
        ours, theirs = getattr(BatchConsumer, name), getattr(Consumer, name)
        assert ours is not theirs
        assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)


def test_a_poll_becomes_one_message_with_the_last_offset() -> None:
    async def scene(consumer: BatchConsumer) -> None:
        found = [Record("kc.events.pbx1", 2, offset, f"v{offset}".encode()) for offset in (7, 8, 11)]
        message = consumer._batch_message(EVENTS, found)
        assert message.offset == 11
        values = (b"v7", b"v8", b"v11")
        assert cast(Any, message.value) == Records("kc.events.pbx1", 2, 7, 11, values, (7, 8, 11))

    with_consumer(scene)


def test_an_offset_is_done_by_our_mark_only() -> None:
    """CORRECTIONS 10: Faust acknowledges in a finally, also after an exception."""

    async def scene(consumer: BatchConsumer) -> None:
        message = consumer._batch_message(EVENTS, [Record("kc.events.pbx1", 2, 4, b"v")])
        consumer.track_message(message)
        assert consumer.ack(message)
        assert not consumer.ack(message)
        assert message not in consumer.unacked
        assert consumer._filter_committable_offsets([EVENTS]) == {}
        consumer.mark_done(records(0, 4))
        assert consumer._filter_committable_offsets([EVENTS]) == {EVENTS: 5}

    with_consumer(scene)


def test_a_mark_never_goes_back_and_no_gap_is_booked() -> None:
    async def scene(consumer: BatchConsumer) -> None:
        await consumer._add_gap(EVENTS, 0, 100)
        assert consumer._filter_committable_offsets([EVENTS]) == {}
        consumer.mark_done(records(5, 9))
        consumer.mark_done(records(0, 4))
        assert consumer._new_offset(EVENTS) == 10

    with_consumer(scene)


def test_what_was_revoked_is_no_longer_committed() -> None:
    async def scene(consumer: BatchConsumer) -> None:
        async def revoked(_: object) -> None:
            return None

        consumer._on_partitions_revoked = revoked
        consumer.mark_done(records(0, 4))
        await consumer.on_partitions_revoked({EVENTS})
        assert consumer._new_offset(EVENTS) is None
        assert list(consumer._filter_tps_with_pending_acks()) == []

    with_consumer(scene)


def test_before_it_is_connected_it_is_nowhere() -> None:
    async def scene(consumer: BatchConsumer) -> None:
        assert consumer._end_of(EVENTS) is None

    with_consumer(scene)


def test_what_is_fetched_and_marked_is_counted_until_it_is_revoked() -> None:
    async def scene(consumer: BatchConsumer) -> None:
        consumer.progress.fetched(EVENTS, _fetched([Record("kc.events.pbx1", 2, 4, b"v", timestamp=2000)]))
        assert consumer.progress.oldest(5.0) == 3.0
        consumer.mark_done(records(4, 4))
        assert consumer.progress.oldest(5.0) == 0.0
        [told] = consumer.progress.topics([EVENTS], lambda _: 7)
        assert (told.lag, told.records) == (2, 1)

    with_consumer(scene)
