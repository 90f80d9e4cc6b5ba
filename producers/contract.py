"""The source contract: what a source is, and what it may and may not do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict

from schemas.catalogue import Catalogue
from schemas.clock import Clock
from schemas.events import Channel, Event
from schemas.identity import Pseudonymiser


class SourceSettings(BaseModel):
    """Base of every source's settings; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=SourceSettings)


@dataclass(frozen=True, slots=True)
class Raw:
    """One record as the source gave it, and what the reader knows about it.

    ``place`` says where it stands, for people (``queue_log line 17``, ``INBOX uid 12``). ``nth`` numbers
    identical records within the same instant (CORRECTIONS 15); ``sequence`` orders the records of one
    instant. ``received_at`` is the source system's own time of receipt where there is one (UTC).
    """

    payload: bytes
    place: str
    nth: int = 0
    sequence: int = 0
    received_at: datetime | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


class Reason(StrEnum):
    """Why a record was rejected."""

    UNREADABLE = "unreadable"
    MISSING_FIELD = "missing_field"
    BAD_TIME = "bad_time"
    BAD_VALUE = "bad_value"
    UNKNOWN_KIND = "unknown_kind"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that can't be used. ``detail`` is for people and holds no personal data."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Context:
    """What a normaliser may know beside the record: nothing of it changes by itself."""

    instance: str
    """Name of the source instance, such as ``telephony``; its topic is ``kc.events.<instance>``."""
    pseudonymiser: Pseudonymiser
    catalogue: Catalogue
    partitions: int
    """For events that go to every partition."""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """An event for every partition of the source's topic, such as a restart of the telephone system."""

    event: Event


Normalised = Sequence[Event | Broadcast] | Rejected
"""Events (none for a record that is rightly of no interest), or why there are none."""

Place = str
"""Where a reader is, in its own words: opaque to everybody else, and storable as text."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that were read together. Reading again from ``before`` gives them again."""

    before: Place
    after: Place
    records: Sequence[Raw]


class Reader(Protocol):
    """Does the input of a source. Building one opens nothing."""

    def batches(self, start: Place | None) -> AsyncIterator[Batch]:
        """Yield batches from ``start`` (None: from the beginning), for ever, waiting for more."""
        ...


class LagUnit(StrEnum):
    """What a reader counts that is still to be read."""

    BYTES = "bytes"
    MESSAGES = "messages"
    RECORDS = "records"


@dataclass(frozen=True, slots=True)
class Lag:
    """How much a reader knows to stand in its input that it has not read."""

    amount: int
    unit: LagUnit


@runtime_checkable
class TellsLag(Protocol):
    """What a reader may do beside reading: tell how far it is behind."""

    def lag(self) -> Lag | None:
        """Return how far; None where it can't be told for now. May block; is called from another thread."""
        ...


@dataclass(frozen=True, slots=True)
class ReaderContext:
    """What a reader is given beside its settings."""

    instance: str
    clock: Clock
    catalogue: Catalogue
    on_gap: Callable[[str], None] | None = None
    """To be called when what stood in the input was gone before it was read, with what is known of it."""


@dataclass(frozen=True, slots=True)
class Source(Generic[S]):
    """A source: its name, its settings, a pure normaliser, and a reader.

    ``normalise`` is pure and total: it raises nothing, whatever the bytes are. ``reader`` builds a reader
    that has opened nothing yet. ``records`` cuts a finished file of the source's input into records, for
    golden cases and ``kommuncenter source check``; without it every line that is not empty is a record. It
    raises nothing either.
    """

    name: str
    channel: Channel
    settings: type[S]
    normalise: Callable[[Raw, S, Context], Normalised]
    reader: Callable[[S, ReaderContext], Reader]
    records: Callable[[bytes, S], Iterable[Raw]] | None = None


class Archive(Protocol):
    """What a source may ask of the store: which of its events have arrived there."""

    def known(self, instance: str, ids: Sequence[str]) -> set[str]:
        """Return those ids that are archived or among the dead letters. Raises RetriableError."""
        ...


class ReaderState(StrEnum):
    """What the runner of a source instance is doing."""

    STARTING = "starting"
    READING = "reading"
    WAITING = "waiting"
    """Something that it needs is away; it tries again until it is back."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Health:
    """How a source instance is doing; times in UTC. Counts are since it was started.

    ``last_event_at`` is by the source's own clock, ``last_sent_at`` (when the broker had events of it) by
    ours. ``reason`` says why it waits or stopped, without personal data. ``gaps`` counts what stood in the
    input and was gone before it was read.
    """

    instance: str
    at: datetime
    last_event_at: datetime | None
    last_read_at: datetime | None
    published: int
    rejected: int
    last_sent_at: datetime | None = None
    state: ReaderState = ReaderState.READING
    reason: str = ""
    lag: Lag | None = None
    gaps: int = 0


class HealthSink(Protocol):
    """Where sources report."""

    def report(self, health: Health) -> None:
        """Store a report. Raises RetriableError while the store is away."""
        ...
