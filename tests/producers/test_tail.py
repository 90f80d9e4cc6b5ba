"""Following a file: growth, rotation, truncation, restarts; checked against a plain list of the lines."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import lzma
import os
import shutil
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from producers.contract import Batch, Lag, LagUnit, Place, Raw
from producers.cursor import Cursor
from producers.lines import MAX_LINE, FilePlace
from producers.tail import CUT, FollowedFile
from schemas.errors import ConfigurationError, RetriableError


def second(line: bytes) -> str | None:
    """The key of the tests' lines: what stands before the first bar."""
    return line.partition(b"|")[0].decode("ascii", "replace") or None


class Follower:
    """The blocking side of a followed file, read on demand, and restarted at will."""

    def __init__(self, path: Path, *, follow: bool = True) -> None:
        self.path = path
        self.follow = follow
        self.gaps: list[str] = []
        self.records: list[Raw] = []
        self.batches: list[Batch] = []
        self.place: Place | None = None
        self._cursor: Cursor | None = None

    def read(self) -> list[bytes]:
        """Read all there is for now, and return the lines."""
        if self._cursor is None:
            start = FilePlace.parse(self.place) if self.place is not None else None
            self._cursor = Cursor(self.path, second, start, self.follow, self.gaps.append)
        lines: list[bytes] = []
        while (batch := self._cursor.step()) is not None:
            self.batches.append(batch)
            self.records.extend(batch.records)
            self.place = batch.after
            lines.extend(record.payload for record in batch.records)
        return lines

    @property
    def cursor(self) -> Cursor:
        """What reads."""
        assert self._cursor is not None
        return self._cursor

    def restart(self) -> None:
        """End; the next read begins at the last batch's place."""
        if self._cursor is not None:
            self._cursor.close()
        self._cursor = None


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "queue_log"


@pytest.fixture
def follower(log: Path) -> Any:
    made = Follower(log)
    yield made
    made.restart()


def append(path: Path, *lines: str, end: str = "\n") -> None:
    with path.open("a", newline="") as file:
        file.write("".join(line + end for line in lines))


def older(path: Path, seconds: int) -> None:
    """Say that a file was last written some time ago (rotations are a day apart, not microseconds)."""
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns - seconds * 1_000_000_000))


def test_it_gives_lines_with_places_and_waits_for_the_end_of_the_last_one(
    log: Path, follower: Follower
) -> None:
    append(log, "1|a", "", "1|b\r")
    append(log, "1|unfini", end="")
    assert follower.read() == [b"1|a", b"1|b"]
    assert [record.place for record in follower.records] == ["queue_log line 1", "queue_log line 3"]
    append(log, "shed")
    assert follower.read() == [b"1|unfinished"]
    assert follower.records[-1].place == "queue_log line 4"


def test_a_file_that_is_not_there_yet_is_waited_for(log: Path, follower: Follower) -> None:
    assert follower.read() == []
    append(log, "1|a")
    assert follower.read() == [b"1|a"]


def test_identical_lines_of_a_second_are_numbered_and_ordered(log: Path, follower: Follower) -> None:
    append(log, "1|x", "1|x", "2|x", "1|x", "2|y")
    follower.read()
    assert [(r.nth, r.sequence) for r in follower.records] == [(0, 0), (1, 1), (0, 0), (2, 2), (0, 1)]


def test_without_a_key_the_line_number_orders(log: Path) -> None:
    append(log, "x", "x")
    cursor = Cursor(log, None, None, False, lambda _: None)
    batch = cursor.step()
    assert batch is not None
    assert [(r.nth, r.sequence) for r in batch.records] == [(0, 0), (0, 1)]
    cursor.close()


def test_a_renamed_file_is_read_to_its_end_before_the_next_one(log: Path, follower: Follower) -> None:
    append(log, "1|a")
    assert follower.read() == [b"1|a"]
    log.rename(log.with_name("queue_log.1"))
    log.touch()  # made by logrotate, while Asterisk still writes to the old one
    append(log.with_name("queue_log.1"), "1|b")
    assert follower.read() == [b"1|b"]
    append(log.with_name("queue_log.1"), "1|c")
    append(log, "2|d")
    assert follower.read() == [b"1|c", b"2|d"]
    assert follower.gaps == []


