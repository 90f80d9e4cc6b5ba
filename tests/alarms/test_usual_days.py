"""On usual days nothing alerts, nor comes near it: a simulated centre over a day, a night and a Saturday."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from producers.simulator import SimulationSettings, simulate
from tests.alarms.centre import CATALOGUE, Centre, centre, local
from tests.alarms.grafana import State
from tests.producers.test_simulator_sources import PSEUDONYMISER, events_of
from tests.services.clickhouse import clickhouse

__all__ = ["clickhouse"]

pytestmark = [pytest.mark.integration, pytest.mark.slow]

FIRST = date(2026, 10, 26)
WEEKS = 4
FRIDAY = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
"""A Friday after four weeks, at eight."""


def test_a_simulated_friday_its_night_and_the_day_after(clickhouse: EmbeddedClickHouse) -> None:
    settings = SimulationSettings(seed=5, days=7 * WEEKS)
    events = sorted(
        events_of(list(simulate(settings, CATALOGUE, PSEUDONYMISER, FIRST))), key=lambda e: (e.time, e.id)
    )
    saturday = FRIDAY + timedelta(days=1)
    instants = [local(FRIDAY, 8, 40), *(local(FRIDAY, hour, 20) for hour in (9, 10, 11, 13, 14, 15))]
    instants += [local(FRIDAY, 15, 55), local(FRIDAY, 16, 30), local(FRIDAY, 23), local(saturday, 11)]
    with centre(clickhouse, events[0].time, *sorted({event.source for event in events})) as running:
        done = 0
        for at in instants:
            until = next((n for n, event in enumerate(events) if event.time > at), len(events))
            running.clock.at = at
            running.take(events[done:until])
            done = until
            running.proved(at - timedelta(hours=6))
            running.look(at)
            assert near(running) == {}, at
        assert done > 5000


def near(running: Centre) -> dict[str, list[object]]:
    """Return the rules that alert, or would if it lasted."""
    found: dict[str, list[object]] = {}
    for uid, rule in running.alerting.rules.items():
        for labels, instance in rule.instances.items():
            if instance.state is not State.NORMAL:
                found.setdefault(uid, []).append(labels)
    return found
