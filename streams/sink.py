"""The worker's side of ClickHouse: archive, whole rows, claims, and state read back."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from schemas.clickhouse.database import Database
from schemas.clickhouse.queries import OPEN_REBUILDS, Query
from schemas.clickhouse.tables import (
    CONTACTS,
    DEAD_LETTERS,
    EPOCHS,
    EVENTS,
    INSTALLATION,
    LEGS,
    SERVICE_DAYS,
    SERVICE_WINDOWS,
    Table,
)
from schemas.clock import Clock
from schemas.deadletter import DeadLetter
from schemas.errors import ConfigurationError
from schemas.events import Event, events_adapter
from schemas.legs import ContactFact, leg_messages_adapter
from schemas.measures import WINDOWS_W
from schemas.timebase import day_start, kept_from, local_day
from streams.core.contributions import RowKey
from streams.core.stage2 import Frozen, Output
from streams.ports import STAGE_1, STAGE_2, Archived, Claim, Held, Horizon
from streams.rows import (
    event_row,
    fact_row,
    fact_without_errands,
    figure_rows,
    leg_row,
    letter_row,
    transpose,
)

LATENESS = timedelta(days=2)
"""What comes later than this after the largest W finds its day frozen."""

REACH = timedelta(days=14)
"""No contact reaches further over the horizon: not by its thread, nor by the day on which a mail is due."""

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""The horizon of a store that holds nothing yet: everything is live."""


class ClickHouseStore:
    """Writes and reads for the worker; see :class:`streams.ports.Store` for the contract."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        lateness: timedelta = LATENESS,
        settled: timedelta = timedelta(days=1),
        pseudonym_days: int | None = None,
    ) -> None:
        """Take a client that is safe to share between threads.

        Days freeze by what has been in the archive for ``settled``: history that several sources read side
        by side must not freeze under the slower ones. Facts older than ``pseudonym_days`` are written
        without their party.
        """
        self._database = database
        self._clock = clock
        self._lateness = lateness
        self._settled = settled
        self._pseudonym_days = pseudonym_days

    def archive(self, events: Sequence[Archived]) -> None:
        """Write events to the archive in one insert."""
        now = self._clock.now()
        self._insert(EVENTS, [event_row(archived, now) for archived in events])

    def write(self, outputs: Mapping[int, Output]) -> None:
        """Write figures, then facts, then stage 2's log, each in one insert over the partitions."""
        items, named_from = outputs.items(), self._named_from()
        self._insert(SERVICE_WINDOWS, [r for p, o in items for r in figure_rows(p, o.windows, o.revision)])
        self._insert(SERVICE_DAYS, [r for p, o in items for r in figure_rows(p, o.days, o.revision)])
        self._insert(CONTACTS, [fact_row(p, row, o, named_from) for p, o in items for row in o.facts])
        self._insert(LEGS, [leg_row(p, message) for p, o in items for message in o.legs])

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Write dead letters in one insert."""
        self._insert(DEAD_LETTERS, [letter_row(letter) for letter in letters])

    def horizon(self) -> Horizon:
        """Return the local midnight before which everything is frozen (CORRECTIONS 9, 11).

        The watermark is the latest instant that the archive has known for a while, but none from a clock
        that was ahead. An open rebuild keeps the days from its first one on from being frozen.
        """
        count, latest = self._database.rows(
            Query(
                """SELECT count(), max(least(occurred_at, archived_at)) FROM events
