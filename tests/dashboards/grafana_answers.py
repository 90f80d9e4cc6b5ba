"""What the boards' panels answer, on the ClickHouse engine and as a user that may only read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dashboards.grafana.boards import boards
from dashboards.grafana.model import Panel
from schemas.clickhouse.database import Database
from schemas.clickhouse.queries import Query
from tests.dashboards.grafana_macros import ALL, expand

BOARDS = {board.title: board for board in boards()}
EVERYTHING: Mapping[str, Sequence[str]] = {
    **{name: [ALL] for name in ("channel", "area", "topic", "unit", "reach")},
    "period": ["week"],
    "source": ["telephony"],
}
"""The variables as they stand when a board is opened."""

Row = dict[str, Any]
"""Heading -> value."""


def panel_of(board: str, title: str) -> Panel:
    """Return a panel by the titles of its board and of itself."""
    [found] = [panel for panel in BOARDS[board].panels if panel.title == title]
    return found


@dataclass(frozen=True, slots=True)
class Range:
    """The dashboard's range, and what is chosen of its variables."""

    since: datetime
    until: datetime
    chosen: Mapping[str, Sequence[str]]


def sql_of(panel: Panel, asked: Range) -> str:
    """Return a panel's SQL as the store gets it."""
    [target] = panel.targets
    return expand(target.raw_sql, asked.since, asked.until, asked.chosen)


def answer(database: Database, sql: str) -> list[Row]:
    """Return an answer's rows; times are aware: the engine's DateTime arrives without its zone, in UTC."""
    headings = [str(row[0]) for row in database.rows(Query(f"DESCRIBE ({sql})"))]
    return [
        {heading: _aware(value) for heading, value in zip(headings, row, strict=True)}
        for row in database.rows(Query(sql))
    ]


def _aware(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    return value
