"""A queue log that is rotated while its reader is killed again and again: nothing lost, nothing double."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import pytest

from kommuncenter import wiring
from producers.contract import Broadcast
from producers.simulator import SimulationSettings, Writer, simulate
from schemas.catalogue import load_catalogue
from schemas.events import Event
from schemas.identity import Pseudonymiser, PseudonymKey
from tests.e2e.installation import Installation, expect_exact, installed, verified
from tests.e2e.reading import read_to_the_end
from tests.services.brokers import BrokerKind

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

PIECES = 12
KILLS = 6


def day_of_lines(directory: Path) -> Path:
    """Return the queue log of one simulated day, whole."""
    pseudonymiser = Pseudonymiser(PseudonymKey("test", b"sixteen characters or more"))
    records = simulate(
        SimulationSettings(seed=5, days=1), load_catalogue(), pseudonymiser, date(2026, 11, 16)
    )
    writer = Writer(directory, records)
    writer.write_until(datetime(2026, 12, 31, tzinfo=UTC))
    return writer.queue_log


def expected(installation: Installation, whole: Path) -> list[Event]:
    """Return the events of the whole log, as if it had never been rotated."""
    source, own = wiring.source_and_settings(installation.settings, "telephony")
    context, clock = (
        wiring.source_context(installation.settings, "telephony"),
        wiring.clock(installation.settings),
    )
    found, rejections = read_to_the_end(source, own.model_copy(update={"path": whole}), context, clock)
    assert not rejections
    return [each.event if isinstance(each, Broadcast) else each for each in found]


def rotate(log: Path, *, copied: bool) -> None:
    """Rotate as logrotate does: older files move on by one; the log is renamed, or copied and emptied."""
    for number in range(PIECES, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.rename(log.with_name(f"{log.name}.{number + 1}"))
    first = log.with_name(f"{log.name}.1")
    if copied:
        shutil.copy2(log, first)
        with log.open("r+b") as opened:
            opened.truncate(0)
    else:
        log.rename(first)


@pytest.mark.parametrize(
    ("kind", "copied"),
    [("embedded", False), ("kafka", True)],
    ids=["renamed, embedded", "copied and truncated, kafka"],
)
def test_a_log_that_is_rotated_while_its_reader_dies(kind: BrokerKind, copied: bool, tmp_path: Path) -> None:
    """The reader dies at whatever it is doing: between reading and publishing, or while a file goes away."""
    whole, log = day_of_lines(tmp_path / "centre"), tmp_path / "asterisk" / "queue_log"
    lines = whole.read_bytes().splitlines(keepends=True)
    log.parent.mkdir()
    rng = Random(7)
    cuts = sorted(rng.sample(range(1, len(lines)), PIECES - 1))
    killed_at = set(rng.sample(range(1, PIECES), KILLS))  # a reader that never ran has no place to go back to
    with installed(kind, tmp_path, {"telephony": {"type": "asterisk", "path": str(log)}}) as installation:
        events = expected(installation, whole)
        installation.start("worker")
        reader = installation.start("source", "run", "telephony")
        seen = 0
        for number, (begin, end) in enumerate(zip([0, *cuts], [*cuts, len(lines)], strict=True)):
            with log.open("ab") as opened:
                opened.writelines(lines[begin:end])
            if number in killed_at:
                reader.kill()
            else:  # let it read a part of what there is, and be in the middle of the rest
                seen = more_than(seen, installation)
            if number % 3 == 1:
                rotate(log, copied=copied)
            if number in killed_at:
                reader = installation.start("source", "run", "telephony")
        expect_exact(installation, events)
        said = verified()
        assert said.returncode == 0, said.stdout + said.stderr


def more_than(seen: int, installation: Installation) -> int:
    """Wait until more events than ``seen`` have arrived; return how many have."""
    installation.until(lambda: archived(installation) > seen, "more events in the archive")
    return archived(installation)


def archived(installation: Installation) -> int:
    """Return how many events have arrived."""
    return int(installation.rows("SELECT uniqExact(event_id) FROM events")[0][0])
