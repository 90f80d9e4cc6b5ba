"""Reads somebody else's Kafka topic, keeping the place itself: no consumer group is made there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import structlog

from producers.contract import Batch, Lag, LagUnit, Place, Raw
from producers.mapped.settings import KafkaSettings
from schemas.errors import ConfigurationError, RetriableError

BATCH_RECORDS = 2000
_POLL_MS = 500
_PATIENCE_MS = 5000
_HEARTBEAT_POLLS = 10
_log = structlog.get_logger(__name__)

Offsets = dict[int, int]
"""By partition: the offset of the next message."""


class TopicReader:
    """Reads all partitions of a topic from their beginning, or from the noted offsets.

    A message without a value is passed over. What the broker had deleted before it was read is told to
    ``on_gap``. Partitions that are added later are found when the source is started again.
    """

    def __init__(self, settings: KafkaSettings, on_gap: Callable[[str], None] | None = None) -> None:
        """Take where the topic is; nothing is opened."""
        self._settings = settings
        self._behind: int | None = None
        self._on_gap = on_gap or (lambda what: _log.error("input_may_be_lost", what=what))

    async def batches(self, start: Place | None) -> AsyncIterator[Batch]:
        """Yield batches from ``start`` on. Raises RetriableError while the topic can't be read."""
        offsets = _parse(start) if start is not None else {}
        consumer = await asyncio.to_thread(self._open, offsets)
        quiet = 0
        try:
            while True:
                before = dict(offsets)
                records = await asyncio.to_thread(self._poll, consumer, offsets)
                quiet = 0 if offsets != before else quiet + 1
                if offsets != before or quiet % _HEARTBEAT_POLLS == 0:
                    yield Batch(_text(before), _text(offsets), tuple(records))
        finally:
            consumer.close(autocommit=False)

    def lag(self) -> Lag | None:
        """Return how many messages the broker said that there are, and are not read."""
        return None if self._behind is None else Lag(self._behind, LagUnit.MESSAGES)

    def _open(self, offsets: Offsets) -> Any:
        """Return a consumer that stands at ``offsets``, which get what the topic has besides."""
        from kafka import KafkaConsumer
        from kafka.errors import KafkaError

        topic = self._settings.topic
        consumer: Any = None
        try:
            consumer = KafkaConsumer(**self._options())  # type: ignore[no-untyped-call]
            self._stand(consumer, offsets)
        except (KafkaError, OSError, RetriableError) as error:
            if consumer is not None:
                consumer.close(autocommit=False)
            if isinstance(error, RetriableError):
                raise
            raise RetriableError(f"topic {topic!r}: can't be read ({type(error).__name__})") from error
        return consumer

    def _stand(self, consumer: Any, offsets: Offsets) -> None:
        """Put a consumer to ``offsets``. Raises RetriableError for a topic that is not there."""
        from kafka import TopicPartition

        topic = self._settings.topic
        partitions = consumer.partitions_for_topic(topic)
        if not partitions:
            raise RetriableError(f"topic {topic!r}: is not there, or can't be seen by this user")
        assigned = [TopicPartition(topic, number) for number in sorted(partitions)]
        consumer.assign(assigned)
        first = consumer.beginning_offsets(assigned)
        for where in assigned:
            wanted = offsets.get(where.partition)
            if wanted is not None and wanted < first[where]:
                self._on_gap(f"{topic}/{where.partition}: {first[where] - wanted} messages were deleted")
            offsets[where.partition] = max(first[where], wanted or 0)
            consumer.seek(where, offsets[where.partition])

    def _poll(self, consumer: Any, offsets: Offsets) -> list[Raw]:
        """Return what there is, and move ``offsets`` behind it."""
        from kafka.errors import KafkaError

        try:
            polled = consumer.poll(timeout_ms=_POLL_MS, max_records=BATCH_RECORDS)
        except (KafkaError, OSError) as error:
            raise RetriableError(
                f"topic {self._settings.topic!r}: can't be read ({type(error).__name__})"
            ) from error
        records = []
        for where, messages in sorted(polled.items()):
            for message in messages:
                offsets[where.partition] = message.offset + 1
                if message.value is not None:
                    place = f"{where.topic}/{where.partition} offset {message.offset}"
                    records.append(Raw(message.value, place, sequence=message.offset))
        marks = {where: consumer.highwater(where) for where in consumer.assignment()}
        self._behind = sum(max(0, (mark or 0) - offsets[where.partition]) for where, mark in marks.items())
        return records

    def _options(self) -> Mapping[str, object]:
        given = self._settings
        password = given.sasl_password.get_secret_value() if given.sasl_password else None
        options = {
            "bootstrap_servers": given.bootstrap_servers,
            "security_protocol": given.security_protocol,
            "ssl_cafile": str(given.ssl_cafile) if given.ssl_cafile else None,
            "sasl_mechanism": given.sasl_mechanism,
            "sasl_plain_username": given.sasl_username,
            "sasl_plain_password": password,
            "enable_auto_commit": False,
            "group_id": None,
            "auto_offset_reset": "earliest",
            "allow_auto_create_topics": False,
            "bootstrap_timeout_ms": _PATIENCE_MS,
            "reconnect_backoff_max_ms": _PATIENCE_MS,
        }
        return {name: value for name, value in options.items() if value is not None or name == "group_id"}


def _text(offsets: Offsets) -> Place:
    return json.dumps({str(partition): offset for partition, offset in sorted(offsets.items())})


def _parse(text: Place) -> Offsets:
    try:
        return {int(partition): int(offset) for partition, offset in json.loads(text).items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise ConfigurationError(
            "the noted place is none of a topic; was the instance's input changed? Give the source another "
            "instance name, or remove the journal"
        ) from error
