"""A store with simulated weeks of the centre, the last with a water leak, folded as the worker folds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from structlog.testing import capture_logs

from dashboards.report import period
from dashboards.report.content import report
from dashboards.report.document import Document
from dashboards.report.material import Request
from dashboards.report.period import Against
from kommuncenter.database import ClickHouseDatabase
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from producers.simulator import Scenarios, SimulationSettings, simulate
from producers.simulator.settings import water_leak
from streams.surges import SurgeWatch
from tests.producers.test_simulator_sources import CATALOGUE, PSEUDONYMISER, events_of
from tests.services.clickhouse import migrated
from tests.streams.verify.conftest import FixedClock, Installed

WEEKS = 6
LAST = date(2026, 11, 22)
"""The Sunday of week 47."""
LEAK = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
"""Ten o'clock, local time, on the Wednesday of week 47."""
EVENING = datetime(2026, 11, 18, 19, 0, tzinfo=UTC)
AFTERWARDS = datetime(2026, 12, 30, 8, 0, tzinfo=UTC)
"""When every W of week 47 has passed."""


@dataclass(frozen=True, slots=True)
class Centre:
    """The store of the simulated centre."""

    database: ClickHouseDatabase

    def report(
        self,
        of: period.Period | None = None,
        *,
        now: datetime = AFTERWARDS,
        against: Against = Against.BEFORE,
        area: str = "",
    ) -> Document:
        """Return a report; of the week of the leak unless another period is named."""
        request = Request(of or period.week("2026-W47"), against, area)
        return report(self.database, CATALOGUE, request, now)


@contextmanager
def centre(clickhouse: EmbeddedClickHouse, weeks: int = WEEKS) -> Iterator[Centre]:
    """Give so many weeks of the centre, up to that of the leak, in a database of its own."""
    days = 7 * weeks
    configured = SimulationSettings(seed=7, days=days, scenarios=Scenarios(crises=(water_leak(LEAK),)))
    first = LAST - timedelta(days=days - 1)
    events = list(events_of(list(simulate(configured, CATALOGUE, PSEUDONYMISER, first))))
    with migrated(clickhouse) as database:
        Installed(database).fill(events)
        with capture_logs():  # a command that another test ran may have set up logs of its own
            SurgeWatch(database, CATALOGUE, FixedClock(EVENING)).look()
        yield Centre(database)
