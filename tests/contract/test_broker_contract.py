"""What the project asks of a broker, on the embedded one and on Apache Kafka alike: topics and records."""

from __future__ import annotations

import asyncio
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from aiokafka.errors import NoError
from kafka import TopicPartition

from kommuncenter.topics import TopicConfig, TopicMismatchError, admin_client, ensure_topics, partition_counts
from tests.contract.conftest import PARTITIONS
from tests.contract.kafka_records import (
    ask_for_producer_id,
    kafka_python,
    new_producer_identity,
    producer,
    reader,
    send_batch,
)
from tests.services.brokers import RunningBroker

pytestmark = pytest.mark.integration


def embedded_gap(request: pytest.FixtureRequest, broker: RunningBroker, reason: str) -> None:
    """Mark the test as failing on the embedded broker; the day it passes there, the mark has to go."""
    if broker.kind == "embedded":
        request.applymarker(pytest.mark.xfail(strict=True, reason=reason))


def read_records(bootstrap: str, topic: str, count: int) -> list[Any]:
    """Return `count` records of the topic, each partition in its own order."""
    records: list[Any] = []
    with reader(bootstrap, topic, PARTITIONS) as consumer:
        deadline = time.monotonic() + 20
        while len(records) < count:
            assert time.monotonic() < deadline, f"{len(records)} of {count} records came"
            for batch in consumer.poll(timeout_ms=500).values():
                records.extend(batch)
    return records


class TestTopics:
    def test_all_topics_get_the_same_partition_count(self, broker: RunningBroker) -> None:
        names = [f"contract.{secrets.token_hex(6)}" for _ in range(3)]
        wanted = {name: TopicConfig() for name in names}
        assert ensure_topics(broker.bootstrap_servers, wanted, 5) == tuple(names)
        assert ensure_topics(broker.bootstrap_servers, wanted, 5) == ()
        with admin_client(broker.bootstrap_servers) as admin:
            assert partition_counts(admin, wanted) == dict.fromkeys(names, 5)

    def test_another_partition_count_is_refused_and_nothing_is_created(
        self, broker: RunningBroker, topic: str
    ) -> None:
        new = f"contract.{secrets.token_hex(6)}"
        wanted = {new: TopicConfig(), topic: TopicConfig()}
        with pytest.raises(TopicMismatchError, match=rf"8 partitions, but {topic} has {PARTITIONS}"):
            ensure_topics(broker.bootstrap_servers, wanted, 8)
        with admin_client(broker.bootstrap_servers) as admin:
            assert partition_counts(admin, wanted) == {topic: PARTITIONS}

    def test_workers_that_start_together_all_succeed(self, broker: RunningBroker) -> None:
        wanted = {f"contract.{secrets.token_hex(6)}": TopicConfig() for _ in range(3)}
        with ThreadPoolExecutor(4) as pool:
            futures = [
                pool.submit(ensure_topics, broker.bootstrap_servers, wanted, PARTITIONS) for _ in range(4)
            ]
            created = {name for future in futures for name in future.result(30)}
        assert created == set(wanted)

    def test_a_missing_topic_is_not_made_up(
        self, request: pytest.FixtureRequest, broker: RunningBroker
    ) -> None:
        embedded_gap(request, broker, "creates a missing topic, with a partition count of its own")
        name = f"contract.{secrets.token_hex(6)}"
        with (
            producer(broker.bootstrap_servers, max_block_ms=2000) as sender,
            pytest.raises(kafka_python.errors.KafkaTimeoutError),
        ):
            sender.send(name, value=b"x").get(5)
        with admin_client(broker.bootstrap_servers) as admin:
            assert partition_counts(admin, {name: None}) == {}


