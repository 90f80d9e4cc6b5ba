"""A report over ten years and 400 000 contacts, and where its time goes.

    python -m benchmarks.report [--copies 40] [--runs 5]

Thirteen simulated weeks go through both stages into the embedded store; there they are copied, 91 days apart,
until ten years are full. Then the report over all of it is made, and written in every format; each step is
told with its median over some runs. The target is 3 s on 2 cores.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from dashboards.definitions import STANDARD
from dashboards.report import period
from dashboards.report.content import document_of
from dashboards.report.context import Context
from dashboards.report.disclosure import made_public
from dashboards.report.document import Document
from dashboards.report.material import Request, read_material
from dashboards.report.render.text import spoken
from kommuncenter.database import ClickHouseDatabase
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from kommuncenter.reporting import FORMATS
from producers.simulator import SimulationSettings, simulate
from schemas.clickhouse.queries import Query
from schemas.timebase import day_start
from tests.producers.test_simulator_sources import CATALOGUE, PSEUDONYMISER, events_of
from tests.services.clickhouse import migrated
from tests.streams.verify.conftest import Installed

LAST_MONDAY = date(2026, 8, 24)
"""Of the weeks that are simulated; the others lie before."""
WEEKS = 13
STEP = timedelta(weeks=WEEKS)
UNTIL = LAST_MONDAY + STEP
NOW = day_start(UNTIL) + timedelta(days=40)
T = TypeVar("T")

_COPIES = {
    "service_days": ("day", "day - {days} AS day"),
    "service_windows": ("window", "window - INTERVAL {days} DAY AS window"),
    "contacts": (
        "day",
        "day - {days} AS day, concat(contact_id, '-{copy}') AS contact_id, "
        "arrived_at - INTERVAL {days} DAY AS arrived_at",
    ),
}
"""Table -> its time column, and what a copy has otherwise."""


def fill(database: ClickHouseDatabase, copies: int) -> int:
    """Put ten years into the store; return how many contacts they are."""
    configured = SimulationSettings(seed=3, days=7 * WEEKS, errands_per_day=155.0)
    records = list(simulate(configured, CATALOGUE, PSEUDONYMISER, LAST_MONDAY))
    Installed(database).fill(list(events_of(records)))
    for table, (column, replaced) in _COPIES.items():
        # Of the simulated weeks alone, so that no copy is copied.
        source = f"(SELECT * FROM {table}_current WHERE {column} >= '{LAST_MONDAY}')"  # noqa: S608
        for copy in range(1, copies):
            other = replaced.format(days=STEP.days * copy, copy=copy)
            database.command(f"INSERT INTO {table} SELECT * REPLACE ({other}) FROM {source}")  # noqa: S608
        database.command(f"OPTIMIZE TABLE {table} FINAL")
    [[contacts]] = database.rows(Query("SELECT sum(f.offered) FROM service_days_current AS f"))
    return int(contacts)


@dataclass
class Watched:
    """The store's client; notes how long each query takes."""

    database: ClickHouseDatabase
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def rows(self, query: Query) -> Sequence[Sequence[Any]]:
        """Return a query's rows."""
        started = time.perf_counter()
        try:
            return self.database.rows(query)
        finally:
            [table] = re.findall(r"FROM (\w+)", query.sql)[:1]
            grain = " by day" if "GROUP BY day" in query.sql else ""
            self.spent[f"{table}{grain}"] += time.perf_counter() - started


@dataclass
class Steps:
    """Seconds by step and run."""

    spent: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def measure(self, name: str, work: Callable[[], T]) -> T:
        """Do a piece of work and note its time."""
        started = time.perf_counter()
        result = work()
        self.spent[name].append(time.perf_counter() - started)
        return result


def run(database: ClickHouseDatabase, asked: Request, steps: Steps) -> Document:
    """Make one report and write it in every format."""
    store = Watched(database)
    material = steps.measure("queries", lambda: read_material(store, CATALOGUE, asked, NOW))
    for name, seconds in store.spent.items():
        steps.spent[f"  {name}"].append(seconds)
    context = Context(material, CATALOGUE, STANDARD)
    document = steps.measure("computing", lambda: document_of(store, context))
    steps.measure("sentences", lambda: list(spoken(document, document.sentences())))
    steps.measure("made public", lambda: made_public(document))
    for name, render in FORMATS.items():
        steps.measure(f"format {name}", lambda render=render: render(document))  # type: ignore[misc]
    return document


def lines(steps: Steps) -> Iterator[str]:
    """Yield the result, for people."""
    medians = {name: median(values) for name, values in steps.spent.items()}
    total = sum(seconds for name, seconds in medians.items() if not name.startswith(" "))
    for name, seconds in medians.items():
        yield f"{name:<44}{seconds * 1000:8.0f} ms {seconds / total:6.0%}"
    yield f"{'in all':<44}{total * 1000:8.0f} ms"


@contextmanager
def store() -> Iterator[ClickHouseDatabase]:
    """Give an empty, migrated store."""
    with (
        tempfile.TemporaryDirectory() as directory,
        EmbeddedClickHouse(Path(directory) / "store") as endpoint,
        migrated(endpoint) as database,
    ):
        yield database


def main() -> None:
    """Fill, report, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--copies", type=int, default=40)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    with store() as database:
        contacts = fill(database, given.copies)
        first = UNTIL - given.copies * STEP
        asked = Request(period.days(f"{first}..{UNTIL - timedelta(days=1)}"))
        steps = Steps()
        started = datetime.now()  # noqa: DTZ005 - only told
        for _ in range(given.runs):
            document = run(database, asked, steps)
        sys.stdout.write(f"{started:%Y-%m-%d %H:%M}  {document.title}: {contacts} contacts\n")
        sys.stdout.write("\n".join(lines(steps)) + "\n")


if __name__ == "__main__":
    main()
