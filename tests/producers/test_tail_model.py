"""A followed file against a model: whatever happens to the log, every line is given once and in order."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from producers.contract import Batch, Place, Raw
from producers.cursor import Cursor
from producers.lines import FilePlace


def second(line: bytes) -> str | None:
    return line.partition(b"|")[0].decode("ascii")


def read_on(path: Path, start: Place | None) -> tuple[Cursor, list[str]]:
    gaps: list[str] = []
    place = FilePlace.parse(start) if start is not None else None
    return Cursor(path, second, place, True, gaps.append), gaps


class RotatedLog(RuleBasedStateMachine):
    """A log that grows, is rotated in every way, and is read now and then by a reader that may restart."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.log = self.folder / "queue_log"
        self.log.touch()
        self.clock = 1_700_000_000
        self.tick(self.log)
        self.rotations = 0
        self.written: list[bytes] = []
        self.read: list[Raw] = []
        self.batches: list[Batch] = []
        self.cursor, self.gaps = read_on(self.log, None)
        self.look()

    def teardown(self) -> None:
        try:
            self.look()
            assert [record.payload for record in self.read] == self.written
        finally:
            self.cursor.close()
            shutil.rmtree(self.folder)

    def tick(self, path: Path) -> None:
        """Stamp the file with the model's time: one second a step, so that order is never in doubt."""
        self.clock += 1
        os.utime(path, ns=(self.clock * 10**9, self.clock * 10**9))

    @rule(lines=st.lists(st.sampled_from(["CONNECT", "CONNECT", "RING", "x" * 700]), min_size=1, max_size=6))
    def append(self, lines: list[str]) -> None:
        with self.log.open("ab") as file:
            for line in lines:
                text = f"{self.clock // 3 + self.rotations}|{line}".encode()
                self.written.append(text)
                file.write(text + b"\n")
        self.tick(self.log)

    @rule()
    def look(self) -> None:
        while (batch := self.cursor.step()) is not None:
            self.batches.append(batch)
            self.read.extend(batch.records)

    @precondition(lambda self: self.batches)
    @rule()
    def restart(self) -> None:
        self.cursor.close()
        self.cursor, self.gaps = read_on(self.log, self.batches[-1].after)

    @precondition(lambda self: self.log.stat().st_size > 0)
    @rule(created=st.booleans())
    def rename(self, created: bool) -> None:
        self.rotated().touch()
        mtime = self.log.stat().st_mtime_ns
        self.log.replace(self.rotated())
        os.utime(self.rotated(), ns=(mtime, mtime))
        self.rotations += 1000
        if created:
            self.log.touch()
            self.tick(self.log)
        else:
            self.append(["first"])

    @precondition(lambda self: self.log.stat().st_size > 0 and self.batches)
    @rule()
    def copy_and_truncate(self) -> None:
        shutil.copy2(self.log, self.rotated())
        os.truncate(self.log, 0)
        self.rotations += 1000
        self.tick(self.log)
        self.append(["first"])

    @rule()
    def compress(self) -> None:
        plain = [p for p in self.folder.iterdir() if p.suffix != ".gz" and p != self.log]
        for path in plain:
            packed = path.with_name(path.name + ".gz")
            packed.write_bytes(gzip.compress(path.read_bytes()))
            shutil.copystat(path, packed)
            path.unlink()

    @invariant()
    def no_gap(self) -> None:
        assert self.gaps == []

    @invariant()
    def reading_again_from_any_batch_gives_the_same(self) -> None:
        if len(self.batches) % 7 != 3:
            return
        index = len(self.batches) // 2
        again, _ = read_on(self.log, self.batches[index].before)
        wanted = [r for batch in self.batches[index:] for r in batch.records]
        found: list[Raw] = []
        while len(found) < len(wanted) and (batch := again.step()) is not None:
            found.extend(batch.records)
        again.close()
        assert found[: len(wanted)] == wanted

    def rotated(self) -> Path:
        return self.folder / f"queue_log-{20260101 + self.rotations // 1000}"


TestRotatedLog = RotatedLog.TestCase
TestRotatedLog.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
