"""``kommuncenter source status``: what each source does, how far it is behind, and whether it is silent."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated

import typer
from rich.table import Column, Table

from kommuncenter.commands.common import logged_settings, out, told
from schemas.clickhouse.silence import SourceStatus, SourceVerdict
from schemas.timebase import STOCKHOLM, local_day


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
    """Return a table: usual is the contacts that usually begin in this hour, missing those since the last.

    It fits into 80 columns: what is missing or lost has a column where something is. Times are of the day on
    which a source was last seen; of other days month and day are told.
    """
    silent = any(source.verdict is SourceVerdict.SILENT for source in found)
    lost = any(source.gaps for source in found)
    today = max((day for source in found if (day := _day(source.seen_at))), default=None)
    names = max((len(source.instance) for source in found), default=0)
    source_column = Column("source", min_width=names)
    table = Table(
        source_column, "", "reader", "event", "read", box=None, padding=(0, 1, 0, 0), pad_edge=False
    )
    for heading in ("behind", "usual", *["missing"] * silent, "events", "rejected", *["lost"] * lost):
        table.add_column(heading, justify="right", no_wrap=True)
    for source in found:
        missing = _count(source.expected) if source.verdict is SourceVerdict.SILENT else ""
        table.add_row(
            source.instance,
            source.verdict.value,
            source.state or "-",
            _time(source.last_event_at, today),
            _time(source.last_read_at, today),
            f"{source.lag} {source.lag_unit}" if source.lag is not None else "-",
            _count(source.usual, "/h"),
            *[missing] * silent,
            str(source.published),
            str(source.rejected),
            *[str(source.gaps)] * lost,
        )
    return table


def _day(instant: datetime | None) -> date | None:
    return local_day(instant) if instant else None


def _time(instant: datetime | None, today: date | None) -> str:
    """Return the time of an instant of today, else month and day; a hyphen for never."""
    if instant is None:
        return "-"
    return f"{instant.astimezone(STOCKHOLM):{'%H:%M' if local_day(instant) == today else '%m-%d'}}"


def _count(number: float | None, unit: str = "") -> str:
    return "-" if number is None else f"{number:.1f}{unit}"
