"""The brokers that the tests run on: the embedded one, and Apache Kafka where its jars and a Java are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest

from kommuncenter.embedded.broker import EmbeddedBroker, broker_binary
from kommuncenter.embedded.kafka_jvm import JvmKafka, java_command, kafka_jars
from schemas.errors import ConfigurationError
from tests.require import require

BrokerKind = Literal["embedded", "kafka"]


@dataclass(frozen=True, slots=True)
class RunningBroker:
    """A running broker; `kind` is for marking a gap of one of them, never for testing less."""

    kind: BrokerKind
    bootstrap_servers: str


@pytest.fixture(scope="session")
def embedded_broker() -> Iterator[EmbeddedBroker]:
    """The embedded broker, started once for the session."""
    require_embedded_broker()
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture(scope="session")
def jvm_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JvmKafka]:
    """Apache Kafka, started once for the session; a test that kills a broker starts one of its own."""
    require_jvm_kafka()
    with JvmKafka(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(
    scope="session",
    params=["embedded", pytest.param("kafka", marks=pytest.mark.slow)],
    ids=["embedded", "kafka"],
)
def broker(request: pytest.FixtureRequest) -> RunningBroker:
    """Each broker in turn: every test that takes this fixture runs on both."""
    kind: BrokerKind = request.param
    running: EmbeddedBroker | JvmKafka = request.getfixturevalue(
        "embedded_broker" if kind == "embedded" else "jvm_kafka"
    )
    return RunningBroker(kind, running.bootstrap_servers)


def require_embedded_broker() -> None:
    """Skip or fail (KC_REQUIRE=kafka) without the embedded broker's binary."""
    try:
        broker_binary()
    except ConfigurationError as error:
        require("kafka", False, str(error))


def require_jvm_kafka() -> None:
    """Skip or fail (KC_REQUIRE=kafka) without Apache Kafka's jars or a Java to run them."""
    try:
        kafka_jars()
        java_command()
    except ConfigurationError as error:
        require("kafka", False, str(error))
