"""A dead letter's whole way on both brokers: rejected, listed, shown, mended, replayed; and counted once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kommuncenter import wiring
from kommuncenter.sealing import sealer
from schemas.clickhouse.letters import Chosen
from schemas.deadletter import LetterKind, Original, dead_letter
from schemas.events import Queued, QueuedData, to_json
from schemas.topics import DEAD_LETTERS
from streams.sink import ClickHouseStore
from tests.contract.kafka_records import producer, reader
from tests.e2e.installation import Installation, installed, told
from tests.services.brokers import BrokerKind

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

BROKERS = pytest.mark.parametrize("kind", ["embedded", "kafka"])
PARTITIONS = 3
PERSONAL = re.compile(r"0?70[ -]?1740[ -]?6\d\d")
CALL = "pbx1:1795507260.1"

LOG = """1795507260|1795507260.1|kommuncenter|NONE|ENTERQUEUE||0701740605|1
1795507300|1795507260.1|kommuncenter|NONE|CALLBACK_ORDERED|0701740605
soon|1795507400.2|kommuncenter|NONE|ENTERQUEUE||0701740606|1
"""


def dlq(*arguments: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``kommuncenter dlq``; unless the record was asked for, nothing personal is in its output."""
    environment = dict(os.environ) if key is None else {**os.environ, "KC_DEAD_LETTERS__KEY": key}
    command = [sys.executable, "-m", "kommuncenter", "dlq", *arguments]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    if "--payload" not in arguments:
        assert not PERSONAL.search(said.stdout + said.stderr), said
    return said


def letters(installation: Installation) -> dict[str, str]:
    """Return the ids of the dead letters by their places."""
    found = wiring.letters(installation.settings).find(Chosen(replayed=True))
    return {one.letter.place: one.letter.id for one in found}


def outcome_of(installation: Installation, call: str) -> list[str]:
    rows = installation.rows(f"SELECT outcome FROM contacts_current WHERE contact_id = '{call}'")
    return [str(row[0]) for row in rows]


def counted(installation: Installation) -> list[tuple[int, int]]:
    """Return distinct events, and contacts."""
    rows = installation.rows(
        "SELECT (SELECT uniqExact(event_id) FROM events), (SELECT count() FROM contacts_current)"
    )
    return [(int(events), int(contacts)) for events, contacts in rows]


def everything_stored(installation: Installation) -> Iterable[str]:
    """Yield the tables and topics with letters, whole, and what the processes said."""
    for table in ("dead_letters", "dead_letter_replays", "events", "contacts"):
        yield from (str(row) for row in installation.rows(f"SELECT * FROM {table}"))
    with reader(installation.settings.kafka.bootstrap_servers, DEAD_LETTERS, PARTITIONS) as consumer:
        wanted = int(installation.rows("SELECT count() FROM dead_letters FINAL WHERE kind = 'record'")[0][0])
        seen: list[str] = []

        def arrived() -> bool:
            for records in consumer.poll(timeout_ms=500).values():
                seen.extend(record.value.decode() for record in records)
            return len(seen) >= wanted

        installation.until(arrived, "the letters on their topic")
        yield from seen
    yield from (child.tail() for child in installation.children)


def mend(installation: Installation) -> None:
    """Tell the source what the unknown verb means."""
    config = installation.config.read_text(encoding="utf-8")
    own_verbs = 'own_verbs = { CALLBACK_ORDERED = "callback" }'
    installation.config.write_text(
        config.replace("[sources.telephony]", f"[sources.telephony]\n{own_verbs}"), encoding="utf-8"
    )


@contextmanager
def rejecting(
    kind: BrokerKind, log: Path, dead_letters: Mapping[str, str] | None = None
) -> Iterator[Installation]:
    """Give an installation that reads a log and has rejected two of its lines."""
    log.write_text(LOG, encoding="utf-8")
    sources = {"telephony": {"type": "asterisk", "path": str(log)}}
    with installed(kind, log.parent, sources, PARTITIONS, dead_letters=dead_letters or {}) as installation:
        installation.start("worker")
        installation.start("source", "run", "telephony")
        installation.until(lambda: len(letters(installation)) == 2, "two dead letters")
        yield installation


