"""Faust's aiokafka transport, with all records of a partition out of one poll as one message.

Faust spends a fixed time on each message; with batches as messages a worker is ten times faster. Agents,
groups, rebalancing, sensors and flow control stay Faust's. What differs, and is held by tests for the
pinned version of Faust:

* ``getmany`` yields one message per partition and poll: value :class:`~streams.worker.Records`, offset the
  last.
* Faust's own acknowledgement books no offset (it comes in a ``finally``, also after an exception). An offset
  is done by :meth:`BatchConsumer.mark_done` only (CORRECTIONS 10).
* Between two such messages lies no *gap* of lost offsets, so none is booked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar

import faust
import structlog
from faust.exceptions import ConsumerNotStarted
from faust.serializers.codecs import Codec
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP, ConsumerMessage, Message

from streams.progress import Fetched, Progress, TopicProgress
from streams.worker import Records

log = structlog.get_logger(__name__)


class Passed(Codec):
    """Hands a value on as it is: it is decoded by the core, a batch at a time."""

    def _loads(self, s: Any) -> Any:
        return s

    def _dumps(self, s: Any) -> Any:
        return s


FETCH_WAIT_MS = 100
"""How long the broker may hold a fetch for which it has nothing.

Faust asks for 1.5 s. Apache Kafka answers as soon as something comes; the embedded broker looks again only
after half of the time, and a visit would be on the board a second later.
"""


class QuickFetchThread(AIOKafkaConsumerThread):
    """Faust's connection, with a shorter wait in its fetches."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # aiokafka reads it when the consumer starts
        return consumer


class BatchConsumer(Consumer):
    """Delivers batches, and commits what was marked as done."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._done: dict[TP, int] = {}
        self.progress = Progress()

    def _new_consumer_thread(self) -> QuickFetchThread:
        return QuickFetchThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109
        """Yield one message for each partition that has records."""
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            await self._seek_back()
            return
        wanted = self._buffered_partitions.union(active or ())
        for tp, found in records.items():
            if self._moved_on(generation):
                break
            if found and tp in wanted:
                self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
                self.progress.fetched(tp, _fetched(found))
                yield tp, self._batch_message(tp, found)

    async def _seek_back(self) -> None:
        """Go back to what is committed. A partition may be revoked meanwhile: its next owner seeks anew."""
        try:
            await self.perform_seek()
        except Exception as error:
            log.info("seek_during_rebalance", reason=type(error).__name__)

    def _moved_on(self, generation: int) -> bool:
        """Tell whether a rebalance began while messages were handed on; they are read again after it."""
        return not self.flow_active or self.app.consumer_generation_id != generation

    def _batch_message(self, tp: TP, found: list[Any]) -> ConsumerMessage:
        message = self._to_message(tp, found[-1])
        message.value = Records(  # type: ignore[assignment]  # Passed hands it on as it is
            topic=tp.topic,
            partition=tp.partition,
            first=found[0].offset,
            last=found[-1].offset,
            values=tuple(record.value for record in found),
            offsets=tuple(record.offset for record in found),
        )
        return message

    def mark_done(self, records: Records) -> None:
        """Let the offsets up to the end of ``records`` be committed."""
        tp = TP(records.topic, records.partition)
        self._done[tp] = max(self._done.get(tp, -1), records.last)
        self.progress.done(tp, records.last, len(records.values))

    def progress_on_topics(self) -> list[TopicProgress]:
        """Return how far it is on the topics of its assignment, by what the latest fetches told."""
        try:
            assigned = self.assignment()
        except ConsumerNotStarted:
            return []
        return self.progress.topics(assigned, self._end_of)

    def _end_of(self, place: tuple[str, int]) -> int | None:
        """Return how far a partition reaches; None before the first fetch and between two assignments."""
        try:
            return self.highwater(TP(*place))
        except (AssertionError, AttributeError):  # so aiokafka tells of what is not assigned any more
            return None

    async def fence(self, partitions: Collection[int]) -> bool:
        """Commit again what is committed; False if the broker says that the generation is over."""
        tps = [tp for tp in self.assignment() if tp.partition in partitions]
        if {tp.partition for tp in tps} != set(partitions):
            return False
        committed = await self._committed(tps)
        taken = bool(await self._commit(committed))
        for tp in tps:  # Faust may have committed more in between: let it do so again
            self._committed_offset.pop(tp, None)
        return taken

    async def _committed(self, tps: Iterable[TP]) -> Mapping[TP, int]:
        """Return the committed offsets; where there is none, the earliest."""
        raw = self._thread._ensure_consumer()
        offsets: dict[TP, int | None] = {}
        for tp in tps:
            offsets[tp] = await self._thread.call_thread(raw.committed, tp)
        missing = [tp for tp, offset in offsets.items() if offset is None]
        earliest = await self.earliest_offsets(*missing) if missing else {}
        return {tp: earliest.get(tp, 0) if offset is None else offset for tp, offset in offsets.items()}

    def ack(self, message: Message) -> bool:
        """Take note that Faust is through with a message; this says nothing about its offset."""
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        return True

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget what was done of partitions that are another owner's from now on."""
        for tp in revoked:
            self._done.pop(tp, None)
        self.progress.forget(revoked)
        await super().on_partitions_revoked(revoked)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (tp for tp in list(self._done) if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        done = self._done.get(tp)
        return None if done is None else done + 1

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Book no gap: the offsets between two messages are those of the second one's records."""


def _fetched(found: list[Any]) -> Fetched:
    """Return what a poll gave of a partition; a time stamp is in milliseconds, if there is one."""
    came = found[0].timestamp
    return Fetched(found[0].offset, found[-1].offset, None if came is None else came / 1000)


class BatchTransport(Transport):
    """Faust's transport with the consumer above."""

    Consumer: ClassVar[type[BatchConsumer]] = BatchConsumer


class BatchApp(faust.App):
    """A Faust application that consumes through the batch transport."""

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self, loop=self.loop)
