"""What the worker asks of the world: the store, and sending between the stages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from schemas.deadletter import DeadLetter
from schemas.events import Event
from schemas.legs import LegMessage
from streams.core.contributions import RowKey
from streams.core.stage2 import FactKey, Frozen, Output

STAGE_1, STAGE_2 = 1, 2


@dataclass(frozen=True, slots=True)
class Archived:
    """An event as it goes to the archive: with its partition, its own bytes, and whether it came late."""

    partition: int
    event: Event
    payload: bytes
    late: bool


@dataclass(frozen=True, slots=True)
class Horizon:
    """From which local midnight (UTC) on days are open, and which rebuilds are asked for."""

    at: datetime
    rebuilds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Claim:
    """An owner's claim to a partition of a stage (CORRECTIONS 3)."""

    stage: int
    partition: int
    epoch: int
    horizon: datetime
    rebuilds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Held:
    """What the store holds of a partition of stage 2 in the horizon, and what reaches into it."""

    legs: Sequence[LegMessage]
    rows: Collection[RowKey]
    facts: Collection[FactKey]
    frozen: Frozen


class Store(Protocol):
    """The worker's side of ClickHouse. Every call blocks, and raises RetriableError while it is away."""

    def archive(self, events: Sequence[Archived]) -> None:
        """Write events to the archive."""
        ...

    def write(self, outputs: Mapping[int, Output]) -> None:
        """Write what stage 2 put out, per partition: figures, then facts, then its log."""
        ...

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Write dead letters."""
        ...

    def horizon(self) -> Horizon:
        """Return what a claim made now would get."""
        ...

    def claim(self, partitions: Iterable[int]) -> dict[tuple[int, int], Claim]:
        """Claim both stages of partitions; return the claims by (stage, partition)."""
        ...

    def activate(self, claims: Iterable[Claim]) -> None:
        """Make claims the ones in force: rows of former owners count no longer."""
        ...

    def finish(self, claims: Iterable[Claim]) -> None:
        """Note that the takeovers are through: everything that stage 2 lacked has been sent to it."""
        ...

    def archived(self, partition: int, since: datetime) -> Sequence[Event]:
        """Return the events of legs that began at ``since`` or later, late ones left out."""
        ...

    def first_seen(self, partition: int, leg_ids: Collection[str]) -> Mapping[str, datetime]:
        """Return the first instant of those legs that the archive knows."""
        ...

    def held(self, partition: int, since: datetime) -> Held:
        """Return stage 2's log, rows and facts of a partition from ``since`` on.

        And of what is frozen: its legs for a while before, and the contacts that reach over ``since``.
        """
        ...

    def sent(self, partition: int, since: datetime) -> Mapping[str, Mapping[str, str]]:
        """Return, per leg of a source partition, the digest of what stage 2 holds under each key."""
        ...
