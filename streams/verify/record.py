"""What each run of verify found, kept for those who were not there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from schemas.clickhouse.database import Database
from schemas.clickhouse.tables import VERIFICATIONS
from streams.verify.compare import Verification


@dataclass(frozen=True, slots=True)
class Run:
    """A run of verify: when it ended (UTC), what it found, and how long it took."""

    at: datetime
    found: Verification
    took: timedelta


class VerificationLog(Protocol):
    """Where runs are recorded. Blocks; raises RetriableError while it is away."""

    def record(self, run: Run) -> None:
        """Record a run."""
        ...


class ClickHouseVerifications:
    """Records runs in the store."""

    def __init__(self, database: Database) -> None:
        """Take a client."""
        self._database = database

    def record(self, run: Run) -> None:
        """Record a run as a row of ``verifications``."""
        found = run.found
        row = (
            run.at,
            found.since,
            found.until - timedelta(days=1),
            found.equal,
            found.events,
            found.late,
            found.awaiting_rebuild,
            differences_by_kind(found),
            run.took.total_seconds(),
        )
        self._database.insert(VERIFICATIONS, [[value] for value in row])


def differences_by_kind(found: Verification) -> dict[str, int]:
    """Return how many differences each comparison told; those beyond what is told count with the largest."""
    told = Counter(difference.what for difference in found.differences)
    counts = {compared.what: told[compared.what] for compared in found.compared}
    beyond = found.differing - sum(counts.values())
    if beyond > 0:
        counts[max(counts, key=lambda what: counts[what])] += beyond
    return counts
