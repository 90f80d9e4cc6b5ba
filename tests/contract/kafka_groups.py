"""Consumer groups for the contract: members with short timeouts, and commits sent under any generation."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

import aiokafka
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import for_code
from aiokafka.protocol.commit import OffsetCommitRequest

SESSION_TIMEOUT_MS: Final = 2000
HEARTBEAT_INTERVAL_MS: Final = 300

# aiokafka's clients have no types; named once here, so that nothing else needs to know.
aiokafka_clients: Any = aiokafka
Client: Any = AIOKafkaClient


@dataclass(frozen=True, slots=True)
class Membership:
    """What a commit names itself by: the group's generation, and the member's id within it."""

    generation: int
    member_id: str


@contextlib.asynccontextmanager
async def group_member(bootstrap: str, group: str, *topics: str) -> AsyncIterator[Any]:
    """Yield a started member of the group that commits nothing on its own and reads from the first record."""
    consumer = aiokafka_clients.AIOKafkaConsumer(
        *topics,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=HEARTBEAT_INTERVAL_MS,
        rebalance_timeout_ms=SESSION_TIMEOUT_MS,
        retry_backoff_ms=50,
        fetch_max_wait_ms=100,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


def membership(consumer: Any) -> Membership:
    """Return the consumer's present membership; aiokafka has no public name for it."""
    coordinator = consumer._coordinator
    return Membership(coordinator.generation, coordinator.member_id)


async def eventually(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Return when the condition holds; raises AssertionError, naming it, when time is up."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what}")
        await asyncio.sleep(0.02)


async def commit_as(
    bootstrap: str, group: str, member: Membership, partition: TopicPartition, offset: int
) -> type[Exception]:
    """Commit under that membership, whoever holds the group now; return the answer (NoError: taken)."""
    client = Client(bootstrap_servers=bootstrap)
    await client.bootstrap()
    try:
        node = await client.coordinator_lookup(CoordinationType.GROUP, group)
        await client.ready(node)
        topics = [(partition.topic, [(partition.partition, offset, "")])]
        request = OffsetCommitRequest(
            group,
            member.generation,
            member.member_id,
            OffsetCommitRequest.DEFAULT_RETENTION_TIME,
            topics,
        )
        response: Any = await client.send(node, request)
    finally:
        await client.close()
    ((_, ((_, code),)),) = response.topics
    answer: type[Exception] = for_code(code)
    return answer


async def read_all(consumer: Any, count: int, timeout_s: float = 20.0) -> list[Any]:
    """Return the next `count` records of the consumer's partitions; raises AssertionError when time is up."""
    records: list[Any] = []
    deadline = time.monotonic() + timeout_s
    while len(records) < count:
        assert time.monotonic() < deadline, f"{len(records)} of {count} records within {timeout_s:g} s"
        for batch in (await consumer.getmany(timeout_ms=200)).values():
            records.extend(batch)
    return records
