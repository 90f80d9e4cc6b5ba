"""The chdb engine over one directory: one statement a request, each in a session of its own."""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kommuncenter.embedded.clickhouse import guard, wire
from kommuncenter.embedded.clickhouse.errors import (
    READONLY,
    SYNTAX_ERROR,
    UNKNOWN_FORMAT,
    ClickHouseError,
    engine_error,
    refusal,
)
from kommuncenter.embedded.clickhouse.sql import Statement, parse
from schemas.errors import ConfigurationError, FatalError

_SETTING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Names that the Python binding takes for objects of its own instead of formats of ClickHouse.
_BINDING_FORMATS = frozenset({"dataframe", "datastore", "arrowtable", "debug"})
_SELECTS = frozenset({"SELECT", "WITH", "FROM", "("})


@dataclass(frozen=True, slots=True)
class Query:
    """One request: the statement as bytes (with an insert's data behind it), and what goes with it.

    `parameters` are values in ClickHouse's escaped text form; `readonly` is 0, 1 or 2 as in ClickHouse.
    """

    source: bytes
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    database: str = ""
    default_format: str = "TabSeparated"
    readonly: int = 0
    reader: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The result: body, its format (None where the statement gives no rows), and counts of rows and bytes."""

    body: bytes
    format: str | None
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    elapsed_ns: int = 0


class Engine:
    """One store. Opening raises FatalError when another process has it, ConfigurationError without chdb."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self._path.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self._path)
        # chdb's default database reads files relative to the working directory: give it an empty one.
        nowhere = self._path / "nowhere"
        nowhere.mkdir(exist_ok=True)
        os.chdir(nowhere)
        self._master = self._open()
        self.version = self._column("SELECT version()")[0]
        self._refused = guard.refused_functions(
            self._column("SELECT name FROM system.table_functions"),
            self._column("SELECT name FROM system.functions"),
        )

    def _open(self) -> Any:
        try:
            from chdb.session import Session
        except ImportError as error:
            raise ConfigurationError(
                "The embedded ClickHouse needs the package chdb-core: install kommuncenter-stats[embedded]."
            ) from error
        try:
            factory: Any = Session
            return factory(str(self._path / "store"))
        except Exception as error:
            raise FatalError(
                f"The ClickHouse store in {self._path} can't be opened: {engine_error(error).text}"
            ) from error

    def _session(self) -> Any:
        # A session that has once failed gives the remains of that answer with its next one (chdb 26.9), so
        # none is used twice; a new one takes 0.1 ms while the master session keeps the engine open.
        return type(self._master)(str(self._path / "store"))

    def _column(self, sql: str) -> list[str]:
        rows = json.loads(self._master.query(sql, "JSONCompact").bytes())["data"]
        return [str(row[0]) for row in rows]

    def close(self) -> None:
        """Close the store. Nothing that was acknowledged is lost without it."""
        self._master.close()
        self._lock.close()

    def run(self, query: Query) -> Answer:
        """Run one statement. Raises ClickHouseError. May be called from several threads at once."""
        statement = parse(query.source)
        guard.check(statement, query.parameters, self._refused, reader=query.reader)
        started = time.monotonic_ns()
        session = self._session()
        try:
            _prepare(session, query)
            if statement.data is not None:
                return _insert(session, statement, started)
            return _select(session, statement, query.default_format, started)
        except ClickHouseError:
            raise
        except Exception as error:
            raise engine_error(error) from error
        finally:
            session.close()


def _lock(path: Path) -> Any:
    """An exclusive lock that ends with the process, however it ends."""
    handle = (path / "endpoint.lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise FatalError(
            f"The ClickHouse store in {path} is used by another process. "
            "Stop that process, or give this one another directory."
        ) from error
    return handle


def _literal(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _prepare(session: Any, query: Query) -> None:
    for name in (*query.settings, *query.parameters):
        if not _SETTING_NAME.fullmatch(name):
            raise refusal(SYNTAX_ERROR, "A setting or parameter has a name that is no identifier.")
    if query.reader and query.settings.get("readonly", "2") not in ("1", "2"):
        raise refusal(READONLY, "Cannot modify 'readonly' setting in readonly mode.")
    if query.database:
        session.query("USE `" + query.database.replace("\\", "\\\\").replace("`", "\\`") + "`")
    values = {name: value for name, value in query.settings.items() if name != "readonly"}
    values |= {f"param_{name}": value for name, value in query.parameters.items()}
    if values:
        session.query("SET " + ", ".join(f"{name} = {_literal(value)}" for name, value in values.items()))
    # Last, since nothing can be set after it.
    asked = query.settings.get("readonly", "0")
    readonly = str(query.readonly) if asked == "0" else asked
    if readonly != "0":
        session.query(f"SET readonly = {_literal(readonly)}")


def _insert(session: Any, statement: Statement, started: int) -> Answer:
    # Data never goes into the text of a statement: chdb cuts it at a blank line and runs the rest as SQL.
    assert statement.data is not None
    with session.send_insert(statement.text.decode(), statement.format) as stream:
        if statement.data:
            stream.append(statement.data)
        done = stream.finish()
    took = time.monotonic_ns() - started
    return Answer(
        b"", None, written_rows=done.rows_written, written_bytes=done.bytes_written, elapsed_ns=took
    )


def _select(session: Any, statement: Statement, default_format: str, started: int) -> Answer:
    chosen = statement.format or default_format
    if chosen.lower() in _BINDING_FORMATS:
        raise refusal(UNKNOWN_FORMAT, f"Unknown format {chosen}.")
    result = session.query(statement.text, chosen)
    body = result.bytes() or b""
    if not body and chosen == "Native" and statement.gives_rows:
        body = wire.empty_block(_columns(session, statement))
    return Answer(
        body,
        chosen if statement.gives_rows or body else None,
        read_rows=result.storage_rows_read(),
        read_bytes=result.storage_bytes_read(),
        result_rows=result.rows_read(),
        elapsed_ns=time.monotonic_ns() - started,
    )


def _columns(session: Any, statement: Statement) -> list[tuple[str, str]]:
    """Names and types of a result without rows, for which chdb writes nothing in Native."""
    if statement.kind in _SELECTS:
        described = session.query(b"DESCRIBE TABLE (" + statement.text + b"\n)", "JSONCompact").bytes()
        return [(row[0], row[1]) for row in json.loads(described)["data"]]
    again = json.loads(session.query(statement.text, "JSONCompact").bytes())
    return [(column["name"], column["type"]) for column in again["meta"]]
