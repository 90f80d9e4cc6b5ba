"""``kommuncenter source status``: what each source does, how far it is behind, and whether it is silent."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from kommuncenter.commands.common import logged_settings, out, told
from schemas.clickhouse.silence import SourceStatus, SourceVerdict


@told
def status(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False
) -> None:
    """Tell how each source does; exit with 1 if one is silent, or not read."""
    from kommuncenter.sources.status import alarm, statuses

    found = statuses(logged_settings())
    if as_json:
        sys.stdout.write(_as_json(found))
    else:
        out.print(_table(found))
        for line in filter(None, map(alarm, found)):
            out.print(line, soft_wrap=True, markup=False, highlight=False)
    if any(source.verdict is not SourceVerdict.WORKING for source in found):
        raise typer.Exit(1)


def _as_json(found: Sequence[SourceStatus]) -> str:
    """Return all of it as one JSON document and a line break; times in UTC."""
    return (
        json.dumps([asdict(source) for source in found], default=lambda at: at.isoformat(), indent=2) + "\n"
    )


def _table(found: Sequence[SourceStatus]) -> Table:
    """Return a table: usual is the contacts that usually begin in this hour, missing those since the last."""
    from kommuncenter.sources.status import clock_time

    table = Table("source", "", "reader", "last event", "last read")
    for heading in ("behind", "usual", "missing", "events", "rejected", "lost"):
        table.add_column(heading, justify="right")
    for source in found:
        table.add_row(
            source.instance,
            source.verdict.value,
            source.state or "-",
            clock_time(source.last_event_at),
            clock_time(source.last_read_at),
            f"{source.lag} {source.lag_unit}" if source.lag is not None else "-",
            _count(source.usual, "/h"),
            _count(source.expected) if source.verdict is SourceVerdict.SILENT else "",
            str(source.published),
            str(source.rejected),
            str(source.gaps),
        )
    return table


def _count(number: float | None, unit: str = "") -> str:
    return "-" if number is None else f"{number:.1f}{unit}"
