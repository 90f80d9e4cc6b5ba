"""One worker's work on its partitions: taking them over, and both stages' batches, in the order of DESIGN.

Knows neither Faust nor ClickHouse: the store, the sending and the fence are ports. A batch is done only
when its last write is done (CORRECTIONS 10); whoever calls marks the offset after that, and only where the
call says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import ParamSpec, TypeVar

import structlog
from pydantic import ValidationError

from schemas.clock import Clock
from schemas.deadletter import DeadLetter, LetterKind, Original, Seal, dead_letter, drop, what_is_wrong
from schemas.events import Event, NoLeg, event_adapter, events_adapter
from schemas.legs import LegMessage, leg_message_adapter, leg_messages_adapter
from streams.core.digest import digest
from streams.core.rules import Rules
from streams.core.stage1 import Stage1
from streams.core.stage2 import Stage2
from streams.ports import STAGE_1, STAGE_2, Archived, Claim, Horizon, Store
from streams.sink import BEGINNING
from streams.vitals import Vitals, WorkerState

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


Fence = Callable[[Collection[int]], Awaitable[bool]]
"""Proves that this worker still owns partitions, by a commit that a stale generation can't make.

Returns True if the broker took the commit; False if the partitions have moved on.
"""

Send = Callable[[Sequence[LegMessage]], Awaitable[None]]
"""Sends to stage 2; returns when the broker has acknowledged all. Raises RetriableError."""


@dataclass(frozen=True, slots=True)
class Records:
    """The raw records of one partition of one topic out of one poll, in order."""

    topic: str
    partition: int
    first: int
    last: int
    values: tuple[bytes | None, ...]
    offsets: tuple[int, ...]


@dataclass(slots=True)
class Owned:
    """A partition number that this worker owns in both stages."""

    one: Stage1
    two: Stage2
    claimed: Horizon

    @property
    def horizon(self) -> datetime:
        """Before this everything is frozen."""
        return self.claimed.at


@dataclass(slots=True)
class Worker:
    """Both stages over the partitions that are assigned at the moment."""

    store: Store
    send: Send
    fence: Fence
    rules: Rules
    clock: Clock
    seal: Seal = drop
    """Encrypts the messages that can't be used, or drops them."""
    vitals: Vitals = field(init=False)
    _assigned: bool = False
    _owned: dict[int, asyncio.Future[Owned]] = field(default_factory=dict)
    _takeover: asyncio.Task[None] | None = None
    _taking_events: asyncio.Lock = field(default_factory=asyncio.Lock)
    _taking_legs: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        """Count from now on."""
        self.vitals = Vitals(self.clock)

    @property
    def state(self) -> WorkerState:
        """What it does; one without any partition runs as well."""
        if self.vitals.waiting_since is not None:
            return WorkerState.WAITING
        if not self._assigned:
            return WorkerState.STARTING
        taken_over = all(self.owns(partition) for partition in self._owned)
        return WorkerState.RUNNING if taken_over else WorkerState.TAKING_OVER

    @property
    def partitions(self) -> list[int]:
        """The partitions that it has taken over, in order."""
        return [partition for partition in self._owned if self.owns(partition)]

    def assign(self, partitions: Collection[int]) -> None:
        """Begin to take over exactly these partitions; whatever was owned before is given up.

        Returns at once: state is read back in a thread, so that heartbeats go on (CORRECTIONS 40). Batches
        of a partition wait until its takeover is through.
        """
        self.revoke()
        self._assigned = True
        loop = asyncio.get_running_loop()
        self._owned = {partition: loop.create_future() for partition in sorted(partitions)}
        if self._owned:
            self._takeover = asyncio.create_task(self._take_over(dict(self._owned)))

    def revoke(self) -> None:
        """Give up all partitions; what is under way for them is not marked as done."""
        if self._takeover is not None:
            self._takeover.cancel()
        for future in self._owned.values():
            future.cancel()
        self._owned = {}

    def owns(self, partition: int) -> bool:
        """Tell whether a partition has been taken over."""
        return self._state(partition) is not None

    def _state(self, partition: int) -> Owned | None:
        """Return the state of a partition; None where it is not, or not yet, ours."""
        future = self._owned.get(partition)
        return future.result() if future and future.done() and not future.cancelled() else None

    async def ready(self) -> None:
        """Wait until every assigned partition is taken over. Raises what made a takeover fail."""
        if self._takeover is not None:
            await self._takeover

    async def renew(self) -> bool:
        """Take all partitions over anew if the horizon has moved or a rebuild is asked for; tell whether.

        So days freeze, and their state is given up; so a rebuild opens them once again. The batches under
        way are done first: nobody would hand them in a second time.
        """
        wanted = await self._persist(self.store.horizon)
        async with self._taking_events, self._taking_legs:
            states = [self._state(partition) for partition in self._owned]
            if not states or None in states or all(s and s.claimed == wanted for s in states):
                return False
            log.info("horizon_moved", horizon=wanted.at.isoformat(), rebuilds=len(wanted.rebuilds))
            self.assign(tuple(self._owned))
        return True

    async def take_events(self, batch: Sequence[Records]) -> Sequence[Records]:
        """Stage 1: archive, then send on. Return the records that are done."""
        async with self._taking_events:
            with self.vitals.batch():
                return await self._take_events(batch)

    async def take_legs(self, batch: Sequence[Records]) -> Sequence[Records]:
        """Stage 2: figures, then facts, then its log. Return the records that are done."""
        async with self._taking_legs:
            with self.vitals.batch():
                return await self._take_legs(batch)

    async def _take_events(self, batch: Sequence[Records]) -> Sequence[Records]:
        owned = await self._owners(batch)
        read = [(records, *self._read_events(records)) for records in batch if records.partition in owned]
        late = await self._late(read, owned)
        archived = [
            Archived(records.partition, event, payload, event.id in late)
            for records, events, _ in read
            for event, payload in events
        ]
        # What is archived already stays as it is: when it came first tells what a frozen day knew of it.
        new = [a for a in archived if a.late or not owned[a.partition].one.knows(a.event)]
        await self._persist(self.store.archive, new)
        await self._bury([letter for _, _, letters in read for letter in letters])
        messages: list[LegMessage] = []
        for partition, state in owned.items():
            fresh = [a.event for a in archived if a.partition == partition and not a.late]
            messages += state.one.apply(fresh)
        await self._send(messages)
        return self._still_owned(batch, owned)

    async def _take_legs(self, batch: Sequence[Records]) -> Sequence[Records]:
        owned = await self._owners(batch)
        letters: list[DeadLetter] = []
        messages: dict[int, list[LegMessage]] = {partition: [] for partition in owned}
        for records in batch:
            if records.partition in owned:
                found, bad = self._read_legs(records)
                messages[records.partition] += found
                letters += bad
        await self._bury(letters)
        outputs = {partition: state.two.apply(messages[partition]) for partition, state in owned.items()}
        await self._persist(self.store.write, outputs)
        return self._still_owned(batch, owned)

    async def take_letters(self, batch: Sequence[Records]) -> Sequence[Records]:
        """Dead letters of the sources: write them down. Return the records that are done."""
        letters = []
        for records in batch:
            for offset, value in zip(records.offsets, records.values, strict=True):
                try:
                    letters.append(DeadLetter.model_validate_json(value or b""))
                except ValidationError:
                    letters.append(self._letter(records, offset, value, "not a dead letter"))
        await self._bury(letters)
        return batch

    async def _take_over(self, owned: dict[int, asyncio.Future[Owned]]) -> None:
        """Claim, fence, read back, write everything anew, activate, send on what stage 2 lacks."""
        try:
            claims = await self._persist(self.store.claim, owned)
            if not await self.fence(owned):
                log.info("takeover_fenced_off", partitions=sorted(owned))
                return
            restored: dict[int, Owned] = {}
            for partition in owned:
                one, two = claims[STAGE_1, partition], claims[STAGE_2, partition]
                restored[partition] = await self._persist(self._restore, one, two)
            await self._persist(self.store.activate, claims.values())
            for partition, state in restored.items():
                await self._send(await self._persist(self._unsent, state))
                owned[partition].set_result(state)
            await self._persist(self.store.finish, claims.values())
            log.info("partitions_taken_over", partitions=sorted(owned))
        except BaseException as error:
            for future in owned.values():
                if not future.done():
                    future.cancel()
            if isinstance(error, asyncio.CancelledError):
                return
            raise

    def _restore(self, first: Claim, second: Claim) -> Owned:
        """Read a partition's state back and write its rows of the horizon anew. Blocks."""
        partition = first.partition
        one = Stage1(partition=partition, epoch=first.epoch)
        one.restore(self.store.archived(partition, first.horizon))
        two = Stage2(partition=partition, epoch=second.epoch, horizon=second.horizon, rules=self.rules)
        held = self.store.held(partition, second.horizon)
        two.restore(held.legs, held.frozen)
        self.store.write({partition: two.everything(held.rows, held.facts)})
        return Owned(one, two, Horizon(first.horizon, first.rebuilds))

    def _unsent(self, state: Owned) -> list[LegMessage]:
        """Return what stage 2 has not heard, or not as it stands now (CORRECTIONS 7). Blocks.

        What it holds under a key that the state does not know of was sent for a payload that lost to another
        with the same event id, and is gone from the archive: it is retracted.
        """
        known = self.store.sent(state.one.partition, state.horizon)
        unsent: list[LegMessage] = []
        for leg_id in state.one.legs:
            held = known.get(leg_id, {})
            messages = state.one.messages(leg_id)
            if beyond := held.keys() - {message.key for message in messages}:
                messages += state.one.retractions(state.one.leg(leg_id), beyond)
            if any(digest(message) != held.get(message.key) for message in messages):
                unsent += messages
        return unsent

    async def _owners(self, batch: Sequence[Records]) -> dict[int, Owned]:
        """Return the state of each partition of a batch that is (still) ours, once it is taken over."""
        owned = {}
        for partition in {records.partition for records in batch}:
            future = self._owned.get(partition)
            if future is None:
                continue
            await asyncio.wait([future])
            if not future.cancelled():
                owned[partition] = future.result()
        return owned

    def _still_owned(self, batch: Sequence[Records], owned: dict[int, Owned]) -> list[Records]:
        """Return the records whose partition has not changed hands while they were worked on."""
        done = []
        for records in batch:
            state = self._state(records.partition)
            if state is not None and state is owned.get(records.partition):
                done.append(records)
        return done

    def _read_events(self, records: Records) -> tuple[list[tuple[Event, bytes]], list[DeadLetter]]:
        """Validate a whole batch at once; only when that fails look for the culprits one by one."""
        values = [value or b"" for value in records.values]
        try:
            events = events_adapter.validate_json(b"[" + b",".join(values) + b"]")
            return list(zip(events, values, strict=True)), []
        except (ValidationError, ValueError):
            return self._one_by_one(records, event_adapter.validate_json)

    def _read_legs(self, records: Records) -> tuple[list[LegMessage], list[DeadLetter]]:
        values = [value or b"" for value in records.values]
        try:
            messages = leg_messages_adapter.validate_json(b"[" + b",".join(values) + b"]")
            if len(messages) == len(values):
                return messages, []
        except ValidationError:
            pass
        found, letters = self._one_by_one(records, leg_message_adapter.validate_json)
        return [message for message, _ in found], letters

    def _one_by_one(
        self, records: Records, read: Callable[[bytes], T]
    ) -> tuple[list[tuple[T, bytes]], list[DeadLetter]]:
        found: list[tuple[T, bytes]] = []
        letters: list[DeadLetter] = []
        for offset, value in zip(records.offsets, records.values, strict=True):
            try:
                found.append((read(value or b""), value or b""))
            except ValidationError as error:
                letters.append(self._letter(records, offset, value, what_is_wrong(error)))
        return found, letters

    def _letter(self, records: Records, offset: int, value: bytes | None, detail: str) -> DeadLetter:
        return dead_letter(
            instance=records.topic,
            place=f"{records.topic} partition {records.partition} offset {offset}",
            reason="unreadable",
            detail=detail,
            original=Original(payload=value or b"", partition=records.partition),
            at=self.clock.now(),
            kind=LetterKind.MESSAGE,
            seal=self.seal,
        )

    async def _late(
        self,
        read: Sequence[tuple[Records, list[tuple[Event, bytes]], list[DeadLetter]]],
        owned: dict[int, Owned],
    ) -> set[str]:
        """Return the ids of events about frozen days: theirs, or of a leg that began in one.

        A leg without state may be known to the archive from before the horizon (CORRECTIONS 9). A new one
        may belong to a frozen contact for as long as a thread can be taken up again.
        """
        late: set[str] = set()
        for partition, state in owned.items():
            if state.horizon == BEGINNING:
                continue
            events = [e for records, found, _ in read if records.partition == partition for e, _ in found]
            unknown = {e.subject for e in events} - state.one.legs.keys()
            known = await self._persist(self.store.first_seen, partition, unknown) if unknown else {}
            for event in events:
                new = event.subject in unknown
                began = min(event.time, known.get(event.subject, event.time))
                first = state.horizon + (self.rules.reopen_within if new else timedelta(0))
                if began < first and not isinstance(event, NoLeg):
                    late.add(event.id)
        return late

    async def _bury(self, letters: Sequence[DeadLetter]) -> None:
        if letters:
            log.warning("records_rejected", count=len(letters), first=letters[0].place)
            await self._persist(self.store.bury, letters)

    async def _send(self, messages: Sequence[LegMessage]) -> None:
        if not messages:
            return
        await self.vitals.patiently(partial(self.send, messages))

    async def _persist(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do blocking work in a thread, as often as it takes while the store is away."""
        return await self.vitals.patiently(partial(asyncio.to_thread, work, *args, **kwargs))
