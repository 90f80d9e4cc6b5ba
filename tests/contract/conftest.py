"""Fixtures of the contract: each test gets every broker in turn, and topics of its own."""

from __future__ import annotations

import secrets

import pytest

from kommuncenter.topics import TopicConfig, ensure_topics
from tests.services.brokers import RunningBroker, broker, embedded_broker, jvm_kafka

__all__ = ["broker", "embedded_broker", "jvm_kafka"]

PARTITIONS = 4


@pytest.fixture
def topic(broker: RunningBroker) -> str:
    """A new topic with four partitions."""
    name = f"contract.{secrets.token_hex(6)}"
    ensure_topics(broker.bootstrap_servers, {name: TopicConfig()}, PARTITIONS)
    return name


@pytest.fixture
def group() -> str:
    """A consumer group that nobody has used."""
    return f"contract-{secrets.token_hex(6)}"
