"""A migrated database of its own, and a store filled through the worker's own sink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from kommuncenter.database import ClickHouseDatabase
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from schemas.catalogue import load_catalogue
from schemas.clickhouse.tables import TABLES
from schemas.events import Event, SystemRestarted, to_json
from schemas.identity import partition_for
from streams.core.rules import Rules
from streams.core.stage1 import Stage1
from streams.core.stage2 import Stage2
from streams.ports import STAGE_2, Archived
from streams.sink import ClickHouseStore
from streams.verify.compare import Kept, Verifier
from tests.histories import START
from tests.services.clickhouse import clickhouse, migrated
from tests.streams.test_laws import PARTITIONS, belonging

__all__ = ["clickhouse"]

NOW = START + timedelta(days=20)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """Always the same instant."""

    at: datetime = NOW

    def now(self) -> datetime:
        """Return it."""
        return self.at


@dataclass(frozen=True, slots=True)
class Installed:
    """A store that is filled as the worker fills it."""

    database: ClickHouseDatabase

    def verifier(self, behind: int = 0, kept: Kept | None = None, now: datetime = NOW) -> Verifier:
        """Return a verifier of a worker that is so many records behind."""
        return Verifier(self.database, load_catalogue(), FixedClock(now), lambda: behind, kept or Kept())

    def fill(self, events: Sequence[Event], late: Sequence[Event] = ()) -> None:
        """Put events through both stages and the sink; late ones go to the archive only."""
        sink = ClickHouseStore(self.database, FixedClock())
        claims = sink.claim(range(PARTITIONS))
        sink.activate(claims.values())
        sink.archive([_archived(p, e, False) for p in range(PARTITIONS) for e in belonging(events, p)])
        sink.archive([_archived(partition_for(e.subject, PARTITIONS), e, True) for e in late])
        sent = [
            message
            for p in range(PARTITIONS)
            for message in Stage1(partition=p, epoch=1).apply(belonging(events, p))
        ]
        for partition in range(PARTITIONS):
            claim = claims[STAGE_2, partition]
            stage = Stage2(partition, claim.epoch, claim.horizon, Rules(load_catalogue()))
            mine = [m for m in sent if partition_for(m.key, PARTITIONS) == partition]
            sink.write({partition: stage.apply(mine)})

    def empty(self) -> None:
        """Take everything out."""
        for table in TABLES:
            self.database.command(f"TRUNCATE TABLE {table.name}")


def _archived(partition: int, item: Event, late: bool) -> Archived:
    assert late is False or not isinstance(item, SystemRestarted)
    return Archived(partition, item, to_json(item), late)


@pytest.fixture
def installed(clickhouse: EmbeddedClickHouse) -> Iterator[Installed]:
    """An empty, migrated database."""
    with migrated(clickhouse) as database:
        yield Installed(database)
