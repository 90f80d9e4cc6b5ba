"""What both crash tests do: an installation goes through its rounds, and then proves its figures."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from kommuncenter import wiring
from kommuncenter.clocks import ScaledClock
from kommuncenter.lag import lag_of
from tests.crash.publishing import Publisher
from tests.crash.run import WITHIN_S, Plan, Run
from tests.crash.traffic import AFTERWARDS, FOLLOWED, PARTITIONS, Published, followed, sources
from tests.e2e.installation import installed, verified
from tests.services.brokers import BrokerKind

SESSION_S = 2.0
"""How long a killed worker's partitions stand still."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run was like. ``cpu_s`` is that of all processes, ``seconds`` go by the wall clock."""

    kind: BrokerKind
    events: int
    happened: Mapping[str, int]
    last_words: Sequence[str]
    seconds: float
    cpu_s: float

    def __str__(self) -> str:
        """Return it in a line, and what was said by those who ended without being killed."""
        told = ", ".join(f"{what} {times} times" for what, times in sorted(self.happened.items()))
        head = f"{self.kind} broker: {self.events} distinct events; {told}"
        return "\n  ".join([f"{head}; {self.seconds:.0f} s, {self.cpu_s:.0f} s of CPU", *self.last_words])


def under_fire(kind: BrokerKind, directory: Path, plan: Plan, published: Published) -> Outcome:
    """Send all of the traffic while everything dies, wait for the end, and expect exact figures."""
    began, cpu = time.monotonic(), _cpu_s()
    centre = directory / "centre"
    clock = ScaledClock(AFTERWARDS, datetime.now(UTC), 1.0)
    with installed(
        kind, directory, sources(centre), PARTITIONS, SESSION_S, clock=clock.spec()
    ) as installation:
        wiring.create_topics(installation.settings)
        with closing(Publisher(installation.settings.kafka.bootstrap_servers)) as publisher:
            run = Run(installation, Random(plan.seed), publisher, centre)
            run.go_through(plan.rounds, published.sendings, [*followed(plan.load)])
        events = expect_proved(run, published)
    return Outcome(kind, events, run.happened, run.last_words, time.monotonic() - began, _cpu_s() - cpu)


def _cpu_s() -> float:
    """Return the CPU seconds of this process and of all children that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def expect_proved(run: Run, published: Published) -> int:
    """Everything that was sent is archived, nothing is left to do, and `verify` finds no difference.

    Return how many distinct events there were.
    """
    installation = run.installation
    expected = {event.id for event in published.events}
    for instance in FOLLOWED:
        events, rejections = installation.read(instance)
        assert not rejections
        expected |= {event.id for event in events}
    run.until(lambda: run.archived() >= len(expected), "every event in the archive", run.archived)
    lag = lag_of(installation.settings.kafka, wiring.topic_plan(installation.settings))
    run.until(lambda: lag() == 0, "every group's committed offsets at the end", lag)
    proof = verified(within_s=WITHIN_S)
    assert proof.returncode == 0, proof.stdout + proof.stderr
    assert proof.stdout.endswith("equal\n")
    assert {row[0] for row in installation.rows("SELECT DISTINCT event_id FROM events")} == expected
    assert installation.rows("SELECT count() FROM events WHERE late") == [(0,)]
    assert installation.rows("SELECT count() FROM dead_letters") == [(0,)]
    return len(expected)
