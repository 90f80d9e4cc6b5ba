"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

# No property is judged by how fast the machine is at the moment.
settings.register_profile("kommuncenter", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kommuncenter")


@pytest.fixture(autouse=True)
def logs_of_its_own() -> Iterator[None]:
    """A command sets up logging onto the standard error of its test, which is closed when that ends."""
    yield
    structlog.reset_defaults()
