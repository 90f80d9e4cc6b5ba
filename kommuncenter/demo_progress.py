"""When all that the simulated centre wrote is in the figures: what the demo waits for before it goes live."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from kommuncenter.database import ClickHouseDatabase
from schemas.clickhouse.queries import Query
from schemas.errors import RetriableError

_SOURCES_AT_THE_END = """SELECT count()
FROM (SELECT instance, max(last_event_at) AS last FROM source_health GROUP BY instance)
WHERE last > {until:DateTime64(3, 'UTC')} - INTERVAL 20 HOUR AND last IN (SELECT occurred_at FROM events)"""
"""Sources whose last event, which is of the last evening, is archived."""

CONTACTS = Query("SELECT count() FROM contacts_current")


async def contacts_until(
    database: ClickHouseDatabase, lag: Callable[[], int], sources: int, until: datetime
) -> int:
    """Return the number of contacts, once every source is at its end and the worker has done all of it."""
    at_the_end = Query(_SOURCES_AT_THE_END, {"until": until})
    while True:
        with suppress(RetriableError):
            if (await rows(database, at_the_end))[0][0] == sources and await asyncio.to_thread(lag) == 0:
                return int((await rows(database, CONTACTS))[0][0])
        await asyncio.sleep(0.25)


async def rows(database: ClickHouseDatabase, query: Query) -> Sequence[Sequence[Any]]:
    """Return the rows of a query, asked for in a thread. Raises RetriableError while the store is away."""
    return await asyncio.to_thread(database.rows, query)
