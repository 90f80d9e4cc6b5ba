"""The publisher at both ends: what it tells the producer, and what arrives on real brokers."""

from __future__ import annotations

import gc
import logging
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from kafka import KafkaConsumer
from kafka.errors import KafkaTimeoutError, NotLeaderForPartitionError

from kommuncenter.embedded.broker import EmbeddedBroker
from kommuncenter.topics import TopicConfig, ensure_topics
from producers.contract import Broadcast
from producers.publisher import KafkaPublisher, Producer, kafka_publisher
from schemas.deadletter import DeadLetter, Original, dead_letter
from schemas.errors import ConfigurationError, RetriableError
from schemas.events import (
    Abandoned,
    AbandonedData,
    Channel,
    Event,
    SystemRestarted,
    SystemRestartedData,
    event_adapter,
)
from schemas.identity import partition_for, stable_hash
from schemas.topics import DEAD_LETTERS, event_topic
from tests.producers.fakes import NOW, FakeProducer
from tests.services.brokers import RunningBroker


def abandoned(number: int) -> Event:
    return Abandoned(
        id=stable_hash(str(number)),
        source="telephony",
        subject=f"pbx1:{1795510800 + number}.{number}",
        time=NOW + timedelta(seconds=number),
        data=AbandonedData(channel=Channel.TELEPHONE),
    )


def send(publisher: KafkaPublisher, instance: str, *events: Event) -> None:
    publisher.publish(instance, events)
    publisher.flush()


RESTART = Broadcast(
    SystemRestarted(
        id=stable_hash("restart"),
        source="telephony",
        subject="pbx1:restart",
        time=NOW,
        data=SystemRestartedData(channel=Channel.TELEPHONE),
    )
)


def letter() -> DeadLetter:
    return dead_letter(
        instance="telephony",
        place="queue_log line 17",
        reason="bad_time",
        detail="the epoch is not a number",
        original=Original(payload=b"soon|0701740605"),
        at=NOW,
    )


def publisher_on(*producers: FakeProducer) -> KafkaPublisher:
    remaining = iter(producers)

    def connect() -> Producer:
        return next(remaining)

    return KafkaPublisher(connect)


def test_building_one_opens_nothing_and_flushing_nothing_neither() -> None:
    publisher = publisher_on()
    publisher.flush()
    publisher.close()


def test_the_key_is_the_leg_and_the_partition_is_left_to_the_key() -> None:
    producer = FakeProducer()
    publisher_on(producer).publish("telephony", [abandoned(1)])
    (record,) = producer.records
    assert (record.topic, record.key, record.partition) == ("kc.events.telephony", b"pbx1:1795510801.1", None)
    assert record.headers == [("content-type", b"application/cloudevents+json")]
    assert event_adapter.validate_json(record.value) == abandoned(1)


def test_a_broadcast_goes_to_every_partition() -> None:
    producer = FakeProducer(partitions=4)
    publisher_on(producer).publish("telephony", [RESTART])
    assert [record.partition for record in producer.records] == [0, 1, 2, 3]
    assert len({record.value for record in producer.records}) == 1


def test_a_topic_with_another_count_of_partitions_is_refused() -> None:
    publisher = KafkaPublisher(lambda: FakeProducer(partitions=3), partitions=4)
    with pytest.raises(ConfigurationError, match="has 3 partitions, not 4"):
        publisher.publish("telephony", [abandoned(1)])


def test_a_message_is_forwarded_as_it_is_to_its_partition() -> None:
    producer = FakeProducer()
    publisher = publisher_on(producer)
    publisher.forward("kc.events.telephony", 3, "pbx1:1", b"{}")
    publisher.forward("kc.legs", 2, "k1:a", b"[]")
    publisher.flush()
    event, leg = producer.records
    assert (event.topic, event.partition, event.key, event.value) == (
        "kc.events.telephony",
        3,
        b"pbx1:1",
        b"{}",
    )
    assert dict(event.headers)["content-type"] == b"application/cloudevents+json"
    assert (leg.topic, leg.partition, leg.key, leg.headers) == ("kc.legs", 2, b"k1:a", [])


def test_a_dead_letter_says_where_and_why_and_keeps_no_bytes() -> None:
    producer = FakeProducer()
    publisher_on(producer).reject(letter())
    (record,) = producer.records
    assert record.topic == DEAD_LETTERS
    assert DeadLetter.model_validate_json(record.value) == letter()
    assert b"0701740605" not in record.value
    assert letter().size == 15


