"""Apache Kafka on a JVM as a service: what it was given outlives a restart and a crash."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kommuncenter.embedded.kafka_jvm import JARS_VARIABLE, JvmKafka, java_command, kafka_jars
from kommuncenter.topics import TopicConfig, ensure_topics
from schemas.errors import ConfigurationError
from tests.contract.kafka_groups import eventually, group_member, read_all
from tests.contract.kafka_records import producer
from tests.services.brokers import require_jvm_kafka

pytestmark = [pytest.mark.integration, pytest.mark.slow]


async def read_and_commit(bootstrap: str, topic: str, count: int) -> list[bytes]:
    """Read `count` records in the group ``readers``, and commit the place after them."""
    async with group_member(bootstrap, "readers", topic) as member:
        await eventually(lambda: bool(member.assignment()), 15, "the assignment")
        records = await read_all(member, count)
        await member.commit()
    return [record.value for record in records]


def test_records_and_offsets_outlive_a_restart_and_a_crash(tmp_path: Path) -> None:
    require_jvm_kafka()
    with JvmKafka(tmp_path) as kafka:
        bootstrap = kafka.bootstrap_servers
        ensure_topics(bootstrap, {"t": TopicConfig()}, 1)

        def send(value: bytes) -> None:
            with producer(bootstrap) as sender:
                assert sender.send("t", value=value, partition=0).get(10).partition == 0

        send(b"before")
        assert asyncio.run(read_and_commit(bootstrap, "t", 1)) == [b"before"]
        send(b"between")
        kafka.restart()
        assert kafka.bootstrap_servers == bootstrap
        assert asyncio.run(read_and_commit(bootstrap, "t", 1)) == [b"between"]
        send(b"after")
        pid = kafka.pid
        kafka.kill()
        kafka.start()
        assert kafka.pid != pid
        assert asyncio.run(read_and_commit(bootstrap, "t", 1)) == [b"after"]


def test_missing_jars_are_a_configuration_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(JARS_VARIABLE, raising=False)
    with pytest.raises(ConfigurationError, match=r"\.ci/fetch-kafka DIR"):
        kafka_jars()
    monkeypatch.setenv(JARS_VARIABLE, str(tmp_path))
    with pytest.raises(ConfigurationError, match="no Kafka broker"):
        kafka_jars()


@pytest.mark.parametrize("version", ["1.8.0_402", "11.0.2"])
def test_an_old_java_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ConfigurationError, match="too old"):
        java_command()
