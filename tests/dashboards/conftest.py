"""Fixtures of the tests of what shows the figures."""

from __future__ import annotations

from tests.services.browser import browser, page
from tests.services.clickhouse import clickhouse

__all__ = ["browser", "clickhouse", "page"]
