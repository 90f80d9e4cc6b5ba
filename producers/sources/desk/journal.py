"""The journal's file: append-only JSON lines, on the disk before anybody is told that it is saved."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import structlog
from pydantic import ValidationError

from producers.sources.desk.records import Line, line_adapter, to_line
from producers.sources.desk.visits import DeskState

_log = structlog.get_logger(__name__)


class DeskJournal:
    """The journal with the state that follows from it. Safe for several threads and several processes.

    The state is read from the file and from nowhere else, so a restart loses nothing. Other programs may
    append whole lines to the same file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._state = DeskState()
        self._file_id: tuple[int, int] | None = None
        self._offset = 0

    def state(self) -> DeskState:
        """Return the state as the file has it now. Raises OSError where the file can't be read."""
        with self._lock:
            self._refresh()
            return self._state

    def append(self, lines: Sequence[Line]) -> bool:
        """Write lines that belong together, the last of which completes them; tell whether they were new.

        They are on the disk when this returns. Raises OSError where that fails; then some of the lines may
        have been written, and the same call again writes the rest.
        """
        with self._lock, self._open() as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if self._torn():
                file.write(b"\n")  # ends what a crash cut off, so that it spoils no other line
                file.flush()
            self._refresh()
            if lines[-1].key in self._state.keys:
                return False
            missing = [line for line in lines if line.key not in self._state.keys]
            file.write(b"".join(map(to_line, missing)))
            file.flush()
            os.fsync(file.fileno())
            self._refresh()
            return True

    def _open(self) -> BinaryIO:
        """Open for appending. A new file is not for everybody: pseudonyms are personal data."""
        return os.fdopen(os.open(self._path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o640), "ab")

    def _torn(self) -> bool:
        """Tell whether the file ends within a line."""
        with self._path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            if size == 0:
                return False
            file.seek(size - 1)
            return file.read(1) != b"\n"

    def _refresh(self) -> None:
        """Take in what has been written to the file since the last time."""
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                if (status.st_dev, status.st_ino) != self._file_id or status.st_size < self._offset:
                    self._file_id, self._offset = (status.st_dev, status.st_ino), 0
                    self._state = DeskState()
                file.seek(self._offset)
                fresh = file.read()
        except FileNotFoundError:
            return
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._offset += len(whole)
        self._state.add(_lines(whole))


def _lines(whole: bytes) -> list[Line]:
    """Return the lines that can be read; the source rejects and reports the others."""
    found: list[Line] = []
    for raw in whole.splitlines():
        try:
            found.append(line_adapter.validate_json(raw))
        except ValidationError:
            if raw.strip():
                _log.warning("desk_journal_line_unreadable", length=len(raw))
    return found
