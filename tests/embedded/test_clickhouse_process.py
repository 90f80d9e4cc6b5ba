"""The endpoint as a process: start, stop, crash, one process for a directory, and no orphan."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from schemas.errors import FatalError
from tests.services.clickhouse import connect, require_clickhouse

pytestmark = pytest.mark.integration

Make = Callable[..., EmbeddedClickHouse]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Endpoints over one directory; what is left of them is killed after the test."""
    require_clickhouse()
    made: list[EmbeddedClickHouse] = []

    def new(**options: object) -> EmbeddedClickHouse:
        made.append(EmbeddedClickHouse(tmp_path / "store", **options))  # type: ignore[arg-type]
        return made[-1]

    yield new
    for endpoint in made:
        endpoint.kill()


def run_endpoint(path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the endpoint's program to its end."""
    command = [sys.executable, "-m", "kommuncenter.embedded.clickhouse", "--path", str(path), *arguments]
    env = {k: v for k, v in os.environ.items() if not k.startswith("KC_CLICKHOUSE_")} | environment
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


def test_what_was_written_is_there_after_a_stop(make: Make) -> None:
    first = make()
    with first, connect(first) as client:
        client.command("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
        client.insert("t", [[1]])
    with make() as second, connect(second) as client:
        assert client.query("SELECT n FROM t").result_rows == [(1,)]
        assert second.password != first.password


def insert_until_it_dies(client: Client, first: int, killed_after: int, kill: Callable[[], None]) -> int:
    """Insert batches of 100 numbers; give back how many batches were acknowledged before the death."""
    batches = 0
    killer: threading.Thread | None = None
    while True:
        start = first + 100 * batches
        rows = [[start + n, "x" * 100] for n in range(100)]
        try:
            client.insert("t", rows, column_names=["n", "s"], column_type_names=["UInt64", "String"])
        except ClickHouseError:
            assert killer is not None, "it died before it was killed"
            killer.join()
            return batches
        batches += 1
        if batches == killed_after:
            killer = threading.Thread(target=kill)
            killer.start()


def test_what_was_acknowledged_is_there_after_a_kill(make: Make) -> None:
    """Killed amid inserts, three times over: every acknowledged row is kept, and no batch is torn."""
    acknowledged: set[int] = set()
    for round_ in range(3):
        endpoint = make()
        endpoint.start()
        with connect(endpoint, settings={"async_insert": 0}) as client:
            client.command("CREATE TABLE IF NOT EXISTS t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
            first = 1_000_000 * round_
            batches = insert_until_it_dies(client, first, 5, endpoint.kill)
            acknowledged |= set(range(first, first + 100 * batches))
    with make() as endpoint, connect(endpoint) as client:
        found = [row[0] for row in client.query("SELECT n FROM t ORDER BY n").result_rows]
    assert acknowledged <= set(found)
    assert len(found) == len(set(found))
    assert len(found) % 100 == 0


def test_a_directory_has_one_process(make: Make, tmp_path: Path) -> None:
    with make() as first:
        with pytest.raises(FatalError, match=r"store.* is used by another process\. Stop that process"):
            make().start()
        with connect(first) as client:
            assert client.query("SELECT 1").result_rows == [(1,)]


def test_a_taken_port_is_said(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FatalError, match=f"can't listen on port {port}: .* Give another port"):
            make(port=port).start()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_only_the_loopback_interface(host: str, tmp_path: Path) -> None:
    require_clickhouse()
    done = run_endpoint(tmp_path, "--host", host, KC_CLICKHOUSE_PASSWORD="x")
    assert done.returncode == 1
    assert '"ready": false' in done.stdout
    assert f"loopback interface only, not on {host}" in done.stdout


def test_a_missing_password_is_said(tmp_path: Path) -> None:
    require_clickhouse()
    done = run_endpoint(tmp_path, "--reader", "grafana", KC_CLICKHOUSE_PASSWORD="x")
    assert done.returncode == 1
    assert "KC_CLICKHOUSE_READER_PASSWORD is missing" in done.stdout


def test_it_ends_cleanly_on_sigterm_and_says_no_secret(tmp_path: Path) -> None:
    require_clickhouse()
    command = [sys.executable, "-m", "kommuncenter.embedded.clickhouse", "--path", str(tmp_path)]
    env = {**os.environ, "KC_CLICKHOUSE_PASSWORD": "hemligt-ord"}
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    with process.stdout as output:
        assert output.readline().startswith('{"ready": true, "port": ')
        environment = Path(f"/proc/{process.pid}/cmdline")
        if environment.exists():
            assert "hemligt-ord" not in environment.read_text()
        process.send_signal(signal.SIGTERM)
        assert "hemligt-ord" not in output.read()
    assert process.wait(30) == 0


def test_a_stop_lets_a_running_request_end(make: Make) -> None:
    endpoint = make()
    endpoint.start()
    results: list[object] = []

    def ask() -> None:
        with connect(endpoint) as client:
            running.set()
            results.extend(client.query("SELECT sleep(1.5)").result_rows)

    running = threading.Event()
    asker = threading.Thread(target=ask)
    with connect(endpoint) as watcher:
        asker.start()
        running.wait(30)
        sleeping = "SELECT count() FROM system.processes WHERE query LIKE '%sleep(1.5)%'"
        wait_for(lambda: watcher.query(sleeping).result_rows[0][0] > 1)
    endpoint.stop()
    asker.join(30)
    assert results == [(0,)]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's guard is Linux's")
def test_it_dies_with_a_killed_parent(tmp_path: Path) -> None:
    require_clickhouse()
    program = f"""
        import signal
        from pathlib import Path
        from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
        endpoint = EmbeddedClickHouse(Path({str(tmp_path)!r}))
        endpoint.start()
        print(endpoint.port, flush=True)
        signal.pause()
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent.stdout as output:
        port = int(output.readline())
    assert accepts(port)
    parent.kill()
    parent.wait(30)
    wait_for(lambda: not accepts(port))


def test_it_ends_by_itself_when_its_parent_is_another(tmp_path: Path) -> None:
    """The look at the parent is what ends it where no kernel does."""
    require_clickhouse()
    done = run_endpoint(tmp_path, "--parent", str(os.getppid()), KC_CLICKHOUSE_PASSWORD="x")
    assert (done.returncode, done.stdout.count('"ready": true')) == (0, 1)


def accepts(port: int) -> bool:
    """Whether something listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_for(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Return when the condition holds; fail when time is up."""
    deadline = time.monotonic() + timeout_s
    nothing = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        nothing.wait(0.02)
