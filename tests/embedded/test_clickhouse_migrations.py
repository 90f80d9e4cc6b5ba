"""clickhouse-migrations over HTTP: numbered files apply to the endpoint as they do to a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_migrations.clickhouse_cluster import ClickhouseCluster
from clickhouse_migrations.exceptions import MigrationException

from kommuncenter.embedded.clickhouse import EmbeddedClickHouse

pytestmark = pytest.mark.integration

FIRST = """-- tables; the first ones
CREATE TABLE events (id String, at DateTime64(3, 'UTC')) ENGINE = ReplacingMergeTree ORDER BY (at, id);
CREATE VIEW latest AS SELECT id, ';' AS mark FROM events FINAL;
"""
SECOND = """ALTER TABLE events ADD COLUMN note String DEFAULT 'a
;

b';
INSERT INTO events (id, at) VALUES ('1;', '2026-01-01 00:00:00.000');
"""


def test_files_apply_once_and_may_not_change(
    clickhouse: EmbeddedClickHouse, client: Client, tmp_path: Path
) -> None:
    (tmp_path / "001_tables.sql").write_text(FIRST)
    (tmp_path / "002_note.sql").write_text(SECOND)
    cluster = ClickhouseCluster(
        db_host=clickhouse.host,
        db_port=str(clickhouse.port),
        db_user=clickhouse.user,
        db_password=clickhouse.password,
        driver="clickhouse-connect",
    )
    assert [done.version for done in cluster.migrate("scratch", tmp_path)] == [1, 2]
    assert cluster.migrate("scratch", tmp_path) == []
    assert client.query("SELECT id, note FROM events").result_rows == [("1;", "a\n;\n\nb")]
    assert client.query("SELECT id, mark FROM latest").result_rows == [("1;", ";")]
    assert cluster.diff(cluster.dump("scratch"), "scratch") == ""
    (tmp_path / "001_tables.sql").write_text(FIRST + "-- changed")
    with pytest.raises(MigrationException, match="md5"):
        cluster.migrate("scratch", tmp_path)