def test_identical_lines_on_both_sides_of_a_rotation_stay_two(log: Path, follower: Follower) -> None:
    append(log, "0|first", "1|same")
    follower.read()
    log.rename(log.with_name("queue_log.1"))
    append(log, "1|same")
    follower.read()
    assert [(r.payload, r.nth) for r in follower.records[1:]] == [(b"1|same", 0), (b"1|same", 1)]


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2", ".xz"])
def test_after_a_restart_the_rotated_file_is_found(log: Path, follower: Follower, suffix: str) -> None:
    append(log, "1|a")
    follower.read()
    follower.restart()
    append(log, "1|b")
    rotated = log.with_name("queue_log-20261123" + suffix)
    pack(log, rotated, suffix)
    older(rotated, 2 * 86400)
    append(log.with_name("queue_log-20261124"), "2|c")
    older(log.with_name("queue_log-20261124"), 86400)
    append(log, "3|d")
    assert follower.read() == [b"1|b", b"2|c", b"3|d"]
    assert follower.gaps == []


def pack(log: Path, rotated: Path, suffix: str) -> None:
    """Rotate the log away, compressed as its new name says."""
    if not suffix:
        log.rename(rotated)
        return
    pressed: dict[str, Callable[[bytes], bytes]] = {
        ".gz": gzip.compress,
        ".bz2": bz2.compress,
        ".xz": lzma.compress,
    }
    rotated.write_bytes(pressed[suffix](log.read_bytes()))
    log.unlink()


def test_a_file_that_is_gone_is_told_and_reading_goes_on_behind_it(log: Path, follower: Follower) -> None:
    append(log, "1|a")
    follower.read()
    follower.restart()
    older(log, 3 * 86400)
    log.rename(log.with_name("queue_log.2"))
    log.with_name("queue_log.2.zst").write_bytes(b"not readable here")
    log.with_name("queue_log.2").unlink()
    append(log.with_name("queue_log.1"), "2|b")
    append(log, "3|c")
    assert follower.read() == [b"2|b", b"3|c"]
    (gap,) = follower.gaps
    assert "may be lost" in gap
    assert "queue_log.2.zst" in gap


