"""Finding one statement, its format and its data, and what may not run; without the engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kommuncenter.embedded.clickhouse import guard
from kommuncenter.embedded.clickhouse.errors import ClickHouseError
from kommuncenter.embedded.clickhouse.sql import parse, tokens

REFUSED = guard.refused_functions({"file", "url", "s3", "remote", "numbers", "eval"}, {"aiGenerate", "count"})


def quoted(text: str, mark: str = "'") -> str:
    """The text as ClickHouse writes it between quotes."""
    return mark + text.replace("\\", "\\\\").replace(mark, "\\" + mark) + mark


def check(sql: str, *, reader: bool = False, **parameters: str) -> None:
    """Parse and check one request, as the endpoint does."""
    guard.check(parse(sql.encode()), parameters, REFUSED, reader=reader)


def refused(sql: str, *, reader: bool = False, **parameters: str) -> int:
    """The error number of a request that must be refused."""
    with pytest.raises(ClickHouseError) as caught:
        check(sql, reader=reader, **parameters)
    return caught.value.code


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.sampled_from(["'", '"', "`"]))
@example("; DROP TABLE t", "'")
@example("a\n\nb -- /* \\", "`")
@example("''\\'", "'")
def test_whatever_stands_in_quotes_is_one_token(text: str, mark: str) -> None:
    found = list(tokens(f"a{quoted(text, mark)}b".encode()))
    assert [token.kind for token in found] == ["word", "string" if mark == "'" else "quoted", "word"]
    assert found[1].text.decode() == quoted(text, mark)


@pytest.mark.parametrize(
    "comment",
    ["-- a ; b\n", "# a ; b\n", "#! a ; b\n", "// a ; b\n", "/* a ; b */", "/* a /* ; */ ; */", "/**/"],
)
def test_a_comment_is_no_token(comment: str) -> None:
    found = [token.text for token in tokens(f"SELECT{comment}1".encode())]
    assert found == [b"SELECT", b"1"]


@pytest.mark.parametrize("text", ["$$a ; b$$", "$x$a $$ ; b$x$", "‘a ; b’", "'a'' ; b'"])
def test_other_ways_to_write_a_string(text: str) -> None:
    assert [token.kind for token in tokens(text.encode())] == ["string"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        "SELECT 1;\n\nDROP TABLE t",
        "SELECT 1 FORMAT JSON; DROP TABLE t",
        "INSERT INTO t SELECT 1; DROP TABLE t",
        "INSERT INTO t VALUES (1); DROP TABLE t",
        "INSERT INTO t VALUES ('a;b'); DROP TABLE t",
        "",
        " -- nothing\n",
    ],
)
def test_none_or_several_statements_are_a_syntax_error(sql: str) -> None:
    assert refused(sql) == 62


@pytest.mark.parametrize("sql", ["SELECT 1;", "SELECT 1 ; ; -- done", "SELECT ';'", 'SELECT 1 AS ";"'])
def test_a_semicolon_at_the_end_or_in_quotes_is_allowed(sql: str) -> None:
    check(sql)


@pytest.mark.parametrize(
    ("sql", "text", "format_"),
    [
        ("SELECT 1 FORMAT Native", "SELECT 1  ", "Native"),
        ("SELECT 1\n FORMAT JSON;", "SELECT 1\n  ", "JSON"),
        ("SELECT 1 FORMAT JSON SETTINGS a = 1", "SELECT 1   SETTINGS a = 1", "JSON"),
        ("SELECT format FROM t", "SELECT format FROM t", None),
        ("SELECT 1 AS format FORMAT CSV", "SELECT 1 AS format  ", "CSV"),
        ("SELECT (SELECT 1) -- FORMAT CSV", "SELECT (SELECT 1)", None),
        ("SELECT 'x FORMAT CSV'", "SELECT 'x FORMAT CSV'", None),
    ],
)
def test_the_format_clause_is_taken_out(sql: str, text: str, format_: str | None) -> None:
    statement = parse(sql.encode())
    assert (statement.text.decode(), statement.format, statement.data) == (text, format_, None)


@given(st.binary(), st.sampled_from(["\n", " \n", "\r\n", " "]))
@example(b"\n\ndrop table victim", "\n")
@example(b"\n\n;drop table victim", " \n")
def test_the_data_of_an_insert_is_never_part_of_its_text(data: bytes, gap: str) -> None:
    head = "INSERT INTO `a;b` (x, `format`) SETTINGS async_insert = 0"
    if gap == " ":
        data = b"x" + data
    statement = parse(f"{head} FORMAT Native{gap}".encode() + data)
    assert (statement.text.decode(), statement.format, statement.data) == (head, "Native", data)


def test_values_are_data_too() -> None:
    statement = parse(b"INSERT INTO format VALUES (1, 'a\n\nDROP TABLE t'), (2, 'b')")
    assert (statement.text, statement.format) == (b"INSERT INTO format", "Values")
    assert statement.data == b" (1, 'a\n\nDROP TABLE t'), (2, 'b')"


@pytest.mark.parametrize(
    "sql",
    [
        "WITH 1 AS x INSERT INTO t FORMAT CSV\n1\n\nDROP TABLE t",
        "EXPLAIN INSERT INTO t FORMAT CSV\n1\n\nDROP TABLE t",
        "INSERT INTO t SELECT a FROM input('a Int8') FORMAT CSV\n1\n\nDROP TABLE t",
    ],
)
def test_data_behind_anything_but_a_plain_insert_is_refused(sql: str) -> None:
    assert refused(sql) == 48


@pytest.fixture
def table_file(tmp_path: Path) -> Path:
    """A file that chdb would read when its name stands for a table."""
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    return path


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM '{}'",
        "SELECT * FROM `{}`",
        'SELECT * FROM default."{}"',
        "SELECT * FROM “{}”",
        "SELECT * FROM t, '{}'",
        "SELECT * FROM t JOIN '{}' ON 1 = 1",
        "SELECT 1 IN (SELECT a FROM t, '{}')",
        "SELECT 1 IN `{}`",
        "DESCRIBE '{}'",
        "DESCRIBE TABLE '{}'",
        "INSERT INTO `{}` VALUES (1, 2)",
        "CREATE VIEW v AS SELECT * FROM '{}'",
    ],
)
def test_a_file_is_no_table(sql: str, table_file: Path) -> None:
    assert refused(sql.format(table_file)) == 497
    assert refused(sql.format(str(table_file).replace("x.csv", "*.csv"))) == 497
    check(sql.format("no/such/file"))


def test_a_file_is_no_table_by_escape_or_parameter(table_file: Path) -> None:
    escaped = str(table_file).replace("/", "\\x2f")
    assert refused(f"SELECT * FROM `{escaped}`") == 497
    assert refused("SELECT * FROM {t:Identifier}", t=str(table_file)) == 497
    check("SELECT {t:String}", t=str(table_file))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT '{0}' AS a, ['{0}'], replaceOne(x, '{0}', '') FROM t WHERE a IN ('b', '{0}')",
        'SELECT 1 AS "{0}"',
    ],
)
def test_the_name_of_a_file_may_be_a_value(sql: str, table_file: Path) -> None:
    check(sql.format(table_file), reader=True)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM file('/etc/hostname')",
        "SELECT * FROM URL ('http://localhost/', CSV)",
        "SELECT * FROM `remote`/* */('h', d, t)",
        "SELECT * FROM eval('SELECT 1')",
        "SELECT file('/etc/hostname')",
        "SELECT * APPLY file FROM t",
        "SELECT * APPLY(file) FROM t",
        "SELECT arrayMap(file, ['/etc/hostname'])",
        "SELECT AIGenerate('x')",
        "SELECT * FROM Python(x)",
        "CREATE TABLE t AS s3('x')",
        "INSERT INTO FUNCTION file('x') VALUES (1)",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "EXPLAIN SELECT 1 INTO OUTFILE '/tmp/x'",
        "INSERT INTO t FROM INFILE '/etc/hostname' FORMAT CSV",
        "CREATE DICTIONARY d (a Int8) PRIMARY KEY a SOURCE(FILE(PATH 'x')) LAYOUT(FLAT())",
    ],
)
def test_what_reaches_outside_the_store_is_refused_for_everyone(sql: str) -> None:
    assert refused(sql) == 497


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT url, file FROM t WHERE url = 'x' AND remote > 1",
        "SELECT count(url), max(remote) FROM numbers(10)",
        "CREATE TABLE t (file String, url String) ENGINE = MergeTree ORDER BY file",
        "INSERT INTO t (url, file) VALUES ('a', 'b')",
    ],
)
def test_columns_of_such_names_are_allowed(sql: str) -> None:
    check(sql)


@pytest.mark.parametrize(
    "engine", ["Kafka", "URL", "File", "`S3`", "Distributed", "EmbeddedRocksDB", "KeeperMap"]
)
@pytest.mark.parametrize("clause", ["ENGINE = {}", "engine {}", "ENGINE={}('x')"])
def test_engines_that_leave_the_store_are_refused(engine: str, clause: str) -> None:
    assert refused(f"CREATE TABLE t (a Int8) {clause.format(engine)} SETTINGS a = 1") == 48
    assert refused(f"CREATE DATABASE d {clause.format(engine)}") == 48


@pytest.mark.parametrize("engine", ["MergeTree", "ReplacingMergeTree(v)", "AggregatingMergeTree", "Memory"])
def test_engines_of_the_store_are_allowed(engine: str) -> None:
    check(f"CREATE TABLE t (a Int8, engine String) ENGINE = {engine} ORDER BY a")
    check(f"CREATE MATERIALIZED VIEW v ENGINE = {engine} ORDER BY a AS SELECT engine FROM system.tables")
    check(f"SELECT engine FROM system.tables WHERE engine = '{engine}' OR engine = name")


@pytest.mark.parametrize("sql", ["BACKUP DATABASE d TO File('x')", "RESTORE ALL FROM x", "SYSTEM SHUTDOWN"])
def test_the_store_is_neither_copied_nor_stopped_by_sql(sql: str) -> None:
    assert refused(sql) == 344


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (1)",
        "CREATE TABLE t (a Int8)",
        "DROP TABLE t",
        "ALTER TABLE t DELETE WHERE 1",
        "GRANT x",
        "TRUNCATE TABLE t",
        "OPTIMIZE TABLE t",
        "SYSTEM FLUSH LOGS",
        "KILL QUERY WHERE 1",
        "ATTACH TABLE t",
    ],
)
def test_a_reader_only_reads(sql: str) -> None:
    assert refused(sql, reader=True) == 164


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "WITH 1 AS x SELECT x",
        "(SELECT 1)",
        "SHOW TABLES",
        "DESCRIBE t",
        "EXISTS t",
        "EXPLAIN SELECT 1",
    ],
)
def test_a_reader_reads(sql: str) -> None:
    check(sql, reader=True)
