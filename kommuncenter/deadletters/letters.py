"""Dead letters in the store: in groups, one by one, and the tries to replay them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.clickhouse.database import Database
from schemas.clickhouse.letters import Chosen, frozen_query, letter_groups_query, letters_query, tries_query
from schemas.clickhouse.tables import DEAD_LETTER_REPLAYS
from schemas.deadletter import DeadLetter

IDS_PER_QUESTION = 200
"""How many ids are asked for at a time: they travel in the address of a request."""


class Outcome(StrEnum):
    """What came of a try to replay a letter."""

    REPLAYED = "replayed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Group:
    """Open letters that have one cause. ``kept`` of them have their record still; times are in UTC."""

    instance: str
    reason: str
    detail: str
    letters: int
    kept: int
    first: datetime
    last: datetime
    example: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A letter in the store: with its latest reason, and with its record only where asked for."""

    letter: DeadLetter
    kept: bool
    replayed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Try:
    """One try to replay a letter; ``at`` is in UTC. Reason and detail are those of a new rejection."""

    letter_id: str
    at: datetime
    outcome: Outcome
    events: int = 0
    reason: str = ""
    detail: str = ""


class Letters:
    """Reads and marks dead letters. Every call blocks, and raises RetriableError while the store is away."""

    def __init__(self, database: Database) -> None:
        """Take a client of the store."""
        self._database = database

    def groups(self, chosen: Chosen) -> list[Group]:
        """Return letters in groups, the largest first."""
        return [Group(*row) for row in self._database.rows(letter_groups_query(chosen))]

    def find(self, chosen: Chosen) -> list[Stored]:
        """Return letters one by one, without their records, in the order in which they were found."""
        return [_stored(row) for row in self._database.rows(letters_query(chosen, with_record=False))]

    def with_records(self, ids: Sequence[str]) -> Iterator[list[Stored]]:
        """Yield the letters of these ids in pieces, with their sealed records."""
        for start in range(0, len(ids), IDS_PER_QUESTION):
            chosen = Chosen(ids=ids[start : start + IDS_PER_QUESTION])
            yield [_stored(row) for row in self._database.rows(letters_query(chosen, with_record=True))]

    def tries(self, letter_id: str) -> list[Try]:
        """Return the tries to replay a letter, in their order."""
        rows = self._database.rows(tries_query(letter_id))
        return [Try(letter_id, at, Outcome(outcome), *rest) for at, outcome, *rest in rows]

    def record(self, tries: Sequence[Try]) -> None:
        """Write tries down: those that succeeded are open no longer."""
        rows = [(t.letter_id, t.at, t.outcome.value, t.events, t.reason, t.detail) for t in tries]
        if rows:
            self._database.insert(DEAD_LETTER_REPLAYS, [list(column) for column in zip(*rows, strict=True)])

    def frozen_before(self) -> datetime:
        """Return the instant (UTC) before which events come late; far back while nothing is frozen."""
        instant: datetime = self._database.rows(frozen_query())[0][0]
        return instant


def _stored(row: Sequence[object]) -> Stored:
    *values, kept, replayed_at = row
    letter = DeadLetter.model_validate(dict(zip(_FIELDS, values, strict=True)))
    return Stored(letter, bool(kept), replayed_at if isinstance(replayed_at, datetime) else None)


_FIELDS = ("id", "instance", "place", "reason", "detail", "sha256", "size", "at", "kind", "sealed")
