"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def logs_of_its_own() -> Iterator[None]:
    """A command sets up logging onto the standard error of its test, which is closed when that ends."""
    yield
    structlog.reset_defaults()
