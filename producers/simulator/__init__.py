"""The simulated centre of DOMAIN §5: writes what a telephone system, a mail server and a desk would write."""

from __future__ import annotations

from producers.simulator.engine import simulate
from producers.simulator.records import Record, RecordKind
from producers.simulator.settings import Scenarios, SimulationSettings
from producers.simulator.writers import Writer

__all__ = ["Record", "RecordKind", "Scenarios", "SimulationSettings", "Writer", "simulate"]
