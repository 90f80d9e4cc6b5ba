"""ClickHouse as a port: what the packages ask of a client, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from schemas.clickhouse.queries import Query
from schemas.clickhouse.tables import Table


class Database(Protocol):
    """A client of the store. May be called from several threads at once.

    Raises RetriableError while the store is away or overloaded, and FatalError where trying again can't
    help (a missing table, a wrong password).
    """

    def rows(self, query: Query) -> Sequence[Sequence[Any]]:
        """Return a query's rows; times are aware and in UTC."""
        ...

    def insert(self, table: Table, columns: Sequence[Sequence[Any]]) -> None:
        """Insert columns of equal length, in the table's order. Returns when the store has them."""
        ...
