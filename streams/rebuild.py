"""``rebuild``: days computed anew from the archive, by the very owners of the partitions.

What is asked for is recorded in the store. The workers see that the horizon has moved back, take their
partitions over with the earlier one, and so recompute and write every row from the first day on, through the
same functions as ever. When all is through, the horizon moves on again, and the days are frozen anew.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import date, timedelta

from schemas.clickhouse.database import Database
from schemas.clickhouse.queries import OPEN_REBUILDS, Query
from schemas.clickhouse.tables import EVENTS, REBUILDS
from schemas.clock import Clock
from schemas.errors import ConfigurationError, RetriableError
from schemas.timebase import day_start
from streams.rows import transpose
from streams.verify.compare import Kept
from streams.waiting import Lag, behind, still_pending


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A range that is computed anew: from the local day ``since`` on, ``late`` events of it taken in."""

    id: str
    since: date
    late: int


@dataclass(frozen=True, slots=True)
class Rebuilder:
    """Asks for rebuilds, and sees them through. Several may be open; the earliest first day counts."""

    database: Database
    clock: Clock
    lag: Lag
    partitions: int
    kept: Kept = field(default_factory=Kept)

    def ask(self, since: date) -> Rebuild:
        """Take in the late events from ``since`` on, and record what is asked for.

        A range has no end: a mail falls due on a later day, and later contacts decide whether an errand was
        solved at the first. Raises ConfigurationError for days whose events have begun to expire
        (CORRECTIONS 13).
        """
        earliest = self.kept.first_day(self.clock.now())
        if earliest is not None and since < earliest:
            raise ConfigurationError(
                f"--since {since}: the events of those days have begun to expire (retention.events_days = "
                f"{self.kept.events}); the first day that can be rebuilt is {earliest}"
            )
        asked = Rebuild(secrets.token_hex(8), since, self._take_in_late(since))
        self._record(asked, "open")
        return asked

    def open(self) -> list[Rebuild]:
        """Return the rebuilds that were asked for and have not been seen through."""
        rows = self.database.rows(OPEN_REBUILDS)
        return [Rebuild(str(name), since, int(late)) for name, since, late in rows]

    def see_through(self, asked: Rebuild, wait: timedelta) -> None:
        """Wait until every partition has been taken over for it, and all that was sent on is worked in.

        Raises RetriableError if that has not happened within ``wait``; it stays open then.
        """
        missing = still_pending(lambda: self._missing(asked), wait)
        if missing:
            raise RetriableError(
                f"rebuild from {asked.since}: {missing} after {wait.total_seconds():g} s; is a worker "
                "running? What was asked for stays: run `kommuncenter rebuild` again to see it through"
            )
        self._record(asked, "done")

    def _missing(self, asked: Rebuild) -> str:
        taken = self._taken_over(asked)
        if taken < self.partitions:
            return f"{taken} of {self.partitions} partitions are taken over"
        return behind(self.lag)

    def _taken_over(self, asked: Rebuild) -> int:
        """Return how many partitions are, or were, through with a takeover that opened the days."""
        rows = self.database.rows(
            Query(
                """SELECT count() FROM
(
    SELECT partition FROM epochs
    WHERE state = 'through' AND horizon_from <= {first:DateTime64(3, 'UTC')}
        AND recorded_at >= (SELECT max(recorded_at) FROM rebuilds WHERE id = {id:String})
    GROUP BY partition HAVING uniqExact(stage) = 2
)""",
                {"first": day_start(asked.since), "id": asked.id},
            )
        )
        return int(rows[0][0])

    def _take_in_late(self, since: date) -> int:
        """Write the late events of legs that began at ``since`` or later as on time; return how many."""
        columns = ", ".join(EVENTS.columns)
        rows = self.database.rows(
            Query(
                f"""SELECT {columns} FROM events FINAL
WHERE late AND (partition, leg_id) IN
(
    SELECT partition, leg_id FROM events
    GROUP BY partition, leg_id
    HAVING min(occurred_at) >= {{first:DateTime64(3, 'UTC')}}
)""",  # noqa: S608 - names of columns
                {"first": day_start(since)},
            )
        )
        taken = []
        for row in rows:
            event = dict(zip(EVENTS.columns, row, strict=True))
            taken.append(tuple({**event, "version": event["version"] | 1, "late": 0}.values()))
        if taken:
            self.database.insert(EVENTS, transpose(taken, len(EVENTS.columns)))
        return len(taken)

    def _record(self, asked: Rebuild, state: str) -> None:
        row = (asked.id, asked.since, state, asked.late, self.clock.now())
        self.database.insert(REBUILDS, [[value] for value in row])
