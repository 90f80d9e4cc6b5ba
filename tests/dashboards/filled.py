"""Rows put into the store's tables by hand, for panels that no history of events fills."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from kommuncenter.database import ClickHouseDatabase
from schemas.clickhouse.tables import SERVICE_WINDOWS, Table
from schemas.timebase import STOCKHOLM

Counts = Counter[tuple[datetime, str]]
"""(Window in UTC, topic) -> how many."""


def put(database: ClickHouseDatabase, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows by column; what is not given is zero, empty or NULL as the table has it."""
    found = list(rows)
    if found:
        names = [name for name in table.columns if name in found[0]]
        assert len(names) == len(found[0]), set(found[0]) - set(names)
        chosen = Table(table.name, tuple(names))
        database.insert(chosen, [[row[name] for row in found] for name in names])


def put_windows(database: ClickHouseDatabase, measure: str, counts: Counts) -> None:
    """Insert a measure's counts by channel, as ``by_channel`` has them, in rows of their own.

    They are spread over two partitions, and each was written once before with another number.
    """
    for revision, extra in ((1, 5), (2, 0)):
        put(
            database,
            SERVICE_WINDOWS,
            [
                {
                    "window": window,
                    "partition": number % 2,
                    "channel": channel,
                    "area": measure,
                    "topic": topic,
                    "unit": "",
                    "revision": revision,
                    measure: part + extra,
                }
                for number, ((window, topic), count) in enumerate(sorted(counts.items()))
                for channel, part in by_channel(count).items()
            ],
        )


def by_channel(count: int) -> Mapping[str, int]:
    """Return how a count is split: a third came by e-mail."""
    return {"telephone": count - count // 3, "email": count // 3}


def local_quarters(day: date) -> Sequence[datetime]:
    """Return the beginnings (UTC) of a local day's quarters from 7 to 18: opening hours and more."""
    first = datetime(day.year, day.month, day.day, 7, tzinfo=STOCKHOLM)
    return [first + timedelta(minutes=15 * number) for number in range(44)]
