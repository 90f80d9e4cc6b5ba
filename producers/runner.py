"""Runs one source instance: read, normalise, publish, wait for the acknowledgement, note the place."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import stamina
import structlog

from producers.contract import (
    Archive,
    Batch,
    Broadcast,
    Context,
    Health,
    HealthSink,
    Lag,
    Place,
    Raw,
    Reader,
    ReaderContext,
    ReaderState,
    Reason,
    Rejected,
    Source,
    SourceSettings,
    TellsLag,
)
from producers.journal import Journal
from producers.publisher import Publisher
from schemas.clock import Clock
from schemas.deadletter import DeadLetter, Original, Seal, dead_letter, drop
from schemas.errors import KommuncenterError, RetriableError
from schemas.events import Event

S = TypeVar("S", bound=SourceSettings)
T = TypeVar("T")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that gave no events, and why."""

    record: Raw
    why: Rejected


def normalise_all(
    source: Source[S], settings: S, context: Context, records: Iterable[Raw]
) -> Iterator[Event | Broadcast | Rejection]:
    """Yield the events and rejections of ``records``, in their order. Sends nothing, and raises nothing.

    A normaliser that breaks its contract and raises costs that record only; the message of what it raised
    may hold what stood in the record, so only its type is told.
    """
    for record in records:
        try:
            result = source.normalise(record, settings, context)
        except Exception as error:
            yield Rejection(
                record, Rejected(Reason.UNREADABLE, f"the normaliser failed with {type(error).__name__}")
            )
            continue
        if isinstance(result, Rejected):
            yield Rejection(record, result)
        else:
            yield from result


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things are done, and how long a runner waits before it tries again."""

    health: timedelta = timedelta(seconds=5)
    confirm: timedelta = timedelta(seconds=30)
    first_retry: timedelta = timedelta(seconds=0.5)
    last_retry: timedelta = timedelta(seconds=15)
    stop_grace: timedelta = timedelta(seconds=5)
    """How long an operation that has begun may go on after a cancellation."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A batch, normalised: ready to be sent as often as it takes."""

    batch: Batch
    events: Sequence[Event | Broadcast]
    letters: Sequence[DeadLetter]

    @property
    def ids(self) -> list[str]:
        events = (event.event.id if isinstance(event, Broadcast) else event.id for event in self.events)
        return list(dict.fromkeys([*events, *(letter.id for letter in self.letters)]))


@dataclass(slots=True)
class _Counts:
    published: int = 0
    rejected: int = 0
    last_event_at: datetime | None = None
    last_read_at: datetime | None = None
    last_sent_at: datetime | None = None
    gaps: int = 0
    state: ReaderState = ReaderState.STARTING
    reason: str = ""


