"""Producing for the contract: kafka-python as the project uses it, and batches with a sequence of our own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import kafka
from aiokafka.errors import for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from kafka import TopicPartition

from tests.contract.kafka_groups import Client

kafka_python: Any = kafka


@contextlib.contextmanager
def producer(bootstrap: str, **options: object) -> Iterator[Any]:
    """Yield kafka-python's producer with the settings that the project's publisher uses."""
    client = kafka_python.KafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=5, **options
    )
    try:
        yield client
    finally:
        client.close()


@contextlib.contextmanager
def reader(bootstrap: str, topic: str, partitions: int) -> Iterator[Any]:
    """Yield kafka-python's consumer, without a group, at the start of every partition."""
    client = kafka_python.KafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        client.assign([kafka_python.TopicPartition(topic, number) for number in range(partitions)])
        yield client
    finally:
        client.close()


@dataclass(frozen=True, slots=True)
class ProducerIdentity:
    """What the broker knows an idempotent producer by."""

    producer_id: int
    epoch: int


def new_producer_identity(bootstrap: str, topic: str) -> ProducerIdentity:
    """Return the identity that the broker gives to an idempotent producer of kafka-python.

    It is asked for with the first record, which goes to partition 0. aiokafka asks with the oldest version of
    the request, which the embedded broker does not answer.
    """
    with producer(bootstrap) as client:
        client.send(topic, value=b"first", partition=0).get(10)
        given = client._transaction_manager.producer_id_and_epoch
        return ProducerIdentity(given.producer_id, given.epoch)


async def ask_for_producer_id(bootstrap: str) -> type[Exception]:
    """Ask for a producer id as aiokafka's idempotent producer does; return the broker's answer."""
    client = Client(bootstrap_servers=bootstrap)
    await client.bootstrap()
    try:
        request: Any = InitProducerIdRequest
        response = await client.send(client.get_random_node(), request(None, 60_000))
    finally:
        await client.close()
    answer: type[Exception] = for_code(response.error_code)
    return answer


async def send_batch(
    bootstrap: str, identity: ProducerIdentity, partition: TopicPartition, values: list[bytes], *, tries: int
) -> list[type[Exception]]:
    """Send one batch with one sequence number `tries` times, as a producer does that lost the answers."""
    client = Client(bootstrap_servers=bootstrap)
    await client.bootstrap()
    try:
        node = (await client.fetch_all_metadata()).leader_for_partition(partition)
        await client.ready(node)
        batch = DefaultRecordBatchBuilder(2, 0, 0, identity.producer_id, identity.epoch, 0, 1 << 20)
        for number, value in enumerate(values):
            batch.append(number, 1_700_000_000_000, None, value, [])
        records = [(partition.topic, [(partition.partition, bytes(batch.build()))])]
        answers = [await client.send(node, ProduceRequest(None, -1, 5_000, records)) for _ in range(tries)]
    finally:
        await client.close()
    return [for_code(answer.topics[0][1][0][1]) for answer in answers]
