"""The HTTP interface on the wire: curl, clickhouse-go's requests byte for byte, users and their rights."""

from __future__ import annotations

import gzip
import http.client
import json
import shutil
import socket
import subprocess
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlencode

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from tests.services.clickhouse import connect

pytestmark = pytest.mark.integration


def basic(user: str, password: str) -> dict[str, str]:
    """The header of HTTP's basic authentication."""
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


class Wire:
    """Plain requests as one user; answers as (status, headers in small letters, body)."""

    def __init__(self, endpoint: EmbeddedClickHouse, headers: dict[str, str]) -> None:
        self.endpoint = endpoint
        self.headers = headers

    def __call__(
        self,
        body: bytes | str = b"",
        *,
        method: str = "POST",
        path: str = "/",
        headers: dict[str, str] | None = None,
        **url: str | int,
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.endpoint.host, self.endpoint.port, timeout=30)
        try:
            encoded = body.encode() if isinstance(body, str) else body
            sent = {**self.headers, **(headers or {})}
            connection.request(method, f"{path}?{urlencode(url)}", encoded, sent)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()


@pytest.fixture
def nobody(clickhouse: EmbeddedClickHouse) -> Wire:
    """Requests without a user."""
    return Wire(clickhouse, {})


@pytest.fixture
def wire(clickhouse: EmbeddedClickHouse) -> Wire:
    """Requests of the user who may do everything."""
    return Wire(clickhouse, basic(clickhouse.user, clickhouse.password))


@pytest.fixture
def reader(clickhouse: EmbeddedClickHouse) -> Wire:
    """Requests of the user who may only read."""
    return Wire(clickhouse, basic(clickhouse.reader, clickhouse.reader_password))


def code(answer: tuple[int, dict[str, str], bytes]) -> int:
    """The error number of a failed request; the text must begin with it too."""
    status, headers, body = answer
    assert status >= 400
    number = headers["x-clickhouse-exception-code"]
    assert body.startswith(f"Code: {number}. DB::Exception: ".encode())
    return int(number)


def test_ping_needs_no_user(nobody: Wire) -> None:
    assert nobody(method="GET", path="/ping")[::2] == (200, b"Ok.\n")


def test_every_way_to_say_who_one_is(clickhouse: EmbeddedClickHouse, nobody: Wire, wire: Wire) -> None:
    user, password = clickhouse.user, clickhouse.password
    by_header = {"X-ClickHouse-User": user, "X-ClickHouse-Key": password}
    assert wire("SELECT 1")[2] == b"1\n"
    assert nobody("SELECT 1", headers=by_header)[2] == b"1\n"
    assert nobody("SELECT 1", user=user, password=password)[2] == b"1\n"


def test_nobody_and_the_wrong_password_are_refused(clickhouse: EmbeddedClickHouse, nobody: Wire) -> None:
    missing = nobody("SELECT 1")
    assert (missing[0], code(missing)) == (401, 194)
    assert missing[1]["www-authenticate"].startswith("Basic ")
    for headers in (
        basic(clickhouse.user, "wrong"),
        basic("nobody", clickhouse.password),
        basic(clickhouse.user, clickhouse.reader_password),
        basic(clickhouse.user, ""),
        basic("å", "å"),
        {"Authorization": "Basic ?"},
        {"X-ClickHouse-User": clickhouse.user},
    ):
        answer = nobody("SELECT 1", headers=headers)
        assert (answer[0], code(answer)) == (403, 516)
        assert clickhouse.password.encode() not in answer[2]


def test_query_in_url_or_body_and_the_format(wire: Wire) -> None:
    assert wire(method="GET", query="SELECT 1")[2] == b"1\n"
    assert wire(" + 2", query="SELECT 1")[2] == b"3\n"
    status, headers, body = wire("SELECT 1 AS a FORMAT JSONEachRow")
    assert (status, headers["x-clickhouse-format"], body) == (200, "JSONEachRow", b'{"a":1}\n')
    assert wire("SELECT 1", default_format="CSV")[1]["content-type"].startswith("text/csv")
    assert wire("SELECT 1", headers={"X-ClickHouse-Format": "JSON"})[1]["content-type"].startswith(
        "application/json"
    )
    assert json.loads(wire("SELECT 1 AS a FORMAT JSON")[2])["data"] == [{"a": 1}]
    assert code(wire("SELECT 1 FORMAT Missing")) == 73
    assert code(wire("SELECT 1 FORMAT DataFrame")) == 73
    assert wire(method="GET")[2] == b"Ok.\n"
    assert wire(method="GET", path="/missing")[0] == 404


