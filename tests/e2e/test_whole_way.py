"""The whole way on both brokers: queue log, mailbox and desk in; exact figures, board and report out."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from dashboards.figures import read_total
from dashboards.report import period
from dashboards.report.content import report
from dashboards.report.material import Request
from dashboards.report.render.html import render_html
from kommuncenter import wiring
from kommuncenter.clocks import ScaledClock
from kommuncenter.embedded.processes import free_port
from producers.simulator import Record, RecordKind, SimulationSettings, Writer, simulate
from schemas.catalogue import load_catalogue
from schemas.clickhouse.queries import Between, Grain
from schemas.events import Event
from schemas.identity import Pseudonymiser, PseudonymKey
from schemas.metrics import RESOLVED_IN_CENTRE
from tests.contract.kafka_records import producer
from tests.e2e.installation import Installation, expect_exact, installed, told, verified
from tests.services.brokers import BrokerKind
from tests.services.dovecot import Dovecot, dovecot

__all__ = ["dovecot"]

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

MONDAY = date(2026, 11, 16)
DAYS = 3
BROKERS = pytest.mark.parametrize("kind", ["embedded", "kafka"])


def simulated() -> Iterator[Record]:
    """Return three days of the simulated centre."""
    pseudonymiser = Pseudonymiser(PseudonymKey("test", b"sixteen characters or more"))
    return simulate(SimulationSettings(seed=7, days=DAYS), load_catalogue(), pseudonymiser, MONDAY)


def written(directory: Path) -> Writer:
    """Return the centre's files, written to the end."""
    writer = Writer(directory, simulated())
    writer.write_until(datetime(2026, 12, 31, tzinfo=UTC))
    return writer


def from_files(writer: Writer) -> dict[str, dict[str, object]]:
    """Return the settings of the three sources on the simulated files."""
    return {
        "telephony": {"type": "asterisk", "path": str(writer.queue_log)},
        "desk": {"type": "desk", "journal": str(writer.visits)},
        "mail": {"type": "mail", "poll_seconds": 0.2, "maildir": {"path": str(writer.maildir)}},
    }


def all_events(installation: Installation) -> list[Event]:
    """Return what ought to arrive from all sources."""
    events: list[Event] = []
    for instance in installation.settings.sources:
        found, rejections = installation.read(instance)
        assert not rejections
        events += found
    return events


@BROKERS
def test_files_to_exact_figures_though_workers_die(kind: BrokerKind, tmp_path: Path) -> None:
    """Two workers, one killed in the middle; a source killed as well. The figures are exact."""
    writer = written(tmp_path / "centre")
    with installed(kind, tmp_path, from_files(writer)) as installation:
        expected = all_events(installation)
        first = installation.start("worker")
        sources = installation.start("source", "run", "telephony", "desk", "mail")
        installation.until(
            lambda: installation.rows("SELECT count() FROM contacts_current")[0][0] > 0, "first contacts"
        )
        first.kill()
        sources.kill()
        installation.start("worker")
        installation.start("worker")
        installation.start("source", "run", "telephony", "desk", "mail")
        expect_exact(installation, expected)
        week = Between(MONDAY, MONDAY + timedelta(days=7))
        total = read_total(installation.database, Grain.DAY, week)
        share = RESOLVED_IN_CENTRE.share(total.sums)
        assert share is not None
        assert share.covers(0.68)
        assert_healthy(installation)
        assert_verified(installation)


def assert_healthy(installation: Installation) -> None:
    """Both workers report: all partitions are owned and nothing is behind."""
    latest = """SELECT arraySort(arrayFlatten(groupArray(partitions))), countIf(state = 'running')
FROM (SELECT argMax(partitions, at) AS partitions, argMax(state, at) AS state
    FROM worker_health WHERE at > now() - INTERVAL 20 SECOND GROUP BY worker)"""
    installation.until(lambda: tuple(installation.rows(latest)[0]) == ([0, 1, 2], 2), "two workers that run")
    lag = """SELECT countIf(lag = 0), count() FROM
(
    SELECT argMax(lag, at) AS lag FROM consumer_lag WHERE at > now() - INTERVAL 20 SECOND
    GROUP BY worker, topic
)"""
    installation.until(lambda: tuple(installation.rows(lag)[0]) == (10, 10), "five topics without lag")


def assert_verified(installation: Installation) -> None:
    """`verify` finds nothing; a figure changed by hand it names, and `rebuild` mends; behind, it waits."""
    said = verified()
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.endswith("equal\n")
    changed = "SELECT * REPLACE (offered + 1 AS offered, revision + 1 AS revision)"
    one = "SELECT * FROM service_days FINAL WHERE channel = 'visit' AND offered > 0 ORDER BY day LIMIT 1"
    installation.database.command(f"INSERT INTO service_days {changed} FROM ({one})")
    said = verified(f"--since={MONDAY}", f"--until={MONDAY}")
    assert said.returncode == 1
    assert f"service_days against contacts: {MONDAY} visit: offered: stored" in said.stdout
    assert "2 differences" in said.stdout
    mended = told("rebuild", f"--since={MONDAY}", "--wait=60")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert f"Rebuilt from {MONDAY} on" in mended.stdout
    said = verified()
    assert said.returncode == 0, said.stdout + said.stderr
    recorded = installation.rows("SELECT equal, differences FROM verifications ORDER BY at")
    assert [row[0] for row in recorded] == [True, False, True]
    assert sum(recorded[1][1].values()) == 2
    nothing_open = told("rebuild")
    assert nothing_open.returncode == 2
    assert "no rebuild is open" in nothing_open.stderr
    for worker in installation.children:
        worker.stop()
    topic = wiring.topic_plan(installation.settings).event_topics[0]
    with producer(installation.settings.kafka.bootstrap_servers) as sender:
        sender.send(topic, value=b"one more", partition=0).get(10)
    said = verified("--wait=0.5")
    assert said.returncode == 1
    assert "nothing was compared: the worker is 1 records behind" in said.stderr.replace("\n", " ")


