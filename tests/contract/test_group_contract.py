"""What the project asks of a broker's consumer groups: quick joins, kept offsets, fences against zombies."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IllegalGenerationError, NoError, UnknownMemberIdError

from kommuncenter.embedded.processes import ChildProcess
from tests.contract.conftest import PARTITIONS
from tests.contract.kafka_groups import (
    SESSION_TIMEOUT_MS,
    Membership,
    commit_as,
    eventually,
    group_member,
    membership,
    read_all,
)
from tests.contract.kafka_records import producer
from tests.services.brokers import RunningBroker

pytestmark = pytest.mark.integration

JOIN_S = 4.0


@pytest.fixture
def other_member(broker: RunningBroker, group: str, topic: str) -> Iterator[ChildProcess]:
    """A member of the group in a process of its own, to be killed; it says what it is assigned."""
    command = [sys.executable, "-m", "tests.contract.member", broker.bootstrap_servers, group, topic]
    child = ChildProcess("a group member", command, env={"PYTHONPATH": os.pathsep.join(sys.path)})
    child.start()
    yield child
    child.kill()


def fill(broker: RunningBroker, topic: str, per_partition: int) -> None:
    """Send that many records to every partition, each record its own number in the partition."""
    with producer(broker.bootstrap_servers) as sender:
        for partition in range(PARTITIONS):
            for number in range(per_partition):
                sender.send(topic, value=str(number).encode(), partition=partition)


def test_a_member_joins_in_time(broker: RunningBroker, group: str, topic: str) -> None:
    async def scenario() -> float:
        started = time.monotonic()
        async with group_member(broker.bootstrap_servers, group, topic) as member:
            await eventually(
                lambda: len(member.assignment()) == PARTITIONS, JOIN_S, "all partitions assigned"
            )
            return time.monotonic() - started

    assert asyncio.run(scenario()) < JOIN_S


def test_two_members_share_the_partitions(broker: RunningBroker, group: str, topic: str) -> None:
    async def scenario() -> None:
        bootstrap = broker.bootstrap_servers
        async with group_member(bootstrap, group, topic) as one, group_member(bootstrap, group, topic) as two:

            def shared() -> bool:
                mine, theirs = one.assignment(), two.assignment()
                return len(mine) == len(theirs) == PARTITIONS / 2 and not mine & theirs

            await eventually(shared, 3 * JOIN_S, "two partitions each")

    asyncio.run(scenario())


def test_a_member_takes_over_from_a_killed_one(
    broker: RunningBroker, group: str, topic: str, other_member: ChildProcess
) -> None:
    other_member.wait_until(lambda: f"assigned {PARTITIONS}" in other_member.tail(), 20)

    async def scenario() -> None:
        async with group_member(broker.bootstrap_servers, group, topic) as survivor:
            await eventually(lambda: len(survivor.assignment()) == PARTITIONS / 2, 3 * JOIN_S, "half of them")
            other_member.kill()
            await eventually(
                lambda: len(survivor.assignment()) == PARTITIONS,
                SESSION_TIMEOUT_MS / 1000 + 2 * JOIN_S,
                "the killed member's partitions",
            )

    asyncio.run(scenario())


def test_one_that_was_killed_joins_again(
    broker: RunningBroker, group: str, topic: str, other_member: ChildProcess
) -> None:
    other_member.wait_until(lambda: f"assigned {PARTITIONS}" in other_member.tail(), 20)
    other_member.kill()
    other_member.start()
    other_member.wait_until(lambda: f"assigned {PARTITIONS}" in other_member.tail(), 20)


def test_a_member_reads_on_where_the_last_commit_was(broker: RunningBroker, group: str, topic: str) -> None:
    fill(broker, topic, 10)
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]

    async def first() -> None:
        async with group_member(broker.bootstrap_servers, group, topic) as member:
            await read_all(member, 10 * PARTITIONS)
            await member.commit({partition: 3 + partition.partition for partition in partitions})

    async def second() -> tuple[dict[int, int], dict[int, int]]:
        async with group_member(broker.bootstrap_servers, group, topic) as member:
            await eventually(lambda: len(member.assignment()) == PARTITIONS, 3 * JOIN_S, "all partitions")
            committed = {partition.partition: await member.committed(partition) for partition in partitions}
            records = await read_all(member, sum(10 - 3 - number for number in range(PARTITIONS)))
            first_read: dict[int, int] = {}
            for record in records:
                first_read.setdefault(record.partition, record.offset)
            return committed, first_read

    asyncio.run(first())
    expected = {number: 3 + number for number in range(PARTITIONS)}
    assert asyncio.run(second()) == (expected, expected)


class TestFencing:
    """A commit of a generation that is over must not move the group's offset (CORRECTIONS 3)."""

    def test_the_current_generation_may_commit(self, broker: RunningBroker, group: str, topic: str) -> None:
        assert asyncio.run(self.commit_after(broker, group, topic, lambda now: now)) == (NoError, 7)

    def test_a_stale_generation_is_refused(self, broker: RunningBroker, group: str, topic: str) -> None:
        async def scenario() -> tuple[type[Exception], int | None]:
            bootstrap, partition = broker.bootstrap_servers, TopicPartition(topic, 0)
            async with group_member(bootstrap, group, topic) as old:
                await eventually(lambda: len(old.assignment()) == PARTITIONS, 3 * JOIN_S, "all partitions")
                before = membership(old)
                async with group_member(bootstrap, group, topic):
                    await eventually(
                        lambda: membership(old).generation > before.generation and bool(old.assignment()),
                        3 * JOIN_S,
                        "a new generation",
                    )
                    answer = await commit_as(bootstrap, group, before, partition, 7)
                    return answer, await old.committed(partition)

        assert asyncio.run(scenario()) == (IllegalGenerationError, None)

    def test_an_unknown_member_is_refused(self, broker: RunningBroker, group: str, topic: str) -> None:
        answer = asyncio.run(
            self.commit_after(broker, group, topic, lambda now: Membership(now.generation, "nobody"))
        )
        assert answer == (UnknownMemberIdError, None)

    def test_a_generation_to_come_is_refused(self, broker: RunningBroker, group: str, topic: str) -> None:
        answer = asyncio.run(
            self.commit_after(broker, group, topic, lambda now: Membership(now.generation + 1, now.member_id))
        )
        assert answer == (IllegalGenerationError, None)

    def test_nobody_commits_past_a_group_that_has_members(
        self, broker: RunningBroker, group: str, topic: str
    ) -> None:
        answer = asyncio.run(self.commit_after(broker, group, topic, lambda _: Membership(-1, "")))
        assert answer == (UnknownMemberIdError, None)

    @staticmethod
    async def commit_after(
        broker: RunningBroker, group: str, topic: str, change: Any
    ) -> tuple[type[Exception], int | None]:
        """Join, commit offset 7 under the changed membership, and return the answer and what is committed."""
        bootstrap, partition = broker.bootstrap_servers, TopicPartition(topic, 0)
        async with group_member(bootstrap, group, topic) as member:
            await eventually(lambda: len(member.assignment()) == PARTITIONS, 3 * JOIN_S, "all partitions")
            answer = await commit_as(bootstrap, group, change(membership(member)), partition, 7)
            return answer, await member.committed(partition)
