"""murmur2 partitioning: one contact's events must meet in one partition, whichever client sent them."""

from __future__ import annotations

from typing import Any

import aiokafka.partitioner
import kafka.partitioner.default
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.conftest import PARTITIONS
from tests.contract.kafka_records import producer, reader
from tests.services.brokers import RunningBroker

aiokafka_partitioner: Any = aiokafka.partitioner
kafka_python_partitioner: Any = kafka.partitioner.default

# Golden vectors of Apache Kafka's own murmur2 test (clients, UtilsTest.testMurmur2): signed 32-bit.
MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that the golden hash gives: its low 31 bits modulo the count."""
    return (MURMUR2[key] & 0x7FFFFFFF) % partitions


@pytest.mark.parametrize("key", MURMUR2)
def test_both_clients_hash_as_apache_kafka_does(key: bytes) -> None:
    unsigned = MURMUR2[key] & 0xFFFFFFFF
    assert kafka_python_partitioner.murmur2(key) & 0xFFFFFFFF == unsigned
    assert aiokafka_partitioner.murmur2(key) & 0xFFFFFFFF == unsigned


@given(key=st.binary(max_size=80))
def test_both_clients_hash_every_key_alike(key: bytes) -> None:
    ours = kafka_python_partitioner.murmur2(key) & 0xFFFFFFFF
    assert ours == aiokafka_partitioner.murmur2(key) & 0xFFFFFFFF


@pytest.mark.integration
def test_a_keyed_record_lands_in_the_partition_of_its_hash(broker: RunningBroker, topic: str) -> None:
    with producer(broker.bootstrap_servers) as sender:
        sent = {key: sender.send(topic, key=key, value=b"x").get(10).partition for key in MURMUR2}
    assert sent == {key: partition_of(key, PARTITIONS) for key in MURMUR2}

    with reader(broker.bootstrap_servers, topic, PARTITIONS) as consumer:
        found: dict[bytes, int] = {}
        while len(found) < len(MURMUR2):
            polled = consumer.poll(timeout_ms=5000)
            assert polled, f"only {len(found)} records came"
            found |= {record.key: record.partition for records in polled.values() for record in records}
    assert found == sent
