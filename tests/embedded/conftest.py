"""The fixtures of the embedded services."""

from __future__ import annotations

from tests.services.clickhouse import clickhouse, client

__all__ = ["clickhouse", "client"]
