"""Creation of the Kafka topics, all with one partition count, before anything reads or writes them.

Stage 1 keeps the state of partition n over all source topics on one worker, so every topic must have the same
number of partitions (CORRECTIONS 18 and 19), and a topic that is missing when a worker starts is never read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from schemas.errors import ConfigurationError, RetriableError


class TopicMismatchError(ConfigurationError):
    """A topic exists with another partition count than the installation has."""


class TopicCreationError(RetriableError):
    """The broker was away, or refused to create a topic; the message says which and why."""


@dataclass(frozen=True, slots=True)
class TopicConfig:
    """Settings of one topic; None leaves the broker's default.

    `timestamps` says what a record's timestamp is: ``create`` the producer's time, ``append`` the broker's.
    """

    retention: timedelta | None = None
    cleanup: Literal["delete", "compact"] = "delete"
    timestamps: Literal["create", "append"] = "create"
    max_message_bytes: int | None = None

    def settings(self) -> dict[str, str]:
        """Return the settings as Kafka takes them: strings, times in milliseconds, sizes in bytes."""
        settings = {
            "cleanup.policy": self.cleanup,
            "message.timestamp.type": "LogAppendTime" if self.timestamps == "append" else "CreateTime",
        }
        if self.retention is not None:
            settings["retention.ms"] = str(self.retention // timedelta(milliseconds=1))
        if self.max_message_bytes is not None:
            settings["max.message.bytes"] = str(self.max_message_bytes)
        return settings


@contextlib.contextmanager
def admin_client(bootstrap_servers: str, **options: object) -> Iterator[Any]:
    """Yield kafka-python's KafkaAdminClient and close it; it has no types, hence Any.

    `options` are kafka-python's own (security, timeouts). Raises kafka.errors.KafkaError when none answers.
    """
    from kafka import KafkaAdminClient

    untyped: Any = KafkaAdminClient
    client = untyped(bootstrap_servers=bootstrap_servers, **options)
    try:
        yield client
    finally:
        client.close()


def ensure_topics(
    bootstrap_servers: str,
    topics: Mapping[str, TopicConfig],
    partitions: int,
    *,
    replication_factor: int = 1,
    client_options: Mapping[str, object] | None = None,
) -> tuple[str, ...]:
    """Create the topics that are missing and return their names; on return every topic has a leader.

    Existing topics keep their settings. Raises TopicMismatchError, before it creates anything, when one has
    another partition count; TopicCreationError when the broker is away or refuses. Safe to call from several
    workers at once.
    """
    from kafka.errors import KafkaError

    if partitions < 1:
        raise ConfigurationError(f"A topic needs at least one partition, not {partitions}.")
    try:
        with admin_client(bootstrap_servers, **(client_options or {})) as admin:
            existing = _checked(admin, topics, partitions)
            missing = [name for name in topics if name not in existing]
            _create(admin, {name: topics[name] for name in missing}, partitions, replication_factor)
            _checked(admin, topics, partitions)
    except KafkaError as error:
        raise TopicCreationError(f"The topics can't be created at {bootstrap_servers}: {error}") from error
    return tuple(missing)


def partition_counts(admin: Any, names: Mapping[str, object]) -> dict[str, int]:
    """Return how many partitions each of the named topics has; those that don't exist are left out."""
    # Asked without names, since a broker may create a topic that is asked for by name.
    described = admin.describe_topics()
    return {topic["name"]: len(topic["partitions"]) for topic in described if topic["name"] in names}


def _checked(admin: Any, topics: Mapping[str, TopicConfig], partitions: int) -> dict[str, int]:
    counts = partition_counts(admin, topics)
    wrong = {name: count for name, count in counts.items() if count != partitions}
    if wrong:
        found = ", ".join(f"{name} has {count}" for name, count in sorted(wrong.items()))
        raise TopicMismatchError(
            f"Every topic must have {partitions} partitions, but {found}. "
            "Set the partition count of the installation to that, or repartition, which rebuilds the figures."
        )
    return counts


def _create(admin: Any, topics: Mapping[str, TopicConfig], partitions: int, replication_factor: int) -> None:
    from kafka import errors

    kafka_errors: Any = errors
    if not topics:
        return
    wanted = {
        name: {
            "num_partitions": partitions,
            "replication_factor": replication_factor,
            "configs": config.settings(),
        }
        for name, config in topics.items()
    }
    answer = admin.create_topics(wanted, raise_errors=False)
    for topic in answer["topics"]:
        error = kafka_errors.for_code(topic["error_code"])
        if error not in (kafka_errors.NoError, kafka_errors.TopicAlreadyExistsError):
            reason = topic.get("error_message") or error.__name__
            raise TopicCreationError(f"The broker refused to create {topic['name']}: {reason}")
    admin.wait_for_topics(list(topics))
