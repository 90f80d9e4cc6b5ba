"""Fixtures of the tests of the report."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from tests.report.simulated_store import Centre, centre
from tests.services.browser import browser, page
from tests.services.clickhouse import clickhouse

__all__ = ["browser", "clickhouse", "page"]


@pytest.fixture(scope="session")
def simulated(clickhouse: EmbeddedClickHouse) -> Iterator[Centre]:
    """Six simulated weeks, the last with a water leak; nobody writes into it."""
    with centre(clickhouse) as found:
        yield found
