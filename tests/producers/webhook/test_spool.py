"""The spool: what was written is read, from any place, over crashes; what is archived is removed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from producers.webhook import spool as spool_module
from producers.webhook.spool import Position, Spool, SpoolFullError
from schemas.errors import ConfigurationError

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LARGE = 1 << 20


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = Spool(tmp_path / "spool", LARGE)
    opened.open()
    yield opened
    opened.close()


def bodies(spool: Spool, start: Position) -> list[bytes]:
    """Return all bodies from a position on."""
    found: list[bytes] = []
    while True:
        entries, behind = spool.read(start)
        if behind == start:
            return found
        found += [entry.body for entry in entries]
        start = behind


def test_what_was_written_is_read_from_any_place(spool: Spool) -> None:
    ends = [spool.append(body, AT) for body in (b"one", b"two\n\n", b"", b"\xff\x00")]
    assert bodies(spool, spool.first()) == [b"one", b"two\n\n", b"", b"\xff\x00"]
    assert bodies(spool, ends[1]) == [b"", b"\xff\x00"]
    assert ends == sorted(ends)
    [entry, *_], _ = spool.read(spool.first())
    assert (entry.at, entry.start) == (AT, spool.first())


def test_nobody_else_may_read_it(spool: Spool, tmp_path: Path) -> None:
    spool.append(b"personal", AT)
    folder = tmp_path / "spool"
    assert folder.stat().st_mode & 0o077 == 0
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_a_second_process_is_refused(spool: Spool, tmp_path: Path) -> None:
    other = Spool(tmp_path / "spool", LARGE)
    with pytest.raises(ConfigurationError, match="another process receives"):
        other.open()
    spool.close()
    other.open()
    other.close()


def test_a_folder_that_can_not_be_made_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="can't be used"):
        Spool(tmp_path / "file" / "spool", LARGE).open()


def test_what_a_crash_cut_off_is_passed_and_spoils_nothing(tmp_path: Path) -> None:
    first = Spool(tmp_path, LARGE)
    first.open()
    end = first.append(b"whole", AT)
    first.close()
    with next(tmp_path.glob("*.spool")).open("ab") as file:
        file.write(b'0123abcd {"at"')
    second = Spool(tmp_path, LARGE)
    second.open()
    second.append(b"later", AT)
    assert bodies(second, second.first()) == [b"whole", b"later"]
    assert bodies(second, end) == [b"later"]
    second.close()


def test_a_damaged_line_is_passed(spool: Spool, tmp_path: Path) -> None:
    spool.append(b"one", AT)
    path = next((tmp_path / "spool").glob("*.spool"))
    path.write_bytes(b"00000000 nonsense\n" + path.read_bytes())
    assert bodies(spool, spool.first()) == [b"one"]


def test_what_is_archived_is_removed_the_present_segment_too(spool: Spool, tmp_path: Path) -> None:
    first = spool.append(b"one", AT)
    second = spool.append(b"two", AT)
    assert spool.behind(spool.first()) == second.offset
    assert spool.behind(first) == second.offset - first.offset
    assert spool.behind(second) == 0
    spool.trim(first)
    assert bodies(spool, first) == [b"two"]
    spool.trim(second)
    assert bodies(spool, second) == []
    assert b"".join(path.read_bytes() for path in (tmp_path / "spool").glob("*.spool")) == b""
    third = spool.append(b"three", AT)
    assert third > second
    assert bodies(spool, second) == [b"three"]
    spool.trim(second)
    assert bodies(spool, second) == [b"three"]


def test_a_full_spool_takes_no_more_until_it_is_trimmed(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 300)
    spool.open()
    end = spool.append(b"x" * 150, AT)
    with pytest.raises(SpoolFullError):
        spool.append(b"x" * 150, AT)
    spool.trim(end)
    spool.append(b"x" * 150, AT)
    spool.close()


def test_a_folder_that_was_emptied_by_hand_is_begun_anew(tmp_path: Path) -> None:
    first = Spool(tmp_path, LARGE)
    first.open()
    ends = [first.append(b"x", AT)]
    first.trim(ends[0])
    ends.append(first.append(b"x", AT))
    first.close()
    for path in tmp_path.glob("*.spool"):
        path.unlink()
    second = Spool(tmp_path, LARGE)
    second.open()
    second.append(b"new", AT)
    assert bodies(second, ends[-1]) == [b"new"]
    second.close()


def test_a_place_is_its_text() -> None:
    assert Position.parse(Position(3, 17).text()) == Position(3, 17)
    for other in ("", "x", "3", '{"file":1}', "3:-1"):
        with pytest.raises(ConfigurationError, match="none of a spool"):
            Position.parse(other)


class SpoolMachine(RuleBasedStateMachine):
    """Any order of writing, restarting, tearing and trimming: what is not trimmed is read, once, in order."""

    @initialize(segment=st.integers(1, 400), reading=st.integers(1, 400))
    def begin(self, segment: int, reading: int) -> None:
        self.kept = (spool_module.SEGMENT_BYTES, spool_module.READ_BYTES)
        spool_module.SEGMENT_BYTES, spool_module.READ_BYTES = segment, reading
        self.folder = tempfile.TemporaryDirectory()
        self.written: list[tuple[bytes, Position]] = []
        self.trimmed = Position(0, 0)
        self.open()

    def open(self) -> None:
        self.spool = Spool(Path(self.folder.name), 1 << 20)
        self.spool.open()

    @rule(body=st.binary(max_size=200))
    def append(self, body: bytes) -> None:
        self.written.append((body, self.spool.append(body, AT)))

    @rule(torn=st.sampled_from([b"", b"00", b"0123abcd {"]))
    def restart(self, torn: bytes) -> None:
        self.spool.close()
        last = max(Path(self.folder.name).glob("*.spool"))
        with last.open("ab") as file:
            file.write(torn)
        self.open()

    @rule(data=st.data())
    def trim(self, data: st.DataObject) -> None:
        ends = [end for _, end in self.written if end >= self.trimmed]
        if ends:
            self.trimmed = data.draw(st.sampled_from(ends))
            self.spool.trim(self.trimmed)

    @invariant()
    def the_rest_is_read_from_any_place(self) -> None:
        if not hasattr(self, "written"):
            return
        for start in [self.trimmed, *(end for _, end in self.written if end >= self.trimmed)]:
            wanted = [body for body, end in self.written if end > start]
            assert bodies(self.spool, start) == wanted

    def teardown(self) -> None:
        if hasattr(self, "spool"):
            self.spool.close()
            self.folder.cleanup()
            spool_module.SEGMENT_BYTES, spool_module.READ_BYTES = self.kept


SpoolMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
TestSpoolMachine = SpoolMachine.TestCase


def test_a_disk_that_fails_is_an_error_and_spoils_nothing(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="No space"):
        spool.append(b"lost?", AT)
    monkeypatch.undo()
    spool.append(b"kept", AT)
    assert bodies(spool, spool.first())[-1] == b"kept"
