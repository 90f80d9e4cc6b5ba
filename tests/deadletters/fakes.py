"""Fakes at the ports of a replay: a store of letters, and an outlet that may fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from kommuncenter.deadletters.letters import Outcome, Stored, Try
from producers.contract import Broadcast
from schemas.deadletter import DeadLetter
from schemas.errors import RetriableError
from schemas.events import Event


@dataclass
class MemoryLetters:
    """Keeps letters and tries; gives two letters at a time."""

    letters: Sequence[DeadLetter]
    tries: list[Try] = field(default_factory=list)

    def with_records(self, ids: Sequence[str]) -> Iterator[list[Stored]]:
        chosen = [letter for letter in self.letters if letter.id in ids]
        for start in range(0, len(chosen), 2):
            yield [Stored(letter, bool(letter.sealed), None) for letter in chosen[start : start + 2]]

    def record(self, tries: Sequence[Try]) -> None:
        self.tries.extend(tries)

    def open(self) -> list[str]:
        """Return the ids of letters that were never replayed."""
        replayed = {t.letter_id for t in self.tries if t.outcome is Outcome.REPLAYED}
        return [letter.id for letter in self.letters if letter.id not in replayed]


@dataclass
class MemoryOutlet:
    """Keeps what was acknowledged; a flush may fail, and then keeps half of it, as a real broker may."""

    fails: Callable[[int], bool] = lambda _: False
    events: list[tuple[str, Event | Broadcast]] = field(default_factory=list)
    messages: list[tuple[str, int, str, bytes]] = field(default_factory=list)
    flushes: int = 0
    _waiting: list[tuple[str, Event | Broadcast]] = field(default_factory=list)
    _waiting_messages: list[tuple[str, int, str, bytes]] = field(default_factory=list)

    def publish(self, instance: str, events: Sequence[Event | Broadcast]) -> None:
        self._waiting += [(instance, event) for event in events]

    def forward(self, topic: str, partition: int, key: str, value: bytes) -> None:
        self._waiting_messages.append((topic, partition, key, value))

    def flush(self) -> None:
        number, self.flushes = self.flushes, self.flushes + 1
        events, messages = self._waiting, self._waiting_messages
        self._waiting, self._waiting_messages = [], []
        if self.fails(number):
            self.events += events[: len(events) // 2]
            raise RetriableError("the broker is away")
        self.events += events
        self.messages += messages
