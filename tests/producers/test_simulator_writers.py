"""Writing the records: every one once, in order, in bulk and live."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from producers.simulator import Record, RecordKind, SimulationSettings, Writer, simulate
from schemas.catalogue import load_catalogue
from schemas.identity import Pseudonymiser, PseudonymKey

PSEUDONYMISER = Pseudonymiser(PseudonymKey("t1", b"a secret of the tests"))
MONDAY = date(2026, 2, 2)
NOON = datetime(2026, 2, 2, 11, tzinfo=UTC)
LATER = datetime(2027, 1, 1, tzinfo=UTC)


def records(days: int = 2) -> Iterator[Record]:
    return simulate(SimulationSettings(seed=8, days=days), load_catalogue(), PSEUDONYMISER, MONDAY)


def lines(kind: RecordKind, until: datetime = LATER) -> list[bytes]:
    return [one.payload for one in records() if one.kind is kind and one.at <= until]


def messages(kind: RecordKind, until: datetime = LATER) -> dict[str, bytes]:
    return {one.name: one.payload for one in records() if one.kind is kind and one.at <= until}


def delivered(box: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (box / "new").iterdir()}


def assert_holds(writer: Writer, until: datetime) -> None:
    assert writer.queue_log.read_bytes().splitlines() == lines(RecordKind.QUEUE_LOG, until)
    assert writer.visits.read_bytes().splitlines() == lines(RecordKind.VISIT, until)
    assert delivered(writer.maildir) == messages(RecordKind.INBOX, until)
    assert delivered(writer.maildir / ".Sent") == messages(RecordKind.SENT, until)
    for box in (writer.maildir, writer.maildir / ".Sent"):
        assert not list((box / "tmp").iterdir())


@dataclass
class ScaledClock:
    """A clock that stands still until somebody waits for an instant."""

    instant: datetime
    waits: list[datetime] = field(default_factory=list)

    def now(self) -> datetime:
        return self.instant

    async def sleep_until(self, instant: datetime) -> None:
        assert instant > self.instant
        self.waits.append(instant)
        self.instant = instant
        await asyncio.sleep(0)


def test_files_are_there_before_anything_is_written(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "sim", iter(()))
    assert writer.queue_log.read_bytes() == b""
    assert writer.visits.read_bytes() == b""
    assert delivered(writer.maildir) == {}
    assert writer.next_at is None


def test_writes_what_is_due_and_nothing_else(tmp_path: Path) -> None:
    writer = Writer(tmp_path, records())
    count = writer.write_until(NOON)
    assert count == writer.written == sum(1 for one in records() if one.at <= NOON)
    assert writer.next_at is not None
    assert writer.next_at > NOON
    assert_holds(writer, NOON)


def test_pieces_give_the_same_files_as_the_whole(tmp_path: Path) -> None:
    writer = Writer(tmp_path, records())
    at = datetime(2026, 2, 2, tzinfo=UTC)
    while writer.next_at is not None:
        writer.write_until(at := at + timedelta(minutes=37))
    assert_holds(writer, LATER)


def test_a_directory_that_has_the_records_is_gone_on_with(tmp_path: Path) -> None:
    Writer(tmp_path, records()).write_until(NOON)
    again = Writer(tmp_path, records())
    assert again.skip_until(NOON) == sum(1 for one in records() if one.at <= NOON)
    again.write_until(LATER)
    assert_holds(again, LATER)


def test_live_writing_waits_for_each_record(tmp_path: Path) -> None:
    writer = Writer(tmp_path, records())
    writer.write_until(NOON)
    clock = ScaledClock(NOON)
    asyncio.run(writer.run_live(clock, clock.sleep_until))
    assert clock.waits == sorted({one.at for one in records() if one.at > NOON})
    assert_holds(writer, LATER)


def test_live_writing_makes_up_for_what_is_overdue(tmp_path: Path) -> None:
    writer = Writer(tmp_path, records())
    clock = ScaledClock(LATER)
    asyncio.run(writer.run_live(clock, clock.sleep_until))
    assert clock.waits == []
    assert_holds(writer, LATER)


def test_live_writing_writes_nothing_before_its_time(tmp_path: Path) -> None:
    writer = Writer(tmp_path, records())

    @dataclass
    class Watching(ScaledClock):
        async def sleep_until(self, instant: datetime) -> None:
            assert writer.written == sum(1 for one in known if one.at < instant)
            await super().sleep_until(instant)

    known = list(records())
    clock = Watching(datetime(2026, 2, 2, tzinfo=UTC))
    asyncio.run(writer.run_live(clock, clock.sleep_until))
    assert writer.written == len(known)


def test_live_writing_can_be_cancelled_and_gone_on_with(tmp_path: Path) -> None:
    writer = Writer(tmp_path, records())
    clock = ScaledClock(NOON)

    async def cut_off() -> None:
        waiting = asyncio.Event()

        async def for_ever(_: datetime) -> None:
            waiting.set()
            await asyncio.Event().wait()

        task = asyncio.ensure_future(writer.run_live(clock, for_ever))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cut_off())
    writer.write_until(LATER)
    assert_holds(writer, LATER)