def test_the_summary_counts(wire: Wire, client: Client) -> None:
    client.command("CREATE TABLE t (n UInt8) ENGINE = Memory")
    written = json.loads(wire("INSERT INTO scratch.t VALUES (1), (2), (3)")[1]["x-clickhouse-summary"])
    assert written["written_rows"] == "3"
    read = json.loads(wire("SELECT n FROM scratch.t WHERE n > 1")[1]["x-clickhouse-summary"])
    assert (read["read_rows"], read["result_rows"]) == ("3", "2")
    assert "x-clickhouse-format" not in wire("TRUNCATE TABLE scratch.t")[1]


def test_an_answer_is_packed_only_when_asked(wire: Wire) -> None:
    sql = "SELECT number FROM numbers(1000)"
    plain = wire(sql, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain[1]
    packed = wire(sql, headers={"Accept-Encoding": "gzip"}, enable_http_compression=1)
    assert packed[1]["content-encoding"] == "gzip"
    assert gzip.decompress(packed[2]) == plain[2]
    assert code(wire(gzip.compress(b"SELECT 1"), headers={"Content-Encoding": "br"})) == 48
    assert wire(gzip.compress(b"SELECT 1"), headers={"Content-Encoding": "gzip"})[2] == b"1\n"
    assert code(wire("SELECT 1", compress=1)) == 48


@pytest.mark.parametrize("format_", ["Native", "CSV", "TabSeparated", "JSON"])
def test_a_query_that_fails_late_leaves_nothing_behind(wire: Wire, format_: str) -> None:
    """In a connection that is used again, what it had written is the head of the next answer (chdb 26.9)."""
    failing = "SELECT number, toUInt8(if(number = 200000, 'x', '1')) FROM numbers(300000)"
    for _ in range(5):
        assert code(wire(failing, default_format=format_)) == 6
        assert wire("SELECT 7")[2] == b"7\n"


def test_several_statements_run_nothing(wire: Wire, client: Client) -> None:
    client.command("CREATE TABLE victim (n UInt8) ENGINE = Memory")
    for sql in (
        "SELECT 1; DROP TABLE scratch.victim",
        "INSERT INTO scratch.victim VALUES (1); DROP TABLE scratch.victim",
    ):
        assert code(wire(sql)) == 62
    assert wire("SELECT count() FROM scratch.victim")[2] == b"0\n"


def test_get_changes_nothing(wire: Wire, client: Client) -> None:
    client.command("CREATE TABLE t (n UInt8) ENGINE = Memory")
    assert code(wire(method="GET", query="INSERT INTO scratch.t VALUES (1)")) == 164
    assert code(wire(method="GET", query="DROP TABLE scratch.t", readonly=0)) == 164
    assert wire("SELECT count() FROM scratch.t")[2] == b"0\n"


@pytest.mark.parametrize("readonly", [1, 2])
def test_readonly_as_a_setting(wire: Wire, client: Client, readonly: int) -> None:
    client.command("CREATE TABLE t (n UInt8) ENGINE = Memory")
    assert code(wire("INSERT INTO scratch.t VALUES (1)", readonly=readonly)) == 164
    assert code(wire("DROP TABLE scratch.t", readonly=readonly)) == 164
    assert code(wire("SELECT 1 SETTINGS readonly = 0", readonly=readonly)) == 164
    changes = wire("SELECT 1 SETTINGS max_threads = 1", readonly=readonly)
    assert changes[2] == b"1\n" if readonly == 2 else code(changes) == 164


def test_the_reader_reads_and_sets_but_changes_nothing(reader: Wire, client: Client) -> None:
    client.command("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
    client.insert("t", [[1]])
    assert reader("SELECT n FROM scratch.t", max_execution_time=60)[2] == b"1\n"
    assert reader("SELECT n FROM scratch.t SETTINGS max_threads = 1")[2] == b"1\n"
    assert reader("SHOW TABLES FROM scratch")[2] == b"t\n"
    for sql in (
        "INSERT INTO scratch.t VALUES (2)",
        "INSERT INTO scratch.t FORMAT CSV\n2\n",
        "DROP TABLE scratch.t",
        "ALTER TABLE scratch.t DELETE WHERE 1",
        "CREATE TABLE scratch.u (n UInt8) ENGINE = Memory",
        "SELECT 1 SETTINGS readonly = 0",
        "SET readonly = 0",
        "SYSTEM FLUSH LOGS",
    ):
        assert code(reader(sql)) == 164, sql
    assert code(reader("SELECT 1", readonly=0)) == 164
    assert code(reader("SELECT 1 SETTINGS max_threads = 1", readonly=1)) == 164
    assert reader("SELECT count() FROM scratch.t")[2] == b"1\n"


def test_the_reader_works_with_the_ordinary_client(clickhouse: EmbeddedClickHouse) -> None:
    with connect(clickhouse, reader=True) as other:
        assert other.query("SELECT {n:UInt8}", parameters={"n": 3}).result_rows == [(3,)]
        with pytest.raises(DatabaseError) as caught:
            other.command("CREATE DATABASE mine")
        assert caught.value.code == 164


def test_nothing_reaches_outside_the_store(wire: Wire, reader: Wire, tmp_path: Path) -> None:
    secret, target = tmp_path / "secret.csv", tmp_path / "target.csv"
    secret.write_text("a\nhidden\n")
    for ask in (wire, reader):
        for sql in (
            f"SELECT * FROM file('{secret}')",
            f"SELECT file('{secret}')",
            f"SELECT * FROM '{secret}'",
            f"SELECT * FROM `{secret}`",
            f"SELECT * FROM default.`{secret}`",
            f"SELECT * FROM system.one, '{secret}'",
            f"SELECT 1 INTO OUTFILE '{target}'",
            "SELECT * FROM url('http://127.0.0.1:1/', CSV)",
            "SELECT * FROM executable('true', CSV, 'a String')",
            "SELECT * FROM remote('127.0.0.1', system.one)",
            "SELECT * FROM eval('SELECT 1')",
        ):
            answer = ask(sql)
            assert (answer[0], code(answer)) == (403, 497), sql
            assert b"hidden" not in answer[2]
    assert not target.exists()
    assert code(wire(f"INSERT INTO FUNCTION file('{target}') VALUES (1)")) == 497
    assert code(reader("SELECT * FROM {t:Identifier}", param_t=str(secret))) == 497


def test_kafka_is_refused_before_it_spoils_the_store(wire: Wire, client: Client) -> None:
    sql = "CREATE TABLE scratch.k (a String) ENGINE = Kafka SETTINGS kafka_broker_list = '127.0.0.1:1'"
    assert code(wire(sql)) == 48
    assert client.query("SHOW TABLES").result_rows == []


def test_a_body_that_is_too_large_is_refused_before_it_is_read(clickhouse: EmbeddedClickHouse) -> None:
    head = (
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n"
        f"Authorization: {basic(clickhouse.user, clickhouse.password)['Authorization']}\r\n\r\n"
    )
    with socket.create_connection((clickhouse.host, clickhouse.port), timeout=30) as raw:
        raw.sendall(head.encode())
        assert raw.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_part_that_is_a_file_is_refused(wire: Wire) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 1\r\n'
        b'--b\r\nContent-Disposition: form-data; name="ext"; filename="ext"\r\n\r\n1\r\n--b--\r\n'
    )
    answer = wire(body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert (answer[0], code(answer)) == (501, 48)


def exchange(endpoint: EmbeddedClickHouse, head: str, body: bytes) -> tuple[bytes, bytes]:
    """Send the bytes of one request and give back the head and the body of the answer."""
    with socket.create_connection((endpoint.host, endpoint.port), timeout=30) as raw:
        raw.sendall(head.replace("\n", "\r\n").encode() + body)
        received = b""
        while chunk := raw.recv(65536):
            received += chunk
    answer_head, _, answer_body = received.partition(b"\r\n\r\n")
    return answer_head, answer_body


GO_QUERY = """\
POST /?client_protocol_version=54460&database=default&default_format=Native&max_execution_time=60 HTTP/1.1
Host: {host}
User-Agent: clickhouse-go/2.50.0 (lv:go/1.26.8; os:linux)
Content-Length: {length}
Accept-Encoding: gzip
Authorization: {auth}
Connection: close

"""
GO_INSERT = """\
POST /?client_protocol_version=54460&default_format=Native&query=INSERT+INTO+scratch.t+FORMAT+Native HTTP/1.1
Host: {host}
User-Agent: clickhouse-go/2.50.0 (lv:go/1.26.8; os:linux)
Transfer-Encoding: chunked
Content-Encoding: gzip
Content-Type: application/octet-stream
Authorization: {auth}
Connection: close

"""


def go_ask(endpoint: EmbeddedClickHouse, sql: str) -> bytes:
    """What clickhouse-go gets for a query, asked as the reader as Grafana does."""
    auth = basic(endpoint.reader, endpoint.reader_password)["Authorization"]
    head = GO_QUERY.format(host=f"{endpoint.host}:{endpoint.port}", length=len(sql.encode()), auth=auth)
    answer_head, body = exchange(endpoint, head, sql.encode())
    assert answer_head.startswith(b"HTTP/1.1 200 "), body
    assert b"content-encoding" not in answer_head.lower()
    return body


def test_clickhouse_go_shakes_hands_and_pings(clickhouse: EmbeddedClickHouse) -> None:
    hello = go_ask(clickhouse, "SELECT displayName(), version(), revision(), timezone()")
    assert hello.startswith(
        bytes.fromhex("01 00 02 ffffffff 00") + b"\x04\x01\x0ddisplayName()\x06String\x00"
    )
    assert hello.endswith(b"\x0arevision()\x06UInt32\x00\x00\x00\x00\x00\x0atimezone()\x06String\x00\x03UTC")
    assert go_ask(clickhouse, "SELECT 1") == b"\x01\x01\x011\x05UInt8\x01"
    assert go_ask(clickhouse, "SELECT 1 AS a WHERE 0") == b"\x01\x00\x01a\x05UInt8"


def test_clickhouse_go_inserts_a_block(clickhouse: EmbeddedClickHouse, client: Client) -> None:
    client.command("CREATE TABLE t (n UInt8, s String) ENGINE = Memory")
    block = b"\x02\x02\x01n\x05UInt8\x0a\x0a\x01s\x06String\x03a\n\n\x01b"
    packed = gzip.compress(block)
    auth = basic(clickhouse.user, clickhouse.password)["Authorization"]
    head = GO_INSERT.format(host=f"{clickhouse.host}:{clickhouse.port}", auth=auth)
    answer_head, _ = exchange(clickhouse, head, b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed))
    assert answer_head.startswith(b"HTTP/1.1 200 ")
    assert client.query("SELECT n, s FROM t ORDER BY s").result_rows == [(10, "a\n\n"), (10, "b")]


def test_curl(clickhouse: EmbeddedClickHouse, client: Client) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not here; the same requests are sent above by http.client")

    def run(*arguments: str, data: str | None = None) -> str:
        credentials = f'user = "{clickhouse.user}:{clickhouse.password}"\n'  # not where `ps` shows it
        body = ("--data-binary", data) if data is not None else ()
        command = [curl, "-sS", "-K", "-", *arguments, *body, clickhouse.url]
        done = subprocess.run(
            command, input=credentials, capture_output=True, text=True, check=True, timeout=30
        )
        return done.stdout

    client.command("CREATE TABLE t (s String) ENGINE = Memory")
    run(data="INSERT INTO scratch.t FORMAT TabSeparated\nå\n\nDROP TABLE scratch.t\n")
    assert (
        run(data="SELECT s FROM scratch.t FORMAT JSONCompactEachRow")
        == '["å"]\n[""]\n["DROP TABLE scratch.t"]\n'
    )
    assert run("--get", "--data-urlencode", "query=SELECT 1 + 1") == "2\n"
    assert "(UNKNOWN_TABLE)" in run(data="SELECT * FROM missing")
    assert run("-H", "Accept-Encoding: gzip", "--compressed", data="SELECT 'a'") == "a\n"
