"""The archive of events, as a replay asks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from kommuncenter.sources.replay import Archived
from schemas.clickhouse.database import Database
from schemas.clickhouse.queries import Query
from schemas.events import Event, event_adapter

_STEP = timedelta(days=1)
"""So much is read from the archive at a time."""


class ClickHouseArchive:
    """Events in ClickHouse. Where an id has several rows the highest version counts."""

    def __init__(self, database: Database) -> None:
        """Take a client of the store; nothing is opened."""
        self._database = database

    def events(self, instance: str, ids: Sequence[str]) -> Mapping[str, Event]:
        """Return those of the events that are archived, by id. Raises RetriableError."""
        query = Query(
            """SELECT event_id, argMax(payload, version) FROM events
WHERE event_id IN {ids:Array(String)} AND source = {source:String} GROUP BY event_id""",
            {"ids": list(ids), "source": instance},
        )
        return {str(row[0]): event_adapter.validate_json(row[1]) for row in self._database.rows(query)}

    def between(self, instance: str, since: datetime, until: datetime) -> Iterator[Archived]:
        """Yield all archived events in a span, both ends included. Raises RetriableError."""
        start = since
        while start <= until:
            end = start + _STEP
            query = Query(
                """SELECT event_id, min(occurred_at), any(type), any(leg_id) FROM events
WHERE source = {source:String} AND occurred_at >= {start:DateTime64(3, 'UTC')}
AND occurred_at < {end:DateTime64(3, 'UTC')} AND occurred_at <= {until:DateTime64(3, 'UTC')}
GROUP BY event_id""",
                {"source": instance, "start": start, "end": end, "until": until},
            )
            for event_id, at, kind, leg in self._database.rows(query):
                yield Archived(str(event_id), at, str(kind), str(leg))
            start = end
