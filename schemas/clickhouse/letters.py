"""Queries for dead letters: which there are, what became of them, and which days are frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.clickhouse.queries import Query


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which letters: every condition holds, and None is no condition.

    ``since`` (included) and ``until`` (not) are instants at which they were found. Those that have been
    replayed are left out unless asked for, or chosen by id.
    """

    ids: Sequence[str] | None = None
    instance: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    replayed: bool = False

    def condition(self) -> Query:
        """Return the condition on ``dead_letters_current``."""
        parts = {
            "id IN {ids:Array(String)}": ("ids", None if self.ids is None else list(self.ids)),
            "instance = {instance:String}": ("instance", self.instance),
            "reason = {reason:String}": ("reason", self.reason),
            "at >= {since:DateTime64(3, 'UTC')}": ("since", self.since),
            "at < {until:DateTime64(3, 'UTC')}": ("until", self.until),
        }
        given = {sql: parameter for sql, parameter in parts.items() if parameter[1] is not None}
        conditions = [*given] if self.replayed or self.ids is not None else [*given, "replayed_at IS NULL"]
        return Query(" AND ".join(conditions) or "1", dict(given.values()))


def letter_groups_query(chosen: Chosen) -> Query:
    """Return the query for letters in groups that have one cause, the largest first.

    Columns: instance, reason, detail, letters, kept (how many records are still there), first, last (found),
    example (an id).
    """
    condition = chosen.condition()
    return Query(
        f"""SELECT instance, reason, detail,
    count() AS letters,
    countIf(sealed != '') AS kept,
    min(l.at) AS first,
    max(l.at) AS last,
    argMax(id, (l.at, id)) AS example
FROM dead_letters_current AS l
WHERE {condition.sql}
GROUP BY instance, reason, detail
ORDER BY letters DESC, instance, reason, detail""",
        condition.parameters,
    )


def letters_query(chosen: Chosen, *, with_record: bool) -> Query:
    """Return the query for letters one by one, in the order in which they were found.

    Columns: id, instance, place, reason, detail, sha256, size, at, kind, sealed (empty without
    ``with_record``), kept, replayed_at.
    """
    condition = chosen.condition()
    record = "sealed" if with_record else "''"
    return Query(
        f"""SELECT id, instance, place, reason, detail, sha256, size, at, kind,
    {record}, sealed != '', replayed_at
FROM dead_letters_current
WHERE {condition.sql}
ORDER BY at, instance, place, id""",
        condition.parameters,
    )


def tries_query(letter_id: str) -> Query:
    """Return the query for the tries to replay a letter. Columns: at, outcome, events, reason, detail."""
    return Query(
        """SELECT at, outcome, events, reason, detail FROM dead_letter_replays
WHERE id = {id:String} ORDER BY at""",
        {"id": letter_id},
    )


def frozen_query() -> Query:
    """Return the query for the instant before which events come late: one row, one column.

    It is 1970 while no worker has taken over a partition.
    """
    return Query(
        """SELECT max(active_from) FROM
(
    SELECT argMax(horizon_from, epoch) AS active_from FROM epochs
    WHERE stage = 1 AND state = 'active'
    GROUP BY partition
)"""
    )
