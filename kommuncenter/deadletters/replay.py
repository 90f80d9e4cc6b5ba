"""Replaying dead letters: with the present source code and settings, and without counting anything twice.

Events have ids that follow from the record, so that what is replayed twice is the same events again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pydantic import ValidationError

from kommuncenter.deadletters.letters import Outcome, Stored, Try
from producers.contract import Broadcast, Raw
from producers.runner import Rejection
from schemas.clock import Clock
from schemas.deadletter import DeadLetter, LetterKind, Original, Unseal, what_is_wrong
from schemas.errors import ConfigurationError
from schemas.events import Event, event_adapter
from schemas.legs import leg_message_adapter
from schemas.topics import DEAD_LETTERS, EVENTS_PREFIX, LEGS

Normaliser = Callable[[Iterable[Raw]], Iterator[Event | Broadcast | Rejection]]
"""A source's records to events, under its present settings."""


class Outlet(Protocol):
    """Where replayed events and messages go."""

    def publish(self, instance: str, events: Sequence[Event | Broadcast]) -> None:
        """Send events to the topic of ``instance``. Raises RetriableError."""
        ...

    def forward(self, topic: str, partition: int, key: str, value: bytes) -> None:
        """Send a message as it is to a partition of a topic. Raises RetriableError."""
        ...

    def flush(self) -> None:
        """Return when all since the last flush is acknowledged; else raise RetriableError."""
        ...


class LetterStore(Protocol):
    """What a replay asks of the store. Raises RetriableError while it is away."""

    def with_records(self, ids: Sequence[str]) -> Iterator[list[Stored]]:
        """Yield the letters of these ids in pieces, with their sealed records."""
        ...

    def record(self, tries: Sequence[Try]) -> None:
        """Write tries down."""
        ...


class Fate(StrEnum):
    """What becomes of a letter."""

    REPLAYED = "replayed"
    REJECTED = "rejected"
    NOT_KEPT = "not kept"
    """Its record was dropped, or has expired."""
    HINDERED = "hindered"
    """A setting stands in the way: the key, or a source that is configured no longer."""


TRIED = (Fate.REPLAYED, Fate.REJECTED)
"""Those that were read again, whatever came of it."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that goes to its topic again, as it is."""

    topic: str
    partition: int
    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Replayed:
    """A letter and what becomes of it; nothing of it is sent yet.

    Reason and detail are those of a rejection, or say what hinders; ``times`` are those of the events (UTC).
    """

    letter: DeadLetter
    fate: Fate
    reason: str = ""
    detail: str = ""
    events: Sequence[Event | Broadcast] = ()
    message: Message | None = None
    times: Sequence[datetime] = ()


class Replayer:
    """Replays letters in pieces: send, wait for the acknowledgement, and only then mark as replayed."""

    def __init__(
        self,
        *,
        letters: LetterStore,
        outlet: Outlet,
        unseal: Unseal,
        normaliser: Callable[[str], Normaliser],
        clock: Clock,
    ) -> None:
        """Take all that is needed; ``normaliser`` raises ConfigurationError for an unknown instance."""
        self._letters = letters
        self._outlet = outlet
        self._unseal = unseal
        self._normaliser = normaliser
        self._clock = clock

    def replay(self, ids: Sequence[str], *, dry_run: bool = False) -> Iterator[Replayed]:
        """Yield what became of each letter; with ``dry_run`` what would become of it, and send nothing.

        Raises RetriableError while broker or store are away. What was yielded before is done; to go on is
        to begin anew.
        """
        for stored in self._letters.with_records(ids):
            replayed = [self._look_at(one) for one in stored]
            if not dry_run:
                self._send(replayed)
                self._letters.record([_try(one, self._clock.now()) for one in replayed if one.fate in TRIED])
            yield from replayed

    def _look_at(self, stored: Stored) -> Replayed:
        letter = stored.letter
        if not stored.kept:
            return Replayed(letter, Fate.NOT_KEPT)
        try:
            original = letter.original(self._unseal)
            if letter.kind is LetterKind.MESSAGE:
                return _message_again(letter, original)
            return self._record_again(letter, original)
        except ConfigurationError as error:
            return Replayed(letter, Fate.HINDERED, detail=str(error))

    def _record_again(self, letter: DeadLetter, original: Original) -> Replayed:
        raw = Raw(
            payload=original.payload,
            place=letter.place,
            nth=original.nth,
            sequence=original.sequence,
            received_at=original.received_at,
            attributes=original.attributes,
        )
        events: list[Event | Broadcast] = []
        for result in self._normaliser(letter.instance)([raw]):
            if isinstance(result, Rejection):
                return Replayed(letter, Fate.REJECTED, result.why.reason, result.why.detail)
            events.append(result)
        times = [event.event.time if isinstance(event, Broadcast) else event.time for event in events]
        return Replayed(letter, Fate.REPLAYED, events=events, times=times)

    def _send(self, replayed: Sequence[Replayed]) -> None:
        for one in replayed:
            if one.message:
                message = one.message
                self._outlet.forward(message.topic, message.partition, message.key, message.value)
            elif one.events:
                self._outlet.publish(one.letter.instance, one.events)
        self._outlet.flush()


def _try(replayed: Replayed, now: datetime) -> Try:
    outcome = Outcome.REPLAYED if replayed.fate is Fate.REPLAYED else Outcome.REJECTED
    sent = 1 if replayed.message else len(replayed.events)
    return Try(replayed.letter.id, now, outcome, sent, replayed.reason, replayed.detail)


def _message_again(letter: DeadLetter, original: Original) -> Replayed:
    """Send a message again if the present code can read it: to the partition on which it stood."""
    topic, value = letter.instance, original.payload
    try:
        if topic.startswith(EVENTS_PREFIX):
            event = event_adapter.validate_json(value)
            key, times = event.subject, [event.time]
        else:
            key, times = _key_of(topic, value), []
    except ValidationError as error:
        return Replayed(letter, Fate.REJECTED, letter.reason, what_is_wrong(error))
    message = Message(topic, original.partition or 0, key, value)
    return Replayed(letter, Fate.REPLAYED, message=message, times=times)


def _key_of(topic: str, value: bytes) -> str:
    """Return the key of a message between our own processes. Raises ValidationError where it is none."""
    if topic == LEGS:
        return leg_message_adapter.validate_json(value).key
    if topic == DEAD_LETTERS:
        return DeadLetter.model_validate_json(value).id
    raise ConfigurationError(f"topic {topic}: no such topic of ours")
