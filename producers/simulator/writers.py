"""Writing the records where real systems would: a queue_log, a Maildir, and a file of the desk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path

from producers.simulator.records import Record, RecordKind
from schemas.clock import Clock

SleepUntil = Callable[[datetime], Awaitable[None]]
"""Waits until the clock shows an instant; how long that takes is the clock's business."""

_BATCH = 2000


class Writer:
    """Writes records, in their order, below a directory. The files are made at once, empty.

    A record is taken from ``records`` only once; bulk and live writing can follow one another.
    """

    def __init__(self, directory: Path, records: Iterator[Record]) -> None:
        self.queue_log = directory / "queue_log"
        self.visits = directory / "visits.jsonl"
        self.maildir = directory / "Maildir"
        self._records = records
        self._ahead: Record | None = None
        self.written = 0
        """Records written so far."""
        for box in (self.maildir, self.maildir / ".Sent"):
            for part in ("tmp", "new", "cur"):
                (box / part).mkdir(parents=True, exist_ok=True)
        for path in (self.queue_log, self.visits):
            path.touch()

    @property
    def next_at(self) -> datetime | None:
        """When the next record is due (UTC); None when there are no more."""
        if self._ahead is None:
            self._ahead = next(self._records, None)
        return self._ahead.at if self._ahead else None

    def write_until(self, instant: datetime) -> int:
        """Write all records due at or before ``instant`` as fast as possible; return how many."""
        return sum(self._write(batch) for batch in self._batches(instant))

    def skip_until(self, instant: datetime) -> int:
        """Pass over the records due at or before ``instant``, which the directory has; return how many."""
        return sum(len(batch) for batch in self._batches(instant))

    async def run_live(self, clock: Clock, sleep_until: SleepUntil) -> None:
        """Write each record when it is due by ``clock``; returns when there are no more, or is cancelled."""
        while (due := self.next_at) is not None:
            if clock.now() < due:
                await sleep_until(due)
            self.write_until(max(clock.now(), due))

    def _batches(self, instant: datetime) -> Iterator[list[Record]]:
        batch: list[Record] = []
        while (due := self.next_at) is not None and due <= instant:
            if self._ahead is not None:
                batch.append(self._ahead)
            self._ahead = None
            if len(batch) == _BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def _write(self, batch: list[Record]) -> int:
        lines: dict[RecordKind, list[bytes]] = {RecordKind.QUEUE_LOG: [], RecordKind.VISIT: []}
        for record in batch:
            if record.kind in lines:
                lines[record.kind].append(record.payload + b"\n")
            else:
                self._deliver(record)
        _append(self.queue_log, lines[RecordKind.QUEUE_LOG])
        _append(self.visits, lines[RecordKind.VISIT])
        self.written += len(batch)
        return len(batch)

    def _deliver(self, record: Record) -> None:
        """Deliver a message: a reader of ``new`` sees the whole of it or nothing."""
        box = self.maildir if record.kind is RecordKind.INBOX else self.maildir / ".Sent"
        unfinished = box / "tmp" / record.name
        unfinished.write_bytes(record.payload)
        unfinished.rename(box / "new" / record.name)


def _append(path: Path, lines: list[bytes]) -> None:
    """Append whole lines in one go, for others may append to the same file."""
    if lines:
        with path.open("ab", buffering=0) as file:
            file.write(b"".join(lines))
