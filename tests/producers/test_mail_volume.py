"""A real IMAP server with ten thousand messages, hostile ones among them, read whole and read by ill luck."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from producers.contract import Raw, Rejected
from schemas.events import Audience, Event, HandedOver, Received, Replied
from schemas.identity import message_ref
from tests.producers.letters import BODY, Correspondence, Truth
from tests.producers.mailboxes import CONTEXT, Mailbox, Reading, normalised, read_until
from tests.producers.tcp_proxy import proxied
from tests.services.dovecot import Dovecot, dovecot

__all__ = ["dovecot"]
pytestmark = [pytest.mark.integration, pytest.mark.slow]

COUNT = 10_000
COMMANDS = re.compile(
    rb"\w+ (CAPABILITY|LOGIN .*|EXAMINE .*|IDLE|UID SEARCH UID \d+:\d+"
    rb"|UID FETCH [\d,]+ \(UID INTERNALDATE BODY\.PEEK\[HEADER\]<0\.262144>\))|DONE"
)


@dataclass(frozen=True, slots=True)
class Filled:
    """A mailbox on the server, and what is in it."""

    box: Mailbox
    post: Correspondence


@pytest.fixture(scope="module")
def filled(dovecot: Dovecot) -> Filled:
    post, box = Correspondence(seed=5), Mailbox.created(dovecot)
    post.fill(COUNT)
    for folder in ("inbox", "sent"):
        box.deliver(folder, [(one.text, one.received_at) for one in post.letters if one.folder == folder])
    return Filled(box, post)


def party_of(address: str | None) -> str | None:
    party = CONTEXT.pseudonymiser.address(address) if address else None
    return party.current if party else None


def expected(post: Correspondence) -> Counter[Truth]:
    """Return which events should come how often, each letter once, with messages and parties hashed."""
    truths = [truth for letter in post.letters if not letter.copy for truth in letter.truths]
    return Counter(
        replace(truth, message=truth.message and message_ref(truth.message), party=party_of(truth.party))
        for truth in truths
    )


def told(event: Event, named: Container[str | None]) -> Truth:
    """Return an event as the letters' maker would tell of it, hashed; a message not ``named`` as None."""
    assert isinstance(event, Received | Replied | HandedOver)
    message = event.data.message if event.data.message in named else None
    party = event.data.party.current if event.data.party else None
    if isinstance(event, Received):
        internal = event.data.audience is Audience.INTERNAL
        return Truth("received", message, party, event.data.automatic, internal)
    if isinstance(event, Replied):
        return Truth("replied", message, party)
    return Truth("handed_over", message, party, unit=event.data.unit)


def conversations(events: Iterable[Event]) -> set[frozenset[str]]:
    """Return the messages that hang together by their references, where more than one does."""
    group: dict[str, set[str]] = {}
    messages = set()
    for event in events:
        assert isinstance(event, Received | Replied | HandedOver)
        assert event.data.message is not None
        messages.add(event.data.message)
        joined = set().union(*(group.get(ref, {ref}) for ref in (event.data.message, *event.data.references)))
        group.update(dict.fromkeys(joined, joined))
    found = {frozenset(names & messages) for names in group.values()}
    return {names for names in found if len(names) > 1}


def check(filled: Filled, records: list[Raw]) -> list[Rejected]:
    """Hold what was read against what is there: nothing lost, nothing double, everything told apart.

    Returns the rejections.
    """
    results = normalised(records)
    by_id = {event.id: event for event in results if not isinstance(event, Rejected)}
    wanted = expected(filled.post)
    named = {truth.message for truth in wanted} - {None}
    assert Counter(told(event, named) for event in by_id.values()) == wanted
    assert conversations(by_id.values()) == {
        frozenset(map(message_ref, thread)) for thread in filled.post.threads if len(thread) > 1
    }
    arrivals = {letter.received_at for letter in filled.post.letters}
    assert {event.time for event in by_id.values()} <= arrivals  # whatever its Date header says
    return [result for result in results if isinstance(result, Rejected)]


def resident_kb() -> int:
    """Return how much memory this process has in use; 0 where the system does not say."""
    status = Path("/proc/self/status")
    found = re.search(r"VmRSS:\s+(\d+)", status.read_text()) if status.exists() else None
    return int(found[1]) if found else 0


def test_everything_is_read_once_and_told_apart_and_no_body_is_fetched(filled: Filled) -> None:
    reading, before, peak = Reading(), resident_kb(), 0

    def done() -> bool:
        nonlocal peak
        peak = max(peak, resident_kb())
        return not reading.batches[-1].records

    with proxied(filled.box.server.port) as proxy:
        began = time.perf_counter()
        asyncio.run(read_until(filled.box.reader(port=proxy.port), reading, done))
        seconds = time.perf_counter() - began
    print(f"{COUNT / seconds:.0f} messages/s read, {(peak - before) / 1024:.0f} MB more at the peak")  # noqa: T201

    assert len(reading.records) == COUNT
    rejected = check(filled, reading.records)
    assert len(rejected) == sum(letter.rejected for letter in filled.post.letters)
    assert BODY not in proxy.answered
    assert {
        line for line in bytes(proxy.asked).split(b"\r\n") if line and not COMMANDS.fullmatch(line)
    } == set()


async def read_by_ill_luck(box: Mailbox, port: int, reading: Reading, chance: Random) -> None:
    """Read it all; after a third the server is killed, after two thirds it renumbers the inbox."""
    misfortunes = [
        (COUNT // 3, box.server.restart),
        (COUNT * 2 // 3, lambda: box.renumber("inbox", chance)),
    ]
    happening: list[asyncio.Task[None]] = []

    def done() -> bool:
        if misfortunes and len(reading.records) >= misfortunes[0][0]:
            happening.append(asyncio.create_task(asyncio.to_thread(misfortunes.pop(0)[1])))
        over = not misfortunes and all(task.done() for task in happening)
        return over and not reading.batches[-1].records

    await read_until(box.reader(port=port), reading, done)
    for task in happening:
        task.result()


def test_cut_connections_a_killed_server_and_a_renumbered_folder_lose_nothing(filled: Filled) -> None:
    chance, reading = Random(11), Reading()

    def limit() -> int:
        """How much comes through before the next cut: anything from a greeting to some megabytes."""
        return int(10 ** chance.uniform(2.5, 6.7))

    with proxied(filled.box.server.port, limit) as proxy:
        asyncio.run(read_by_ill_luck(filled.box, proxy.port, reading, chance))
    print(f"{reading.cuts} cuts, {len(reading.records) - COUNT} messages read again")  # noqa: T201
    assert proxy.cuts > 3
    assert len(reading.records) > COUNT
    check(filled, reading.records)