class SourceRunner:
    """One source instance at work. Build it, then await ``run()``; cancel that to stop it.

    At-least-once: a place is noted only after the broker has acknowledged the events of everything below
    it, and events have deterministic ids, so what is sent twice counts once.
    """

    def __init__(
        self,
        *,
        source: Source[S],
        settings: S,
        context: Context,
        publisher: Publisher,
        journal: Journal,
        archive: Archive,
        health: HealthSink,
        clock: Clock,
        pace: Pace | None = None,
        seal: Seal = drop,
    ) -> None:
        """Take all that a runner needs; nothing is opened.

        ``context.instance`` names the instance, and so its topic. ``publisher`` and ``journal`` belong to
        this runner alone; ``archive`` and ``health`` may be shared if they may be used from threads.
        ``seal`` encrypts the records that can't be used, or drops them.
        """
        self.instance = context.instance
        self._reader: Reader = source.reader(
            settings, ReaderContext(context.instance, clock, context.catalogue, self._note_gap)
        )
        self._normalise = functools.partial(normalise_all, source, settings, context)
        self._publisher = publisher
        self._journal = journal
        self._archive = archive
        self._health = health
        self._clock = clock
        self._pace = pace or Pace()
        self._seal = seal
        self._secret = context.pseudonymiser.current.secret
        self._place: Place | None = None
        self._counts = _Counts()
        self._threads = ThreadPoolExecutor(3, thread_name_prefix=f"source-{self.instance}")
        self._log = _log.bind(instance=self.instance, source=source.name)

    @property
    def state(self) -> ReaderState:
        """What the runner is doing at the moment."""
        return self._counts.state

    def report(self) -> Health:
        """Return how the instance is doing. May block: a reader may have to look how far it is behind."""
        counts = self._counts
        return Health(
            instance=self.instance,
            at=self._clock.now(),
            last_event_at=counts.last_event_at,
            last_read_at=counts.last_read_at,
            published=counts.published,
            rejected=counts.rejected,
            last_sent_at=counts.last_sent_at,
            state=counts.state,
            reason=counts.reason,
            lag=self._lag(),
            gaps=counts.gaps,
        )

    async def run(self) -> None:
        """Run until cancelled, or until the reader has no more to come (then all of it is acknowledged).

        Waits while the broker or the store is away. Raises what is neither: a wrong setting, or a bug.
        """
        try:
            async for attempt in self._retries():
                with attempt, self._waiting_when_away("store"):
                    self._place = await self._in_thread(self._journal.resume, self._archive)
            self._log.info("source_started", from_the_beginning=self._place is None)
            tasks = [
                asyncio.create_task(self._read_all()),
                asyncio.create_task(self._every(self._pace.health, self._report_health)),
                asyncio.create_task(self._every(self._pace.confirm, self._confirm)),
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ended = [task for task in tasks if task.done()]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            for task in ended:
                task.result()
        except Exception as error:
            self._counts.reason = str(error) if isinstance(error, KommuncenterError) else type(error).__name__
            raise
        finally:
            self._counts.state = ReaderState.STOPPED
            with contextlib.suppress(KommuncenterError, TimeoutError):
                await asyncio.wait_for(
                    self._in_thread(self._report_health), self._pace.stop_grace.total_seconds()
                )
            await self._in_thread(self._publisher.close)
            self._threads.shutdown(wait=False)
            self._log.info("source_stopped", published=self._counts.published, rejected=self._counts.rejected)

    async def _read_all(self) -> None:
        """Read to the end of the reader, which most never reach; start it again where it fails for now."""
        finished = False
        while not finished:
            async for attempt in self._retries():
                with attempt, self._waiting_when_away("source"):
                    finished = await self._read_until_it_fails()

    async def _read_until_it_fails(self) -> bool:
        """Return whether the reader ended. Raises RetriableError where it failed before it gave anything."""
        moved = False
        try:
            async with contextlib.aclosing(_generator(self._reader.batches(self._place))) as batches:
                async for batch in batches:
                    self._counts.state, self._counts.reason = ReaderState.READING, ""
                    self._counts.last_read_at = self._clock.now()
                    await self._take(batch)
                    moved = True
        except RetriableError as error:
            if not moved:
                raise
            self._log.warning("source_away", reason=str(error))
            return False
        return True

    async def _take(self, batch: Batch) -> None:
        """Send a batch, however long that takes, and note its place."""
        if batch.before == batch.after and not batch.records:
            return  # the reader says that it looked and that there is nothing new
        prepared = await self._in_thread(self._prepare, batch)
        async for attempt in self._retries():
            with attempt, self._waiting_when_away("broker"):
                await self._in_thread(self._send, prepared)
        self._place = batch.after
        self._count(prepared)

    def _prepare(self, batch: Batch) -> _Prepared:
        events: list[Event | Broadcast] = []
        letters: list[DeadLetter] = []
        for result in self._normalise(batch.records):
            if isinstance(result, Rejection):
                letters.append(self._letter(result))
            else:
                events.append(result)
        return _Prepared(batch, events, letters)

    def _letter(self, rejection: Rejection) -> DeadLetter:
        record, why = rejection.record, rejection.why
        self._log.warning("record_rejected", place=record.place, reason=why.reason, detail=why.detail)
        return dead_letter(
            instance=self.instance,
            place=record.place,
            reason=why.reason,
            detail=why.detail,
            original=Original(
                payload=record.payload,
                nth=record.nth,
                sequence=record.sequence,
                received_at=record.received_at,
                attributes=record.attributes,
            ),
            at=self._clock.now(),
            seal=self._seal,
            secret=self._secret,
        )

    def _send(self, prepared: _Prepared) -> None:
        self._publisher.publish(self.instance, prepared.events)
        for letter in prepared.letters:
            self._publisher.reject(letter)
        self._publisher.flush()
        self._journal.record(prepared.batch.before, prepared.batch.after, prepared.ids)

    def _count(self, prepared: _Prepared) -> None:
        counts = self._counts
        counts.published += len(prepared.events)
        counts.rejected += len(prepared.letters)
        times = [e.event.time if isinstance(e, Broadcast) else e.time for e in prepared.events]
        if times:
            newest = max(times)
            counts.last_event_at = max(newest, counts.last_event_at or newest)
            counts.last_sent_at = self._clock.now()

    def _lag(self) -> Lag | None:
        """Return how far the reader is behind, if it can tell; a look that fails stops no source."""
        with contextlib.suppress(OSError, RetriableError):
            return self._reader.lag() if isinstance(self._reader, TellsLag) else None
        return None

    def _note_gap(self, what: str) -> None:
        self._counts.gaps += 1
        self._log.error("input_may_be_lost", what=what)

    def _report_health(self) -> None:
        self._health.report(self.report())

    def _confirm(self) -> None:
        self._journal.confirm(self._archive)

    async def _every(self, period: timedelta, action: Callable[[], None]) -> None:
        """Do something again and again. What it needs may be away: it is done the next time, then."""
        while True:
            try:
                await self._in_thread(action)
            except RetriableError as error:
                self._log.warning("store_away", reason=str(error))
            await asyncio.sleep(period.total_seconds())

    async def _in_thread(self, work: Callable[..., T], *args: object) -> T:
        """Do blocking work beside the event loop; on a cancellation give it a moment to come to its end."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future], timeout=self._pace.stop_grace.total_seconds())
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise

    def _retries(self) -> Any:
        return stamina.retry_context(
            on=RetriableError,
            attempts=None,
            timeout=None,
            wait_initial=self._pace.first_retry,
            wait_max=self._pace.last_retry,
            wait_jitter=self._pace.first_retry,
        )

    @contextlib.contextmanager
    def _waiting_when_away(self, what: str) -> Iterator[None]:
        try:
            yield
        except RetriableError as error:
            if self._counts.state is not ReaderState.WAITING:
                self._log.warning(f"{what}_away", reason=str(error))
            self._counts.state, self._counts.reason = ReaderState.WAITING, str(error)
            raise
        self._counts.state, self._counts.reason = ReaderState.READING, ""


async def _generator(batches: AsyncIterator[Batch]) -> AsyncGenerator[Batch, None]:
    """Give any async iterator an end that can be asked for."""
    try:
        async for batch in batches:
            yield batch
    finally:
        close = getattr(batches, "aclose", None)
        if close is not None:
            await close()
