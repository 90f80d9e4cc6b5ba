"""Where requests stand between their receipt and the archive: files of lines, on the disk before an answer.

The spool holds personal data. Its files are for their owner only, and are removed when the archive has all
events of them.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import threading
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Self

import structlog

from producers.contract import Place
from schemas.errors import ConfigurationError

SEGMENT_BYTES = 8 << 20
READ_BYTES = 1 << 20
_SUFFIX = ".spool"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the spool; ordered as things were received."""

    segment: int
    offset: int

    def text(self) -> Place:
        """Return the position as text."""
        return f"{self.segment}:{self.offset}"

    @classmethod
    def parse(cls, text: Place) -> Self:
        """Return the position that ``text`` says. Raises ConfigurationError when it is another reader's."""
        segment, _, offset = text.partition(":")
        if not (segment.isdigit() and offset.isdigit()):
            raise ConfigurationError(
                "the noted place is none of a spool; was the instance's source changed? Give the new source "
                "another instance name, or remove the journal"
            )
        return cls(int(segment), int(offset))


@dataclass(frozen=True, slots=True)
class Entry:
    """A request's body, and when it was received (UTC)."""

    at: datetime
    body: bytes
    start: Position
    end: Position


class SpoolFullError(Exception):
    """There is no room: too much waits for the broker or the store."""


class Spool:
    """An append-only queue in a folder, in segments. For one process at a time; safe for several threads."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Take the folder, and how much may stand in it; nothing is opened."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._guard: BinaryIO | None = None
        self._file: BinaryIO | None = None
        self._segment = 0
        self._size = 0

    def open(self) -> None:
        """Take the spool into use. Harmless when that has been done.

        Raises ConfigurationError where another process has it, or the folder can't be used.
        """
        with self._lock:
            if self._guard is not None:
                return
            try:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                guard = os.fdopen(os.open(self._folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600), "rb+")
                try:
                    fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    guard.close()
                    raise ConfigurationError(
                        f"{self._folder}: another process receives into this spool; end it first"
                    ) from error
                # What a crash cut off stands at the end of a segment that nobody writes to any more.
                self._segment = max(self._segments(), default=0)
                self._begin()
            except OSError as error:
                raise ConfigurationError(
                    f"{self._folder}: can't be used ({error.strerror}); check the folder and its rights"
                ) from error
            self._guard = guard

    def close(self) -> None:
        """Give the spool up, for another process to use."""
        with self._lock:
            for file in (self._file, self._guard):
                if file is not None:
                    file.close()
            self._file = self._guard = None

    def append(self, body: bytes, at: datetime) -> Position:
        """Write a request; return the position behind it when it is on the disk.

        Raises SpoolFullError, and OSError where it can't be written.
        """
        line = _line({"at": at.isoformat(), "body": base64.b64encode(body).decode()})
        with self._lock:
            if self._file is None:
                raise OSError("the spool is closed")
            if self._size + len(line) > self._max_bytes:
                raise SpoolFullError
            if self._file.tell() >= SEGMENT_BYTES:
                self._begin()
            try:
                self._file.write(line)
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError:
                self._begin()  # part of the line may have been written: nothing is added behind it
                raise
            self._size += len(line)
            return self._end()

    def first(self) -> Position:
        """Return the position of the oldest entry that is kept."""
        return Position(min(self._segments(), default=self._segment), 0)

    def read(self, start: Position) -> tuple[Sequence[Entry], Position]:
        """Return entries from ``start`` on, about READ_BYTES of them, and the position behind them.

        No entries and the same position: there is nothing more for now. Raises OSError.
        """
        entries: list[Entry] = []
        at = max(start, self.first())
        if at.segment > self._segment:  # the folder was emptied by hand, and counts from the beginning again
            at = self.first()
        for segment in sorted(number for number in self._segments() if number >= at.segment):
            if segment > at.segment:
                at = Position(segment, 0)
            for entry, end in self._entries(at):
                at = end
                if entry is not None:
                    entries.append(entry)
            if entries:
                break
        return entries, at

    def behind(self, position: Position) -> int:
        """Return how many bytes stand behind ``position``."""
        segments = [number for number in self._segments() if number >= position.segment]
        read = position.offset if position.segment in segments else 0
        return sum(self._length(number) for number in segments) - read

    def trim(self, position: Position) -> None:
        """Remove what stands before ``position``: all its events are in the archive. Raises OSError."""
        with self._lock:
            if self._file is not None and position.offset and position == self._end():
                self._begin()  # so that what is in the present segment can go as well
            for number in self._segments():
                passed = position >= Position(number, self._length(number))
                if number < self._segment and passed:
                    self._path(number).unlink(missing_ok=True)
            self._size = sum(self._length(number) for number in self._segments())

    def _entries(self, start: Position) -> Iterator[tuple[Entry | None, Position]]:
        """Yield the whole lines of a segment; None in place of one that can't be read."""
        at = start
        with self._path(start.segment).open("rb") as file:
            file.seek(start.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                end = Position(at.segment, at.offset + len(line))
                yield _entry(line, at, end), end
                at = end
                if at.offset - start.offset >= READ_BYTES:
                    return

    def _end(self) -> Position:
        assert self._file is not None
        return Position(self._segment, self._file.tell())

    def _begin(self) -> None:
        """Begin a new segment, for its owner only."""
        if self._file is not None:
            self._file.close()
        self._segment += 1
        handle = os.open(self._path(self._segment), os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        self._file = os.fdopen(handle, "ab")
        _sync_folder(self._folder)
        self._size = sum(self._length(number) for number in self._segments())

    def _segments(self) -> list[int]:
        names = (path.stem for path in self._folder.glob(f"*{_SUFFIX}"))
        return [int(name) for name in names if name.isdigit()]

    def _path(self, segment: int) -> Path:
        return self._folder / f"{segment:012d}{_SUFFIX}"

    def _length(self, segment: int) -> int:
        try:
            return self._path(segment).stat().st_size
        except FileNotFoundError:
            return 0


def _line(content: dict[str, str]) -> bytes:
    text = json.dumps(content, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _entry(line: bytes, start: Position, end: Position) -> Entry | None:
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        _log.error("spool_line_damaged", place=start.text(), length=len(line))
        return None
    content = json.loads(text)
    return Entry(datetime.fromisoformat(content["at"]), base64.b64decode(content["body"]), start, end)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