def test_a_damaged_archive_is_told_and_passed(log: Path, follower: Follower) -> None:
    append(log, *(f"1|{n:04}" for n in range(1000)))
    follower.read()
    follower.restart()
    append(log, "2|lost")
    whole = gzip.compress(log.read_bytes())
    log.with_name("queue_log.1.gz").write_bytes(whole[: len(whole) // 2])
    log.unlink()
    append(log, "3|c")
    assert follower.read() == [b"3|c"]
    assert follower.gaps


def test_a_truncated_file_begins_anew_and_its_copy_gives_what_was_not_read(
    log: Path, follower: Follower
) -> None:
    append(log, "1|a")
    follower.read()
    append(log, "1|b")
    shutil.copy(log, log.with_name("queue_log.1"))
    os.truncate(log, 0)
    append(log, "2|c")
    assert follower.read() == [b"1|b", b"2|c"]
    assert follower.gaps == []


def test_a_truncated_file_that_has_outgrown_the_place_is_noticed(log: Path, follower: Follower) -> None:
    append(log, "1|a")
    follower.read()
    shutil.copy(log, log.with_name("queue_log.1"))
    os.truncate(log, 0)
    append(log, "2|longer than before", "2|c")
    assert follower.read() == [b"2|longer than before", b"2|c"]


def test_a_truncation_without_a_copy_is_told(log: Path, follower: Follower) -> None:
    append(log, "1|a")
    follower.read()
    os.truncate(log, 0)
    append(log, "2")
    assert follower.read() == [b"2"]
    assert len(follower.gaps) == 1


def test_the_same_content_written_anew_gives_the_same_numbers(log: Path, follower: Follower) -> None:
    append(log, "1|a", "1|a")
    follower.read()
    content = log.read_bytes()
    follower.restart()
    log.unlink()
    log.write_bytes(content)
    append(log, "1|a")
    assert follower.read() == [b"1|a"]
    assert follower.records[-1].nth == 2


def test_a_file_being_compressed_is_not_read_twice(log: Path, follower: Follower) -> None:
    append(log, "1|a")
    follower.read()
    rotated = log.with_name("queue_log.1")
    log.rename(rotated)
    with gzip.open(log.with_name("queue_log.1.gz"), "wb") as packed:
        packed.write(rotated.read_bytes())
    append(log, "2|b")
    assert follower.read() == [b"2|b"]


def test_long_lines_are_cut_and_marked_and_junk_survives(log: Path, follower: Follower) -> None:
    junk = bytes(range(256)).replace(b"\n", b"")
    log.write_bytes(b"1|" + b"x" * (3 << 20) + b"\n" + junk + b"\n1|b\n")
    lines = follower.read()
    assert [len(lines[0]), lines[1], lines[2]] == [MAX_LINE, junk, b"1|b"]
    assert [record.attributes for record in follower.records] == [{CUT: "yes"}, {}, {}]
    assert follower.records[-1].place == "queue_log line 3"


def test_batches_are_bounded(log: Path, follower: Follower) -> None:
    append(log, *(f"{n // 10}|{n}" for n in range(5000)))
    follower.read()
    sizes = [len(batch.records) for batch in follower.batches]
    assert sum(sizes) == 5000
    assert max(sizes) <= 2000


def test_reading_it_all_gives_an_unfinished_last_line_and_ends(log: Path) -> None:
    append(log, "1|a")
    append(log, "1|b", end="")
    assert read_by_reader(FollowedFile(log, follow=False)) == [b"1|a", b"1|b"]


def test_reading_all_of_a_file_that_is_not_there_says_so(log: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        read_by_reader(FollowedFile(log, follow=False))


def test_a_folder_in_place_of_the_file_is_retriable(log: Path) -> None:
    log.mkdir()
    with pytest.raises(RetriableError, match="can't be read"):
        read_by_reader(FollowedFile(log))


def test_the_place_of_another_reader_is_refused(log: Path) -> None:
    with pytest.raises(ConfigurationError, match="none of a followed file"):
        FilePlace.parse('{"uid": 12}')


def read_by_reader(reader: FollowedFile) -> list[bytes]:
    async def read() -> list[bytes]:
        return [record.payload async for batch in reader.batches(None) for record in batch.records]

    return asyncio.run(read())


def test_how_far_it_is_behind_counts_what_was_rotated_but_not_what_is_compressed(
    log: Path, follower: Follower
) -> None:
    log.write_bytes(b"1|a\n1|b\n")
    follower.read()
    assert follower.cursor.behind() == 0
    append(log, "2|c\n2|un", end="")
    assert follower.cursor.behind() == 8
    log.rename(log.with_name("queue_log.1"))
    log.write_bytes(b"3|d\n")
    assert follower.cursor.behind() == 12
    assert follower.read() == [b"2|c", b"2|un", b"3|d"]
    assert follower.cursor.behind() == 0
    follower.cursor.close()
    assert follower.cursor.behind() is None


def test_a_reader_tells_its_lag_once_it_reads(log: Path) -> None:
    log.write_bytes(b"1|a\n1|b\n")
    reader = FollowedFile(log)
    assert reader.lag() is None

    async def read() -> None:
        async with aclosing(cast("Any", reader.batches(None))) as batches:
            await anext(batches)
            append(log, "2|c")
            assert reader.lag() == Lag(4, LagUnit.BYTES)

    asyncio.run(read())


def test_the_reader_wakes_up_when_the_file_grows_and_says_that_it_looked(log: Path) -> None:
    append(log, "1|a")
    # The poll is so long that only the system's own report can wake the reader up.
    reader = FollowedFile(log, poll=timedelta(seconds=60), heartbeat=timedelta(0))

    async def follow() -> list[Batch]:
        batches: list[Batch] = []
        async with aclosing(cast("Any", reader.batches(None))) as given_:
            async for batch in given_:
                batches.append(batch)
                if not batch.records:
                    append(log, "2|b")
                if len([b for b in batches if b.records]) == 2:
                    break
        return batches

    batches = run_within(20, follow())
    idle = [batch for batch in batches if not batch.records]
    assert [[r.payload for r in batch.records] for batch in batches if batch.records][-1] == [b"2|b"]
    assert idle[0].before == idle[0].after


def run_within(seconds: int, work: Coroutine[Any, Any, list[Batch]]) -> list[Batch]:
    async def bounded() -> list[Batch]:
        return await asyncio.wait_for(work, seconds)

    return asyncio.run(bounded())
