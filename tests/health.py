"""A row of source_health, for tests that fill the store themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from schemas.clickhouse.tables import SOURCE_HEALTH


def health_row(instance: str, at: datetime, **told: Any) -> Sequence[Any]:
    """Return what a reading source reports that has had nothing to tell, but for what is given."""
    given = dict.fromkeys(SOURCE_HEALTH.columns) | {
        "instance": instance,
        "at": at,
        "published": 0,
        "rejected": 0,
        "state": "reading",
        "reason": "",
        "lag_unit": "",
        "gaps": 0,
    }
    unknown = told.keys() - given.keys()
    assert not unknown, unknown
    return list((given | told).values())
