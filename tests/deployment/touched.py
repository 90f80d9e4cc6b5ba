"""Which columns of which tables a query reads, by ClickHouse's own analysis, views taken apart.

The server checks the rights of who asks on these: on a view's columns, and again on what the view reads of
its tables, where columns that nobody asked for have been left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from schemas.clickhouse.database import Database
from schemas.clickhouse.queries import Query

_TABLE = re.compile(r"^\s*TABLE id: (\d+),.*? table_name: ([^\s,]+)(?:,|$)")
_COLUMN = re.compile(r"^\s*COLUMN id: \d+, column_name: (.+?), result_type: .*source_id: (\d+)$")

Columns = dict[str, set[str]]
"""Table, as ``table`` or ``system.table``, -> columns."""


def touched(database: Database, sql: str) -> Columns:
    """Return what a query reads, at every depth. Raises ValueError for a subquery that gives one value.

    Such a one is run while the query is taken apart, and leaves nothing to be seen.
    """
    if re.search(r"[=<>+*/-]\s*\(\s*SELECT\b", sql):
        raise ValueError(f"a subquery that gives one value can't be looked into: {sql}")
    home = database.rows(Query("SELECT currentDatabase()"))[0][0]
    views = dict(
        map(tuple, database.rows(Query("SELECT name, as_select FROM system.tables WHERE engine = 'View'")))
    )
    found = _of_one(database, sql, home)
    reached: Columns = {}
    while found:
        table, columns = found.popitem()
        fresh = columns - reached.setdefault(table, set())
        reached[table] |= columns
        if table in views and fresh:
            wanted = ", ".join(sorted(reached[table])) or "1"
            for inner, read in _of_one(database, f"SELECT {wanted} FROM ({views[table]})", home).items():
                found.setdefault(inner, set()).update(read)
    return reached


def _of_one(database: Database, sql: str, home: str) -> Columns:
    """Return what a query itself reads of tables and views."""
    lines = [str(row[0]) for row in database.rows(Query(f"EXPLAIN QUERY TREE run_passes=1 {sql}"))]
    tables = {match[1]: match[2] for match in map(_TABLE.match, lines) if match}
    found: Columns = {table.removeprefix(f"{home}."): set() for table in tables.values()}
    for match in map(_COLUMN.match, lines):
        if match and match[2] in tables:
            found[tables[match[2]].removeprefix(f"{home}.")].add(match[1])
    return found


def together(many: list[Columns]) -> Mapping[str, set[str]]:
    """Return what several queries read."""
    whole: Columns = {}
    for found in many:
        for table, columns in found.items():
            whole.setdefault(table, set()).update(columns)
    return whole