WHERE NOT late AND archived_at <= {settled:DateTime64(3, 'UTC')}""",
                {"settled": self._clock.now() - self._settled},
            )
        )[0]
        asked = {str(name): since for name, since, _ in self._database.rows(OPEN_REBUILDS)}
        if not count:
            return Horizon(BEGINNING, frozenset(asked))
        frozen = local_day(latest - timedelta(days=max(WINDOWS_W)) - self._lateness)
        return Horizon(day_start(min([frozen, *asked.values()])), frozenset(asked))

    def claim(self, partitions: Iterable[int]) -> dict[tuple[int, int], Claim]:
        """Take the next epoch of both stages of each partition.

        A claim is inserted and read back: who sees another claim at its epoch takes a higher one
        (CORRECTIONS 3). All claims of one call share the horizon.
        """
        wanted = sorted(set(partitions))
        horizon, nonce = self.horizon(), secrets.token_hex(8)
        won: dict[tuple[int, int], Claim] = {}
        missing = {(stage, partition) for stage in (STAGE_1, STAGE_2) for partition in wanted}
        while missing:
            highest = self._highest_epochs(wanted)
            tried = {
                key: Claim(*key, highest.get(key, 0) + 1, horizon.at, horizon.rebuilds)
                for key in sorted(missing)
            }
            self._record(tried.values(), nonce, "claimed")
            alone = self._alone(wanted, nonce)
            won.update({key: claim for key, claim in tried.items() if (*key, claim.epoch) in alone})
            missing -= won.keys()
        return won

    def activate(self, claims: Iterable[Claim]) -> None:
        """Record claims as active: the views then drop what former owners wrote in the horizon."""
        self._record(claims, secrets.token_hex(8), "active")

    def finish(self, claims: Iterable[Claim]) -> None:
        """Record that the takeovers are through; a rebuild waits for that."""
        self._record(claims, secrets.token_hex(8), "through")

    def archived(self, partition: int, since: datetime) -> Sequence[Event]:
        """Return the events of legs that began at ``since`` or later, late ones left out."""
        rows = self._database.rows(
            Query(
                """SELECT payload FROM events FINAL
WHERE partition = {partition:UInt16} AND NOT late
    AND leg_id NOT IN
    (
        SELECT leg_id FROM events
        WHERE partition = {partition:UInt16} AND occurred_at < {since:DateTime64(3, 'UTC')}
            AND type != 'kommuncenter.system.restarted'
    )""",
                {"partition": partition, "since": since},
            )
        )
        return events_adapter.validate_json(_json_list(rows))

    def first_seen(self, partition: int, leg_ids: Collection[str]) -> Mapping[str, datetime]:
        """Return the first instant of those legs that the archive knows."""
        rows = self._database.rows(
            Query(
                """SELECT leg_id, min(occurred_at) FROM events
