"""How far a group is behind, on both brokers: what is not committed, over every topic and partition."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import pytest
from kafka import OffsetAndMetadata, TopicPartition

from kommuncenter.lag import lag_of
from kommuncenter.settings import KafkaSettings
from kommuncenter.topics import TopicConfig, ensure_topics
from schemas.errors import RetriableError
from schemas.topics import TopicPlan
from tests.contract.kafka_records import kafka_python, producer
from tests.services.brokers import RunningBroker

pytestmark = pytest.mark.integration

PARTITIONS = 3


@dataclass(frozen=True)
class OwnPlan:
    """A plan whose topics are this test's own, since brokers are shared by all tests."""

    all_topics: tuple[str, ...]
    partitions: int = PARTITIONS


@dataclass(frozen=True)
class Scene:
    """Topics of its own, and a group that has committed nothing yet."""

    broker: RunningBroker
    plan: Any
    settings: KafkaSettings

    def send(self, topic: str, partition: int, records: int) -> None:
        """Send records in as few batches as the client makes of them."""
        with producer(self.broker.bootstrap_servers) as sender:
            for _ in range(records):
                sender.send(topic, value=b"x", partition=partition)

    def commit(self, topic: str, partition: int, offset: int) -> None:
        """Commit as the worker does: the offset after the last record that is done."""
        client = kafka_python.KafkaConsumer(
            bootstrap_servers=self.broker.bootstrap_servers,
            group_id=self.settings.group,
            enable_auto_commit=False,
        )
        place = TopicPartition(topic, partition)
        client.assign([place])
        client.commit({place: OffsetAndMetadata(offset, "", -1)})
        client.close()

    def behind(self) -> int:
        """Return the lag."""
        return lag_of(self.settings, self.plan)()


@pytest.fixture
def scene(broker: RunningBroker) -> Scene:
    """Two empty topics."""
    topics = tuple(f"lag.{secrets.token_hex(6)}" for _ in range(2))
    ensure_topics(broker.bootstrap_servers, {name: TopicConfig() for name in topics}, PARTITIONS)
    settings = KafkaSettings(bootstrap_servers=broker.bootstrap_servers, group=f"g-{secrets.token_hex(6)}")
    return Scene(broker, OwnPlan(topics), settings)


def test_empty_topics_are_no_lag(scene: Scene) -> None:
    assert scene.behind() == 0


def test_what_is_not_committed_is_behind(scene: Scene) -> None:
    first, second = scene.plan.all_topics
    scene.send(first, 0, 700)
    scene.send(second, 2, 5)
    assert scene.behind() == 705
    scene.commit(first, 0, 300)
    assert scene.behind() == 405
    scene.commit(first, 0, 700)
    scene.commit(second, 2, 4)
    assert scene.behind() == 1
    scene.commit(second, 2, 5)
    assert scene.behind() == 0
    scene.send(first, 1, 2)
    assert scene.behind() == 2


def test_a_broker_that_is_away_is_told_without_a_trace() -> None:
    settings = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    with pytest.raises(RetriableError, match=r"127\.0\.0\.1:1: no answer"):
        lag_of(settings, TopicPlan(("telephony",)))()