@BROKERS
def test_rejected_listed_shown_mended_replayed_and_counted_once(kind: BrokerKind, tmp_path: Path) -> None:
    secret = {"key": "an invented secret of the tests"}
    with rejecting(kind, tmp_path / "queue_log", dead_letters=secret) as installation:
        installation.until(lambda: outcome_of(installation, CALL) == ["open"], "the call, still open")
        unknown, nonsense = (letters(installation)[f"queue_log line {n}"] for n in (2, 3))

        said = dlq("list").stdout
        assert "telephony  unknown_kind  " in said
        assert unknown in said
        assert "2 letters in 2 groups." in said
        shown = dlq("show", unknown)
        assert "record    kept, sealed" in shown.stdout
        assert "state     open" in shown.stdout
        opened = dlq("show", unknown, "--payload")
        assert "|CALLBACK_ORDERED|0701740605" in opened.stdout
        assert "may hold personal data" in opened.stderr
        assert "CALLBACK_ORDERED" not in opened.stderr

        before = counted(installation)
        assert dlq("replay", "--instance", "telephony").returncode == 1
        mend(installation)
        tried = dlq("replay", "--instance", "telephony", "--dry-run")
        assert "telephony: 1 would be replayed as 1 event" in tried.stdout
        hindered = dlq("replay", unknown, key="another invented secret")
        assert (hindered.returncode, "under another key" in hindered.stdout) == (1, True)
        assert counted(installation) == before

        done = dlq("replay", "--instance", "telephony")
        assert done.stdout.splitlines() == [
            "telephony: 1 rejected again: bad_time: the epoch is not a number of seconds since 1970",
            "telephony: 1 replayed as 1 event",
        ]
        assert done.returncode == 1
        installation.until(lambda: outcome_of(installation, CALL) == ["callback_taken"], "the mended call")
        left = json.loads(dlq("list", "--json").stdout)
        assert [(group["letters"], group["example"]) for group in left] == [(1, nonsense)]
        assert "replayed as 1 event" in dlq("show", unknown).stdout

        after = counted(installation)
        assert after == [(before[0][0] + 1, before[0][1])]
        assert dlq("replay", unknown).returncode == 0
        equal = told("verify")  # which waits for the worker
        assert equal.stdout.endswith("equal\n"), equal.stdout + equal.stderr
        assert counted(installation) == after

        for text in everything_stored(installation):
            assert not PERSONAL.search(text), text[:200]


@BROKERS
def test_a_message_that_the_worker_could_not_read(kind: BrokerKind, tmp_path: Path) -> None:
    """Bytes that are no event stay open; those that a newer worker can read count, once."""
    sources = {"telephony": {"type": "asterisk", "path": str(tmp_path / "queue_log")}}
    secret = {"key": "an invented secret of the tests"}
    with installed(kind, tmp_path, sources, PARTITIONS, dead_letters=secret) as installation:
        settings = installation.settings
        installation.start("worker")
        topic = wiring.topic_plan(settings).event_topics[0]
        wiring.create_topics(settings)
        with producer(settings.kafka.bootstrap_servers) as sender:
            sender.send(topic, value=b'{"number": "0701740607"}', partition=1).get(10)
        place = f"{topic} partition 1 offset 0"
        installation.until(lambda: list(letters(installation)) == [place], "the worker's letter")
        again = dlq("replay", "--instance", topic)
        assert (again.returncode, f"{topic}: 1 rejected again: unreadable: " in again.stdout) == (1, True)
        assert "0701740607" in dlq("show", letters(installation)[place], "--payload").stdout

        event = Queued(
            id="0" * 32,
            source="telephony",
            subject="pbx1:1",
            time=datetime(2026, 11, 24, 9, tzinfo=UTC),
            data=QueuedData(channel="telephone", queue="kommuncenter"),
        )
        letter = dead_letter(
            instance=topic,
            place=f"{topic} partition 2 offset 0",
            reason="unreadable",
            detail="type: union_tag_invalid",
            original=Original(payload=to_json(event), partition=2),
            at=datetime.now(UTC),
            kind=LetterKind.MESSAGE,
            seal=sealer(settings.dead_letters),
        )
        ClickHouseStore(installation.database, wiring.clock(settings)).bury([letter])
        for _ in range(2):
            assert dlq("replay", letter.id).stdout == f"{topic}: 1 replayed as 1 message\n"
        installation.until(lambda: outcome_of(installation, "pbx1:1") == ["open"], "the contact")
        equal = told("verify")
        assert equal.stdout.endswith("equal\n"), equal.stdout + equal.stderr
        assert counted(installation) == [(1, 1)]


def test_without_a_key_records_are_dropped_and_it_says_how_to_read_them_again(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    with rejecting("embedded", log) as installation:
        mend(installation)
        said = dlq("replay", "--instance", "telephony")
        assert said.returncode == 1
        assert (
            "telephony: 2 without their record. Read the source again, from queue_log line 2 on"
            in said.stdout
        )
        again = re.search(r"`KC_STATE_DIR=(\S+) kommuncenter (source run telephony)`", said.stdout)
        assert again
        installation.start(*again[2].split(), env={"KC_STATE_DIR": again[1]})
        installation.until(lambda: outcome_of(installation, CALL) == ["callback_taken"], "the mended call")
        equal = told("verify")
        assert equal.stdout.endswith("equal\n"), equal.stdout + equal.stderr
        assert counted(installation) == [(2, 1)]


def test_doctor_names_the_instance_whose_input_is_bad(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    with rejecting("embedded", log) as installation:
        assert "2 records rejected in the last hour" in told("doctor").stdout
        with log.open("a", encoding="utf-8") as more:
            more.writelines(f"nonsense {n} 0701740608\n" for n in range(30))
        installation.until(lambda: len(letters(installation)) == 32, "as many letters as bad lines")
        said = told("doctor")
        assert said.returncode == 1
        line = re.sub(r"[│\s]+", " ", said.stdout)
        assert "telephony: 32 records rejected beside 1 event in the last hour (97%); see `kommu" in line
        assert not PERSONAL.search(line)
        os.environ["KC_DEAD_LETTERS__ALARM_SHARE"] = "0.98"
        try:
            assert "32 records rejected in the last hour" in told("doctor").stdout
        finally:
            del os.environ["KC_DEAD_LETTERS__ALARM_SHARE"]