@pytest.mark.parametrize(
    "broken",
    [
        FakeProducer(refuses=NotLeaderForPartitionError()),
        FakeProducer(flush_fails=True),
        FakeProducer(refuses=KafkaTimeoutError("late")),
    ],
)
def test_what_is_not_acknowledged_is_retriable_and_the_connection_is_made_anew(broken: FakeProducer) -> None:
    sound = FakeProducer()
    publisher = publisher_on(broken, sound)
    publisher.publish("telephony", [abandoned(1)])
    with pytest.raises(RetriableError, match="not acknowledged"):
        publisher.flush()
    assert broken.closed
    publisher.publish("telephony", [abandoned(1)])
    publisher.flush()
    assert len(sound.records) == 1


def test_a_broker_that_is_away_is_retriable_and_nothing_hangs() -> None:
    # Port 9 of the loopback address: nobody listens there.
    publisher = kafka_publisher("127.0.0.1:9", timeout_s=3, reconnect_backoff_ms=10)
    with pytest.raises(RetriableError, match="refused"):
        publisher.publish("telephony", [abandoned(1)])


def test_an_address_that_is_none_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigurationError, match="host:port"):
        kafka_publisher("broker").publish("telephony", [abandoned(1)])


@pytest.fixture
def instance(broker: RunningBroker) -> str:
    """A source instance with topics of four partitions."""
    name = "t" + uuid.uuid4().hex[:8]
    topics = {event_topic(name): TopicConfig(timestamps="append"), DEAD_LETTERS: TopicConfig()}
    ensure_topics(broker.bootstrap_servers, topics, 4)
    return name


@pytest.fixture
def publisher(broker: RunningBroker) -> Iterator[KafkaPublisher]:
    made = kafka_publisher(broker.bootstrap_servers)
    yield made
    made.close()


def consume(bootstrap_servers: str, topic: str, count: int) -> list[Any]:
    """Return at least ``count`` records of a topic, or fail when they don't come."""
    consumer: Any = KafkaConsumer(  # type: ignore[no-untyped-call]
        topic,
        bootstrap_servers=bootstrap_servers,
        auto_offset_reset="earliest",
        consumer_timeout_ms=20_000,
        group_id=None,
    )
    found: list[Any] = []
    try:
        for record in consumer:
            found.append(record)
            if len(found) >= count:
                break
    finally:
        consumer.close()
    return found


@pytest.mark.integration
def test_on_a_real_broker_every_event_arrives_in_the_partition_of_its_key(
    broker: RunningBroker, instance: str, publisher: KafkaPublisher
) -> None:
    events = [abandoned(number) for number in range(2000)]
    publisher.publish(instance, [*events, RESTART])
    publisher.flush()
    records = consume(broker.bootstrap_servers, event_topic(instance), 2004)
    found = {record.value for record in records}
    assert {event_adapter.validate_json(value).id for value in found} == {
        *(event.id for event in events),
        RESTART.event.id,
    }
    restarts = [r for r in records if event_adapter.validate_json(r.value).id == RESTART.event.id]
    assert sorted(r.partition for r in restarts) == [0, 1, 2, 3]
    for record in records:
        if record not in restarts:
            assert record.partition == partition_for(record.key.decode(), 4)
    assert dict(records[0].headers)["content-type"] == b"application/cloudevents+json"


@pytest.mark.integration
def test_on_a_real_broker_a_missing_topic_is_refused(broker: RunningBroker, instance: str) -> None:
    """Kafka does not create it; the embedded broker does, with a partition count of its own."""
    publisher = kafka_publisher(broker.bootstrap_servers, timeout_s=6, partitions=7)
    expected = ConfigurationError if broker.kind == "embedded" else RetriableError
    with pytest.raises(expected):
        send(publisher, instance + "-missing", abandoned(1))
    publisher.close()


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore:.*unclosed.*socket")  # kafka-python's, of refused connections
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_that_dies_is_noticed_and_another_one_on_its_port_gets_the_events(
    embedded_broker: EmbeddedBroker,  # only so that the test needs what that needs
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "kafka")  # kept records would keep the sockets
    topics = {event_topic("telephony"): TopicConfig(), DEAD_LETTERS: TopicConfig()}
    with EmbeddedBroker() as first:
        servers = first.bootstrap_servers
        ensure_topics(servers, topics, 2)
        publisher = kafka_publisher(servers, timeout_s=6)
        publisher.publish("telephony", [abandoned(1)])
        publisher.flush()
    with pytest.raises(RetriableError):
        send(publisher, "telephony", abandoned(2))
    with EmbeddedBroker(port=int(servers.rpartition(":")[2])):
        ensure_topics(servers, topics, 2)
        publisher.publish("telephony", [abandoned(2)])
        publisher.reject(letter())
        publisher.flush()
        (record,) = consume(servers, event_topic("telephony"), 1)
        assert event_adapter.validate_json(record.value).id == abandoned(2).id
        (record,) = consume(servers, DEAD_LETTERS, 1)
        assert DeadLetter.model_validate_json(record.value) == letter()
    publisher.close()
    gc.collect()  # here, where the warnings about sockets are expected