class TestRecords:
    def test_each_partition_keeps_the_order_of_sending(self, broker: RunningBroker, topic: str) -> None:
        count = 2000
        keys = [f"contact-{number % 37}".encode() for number in range(count)]
        with producer(broker.bootstrap_servers) as sender:
            sent = [
                sender.send(topic, key=key, value=str(number).encode()) for number, key in enumerate(keys)
            ]
        assert [future.exception for future in sent if not future.succeeded()] == []
        records = read_records(broker.bootstrap_servers, topic, count)

        numbers: dict[int, list[int]] = {}
        for record in records:
            numbers.setdefault(record.partition, []).append(int(record.value))
        assert all(found == sorted(found) for found in numbers.values())
        assert sorted(number for found in numbers.values() for number in found) == list(range(count))
        offsets = {(record.partition, record.offset) for record in records}
        assert offsets == {(part, offset) for part, found in numbers.items() for offset in range(len(found))}

    @pytest.mark.parametrize("compression", [None, "gzip", "lz4"])
    def test_key_value_headers_and_time_come_back(
        self, broker: RunningBroker, topic: str, compression: str | None
    ) -> None:
        headers = [("ce_id", b"a1"), ("ce_type", "kö".encode())]
        value = "ärende ".encode() * 500
        with producer(broker.bootstrap_servers, compression_type=compression) as sender:
            sender.send(topic, key=b"k", value=value, headers=headers, timestamp_ms=1_700_000_000_123).get(10)
        (record,) = read_records(broker.bootstrap_servers, topic, 1)
        assert (record.key, record.value, record.headers) == (b"k", value, headers)
        assert (record.timestamp, record.timestamp_type) == (1_700_000_000_123, 0)

    def test_a_record_close_to_the_default_limit_passes(self, broker: RunningBroker, topic: str) -> None:
        value = secrets.token_bytes(1_000_000)
        with producer(broker.bootstrap_servers) as sender:
            sender.send(topic, value=value).get(20)
        (record,) = read_records(broker.bootstrap_servers, topic, 1)
        assert record.value == value

    def test_a_batch_sent_again_is_stored_once(self, broker: RunningBroker, topic: str) -> None:
        partition, values = TopicPartition(topic, 1), [b"a", b"b", b"c"]
        identity = new_producer_identity(broker.bootstrap_servers, topic)
        answers = asyncio.run(send_batch(broker.bootstrap_servers, identity, partition, values, tries=3))
        assert answers[0] is NoError
        with producer(broker.bootstrap_servers) as other:
            other.send(topic, value=b"last", partition=1).get(10)
        records = read_records(broker.bootstrap_servers, topic, 5)
        stored = [(record.offset, record.value) for record in records if record.partition == 1]
        assert stored == [(0, b"a"), (1, b"b"), (2, b"c"), (3, b"last")]

    def test_a_batch_sent_again_is_acknowledged_again(
        self, request: pytest.FixtureRequest, broker: RunningBroker, topic: str
    ) -> None:
        embedded_gap(request, broker, "answers DuplicateSequenceNumber, which producers take for success")
        identity = new_producer_identity(broker.bootstrap_servers, topic)
        partition = TopicPartition(topic, 1)
        answers = asyncio.run(send_batch(broker.bootstrap_servers, identity, partition, [b"a"], tries=2))
        assert answers == [NoError, NoError]

    def test_the_asynchronous_client_can_be_idempotent(
        self, request: pytest.FixtureRequest, broker: RunningBroker
    ) -> None:
        embedded_gap(request, broker, "does not answer InitProducerId in version 0, the only one of aiokafka")
        assert asyncio.run(ask_for_producer_id(broker.bootstrap_servers)) is NoError

    def test_the_broker_stamps_append_time_where_the_topic_says_so(
        self, request: pytest.FixtureRequest, broker: RunningBroker
    ) -> None:
        embedded_gap(request, broker, "ignores message.timestamp.type: records keep the producer's time")
        name = f"contract.{secrets.token_hex(6)}"
        ensure_topics(broker.bootstrap_servers, {name: TopicConfig(timestamps="append")}, PARTITIONS)
        before = int(time.time() * 1000)
        with producer(broker.bootstrap_servers) as sender:
            sender.send(name, value=b"x", timestamp_ms=1_700_000_000_000).get(10)
        after = int(time.time() * 1000)
        (record,) = read_records(broker.bootstrap_servers, name, 1)
        assert record.timestamp_type == 1
        assert before <= record.timestamp <= after


class TestOffsets:
    def test_the_first_offset(self, broker: RunningBroker, topic: str) -> None:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        with producer(broker.bootstrap_servers) as sender:
            sender.send(topic, value=b"x", partition=0).get(10)
        with reader(broker.bootstrap_servers, topic, PARTITIONS) as consumer:
            assert consumer.beginning_offsets(partitions) == dict.fromkeys(partitions, 0)

    def test_the_end_offset_of_batches(
        self, request: pytest.FixtureRequest, broker: RunningBroker, topic: str
    ) -> None:
        embedded_gap(
            request, broker, "says the first offset of the last batch + 1; a fetch's high watermark is right"
        )
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        with producer(broker.bootstrap_servers) as sender:
            for number in range(7):
                sender.send(topic, value=b"x", partition=number % 2)
        with reader(broker.bootstrap_servers, topic, PARTITIONS) as consumer:
            assert consumer.end_offsets(partitions) == dict(zip(partitions, (4, 3, 0, 0), strict=True))

    def test_the_high_watermark_of_a_fetch_is_the_end(self, broker: RunningBroker, topic: str) -> None:
        partition = TopicPartition(topic, 0)
        with producer(broker.bootstrap_servers) as sender:
            for _ in range(5):
                for _ in range(20):
                    sender.send(topic, value=b"x" * 1000, partition=0)
                sender.flush()
        with reader(broker.bootstrap_servers, topic, PARTITIONS) as consumer:
            seen = set()
            position = 0
            while position < 100:
                for records in consumer.poll(timeout_ms=2000, max_records=10).values():
                    position = records[-1].offset + 1
                seen.add(consumer.highwater(partition))
        assert seen == {100}

    def test_an_offset_is_found_by_the_record_s_time(
        self, request: pytest.FixtureRequest, broker: RunningBroker, topic: str
    ) -> None:
        embedded_gap(request, broker, "looks up by its own append time, not by the record's timestamp")
        partition = TopicPartition(topic, 0)
        start = 1_700_000_000_000
        with producer(broker.bootstrap_servers) as sender:
            for number in range(5):
                sender.send(topic, value=b"x", partition=0, timestamp_ms=start + number * 60_000).get(10)
        with reader(broker.bootstrap_servers, topic, PARTITIONS) as consumer:
            found = consumer.offsets_for_times({partition: start + 150_000})[partition]
        assert (found.offset, found.timestamp) == (3, start + 180_000)
