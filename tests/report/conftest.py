"""Fixtures of the tests of the report."""

from __future__ import annotations

from tests.services.browser import browser, page
from tests.services.clickhouse import clickhouse

__all__ = ["browser", "clickhouse", "page"]
