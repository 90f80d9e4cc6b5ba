"""Reads a source's input again, beside the running source, and compares what it gives with the archive.

What it gives goes to a topic that no worker reads, or nowhere. Events have ids that follow from the input, so
the archive should hold just these: one that is missing was lost or never sent, one that is there in addition
came from input that is gone, and one that differs was made by other code or other settings.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Protocol, TypeVar

from producers.contract import Batch, Broadcast, Place, Raw, Reader
from producers.runner import Rejection
from schemas.events import Event

T = TypeVar("T")

IDS_PER_QUESTION = 500
"""How many ids the archive is asked about at a time: they travel in the address of a request."""

Normaliser = Callable[[Iterable[Raw]], Iterator[Event | Broadcast | Rejection]]
"""A source's records to events, under its present settings."""


@dataclass(frozen=True, slots=True)
class Archived:
    """An event of the archive; ``at`` in UTC."""

    id: str
    at: datetime
    type: str
    leg: str


class EventArchive(Protocol):
    """What a replay asks of the store. Raises RetriableError while it is away."""

    def events(self, instance: str, ids: Sequence[str]) -> Mapping[str, Event]:
        """Return those of the events that are archived, by id."""
        ...

    def between(self, instance: str, since: datetime, until: datetime) -> Iterator[Archived]:
        """Yield all archived events of an instance in a span, both ends included."""
        ...


class Outlet(Protocol):
    """Where what the source gives is sent."""

    def publish(self, instance: str, events: Sequence[Event | Broadcast]) -> None:
        """Send events. Raises RetriableError."""
        ...

    def flush(self) -> None:
        """Return when all of it is acknowledged; else raise RetriableError."""
        ...


class Kind(StrEnum):
    """How archive and source differ about an event."""

    MISSING = "missing"
    """The source gives it, the archive has it not."""
    ADDITIONAL = "additional"
    """The archive has it, within the time that was read; the source gives it not."""
    CHANGED = "changed"
    """Both have it, but they do not say the same."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One event about which archive and source differ; ``at`` in UTC."""

    kind: Kind
    id: str
    at: datetime
    type: str
    leg: str
    fields: tuple[str, ...] = ()
    """What is different in it."""


@dataclass(slots=True)
class Replayed:
    """What came of a replay."""

    records: int = 0
    events: int = 0
    rejected: int = 0
    expired: int = 0
    """Events from before what the archive keeps; they are not compared."""
    place: Place | None = None
    """Behind the last record that was read."""
    since: datetime | None = None
    until: datetime | None = None
    """The times of the first and the last event, in UTC."""
    differences: list[Difference] = field(default_factory=list)
    missing: list[Event | Broadcast] = field(default_factory=list)
    """What is missing, to be sent."""