WHERE partition = {partition:UInt16} AND leg_id IN {legs:Array(String)}
GROUP BY leg_id""",
                {"partition": partition, "legs": sorted(leg_ids)},
            )
        )
        return {str(leg_id): first for leg_id, first in rows}

    def held(self, partition: int, since: datetime) -> Held:
        """Return stage 2's log, the keys of its rows and facts from ``since`` on, and what reaches there."""
        parameters = {"partition": partition, "since": since, "day": local_day(since)}
        parameters |= {"before": since - REACH}
        legs = self._database.rows(
            Query(
                """SELECT payload FROM legs FINAL
WHERE partition = {partition:UInt16} AND arrived_at >= {before:DateTime64(3, 'UTC')}""",
                parameters,
            )
        )
        windows = self._database.rows(
            Query(
                """SELECT DISTINCT window, channel, area, topic, unit FROM service_windows
WHERE partition = {partition:UInt16} AND window >= {since:DateTime64(3, 'UTC')}""",
                parameters,
            )
        )
        facts = self._database.rows(
            Query(
                """SELECT DISTINCT day, contact_id FROM contacts
WHERE partition = {partition:UInt16} AND day >= {day:Date}""",
                parameters,
            )
        )
        return Held(
            leg_messages_adapter.validate_json(_json_list(legs)),
            {RowKey(*row) for row in windows},
            {(day, str(contact_id)) for day, contact_id in facts},
            self._frozen(partition, local_day(since)),
        )

    def _frozen(self, partition: int, until: date) -> Frozen:
        """Return the contacts of the days before ``until`` that may reach over it."""
        parameters = {"partition": partition, "until": until, "since": until - REACH}
        names = [name for name in ContactFact.model_fields if name != "errands"]
        contacts = self._database.rows(
            Query(
                f"""SELECT {", ".join(names)} FROM contacts_current
WHERE partition = {{partition:UInt16}} AND day >= {{since:Date}} AND day < {{until:Date}}""",  # noqa: S608
                parameters,
            )
        )
        legs = self._database.rows(
            Query(
                """SELECT DISTINCT arrayJoin(legs) FROM contacts_current
WHERE day >= {since:Date} AND day < {until:Date} AND length(legs) > 1""",
                parameters,
            )
        )
        found = [fact_without_errands(dict(zip(names, row, strict=True))) for row in contacts]
        return Frozen({fact.contact_id: fact for fact in found}, frozenset(str(row[0]) for row in legs))

    def sent(self, partition: int, since: datetime) -> Mapping[str, Mapping[str, str]]:
        """Return, per leg of a source partition, the digest of what stage 2 holds under each key."""
        rows = self._database.rows(
            Query(
                """SELECT leg_id, key, digest FROM legs FINAL
WHERE source_partition = {partition:UInt16} AND arrived_at >= {since:DateTime64(3, 'UTC')}""",
                {"partition": partition, "since": since},
            )
        )
        known: dict[str, dict[str, str]] = {}
        for leg_id, key, seen in rows:
            known.setdefault(str(leg_id), {})[str(key)] = str(seen)
        return known

    def _insert(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            self._database.insert(table, transpose(rows, len(table.columns)))

    def _record(self, claims: Iterable[Claim], nonce: str, state: str) -> None:
        now = self._clock.now()
        rows = [(c.stage, c.partition, c.epoch, nonce, state, c.horizon, now) for c in claims]
        self._insert(EPOCHS, rows)

    def _highest_epochs(self, partitions: Sequence[int]) -> dict[tuple[int, int], int]:
        """Return the highest epochs: claimed ones, and those of rows whose claim was lost or never made."""
        rows = self._database.rows(
            Query(
                """SELECT stage, partition, max(epoch) FROM
(
    SELECT stage, partition, epoch FROM epochs
    UNION ALL SELECT 1, source_partition, bitShiftRight(revision, 40) FROM legs
    UNION ALL SELECT 2, partition, bitShiftRight(revision, 40) FROM contacts
    UNION ALL SELECT 2, partition, bitShiftRight(revision, 40) FROM service_windows
    UNION ALL SELECT 2, partition, bitShiftRight(revision, 40) FROM service_days
)
WHERE partition IN {partitions:Array(UInt16)} GROUP BY stage, partition""",
                {"partitions": list(partitions)},
            )
        )
        return {(int(stage), int(partition)): int(epoch) for stage, partition, epoch in rows}

    def _alone(self, partitions: Sequence[int], nonce: str) -> set[tuple[int, int, int]]:
        """Return (stage, partition, epoch) of claims that nobody else made."""
        rows = self._database.rows(
            Query(
                """SELECT stage, partition, epoch FROM epochs
WHERE state = 'claimed' AND partition IN {partitions:Array(UInt16)}
GROUP BY stage, partition, epoch
HAVING uniqExact(nonce) = 1 AND any(nonce) = {nonce:String}""",
                {"partitions": list(partitions), "nonce": nonce},
            )
        )
        return {(int(stage), int(partition), int(epoch)) for stage, partition, epoch in rows}

    def _named_from(self) -> date:
        """Return the first day whose contacts are written with their party."""
        return kept_from(self._clock.now(), self._pseudonym_days)


def _json_list(rows: Sequence[Sequence[Any]]) -> bytes:
    return b"[" + b",".join(str(row[0]).encode("utf-8") for row in rows) + b"]"


def check_partitions(database: Database, clock: Clock, partitions: int) -> None:
    """Record the number of partitions at first, and refuse another one later (CORRECTIONS 18).

    Raises ConfigurationError that says what to do.
    """
    rows = database.rows(Query("SELECT value FROM installation FINAL WHERE name = 'partitions'"))
    if not rows:
        database.insert(INSTALLATION, [["partitions"], [str(partitions)], [clock.now()]])
    elif int(rows[0][0]) != partitions:
        raise ConfigurationError(
            f"kafka.partitions: the store was filled with {rows[0][0]} partitions, the setting says "
            f"{partitions}; set it back, since keys would move to other partitions"
        )
