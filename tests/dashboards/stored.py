"""Invented figures in the embedded ClickHouse, for tests that compare what is shown with the store."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time

from pydantic import SecretStr

from kommuncenter.database import ClickHouseDatabase, migrate
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from kommuncenter.settings import ClickHouseSettings
from schemas.clickhouse.tables import DEAD_LETTERS, SERVICE_DAYS, SERVICE_WINDOWS, SOURCE_HEALTH, Table
from schemas.measures import MEASURE_NAMES
from schemas.timebase import STOCKHOLM
from tests.dashboards.samples import Row, RowStore
from tests.health import health_row
from tests.services.clickhouse import connect


@dataclass(frozen=True, slots=True)
class Stored:
    """Clients of one database: with every right, and with the right to read."""

    writer: ClickHouseDatabase
    reader: ClickHouseDatabase


@contextmanager
def database_with(endpoint: EmbeddedClickHouse, data: RowStore) -> Iterator[Stored]:
    """Give a migrated database of its own that holds the rows; it is dropped afterwards.

    The rows are spread over two partitions, and each was written before with other values, so that a
    reader that forgets FINAL or a partition is found out.
    """
    name = f"figures_{secrets.token_hex(4)}"
    with connect(endpoint) as admin:
        admin.command(f"CREATE DATABASE {name} ENGINE = Atomic")
        settings = _settings(endpoint, name, endpoint.user, endpoint.password)
        reading = _settings(endpoint, name, endpoint.reader, endpoint.reader_password)
        migrate(settings)
        found = Stored(ClickHouseDatabase(settings), ClickHouseDatabase(reading))
        _insert(found.writer, data)
        try:
            yield found
        finally:
            found.writer.close()
            found.reader.close()
            admin.command(f"DROP DATABASE {name} SYNC")


def _settings(endpoint: EmbeddedClickHouse, database: str, user: str, password: str) -> ClickHouseSettings:
    return ClickHouseSettings(
        host=endpoint.host, port=endpoint.port, user=user, password=SecretStr(password), database=database
    )


def _insert(database: ClickHouseDatabase, data: RowStore) -> None:
    for revision, factor in ((1, 3), (2, 1)):
        _put(database, SERVICE_DAYS, [_figures(r, r.day, n, revision, factor) for n, r in _spread(data.data)])
        windows = [_figures(r, window_of(r), n, revision, factor) for n, r in _spread(data.data)]
        _put(database, SERVICE_WINDOWS, windows)
    letters = [
        (f"{n:032x}", i, "1", why, "", "0" * 64, 1, at, "record", "")
        for n, (i, why, at) in enumerate(data.dead)
    ]
    _put(database, DEAD_LETTERS, [*letters, *letters])
    _put(
        database,
        SOURCE_HEALTH,
        [health_row(i, seen, last_event_at=last, last_read_at=seen) for i, seen, last in data.health],
    )


def _spread(rows: Sequence[Row]) -> list[tuple[int, Row]]:
    return [(number % 2, row) for number, row in enumerate(rows)]


def window_of(row: Row) -> datetime:
    """Return the window (UTC) in which a day's row stands in the 15-minute grain: 00.15 local time.

    That is another day in UTC, so that a reader of UTC days is found out.
    """
    return datetime.combine(row.day, time(0, 15), STOCKHOLM).astimezone(UTC)


def _figures(row: Row, when: object, partition: int, revision: int, factor: int) -> tuple[object, ...]:
    sums = [row.sums.get(name, 0) * factor for name in MEASURE_NAMES]
    waits = {index: n * factor for index, n in row.waits.items()}
    return (when, partition, row.channel, row.area, row.topic, row.unit, revision, *sums, waits)


def _put(database: ClickHouseDatabase, table: Table, rows: Sequence[Sequence[object]]) -> None:
    if rows:
        database.insert(table, [list(column) for column in zip(*rows, strict=True)])
