"""An ordinary clickhouse-connect over HTTP against the embedded endpoint, as the whole project uses it."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import lz4.frame  # type: ignore[import-untyped]
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from tests.services.clickhouse import connect

pytestmark = pytest.mark.integration

HOSTILE = [
    "",
    "två\nrader",
    "a\n\nDROP TABLE victim",
    "a\n\n;DROP TABLE victim;\n\n",
    "tab\tcitat'\"`\\ bakstreck\\n",
    "räksmörgås 🦐",
    "{x:String} %s $1",
    "\0",
]
WHEN = datetime(2026, 3, 29, 0, 30, 0, 123000, tzinfo=UTC)


def failure(client: Client, sql: str, **options: Any) -> int | None:
    """The error number of a query that must fail."""
    with pytest.raises(DatabaseError) as caught:
        client.query(sql, **options)
    return caught.value.code


def test_the_server_says_who_it_is(client: Client) -> None:
    assert client.ping()
    assert str(client.server_version).startswith("26.")
    assert client.query("SELECT timezone(), currentDatabase()").result_rows == [("UTC", "scratch")]


def test_every_type_of_the_store_comes_back(client: Client) -> None:
    client.command(
        """CREATE TABLE t (id UInt64, key UUID, name String, at DateTime64(3, 'UTC'), day Date,
            channel LowCardinality(String), state Enum8('open' = 1, 'closed' = 2), waited Nullable(Float64),
            tags Array(String), waits Map(UInt16, UInt64), deleted Bool, big UInt64, pair Tuple(Int8, String))
        ENGINE = ReplacingMergeTree(id) ORDER BY (day, key)"""
    )
    key = uuid.UUID(int=7)
    rows = [
        (1, key, text, WHEN, date(2026, 3, 29), "phone", state, waited, [text, "b"], {1: 2**60}, *rest)
        for text in HOSTILE
        for state, waited, *rest in (
            ("open", None, True, 2**64 - 1, (-1, text)),
            ("closed", 12.5, False, 0, (127, "")),
        )
    ]
    for row in rows:
        summary = client.insert("t", [row])
        assert summary.written_rows == 1
        assert client.query("SELECT * FROM t").result_rows == [row]
        client.command("TRUNCATE TABLE t")


@pytest.mark.parametrize("compress", ["lz4", "zstd", "gzip", False])
def test_blocks_large_and_small_in_every_compression(
    clickhouse: EmbeddedClickHouse, client: Client, compress: str | bool
) -> None:
    client.command("CREATE TABLE t (n UInt32, s String) ENGINE = MergeTree ORDER BY n")
    with connect(clickhouse, database="scratch", compress=compress, settings={"async_insert": 0}) as other:
        numbers = list(range(10_000))
        texts = [HOSTILE[n % len(HOSTILE)] for n in numbers]
        other.insert("t", [numbers, texts], column_names=["n", "s"], column_oriented=True)
        other.insert("t", [[10_000, "sist"]], column_names=["n", "s"])
        result = other.query("SELECT n, s FROM t ORDER BY n")
        assert result.result_columns == [[*numbers, 10_000], [*texts, "sist"]]


@pytest.fixture
def strings(client: Client) -> Iterator[Client]:
    """A table of strings, beside a table that nothing may touch."""
    client.command("CREATE TABLE strings (n UInt32, s String) ENGINE = Memory")
    client.command("CREATE TABLE victim (n UInt8) ENGINE = Memory")
    yield client
    assert client.command("EXISTS victim") == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]))))
@example(HOSTILE)
def test_any_text_comes_back_from_an_insert(strings: Client, texts: list[str]) -> None:
    strings.command("TRUNCATE TABLE strings")
    if texts:
        strings.insert("strings", list(enumerate(texts)))
    assert strings.query("SELECT s FROM strings ORDER BY n").result_rows == [(text,) for text in texts]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary()))
@example([b"\n\ndrop table victim", b"\x0a\x0a", b"\x00", bytes(range(256))])
def test_any_bytes_come_back_from_an_insert(strings: Client, values: list[bytes]) -> None:
    strings.command("TRUNCATE TABLE strings")
    if values:
        strings.insert("strings", list(enumerate(values)))
    found = strings.query("SELECT s FROM strings ORDER BY n", query_formats={"String": "bytes"})
    assert found.result_rows == [(value,) for value in values]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
@example("a\n\n;DROP TABLE victim")
@example("'; DROP TABLE victim; --")
@example("\\n\\'\\")
def test_any_text_is_a_parameter(strings: Client, text: str) -> None:
    found = strings.query("SELECT {x:String}, [{x:String}]", parameters={"x": text})
    assert found.result_rows == [(text, [text])]
    inside = strings.query("SELECT %(x)s", parameters={"x": text})
    assert inside.result_rows == [(text,)]


def test_parameters_of_every_kind(client: Client) -> None:
    sql = "SELECT {n:UInt64}, {at:DateTime64(3, 'UTC')}, {ids:Array(String)}, {no:Nullable(Int8)}"
    given_ = {"n": 2**63, "at": WHEN, "ids": ["a'", "b\n\nc"], "no": None}
    found = client.query(sql, parameters=given_)
    assert found.result_rows == [(2**63, WHEN, ["a'", "b\n\nc"], None)]
    long = "x" * 100_000  # clickhouse-connect sends it as a form
    assert client.query("SELECT length({x:String})", parameters={"x": long}).result_rows == [(100_000,)]
    names = {"d": "system", "t": "one"}
    table = client.query("SELECT count() FROM {d:Identifier}.{t:Identifier}", parameters=names)
    assert table.result_rows == [(1,)]


def test_a_result_without_rows_has_its_columns(client: Client) -> None:
    client.command("CREATE TABLE t (n UInt8, c LowCardinality(String), w Nullable(Float64)) ENGINE = Memory")
    for sql in (
        "SELECT n, c, w FROM t",
        "SELECT n, c, w FROM t WHERE n > 1 ORDER BY n -- none",
        "WITH 1 AS one SELECT n, c, w FROM t WHERE n = one",
        "SELECT n, c, w FROM t WHERE n = {n:UInt8} SETTINGS max_threads = 1",
    ):
        found = client.query(sql, parameters={"n": 1})
        assert (found.row_count, found.column_names) == (0, ("n", "c", "w"))
        assert [type_.name for type_ in found.column_types] == [
            "UInt8",
            "LowCardinality(String)",
            "Nullable(Float64)",
        ]
    assert client.query("SHOW TABLES LIKE 'none'").column_names == ("name",)
    assert client.query("SELECT n FROM t LIMIT 0").column_names == ("n",)
    assert client.command("SELECT n FROM t") != 0


def test_errors_have_their_number(client: Client) -> None:
    assert failure(client, "SELECT * FROM missing") == 60
    assert failure(client, "SELECT missing") == 47
    assert failure(client, "SELEKT 1") == 62
    assert failure(client, "SELECT 1; SELECT 2") == 62
    assert failure(client, "SELECT toUInt8('x')") == 6
    assert failure(client, "SELECT 1", settings={"max_threads": "många"}) in (27, 72)
    with pytest.raises(DatabaseError) as caught:
        client.raw_query("SELECT 1", settings={"buffer_size": 1, "max_memory_usage": "x"})
    assert caught.value.code in (27, 72)
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        client.insert("missing", [[1]], column_names=["n"], column_type_names=["UInt8"])


def test_an_insert_that_fails_leaves_nothing_behind(client: Client) -> None:
    client.command("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
    with pytest.raises(DatabaseError):
        client.raw_insert("t", ["n"], b"1\nx\n2\n", fmt="TabSeparated")
    assert client.query("SELECT count() FROM t").result_rows == [(0,)]
    client.raw_insert("t", ["n"], b"1\n2\n", fmt="TabSeparated")
    assert client.query("SELECT n FROM t ORDER BY n").result_rows == [(1,), (2,)]


@pytest.mark.parametrize("compression", [None, "gzip", "lz4"])
def test_blank_lines_in_raw_data_are_data(client: Client, compression: str | None) -> None:
    client.command("CREATE TABLE t (n UInt8, s String) ENGINE = Memory")
    client.command("CREATE TABLE victim (n UInt8) ENGINE = Memory")
    data = b'1,"a\n\nDROP TABLE victim\n\n"\n2,"b;\n\n;DROP TABLE victim;"\n'
    packed = {"gzip": gzip.compress, "lz4": lz4.frame.compress}.get(compression or "", bytes)(data)
    client.raw_insert("t", ["n", "s"], packed, fmt="CSV", compression=compression)
    assert client.query("SELECT n, s FROM t ORDER BY n").result_rows == [
        (1, "a\n\nDROP TABLE victim\n\n"),
        (2, "b;\n\n;DROP TABLE victim;"),
    ]
    assert client.command("EXISTS victim") == 1


def test_commands_with_data_keep_it_out_of_the_sql(client: Client) -> None:
    client.command("CREATE TABLE t (s String) ENGINE = Memory")
    client.command("INSERT INTO t FORMAT TabSeparated", data="a\n\nDROP TABLE t\n")
    client.command("INSERT INTO t VALUES ('x\n\nDROP TABLE t;')")
    found = {row[0] for row in client.query("SELECT s FROM t").result_rows}
    assert found == {"a", "", "DROP TABLE t", "x\n\nDROP TABLE t;"}


def test_settings_hold_for_one_request(client: Client) -> None:
    name = "SELECT value FROM system.settings WHERE name = 'max_block_size'"
    usual = client.query(name).result_rows
    assert client.query(name, settings={"max_block_size": 123}).result_rows == [("123",)]
    assert client.query(name).result_rows == usual


def test_a_setting_of_the_client_goes_with_every_request(clickhouse: EmbeddedClickHouse) -> None:
    with connect(clickhouse, settings={"async_insert": 0, "max_execution_time": 60}) as other:
        names = ["async_insert", "max_execution_time"]
        sql = "SELECT name, value FROM system.settings WHERE name IN {names:Array(String)} ORDER BY name"
        assert other.query(sql, parameters={"names": names}).result_rows == [
            ("async_insert", "0"),
            ("max_execution_time", "60"),
        ]


def test_a_session_id_is_accepted_and_keeps_nothing(clickhouse: EmbeddedClickHouse) -> None:
    with connect(clickhouse, autogenerate_session_id=True) as other:
        other.command("SET max_block_size = 77")
        found = other.query("SELECT value FROM system.settings WHERE name = 'max_block_size'")
        assert found.result_rows != [("77",)]


def test_final_views_and_materialized_views(client: Client) -> None:
    client.command("CREATE TABLE t (k UInt8, v UInt64, r UInt64) ENGINE = ReplacingMergeTree(r) ORDER BY k")
    client.command("CREATE VIEW latest AS SELECT k, v FROM t FINAL")
    client.command("CREATE MATERIALIZED VIEW log ENGINE = MergeTree ORDER BY k AS SELECT k, v FROM t")
    client.insert("t", [[1, 10, 1], [2, 20, 1]])
    client.insert("t", [[1, 11, 3]])
    client.insert("t", [[1, 12, 2]])
    assert client.query("SELECT k, v FROM latest ORDER BY k").result_rows == [(1, 11), (2, 20)]
    assert client.query("SELECT k, v FROM t FINAL ORDER BY k").result_rows == [(1, 11), (2, 20)]
    assert client.query("SELECT count() FROM log").result_rows == [(4,)]


def test_a_view_that_refreshes_itself(client: Client) -> None:
    client.command("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
    client.insert("t", [[1], [2]])
    client.command(
        "CREATE MATERIALIZED VIEW v REFRESH EVERY 1 HOUR ENGINE = MergeTree ORDER BY n AS SELECT n FROM t"
    )
    client.command("SYSTEM WAIT VIEW v")
    assert client.query("SELECT count() FROM v").result_rows == [(2,)]


def test_a_query_that_takes_too_long_is_ended(client: Client) -> None:
    assert failure(client, "SELECT count() FROM numbers(1e13)", settings={"max_execution_time": 0.2}) == 159


def test_roles_can_be_read_but_not_made(client: Client) -> None:
    """chdb has no store of users: definitions of roles can only be checked for their grammar here."""
    statement = "CREATE ROW POLICY few ON scratch.t USING n > 1 TO board"
    for sql in ("CREATE ROLE board", "CREATE USER kim", statement):
        with pytest.raises(DatabaseError) as caught:
            client.command(sql)
        assert caught.value.code == 497
    formatted = client.query("SELECT formatQuery({q:String})", parameters={"q": statement}).result_rows[0][0]
    assert formatted.startswith("CREATE ROW POLICY few")
    assert failure(client, "SELECT formatQuery('CREATE ROLL board')") == 62


def test_instants_are_right_in_every_zone(client: Client) -> None:
    """DateTime64 keeps its zone. DateTime loses it in chdb's Native format: the same instant in UTC."""
    stockholm = ZoneInfo("Europe/Stockholm")
    found = client.query(
        "SELECT toDateTime64('2026-07-01 12:00:00.500', 3, 'Europe/Stockholm'), "
        "toDateTime('2026-07-01 12:00:00', 'Europe/Stockholm'), "
        "toStartOfDay(toDateTime64('2026-07-01 12:00:00', 3, 'UTC'), 'Europe/Stockholm')"
    ).result_rows[0]
    noon = datetime(2026, 7, 1, 12, tzinfo=stockholm)
    assert found[0] == noon + timedelta(milliseconds=500)
    assert found[0].utcoffset() == timedelta(hours=2)
    assert found[1:] == (noon, datetime(2026, 7, 1, tzinfo=stockholm))
    assert [value.utcoffset() for value in found[1:]] == [timedelta(0), timedelta(0)]


def test_requests_run_side_by_side(clickhouse: EmbeddedClickHouse, client: Client) -> None:
    client.command("CREATE TABLE t (worker UInt8, n UInt32) ENGINE = MergeTree ORDER BY n")

    def work(worker: int) -> list[Any]:
        with connect(clickhouse, database="scratch", settings={"async_insert": 0}) as own:
            for start in range(0, 100, 10):
                own.insert("t", [[worker, start + n] for n in range(10)], column_names=["worker", "n"])
                with pytest.raises(DatabaseError):
                    own.query("SELECT throwIf(number > 100) FROM numbers(200)")
            return list(own.query(f"SELECT n FROM t WHERE worker = {worker} ORDER BY n").result_rows)

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(work, range(6)))
    assert results == [[(n,) for n in range(100)]] * 6


def test_streams_of_blocks(client: Client) -> None:
    with client.query_row_block_stream("SELECT number FROM numbers(200000)") as blocks:
        assert sum(row[0] for block in blocks for row in block) == sum(range(200_000))