class Replay:
    """A replay of one source instance. Build it, then await ``run()``."""

    def __init__(
        self,
        *,
        instance: str,
        reader: Reader,
        normalise: Normaliser,
        archive: EventArchive,
        outlet: Outlet | None,
        kept_since: datetime | None,
    ) -> None:
        """Take all that is needed; nothing is opened. The archive keeps nothing before ``kept_since``."""
        self._instance = instance
        self._reader = reader
        self._normalise = normalise
        self._archive = archive
        self._outlet = outlet
        self._kept_since = kept_since
        self._given: set[str] = set()
        self._missing: dict[str, Event | Broadcast] = {}
        self._found = Replayed()

    async def run(self, start: Place | None, quiet: timedelta) -> Replayed:
        """Read from ``start`` (None: from the beginning) to where nothing is new, and return what was found.

        A source that says nothing for ``quiet`` has no more. Raises RetriableError where the input, the
        broker or the store is away.
        """
        async with contextlib.aclosing(_until_quiet(self._reader.batches(start), quiet)) as batches:
            async for batch in batches:
                await asyncio.to_thread(self._take, batch)
        await asyncio.to_thread(self._conclude)
        return self._found

    def _take(self, batch: Batch) -> None:
        found = self._found
        found.records += len(batch.records)
        found.place = batch.after
        results = list(self._normalise(batch.records))
        given = [result for result in results if not isinstance(result, Rejection)]
        found.rejected += len(results) - len(given)
        found.events += len(given)
        if self._outlet is not None and given:
            self._outlet.publish(self._instance, given)
            self._outlet.flush()
        kept = [sent for sent in given if self._is_kept(_event(sent))]
        found.expired += len(given) - len(kept)
        for sent in kept:
            at = _event(sent).time
            found.since, found.until = min(found.since or at, at), max(found.until or at, at)
        for chunk in _chunks(kept):
            self._compare(chunk)

    def _compare(self, sent: Sequence[Event | Broadcast]) -> None:
        by_id = {_event(each).id: each for each in sent}
        archived = self._archive.events(self._instance, list(by_id))
        self._given |= by_id.keys()
        for event_id, each in by_id.items():
            if event_id not in archived:
                self._missing[event_id] = each
                continue
            fields = differing_fields(_event(each), archived[event_id])
            if fields:
                self._found.differences.append(_difference(Kind.CHANGED, _event(each), fields))

    def _conclude(self) -> None:
        """Look once more for what was missing: a running source may have sent it meanwhile."""
        found = self._found
        for chunk in _chunks(list(self._missing)):
            for event_id in self._archive.events(self._instance, chunk):
                del self._missing[event_id]
        found.missing = list(self._missing.values())
        found.differences += [_difference(Kind.MISSING, _event(each)) for each in found.missing]
        if found.since is not None and found.until is not None:
            found.differences += [
                Difference(Kind.ADDITIONAL, row.id, row.at, row.type, row.leg)
                for row in self._archive.between(self._instance, found.since, found.until)
                if row.id not in self._given
            ]
        found.differences.sort(key=lambda difference: (difference.at, difference.id))

    def _is_kept(self, event: Event) -> bool:
        return self._kept_since is None or event.time >= self._kept_since


def differing_fields(event: Event, archived: Event) -> tuple[str, ...]:
    """Return the names of what two events say differently.

    Not of their position, which only orders; nor of pseudonyms under keys that are not the same one.
    """
    mine, theirs = _fields(event), _fields(archived)
    if _key_id(event) != _key_id(archived):
        mine["data.party"] = theirs["data.party"] = None
    names = sorted(mine.keys() | theirs.keys())
    return tuple(name for name in names if mine.get(name) != theirs.get(name))


def _fields(event: Event) -> dict[str, object]:
    whole = event.model_dump(mode="json")
    data = whole.pop("data")
    if data.get("party"):
        data["party"] = data["party"]["current"]
    return whole | {f"data.{name}": value for name, value in data.items() if name != "position"}


def _key_id(event: Event) -> str:
    party = getattr(event.data, "party", None)
    return "" if party is None else str(party.current).partition(":")[0]


def _event(sent: Event | Broadcast) -> Event:
    return sent.event if isinstance(sent, Broadcast) else sent


def _difference(kind: Kind, event: Event, fields: tuple[str, ...] = ()) -> Difference:
    return Difference(kind, event.id, event.time, event.type, event.subject, fields)


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    remaining = iter(items)
    while chunk := list(islice(remaining, IDS_PER_QUESTION)):
        yield chunk


async def _until_quiet(batches: AsyncIterator[Batch], quiet: timedelta) -> AsyncGenerator[Batch, None]:
    """Yield batches until the reader says that there is nothing new, or nothing at all."""
    try:
        while True:
            try:
                batch = await asyncio.wait_for(anext(batches), quiet.total_seconds())
            except (StopAsyncIteration, TimeoutError):
                return
            if batch.before == batch.after and not batch.records:
                return
            yield batch
    finally:
        close = getattr(batches, "aclose", None)
        if close is not None:
            await close()
