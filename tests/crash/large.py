"""The large run under fire, on both brokers: `make crash`, for it takes minutes.

At least 30 workers and several stores are killed, brokers too where they keep what they had, in 200 000
events. Not named test_…, so that `make test` leaves it out; test_crash.py does the same with less.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.crash.run import Fault, Plan, Round
from tests.crash.scenario import under_fire
from tests.crash.traffic import Load, Published, published
from tests.services.brokers import BrokerKind

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(1800)]

W = Fault.WORKER
# Most deaths come while there is little to read back: every one of them makes all the workers that are left
# read all of their state.
PLAN = Plan(
    Load(followed=150, published=640, centres=3),
    (
        Round(1, 1, (W, W, Fault.STORE)),
        Round(2, 1, (W, W, W, Fault.SOURCES)),
        Round(4, 2, (W, W, W, W, Fault.BROKER)),
        Round(4, 2, (W, W, W, W, W, Fault.ZOMBIE)),
        Round(4, 2, (W, W, W, W, Fault.STORE, Fault.BROKER)),
        Round(2, 2, (W, W, W, Fault.JOURNAL, Fault.STORE)),
        Round(2, 2, (W, W, W, Fault.ZOMBIE)),
        Round(1, 3, (W, W, W, Fault.SOURCES)),
        Round(1, 5, (W, Fault.STORE)),
        Round(2, 20, (W, Fault.BROKER)),
        Round(2, 60, (W, Fault.STORE, Fault.SOURCES)),
    ),
    seed=1,
)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """What the publisher sends in every test here."""
    return published(PLAN.load, tmp_path_factory.mktemp("published"))


def without_broker_deaths(plan: Plan) -> Plan:
    """Return the plan for a broker that forgets all when it dies."""
    rounds = (
        replace(each, faults=tuple(fault for fault in each.faults if fault is not Fault.BROKER))
        for each in plan.rounds
    )
    return replace(plan, rounds=tuple(rounds))


@pytest.mark.parametrize("kind", ["embedded", "kafka"])
def test_200_000_events_are_exact_though_everything_dies(
    kind: BrokerKind, tmp_path: Path, sent: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = PLAN if kind == "kafka" else without_broker_deaths(PLAN)
    outcome = under_fire(kind, tmp_path, plan, sent)
    with capsys.disabled():
        sys.stdout.write(f"\n{outcome}\n")
    assert outcome.happened[W] >= 30
    assert outcome.events >= 200_000
