"""The store's schema: migrations give just what the code writes and reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from kommuncenter.database import ClickHouseDatabase, apply_retention, migrate
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from kommuncenter.settings import ClickHouseSettings, RetentionSettings
from schemas.clickhouse.queries import Query
from schemas.clickhouse.tables import (
    CONTACTS,
    DIMENSIONS,
    EPOCHS,
    SERVICE_DAYS,
    SERVICE_WINDOWS,
    TABLES,
    Table,
)
from schemas.errors import FatalError, RetriableError
from schemas.measures import MEASURE_NAMES, WAIT_HISTOGRAM
from tests.dashboards.samples import RowStore
from tests.dashboards.stored import database_with
from tests.services.clickhouse import clickhouse

__all__ = ["clickhouse"]

pytestmark = pytest.mark.integration

MADE = Query("SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()")


@pytest.fixture
def database(clickhouse: EmbeddedClickHouse) -> Iterator[ClickHouseDatabase]:
    """A migrated, empty database of its own."""
    with database_with(clickhouse, RowStore([])) as stored:
        yield stored.writer


def columns(database: ClickHouseDatabase, table: str) -> dict[str, str]:
    """Return a table's columns and their types."""
    return {row[0]: row[1] for row in database.rows(Query(f"DESCRIBE TABLE {table}"))}


def test_every_table_has_just_the_columns_that_are_written(database: ClickHouseDatabase) -> None:
    for table in TABLES:
        assert tuple(columns(database, table.name)) == table.columns, table.name


@pytest.mark.parametrize("table", [SERVICE_WINDOWS, SERVICE_DAYS, CONTACTS])
def test_every_reading_view_shows_all_that_its_table_has(database: ClickHouseDatabase, table: Table) -> None:
    """A view keeps the columns that its table had when it was made: a migration has to make it anew."""
    assert columns(database, f"{table.name}_current") == columns(database, table.name)


def test_figures_have_a_whole_number_per_measure_in_both_grains(database: ClickHouseDatabase) -> None:
    for table, start in ((SERVICE_WINDOWS, "window"), (SERVICE_DAYS, "day")):
        found = columns(database, table.name)
        assert set(found) == {start, "partition", "revision", *DIMENSIONS, *MEASURE_NAMES, WAIT_HISTOGRAM}
        assert {found[name] for name in MEASURE_NAMES} == {"Int64"}


def test_migrating_again_changes_nothing(database: ClickHouseDatabase) -> None:
    settings = database._settings
    before = database.rows(
        Query("SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()")
    )
    assert migrate(settings) == []
    after = database.rows(
        Query("SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()")
    )
    assert after == before


def test_retention_is_set_and_may_be_lifted_by_table(database: ClickHouseDatabase) -> None:
    apply_retention(database, RetentionSettings(events_days=60, pseudonym_days=35, facts_months=25))
    made = {row[0]: row[1] for row in database.rows(MADE)}
    assert "toIntervalDay(60)" in made["events"]
    assert "toIntervalMonth(25)" in made["contacts"]
    assert "`party` String TTL day + toIntervalDay(35)" in made["contacts"]
    assert "toIntervalMonth(25)" in made["dead_letters"]
    assert "toIntervalMonth(25)" in made["dead_letter_replays"]
    for table in ("source_health", "worker_health", "consumer_lag", "verifications"):
        assert "toIntervalMonth(13)" in made[table], table
    assert re.search(r"`sealed` String .*TTL toDateTime\(at\) \+ toIntervalDay\(30\)", made["dead_letters"])
    for table in ("service_windows", "service_days"):
        assert "TTL" not in made[table]


def test_a_wrong_call_is_no_store_that_is_away(database: ClickHouseDatabase) -> None:
    with pytest.raises(FatalError, match="this is a bug"):
        database.insert(EPOCHS, [["too few columns"]])


def test_errors_say_whether_to_try_again(
    database: ClickHouseDatabase, clickhouse: EmbeddedClickHouse
) -> None:
    with pytest.raises(FatalError, match="run `kommuncenter migrate`"):
        database.rows(Query("SELECT 1 FROM no_such_table"))
    wrong = ClickHouseSettings(host=clickhouse.host, port=clickhouse.port, user="kommuncenter")
    with pytest.raises(FatalError, match=r"clickhouse\.password"):
        ClickHouseDatabase(wrong).rows(Query("SELECT 1"))
    nobody = ClickHouseSettings(host="127.0.0.1", port=1)
    with pytest.raises(RetriableError, match="is it running"):
        ClickHouseDatabase(nobody).rows(Query("SELECT 1"))
