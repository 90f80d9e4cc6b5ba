"""The topics' settings in Kafka's own words; tests/contract creates topics on real brokers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kommuncenter.topics import TopicConfig, ensure_topics
from schemas.errors import ConfigurationError


def test_a_plain_topic_leaves_sizes_and_times_to_the_broker() -> None:
    assert TopicConfig().settings() == {"cleanup.policy": "delete", "message.timestamp.type": "CreateTime"}


def test_every_setting_has_kafka_s_name_and_unit() -> None:
    config = TopicConfig(
        retention=timedelta(days=60), cleanup="compact", timestamps="append", max_message_bytes=2_000_000
    )
    assert config.settings() == {
        "cleanup.policy": "compact",
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": "5184000000",
        "max.message.bytes": "2000000",
    }


@pytest.mark.parametrize("partitions", [0, -1])
def test_a_topic_has_at_least_one_partition(partitions: int) -> None:
    with pytest.raises(ConfigurationError, match="at least one partition"):
        ensure_topics("127.0.0.1:1", {"t": TopicConfig()}, partitions)
