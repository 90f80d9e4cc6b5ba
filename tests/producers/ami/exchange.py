"""Makes calls at a real exchange, and tells what it did with them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from kommuncenter.embedded.processes import LOOPBACK
from producers.conformance.cases import KEY
from producers.contract import Broadcast, Context, Raw, ReaderContext, Source, SourceSettings
from producers.lines import Numbering
from producers.runner import Rejection, normalise_all
from producers.sources.asterisk.lines import second_of
from producers.sources.asterisk.settings import AsteriskSettings
from producers.sources.asterisk.source import SOURCE as QUEUE_LOG
from producers.sources.asterisk_ami.protocol import END, Message, action, parse
from producers.sources.asterisk_ami.reader import AmiReader
from producers.sources.asterisk_ami.settings import AmiSettings
from producers.sources.asterisk_ami.source import SOURCE as AMI
from schemas.catalogue import load_catalogue
from schemas.events import Event, SystemRestarted
from schemas.identity import Pseudonymiser
from schemas.legs import Leg
from streams.core.leg import fold_leg
from tests.services.asterisk import Asterisk

CONTEXT = Context("telephony", Pseudonymiser(KEY), load_catalogue(), 4)
DEADLINE_S = 40.0


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the exchange and the reader do."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - what it waits for happens in another process
            await asyncio.sleep(0.02)


@dataclass
class Driver:
    """Callers and agents."""

    writer: asyncio.StreamWriter
    heard: list[Message] = field(default_factory=list)

    def call(self, queue: str, number: str, *, gives_up: int, phone: str = "waits", **variables: str) -> None:
        """Let somebody call a queue, and hang up after ``gives_up`` seconds."""
        said = ",".join(f"{name}={value}" for name, value in {"FOR": str(gives_up), **variables}.items())
        self._do(
            "Originate",
            Channel=f"Local/{queue}@callers/n",
            Context="phones",
            Exten=phone,
            Priority="1",
            CallerID=number,
            Variable=said,
            Async="true",
        )

    async def agent_of(self, number: str) -> str:
        """Return the agent's channel, once somebody has answered and the two can talk."""
        channel = (await self.heard_of(number, "AgentConnect"))["DestChannel"]
        await self._heard({"Event": "BridgeEnter", "Channel": channel})
        return channel

    async def caller_of(self, number: str, event: str) -> str:
        """Return the caller's own end of a call, once that has happened to it."""
        return (await self.heard_of(number, event))["Channel"].removesuffix("2") + "1"

    async def heard_of(self, number: str, event: str) -> Message:
        """Return the first such event about a caller, once it has come."""
        return await self._heard({"Event": event, "CallerIDNum": number})

    async def _heard(self, wanted: Message) -> Message:
        def found() -> Message | None:
            return next((m for m in self.heard if wanted.items() <= m.items()), None)

        await until(lambda: found() is not None)
        message = found()
        assert message is not None
        return message

    def transfer(self, channel: str, exten: str) -> None:
        """Let an agent pass on the call blindly."""
        self._do("BlindTransfer", Channel=channel, Context="transfers", Exten=exten)

    def hang_up(self, channel: str) -> None:
        """Let somebody hang up."""
        self._do("Hangup", Channel=channel)

    def _do(self, name: str, **headers: str) -> None:
        self.writer.write(action(name, headers))


@contextlib.asynccontextmanager
async def driving(exchange: Asterisk) -> AsyncIterator[Driver]:
    """Yield a driver of the exchange."""
    reader, writer = await asyncio.open_connection(LOOPBACK, exchange.port)
    await reader.readline()
    writer.write(action("Login", {"Username": "test", "Secret": exchange.secret, "Events": "agent,call"}))
    driver = Driver(writer)

    async def listen() -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                driver.heard.append(parse(await reader.readuntil(END)))

    listening = asyncio.create_task(listen())
    try:
        yield driver
    finally:
        listening.cancel()
        writer.close()


@dataclass
class Listener:
    """The source at work, without a broker."""

    settings: AmiSettings
    records: list[Raw] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    batches: int = 0

    @property
    def lines(self) -> list[str]:
        """What was read, as text."""
        return [record.payload.decode() for record in self.records]

    async def read(self) -> None:
        """Read until cancelled. Raises what the reader raises."""
        context = ReaderContext("telephony", Now(), CONTEXT.catalogue, self.gaps.append)
        async with contextlib.aclosing(AmiReader(self.settings, context).batches(None)) as batches:
            async for batch in batches:
                self.batches += 1
                known = {(record.payload, record.nth) for record in self.records}
                self.records += [r for r in batch.records if (r.payload, r.nth) not in known]


class Now:
    """The time of this machine, which the exchange shares."""

    def now(self) -> datetime:
        """Return it, in UTC."""
        return datetime.now(UTC)


@contextlib.asynccontextmanager
async def listening(listener: Listener) -> AsyncIterator[None]:
    """Let a listener read; on entry it is connected. Where reading fails, so does what is done meanwhile."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(listener.read())
        await until(lambda: listener.batches > 0)
        yield
        task.cancel()


def legs_of_log(exchange: Asterisk) -> dict[str, Leg]:
    """Return what the exchange's own log says of its calls, by their ids."""
    numbering, records = Numbering(), []
    for line in exchange.queue_log.read_bytes().splitlines():
        nth, sequence = numbering.number(second_of(line) or "", line)
        records.append(Raw(line, "queue_log", nth, sequence))
    return legs(QUEUE_LOG, AsteriskSettings(), records)


def legs_heard(listener: Listener) -> dict[str, Leg]:
    """Return what was heard of the calls, by their ids."""
    return legs(AMI, listener.settings, listener.records)


def legs(source: Source[Any], settings: SourceSettings, records: Iterable[Raw]) -> dict[str, Leg]:
    """Return the legs that records tell of. No record may be one that can't be used."""
    by_leg: dict[str, list[Event]] = {}
    for result in normalise_all(source, settings, CONTEXT, records):
        assert not isinstance(result, Rejection), result.why
        event = result.event if isinstance(result, Broadcast) else result
        if not isinstance(event, SystemRestarted):
            by_leg.setdefault(event.subject, []).append(event)
    return {leg: fold_leg(leg, events) for leg, events in by_leg.items()}


def apart(one: datetime | None, other: datetime | None) -> timedelta:
    """Return how far two times are apart; both may be missing."""
    if one is None or other is None:
        assert one is other
        return timedelta()
    return abs(one - other)
