"""What Grafana's user may read of ClickHouse: all that boards and alarms ask for, no more, and no pseudonym.

The embedded engine has no roles, so the grants are held against what its analysis says that each query
reads, of views and of the tables under them. That a server refuses what is not granted is not tested here.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest

from dashboards.grafana.alarms import alarms
from kommuncenter.database import ClickHouseDatabase
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from schemas.catalogue import load_catalogue
from schemas.clickhouse.queries import Query
from schemas.clickhouse.tables import TABLES
from tests.dashboards.grafana_answers import BOARDS, EVERYTHING
from tests.dashboards.grafana_macros import expand
from tests.deployment.compose import read_compose
from tests.deployment.touched import together, touched
from tests.services.clickhouse import clickhouse, migrated

__all__ = ["clickhouse"]

FILE = read_compose()
XML = ET.fromstring(FILE.configs["clickhouse-dashboards"].content)
PERSONAL = {"party", "payload", "key", "legs", "sealed", "place", "sha256", "digest"}
"""Pseudonyms and what holds or points to them, and what may hold more than it ought to."""
ANYONE_MAY_READ = {"system.one"}
KEYS_OF_FINAL = {"contacts": {"contact_id"}}
"""What a table is sorted by, which FINAL goes by; whether a server asks for the right to it can't be seen."""
CHOSEN = {
    **EVERYTHING,
    "channel": ["telephone"],
    "area": ["omsorg-stod"],
    "unit": ["omsorg"],
    "topic": ["omsorg"],
    "reach": ["ja"],
}
"""So that no condition is left out of what is asked."""


def grants() -> Mapping[str, set[str]]:
    """Return table -> columns that the Grafana user may read; no columns means all."""
    found = {}
    for query in XML.iterfind("./users/grafana/grants/query"):
        match = re.fullmatch(
            r"GRANT SELECT(?:\((?P<columns>[^)]+)\))? ON (?:kommuncenter\.)?((?:system\.)?\w+)",
            query.text or "",
        )
        assert match, query.text
        assert match[2] not in found, query.text
        found[match[2]] = {name.strip() for name in (match["columns"] or "").split(",") if name.strip()}
    return found


def all_queries() -> dict[str, str]:
    """Return what Grafana asks, by a name: panels, marks, variables and alarms."""
    now = datetime.now(UTC)
    asked = {f"alarm {alarm.uid}": alarm.query.sql for alarm in alarms(load_catalogue())}
    for board in BOARDS.values():
        for panel in board.panels:
            asked |= {f"{board.title}: {panel.title}": target.raw_sql for target in panel.targets}
        for mark in board.annotations.list:
            if mark.target.raw_sql:
                asked[f"mark {mark.name}"] = mark.target.raw_sql
        for variable in board.templating.list:
            if variable.type == "query":
                asked[f"variable {variable.name}"] = variable.query
    return {name: expand(sql, now, now, CHOSEN) for name, sql in asked.items()}


@pytest.fixture(scope="module")
def database(clickhouse: EmbeddedClickHouse) -> Iterator[ClickHouseDatabase]:
    """A migrated, empty database."""
    with migrated(clickhouse) as found:
        yield found


def test_grafana_can_only_read_and_only_so_much() -> None:
    user, profile = XML.find("./users/grafana"), XML.find("./profiles/dashboards")
    quota = XML.find("./quotas/dashboards")
    assert user is not None
    assert profile is not None
    assert quota is not None
    assert profile.findtext("readonly") == "2"
    assert (user.findtext("profile"), user.findtext("quota")) == ("dashboards", "dashboards")
    for limit in ("max_execution_time", "max_memory_usage"):
        ceiling = profile.findtext(f"constraints/{limit}/max")
        assert ceiling
        assert int(ceiling) >= int(profile.findtext(limit) or 0) > 0
    for limit in ("duration", "queries", "execution_time"):
        assert int(quota.findtext(f"interval/{limit}") or 0) > 0
    password = user.find("password")
    assert password is not None
    assert password.attrib == {"from_env": "GRAFANA_CLICKHOUSE_PASSWORD"}
    assert password.attrib["from_env"] in FILE.services["clickhouse"].environment


def test_the_quota_lets_every_board_refresh_for_a_roomful_of_people() -> None:
    """The largest board, asked anew every half minute by thirty people at once, stays below it."""
    queries = int(XML.findtext("./quotas/dashboards/interval/queries") or 0)
    largest = max(sum(len(panel.targets) for panel in board.panels) for board in BOARDS.values())
    marks = max(len(board.annotations.list) for board in BOARDS.values())
    assert 2 * 30 * (largest + marks) <= queries


def test_grafana_sees_neither_what_events_say_nor_pseudonyms() -> None:
    columns_of = {table.name: set(table.columns) for table in TABLES}
    for table, columns in grants().items():
        whole = columns_of.get(table, columns_of.get(table.removesuffix("_current"), set()))
        assert not (columns or whole) & PERSONAL, table
    assert "legs" not in grants()


@pytest.mark.integration
def test_every_query_of_every_board_and_alarm_is_granted(database: ClickHouseDatabase) -> None:
    allowed = grants()
    for name, sql in all_queries().items():
        for table, columns in touched(database, sql).items():
            if table not in ANYONE_MAY_READ:
                assert table in allowed, f"{name} reads {table}"
                assert not allowed[table] or columns <= allowed[table], f"{name} reads {table}"


@pytest.mark.integration
def test_nothing_is_granted_that_nothing_asks_for(database: ClickHouseDatabase) -> None:
    asked = together([touched(database, sql) for sql in all_queries().values()])
    assert grants().keys() <= asked.keys()
    for table, columns in grants().items():
        assert columns <= asked[table] | KEYS_OF_FINAL.get(table, set()), table


@pytest.mark.integration
def test_a_view_is_taken_apart_down_to_what_it_reads(database: ClickHouseDatabase) -> None:
    """A column that nobody asked for is left out, and the views that a view reads are taken apart too."""
    sql = "SELECT day FROM contacts_current WHERE channel IN (SELECT topic FROM surges FINAL)"
    read = touched(database, sql)
    assert read["contacts_current"] == {"day", "channel"}
    assert read["contacts"] == {"day", "channel", "partition", "revision", "deleted"}
    assert read["epochs_in_force"] == {"partition", "day_from", "epoch"}
    assert {"stage", "state", "horizon_from"} <= read["epochs"]
    assert read["surges"] == {"topic"}
    with pytest.raises(ValueError, match="gives one value"):
        touched(database, "SELECT day FROM contacts_current WHERE day = (SELECT max(day) FROM service_days)")


@pytest.mark.integration
def test_what_the_analysis_misses_would_be_found(database: ClickHouseDatabase) -> None:
    """The engine's own plan reads no table that the analysis does not name."""
    for name, sql in all_queries().items():
        plan = "\n".join(str(row[0]) for row in database.rows(Query(f"EXPLAIN PLAN {sql}")))
        read = {table.split(".")[-1] for table in re.findall(r"ReadFromMergeTree \(([\w.]+)\)", plan)}
        named = touched(database, sql).keys()
        assert read <= named, name