@BROKERS
def test_a_real_mailbox_over_imap(kind: BrokerKind, tmp_path: Path, dovecot: Dovecot) -> None:
    """The centre's mail through a real IMAP server gives the same contacts as its Maildir."""
    folders = {RecordKind.INBOX: "INBOX", RecordKind.SENT: "Sent"}
    for record in simulated():
        if record.kind in folders:
            dovecot.append(folders[record.kind], record.payload, record.at)
    imap = {"host": dovecot.host, "port": dovecot.port, "security": "none", "user": dovecot.user}
    sources = {"mail": {"type": "mail", "poll_seconds": 0.2, "imap": {**imap, "password": dovecot.password}}}
    with installed(kind, tmp_path, sources) as installation:
        expected = all_events(installation)
        assert len(expected) > 50
        installation.start("worker")
        installation.start("source", "run", "mail")
        expect_exact(installation, expected)


def test_report_and_board_show_the_store(tmp_path: Path) -> None:
    """The report's and the board's figures are the store's, which are the pure functions'."""
    writer = written(tmp_path / "centre")
    now = datetime(2026, 11, 19, 0, 30, tzinfo=UTC)  # after the last of the three days
    clock = ScaledClock(now, datetime.now(UTC), 1.0)
    with installed("embedded", tmp_path, from_files(writer), clock=clock.spec()) as installation:
        expected = all_events(installation)
        installation.start("worker")
        installation.start("source", "run", "telephony", "desk", "mail")
        expect_exact(installation, expected)
        week = Between(MONDAY, MONDAY + timedelta(days=7))
        sums = read_total(installation.database, Grain.DAY, week).sums
        database = installation.database
        asked = Request(period.week("2026-W47"))
        html = render_html(report(database, wiring.catalogue(installation.settings), asked, now))
        assert f"{sums['errands']}" in html
        port = free_port()
        board = installation.start("board", env={"KC_BOARD__PORT": str(port)})
        url = f"http://127.0.0.1:{port}/?period=vecka"
        board.wait_until(lambda: _text(url) is not None, 30.0)
        installation.until(lambda: f"{sums['errands']}" in (_text(url) or ""), "the board shows the store")


def _text(url: str) -> str | None:
    try:
        with urlopen(url, timeout=2) as answer:
            return str(answer.read().decode("utf-8"))
    except (URLError, OSError):
        return None


def test_a_worker_ends_in_order_on_sigterm(tmp_path: Path) -> None:
    sources = {"telephony": {"type": "asterisk", "path": str(tmp_path / "queue_log")}}
    with installed("embedded", tmp_path, sources) as installation:
        worker = installation.start("worker")
        installation.until(
            lambda: installation.rows("SELECT count() FROM epochs WHERE state = 'active'")[0][0] > 0,
            "a takeover",
        )
        os.kill(worker.pid, signal.SIGTERM)
        installation.until(lambda: not worker.running, "the worker's end")


def test_a_worker_that_can_t_write_ends_and_its_heir_makes_good(tmp_path: Path) -> None:
    """No exception leaves the agent but the process ends, and nothing is committed (CORRECTIONS 10)."""
    writer = written(tmp_path / "centre")
    with installed("embedded", tmp_path, from_files(writer)) as installation:
        expected = all_events(installation)
        installation.database.command("RENAME TABLE contacts TO contacts_hidden")
        worker = installation.start("worker")
        installation.start("source", "run", "telephony", "desk", "mail")
        installation.until(lambda: not worker.running, "the worker's end")
        assert "run `kommuncenter migrate`" in worker.tail()
        installation.database.command("RENAME TABLE contacts_hidden TO contacts")
        installation.start("worker")
        expect_exact(installation, expected)


@BROKERS
def test_workers_join_and_leave_while_events_come(kind: BrokerKind, tmp_path: Path) -> None:
    """One worker, then two, then three, then the first two leave in order; each hands over without loss."""
    records = list(simulated())
    parts = [records[len(records) * n // 6 : len(records) * (n + 1) // 6] for n in range(6)]
    with installed(kind, tmp_path, from_files(Writer(tmp_path / "centre", iter(())))) as installation:
        installation.start("source", "run", "telephony", "desk", "mail")
        workers = [installation.start("worker")]
        for index, part in enumerate(parts):
            Writer(tmp_path / "centre", iter(part)).write_until(datetime(2026, 12, 31, tzinfo=UTC))
            before = takeovers(installation)
            if index in {1, 2}:
                workers.append(installation.start("worker"))
            elif index in {3, 4}:
                workers[index - 3].stop()
            if index in {1, 2, 3, 4}:
                installation.until(partial(more_takeovers, installation, before), f"a handover at {index}")
        assert [worker.running for worker in workers] == [False, False, True]
        expect_exact(installation, all_events(installation))


def takeovers(installation: Installation) -> int:
    """Return how many takeovers of partitions became active so far."""
    return int(installation.rows("SELECT count() FROM epochs WHERE state = 'active'")[0][0])


def more_takeovers(installation: Installation, before: int) -> bool:
    """Tell whether there was another one."""
    return takeovers(installation) > before
