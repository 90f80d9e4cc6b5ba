"""ClickHouse for a laptop and for tests: the chdb engine behind ClickHouse's own HTTP interface.

Only `EmbeddedClickHouse` is public. Production uses a ClickHouse server; every client speaks the
same HTTP interface to both, so nothing else in the project knows which one it has.
"""

from __future__ import annotations

from kommuncenter.embedded.clickhouse.process import EmbeddedClickHouse

__all__ = ["EmbeddedClickHouse"]
