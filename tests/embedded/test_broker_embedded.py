"""The embedded broker as a service: ready for a client, on loopback only, and clear about what went wrong."""

from __future__ import annotations

import gc
import socket
import sys
import warnings
from pathlib import Path

import pytest

from kommuncenter.embedded.broker import BINARY_VARIABLE, EmbeddedBroker, answers_metadata, broker_binary
from kommuncenter.embedded.processes import LOOPBACK, ServiceStartError, accepts_connections, free_port
from kommuncenter.topics import TopicConfig, TopicCreationError, ensure_topics
from schemas.errors import ConfigurationError
from tests.services.brokers import require_embedded_broker

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _broker_is_here() -> None:
    require_embedded_broker()


def port_of(bootstrap_servers: str) -> int:
    """The port of the one broker."""
    return int(bootstrap_servers.rpartition(":")[2])


def test_it_serves_a_client_and_is_gone_afterwards() -> None:
    with EmbeddedBroker() as broker:
        assert ensure_topics(broker.bootstrap_servers, {"a": TopicConfig()}, 2) == ("a",)
        port = port_of(broker.bootstrap_servers)
    assert not accepts_connections(port)
    with pytest.raises(ServiceStartError, match="not started"):
        _ = broker.bootstrap_servers


def test_topics_at_a_broker_that_is_away_can_be_tried_again() -> None:
    away = f"{LOOPBACK}:{free_port()}"
    with pytest.raises(TopicCreationError, match=away):
        ensure_topics(away, {"a": TopicConfig()}, 2, client_options={"bootstrap_timeout_ms": 500})
    with warnings.catch_warnings():
        # kafka-python leaves a socket unclosed when its connection is refused: collected here, and not later.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_it_forgets_everything_at_its_end() -> None:
    for _ in range(2):
        with EmbeddedBroker() as broker:
            assert ensure_topics(broker.bootstrap_servers, {"a": TopicConfig()}, 2) == ("a",)


def test_two_of_them_are_apart() -> None:
    with EmbeddedBroker() as one, EmbeddedBroker() as two:
        assert one.bootstrap_servers != two.bootstrap_servers
        ensure_topics(one.bootstrap_servers, {"a": TopicConfig()}, 2)
        assert ensure_topics(two.bootstrap_servers, {"a": TopicConfig()}, 3) == ("a",)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the kernel's table of sockets")
def test_it_listens_on_loopback_only() -> None:
    with EmbeddedBroker() as broker:
        port = port_of(broker.bootstrap_servers)
        listening = {
            local.split(":")[0]
            for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
            if table.exists()
            for _, local, _, state, *_ in map(str.split, table.read_text().splitlines()[1:])
            if state == "0A" and int(local.split(":")[1], 16) == port
        }
    assert listening == {socket.inet_aton(LOOPBACK)[::-1].hex().upper()}


def test_a_wanted_port_that_is_taken_is_an_error_with_the_broker_s_words() -> None:
    with EmbeddedBroker() as first:
        port = port_of(first.bootstrap_servers)
        with pytest.raises(ServiceStartError, match=r"(?s)before it was ready.*AddrInUse"):
            EmbeddedBroker(port=port).start()
        assert ensure_topics(first.bootstrap_servers, {"a": TopicConfig()}, 2) == ("a",)


def test_another_cluster_is_not_taken_for_ours() -> None:
    with EmbeddedBroker() as broker:
        assert not answers_metadata(broker.bootstrap_servers, "another-cluster")
    assert not answers_metadata(f"{LOOPBACK}:{free_port()}", "nobody")


def test_the_binary_that_is_named_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named = tmp_path / "broker"
    monkeypatch.setenv(BINARY_VARIABLE, str(named))
    with pytest.raises(ConfigurationError, match="missing"):
        broker_binary()
    named.write_text("#!/bin/sh\necho this is no broker\nexit 4\n")
    with pytest.raises(ServiceStartError, match=r"status 4 before it was ready\.\nthis is no broker"):
        EmbeddedBroker().start()
