"""A small run under fire on both brokers; the large one is tests/crash/large.py (`make crash`)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.crash.run import Fault, Plan, Round
from tests.crash.scenario import under_fire
from tests.crash.traffic import Load, Published, published
from tests.services.brokers import BrokerKind

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]

PLAN = Plan(
    Load(followed=10, published=40),
    (
        Round(1, 1, (Fault.WORKER, Fault.STORE)),
        Round(2, 2, (Fault.WORKER, Fault.WORKER, Fault.SOURCES)),
        Round(2, 2, (Fault.ZOMBIE, Fault.JOURNAL)),
        Round(1, 2, (Fault.WORKER, Fault.WORKER, Fault.STORE)),
    ),
    seed=11,
)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """What the publisher sends in every test here."""
    return published(PLAN.load, tmp_path_factory.mktemp("published"))


@pytest.mark.parametrize("kind", ["embedded", "kafka"])
def test_figures_are_exact_though_everything_dies(kind: BrokerKind, tmp_path: Path, sent: Published) -> None:
    outcome = under_fire(kind, tmp_path, PLAN, sent)
    sys.stdout.write(f"{outcome}\n")
    assert outcome.happened[Fault.WORKER] == 5
    assert outcome.events >= 5000
