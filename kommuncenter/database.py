"""The store's client: clickhouse-connect behind the Database port, and the migrations."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DataError, ProgrammingError
from urllib3.exceptions import HTTPError

from kommuncenter.settings import ClickHouseSettings, RetentionSettings
from schemas.clickhouse.queries import Query
from schemas.clickhouse.tables import Table
from schemas.errors import ConfigurationError, FatalError, RetriableError

_HOPELESS = {
    16: "a column is missing; run `kommuncenter migrate`",
    47: "a name is unknown; run `kommuncenter migrate`",
    60: "a table is missing; run `kommuncenter migrate`",
    62: "the statement is wrong; this is a bug",
    81: "the database does not exist; create it, or correct clickhouse.database",
    164: "the user may only read; give it another user",
    192: "no such user; correct clickhouse.user",
    193: "wrong password; correct clickhouse.password",
    497: "the user has not the rights; grant them",
    516: "wrong user or password; correct clickhouse.user and clickhouse.password",
}
"""Errors of ClickHouse after which trying again can't help, and what to do."""


class ClickHouseDatabase:
    """A client that connects when it is first used, and may be shared between threads."""

    def __init__(self, settings: ClickHouseSettings) -> None:
        """Take the settings; nothing is opened."""
        self._settings = settings
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._types: dict[str, dict[str, str]] = {}

    def rows(self, query: Query) -> Sequence[Sequence[Any]]:
        """Return a query's rows; times are aware and in UTC."""
        with self._translated():
            result = self._connect().query(query.sql, parameters=dict(query.parameters))
            return result.result_rows

    def insert(self, table: Table, columns: Sequence[Sequence[Any]]) -> None:
        """Insert columns in the table's order; returns when the store has them."""
        with self._translated():
            client = self._connect()
            types = self._column_types(client, table)
            client.insert(
                table.name,
                columns,
                column_names=table.columns,
                column_type_names=[types[name] for name in table.columns],
                column_oriented=True,
                settings={"async_insert": 0},
            )

    def command(self, sql: str) -> None:
        """Run a statement that returns nothing."""
        with self._translated():
            self._connect().command(sql)

    def close(self) -> None:
        """Give up the connection."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _connect(self) -> Client:
        with self._lock:
            if self._client is None:
                chosen = self._settings
                self._client = clickhouse_connect.get_client(
                    host=chosen.host,
                    port=chosen.port,
                    username=chosen.user,
                    password=chosen.password.get_secret_value(),
                    database=chosen.database,
                    interface="https" if chosen.secure else "http",
                    autogenerate_session_id=False,
                    tz_mode="aware",
                )
            return self._client

    def _column_types(self, client: Client, table: Table) -> dict[str, str]:
        if table.name not in self._types:
            described = client.query(f"DESCRIBE TABLE {table.name}").result_rows
            self._types[table.name] = {row[0]: row[1] for row in described}
        return self._types[table.name]

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the client's errors into ours: try again, or a person has to do something."""
        where = f"ClickHouse at {self._settings.host}:{self._settings.port}"
        try:
            yield
        except (ClickHouseError, HTTPError, OSError) as error:
            code = getattr(error, "code", None)
            if code in _HOPELESS:
                raise FatalError(f"{where}: {_HOPELESS[code]} (code {code})") from error
            if code is not None:
                raise RetriableError(f"{where}: {_first_line(error)}") from error
            if isinstance(error, ProgrammingError | DataError):  # the client's own: the store may well be up
                raise FatalError(f"{where}: {_first_line(error)}; this is a bug") from error
            raise RetriableError(f"{where}: no answer ({type(error).__name__}); is it running?") from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__


def migrate(settings: ClickHouseSettings) -> list[str]:
    """Apply the missing migrations; return their numbers. Raises RetriableError and ConfigurationError."""
    from clickhouse_migrations.clickhouse_cluster import ClickhouseCluster
    from clickhouse_migrations.exceptions import MigrationException

    logging.getLogger("root").setLevel(logging.WARNING)
    cluster = ClickhouseCluster(
        db_host=settings.host,
        db_port=str(settings.port),
        db_user=settings.user,
        db_password=settings.password.get_secret_value(),
        db_name=settings.database,
        secure=settings.secure,
        driver="clickhouse-connect",
    )
    with resources.as_file(resources.files("schemas.clickhouse") / "migrations") as folder:
        try:
            applied = cluster.migrate(
                db_name=settings.database,
                migration_path=Path(folder),
                create_db_if_no_exists=False,
                multi_statement=True,
            )
        except MigrationException as error:
            raise ConfigurationError(f"migrations: {error}") from error
        except (ClickHouseError, HTTPError, OSError) as error:
            raise RetriableError(
                f"ClickHouse at {settings.host}:{settings.port}: {_first_line(error)}"
            ) from error
    return [f"{migration.version:04d}" for migration in applied or []]


def apply_retention(database: ClickHouseDatabase, retention: RetentionSettings) -> None:
    """Set how long the tables keep their rows. Aggregates are kept for ever (DOMAIN §4)."""
    rows = {
        "events": ("toDateTime(occurred_at)", "Day", retention.events_days),
        "legs": ("toDateTime(arrived_at)", "Day", retention.events_days),
        "contacts": ("day", "Month", retention.facts_months),
        "dead_letters": ("toDateTime(at)", "Month", retention.dead_letters_months),
        "dead_letter_replays": ("toDateTime(at)", "Month", retention.dead_letters_months),
        "source_health": ("toDateTime(at)", "Month", retention.health_months),
        "worker_health": ("toDateTime(at)", "Month", retention.health_months),
        "consumer_lag": ("toDateTime(at)", "Month", retention.health_months),
        "verifications": ("toDateTime(at)", "Month", retention.health_months),
    }
    for table, (column, unit, kept) in rows.items():
        if kept is not None:
            database.command(f"ALTER TABLE {table} MODIFY TTL {column} + toInterval{unit}({kept})")
    columns = {
        ("contacts", "party"): ("day", retention.pseudonym_days),
        ("dead_letters", "sealed"): ("toDateTime(at)", retention.dead_letter_payload_days),
    }
    for (table, column), (since, kept) in columns.items():
        if kept is not None:
            database.command(
                f"ALTER TABLE {table} MODIFY COLUMN {column} String TTL {since} + toIntervalDay({kept})"
            )
