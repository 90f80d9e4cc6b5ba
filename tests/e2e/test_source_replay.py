"""`source replay` on a running installation: equal, then not, then mended; and nothing of it is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kommuncenter import wiring
from tests.contract.kafka_records import reader
from tests.e2e.installation import expect_exact, installed, told

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

PARTITIONS = 3


def line(visit: str, action: str, minute: int) -> str:
    at = f"2026-11-23T09:{minute:02}:00+01:00"
    return json.dumps({"action": action, "at": at, "key": f"{visit}.{action}", "visit": visit})


VISITS = "\n".join(
    line(visit, action, minute)
    for visit, start in (("a", 10), ("b", 20), ("c", 30))
    for action, minute in (("registered", start), ("called", start + 2), ("finished", start + 9))
)


def ids_in(bootstrap: str, topic: str, count: int) -> set[str]:
    """Return the ids of the events in a topic, when there are so many."""
    found: set[str] = set()
    with reader(bootstrap, topic, PARTITIONS) as consumer:
        while len(found) < count:
            for records in consumer.poll(timeout_ms=500).values():
                found |= {json.loads(record.value)["id"] for record in records}
    return found


def test_a_replay_tells_what_differs_and_mends_what_is_missing(tmp_path: Path) -> None:
    journal = tmp_path / "visits.jsonl"
    journal.write_text(VISITS + "\n", encoding="utf-8")
    with installed("embedded", tmp_path, {"desk": {"type": "desk", "journal": str(journal)}}) as installation:
        expected, _ = installation.read("desk")
        installation.start("worker")
        source = installation.start("source", "run", "desk")
        expect_exact(installation, expected)

        said = told("source", "replay", "desk")
        assert said.returncode == 0, said.stdout + said.stderr
        assert "9 records, 9 events (sent to kc.shadow.desk), 0 rejected" in said.stdout
        assert "The archive holds just what the source gives." in said.stdout
        shadow = ids_in(installation.settings.kafka.bootstrap_servers, "kc.shadow.desk", len(expected))
        assert shadow == {event.id for event in expected}

        source.stop()
        more = VISITS.replace('"key": "c.called"', '"key": "c.came"') + "\n" + line("d", "registered", 50)
        journal.write_text(more + "\n", encoding="utf-8")
        said = told("source", "replay", "desk", "--compare-only", "--json")
        assert said.returncode == 1, said.stdout + said.stderr
        found = json.loads(said.stdout)["differences"]
        assert sorted((each["kind"], each["leg"]) for each in found) == [
            ("additional", "koordinaten:c"),
            ("missing", "koordinaten:c"),
            ("missing", "koordinaten:d"),
        ]

        journal.write_text(VISITS + "\n" + line("d", "registered", 50) + "\n", encoding="utf-8")
        said = told("source", "replay", "desk", "--compare-only", "--apply")
        assert said.returncode == 1, said.stdout + said.stderr
        assert "1 missing events were sent to the instance's own topic" in said.stdout
        expected, _ = installation.read("desk")
        expect_exact(installation, expected)
        assert told("source", "replay", "desk", "--compare-only").returncode == 0


def test_a_topic_that_is_counted_is_refused(tmp_path: Path) -> None:
    with installed(
        "embedded", tmp_path, {"desk": {"type": "desk", "journal": "visits.jsonl"}}
    ) as installation:
        for topic in wiring.topic_plan(installation.settings).all_topics:
            said = told("source", "replay", "desk", f"--topic={topic}")
            assert said.returncode == 2
            assert "would be counted" in said.stderr
