"""The file in which everything heard from an exchange is written down before anything is done with it.

What the manager interface has told it never tells again. So it goes to the disk at once, in the form of
queue_log, and the source reads that file as it would read the log itself.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from producers.rotation import family
from schemas.clock import Clock
from schemas.errors import ConfigurationError, RetriableError


class Spool:
    """One process writes it, a day a file; ``queue_log`` is its format. Blocking."""

    def __init__(self, path: Path, keep: timedelta, clock: Clock) -> None:
        """Take the file, and how long days that are over are kept; nothing is opened."""
        self._path = path
        self._keep = keep
        self._clock = clock
        self._file = self._lock = -1
        self._day = date.min

    def open(self) -> tuple[list[str], datetime | None]:
        """Open it; return the lines of this and of the last day, and when the exchange was last heard (UTC).

        A last line that a crash cut is removed: nobody has read it, since it has no end. Raises
        RetriableError while another process writes it, and ConfigurationError when it can't be used.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            existed = self._path.exists()
            self._file = _private(self._path)
            _cut_torn_line(self._path)
            heard = datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
            self._day = heard.date()
            files = [sibling.path for sibling in family(self._path) if not sibling.compressed][-2:]
            lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
        except OSError as error:
            self.close()
            raise ConfigurationError(
                f"{self._path}: the spool can't be used ({error.strerror}); check the folder and its rights"
            ) from error
        return lines, heard if existed else None

    def write(self, lines: Sequence[str]) -> None:
        """Write lines; on return they are on the disk. Raises RetriableError."""
        data = "".join(line + "\n" for line in lines).encode()
        try:
            self._turn()
            size = os.fstat(self._file).st_size
            written = os.write(self._file, data)
            if written < len(data):
                os.ftruncate(self._file, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file)
        except OSError as error:
            raise RetriableError(f"{self._path}: can't be written ({error.strerror})") from error

    def heard(self) -> None:
        """Note that the exchange was heard, though it said nothing of interest: by the file's time."""
        with contextlib.suppress(OSError):
            os.utime(self._path)

    def close(self) -> None:
        """Close it, and let others write it."""
        for file in (self._file, self._lock):
            if file >= 0:
                os.close(file)
        self._file = self._lock = -1

    def _turn(self) -> None:
        """On a new day put the old one aside, and remove those that are too old."""
        now = self._clock.now()
        if now.date() == self._day:
            return
        self._day = now.date()
        if os.fstat(self._file).st_size:
            os.close(self._file)
            self._path.rename(self._path.with_name(f"{self._path.name}-{now:%Y%m%dT%H%M%S}"))
            self._file = _private(self._path)
        oldest = int((now - self._keep).timestamp()) * 1_000_000_000
        for sibling in family(self._path):
            if sibling.path != self._path and sibling.modified_ns < oldest:
                sibling.path.unlink(missing_ok=True)

    def _take_lock(self) -> None:
        self._lock = _private(self._path.with_name(self._path.name + ".lock"))
        if sys.platform == "win32":
            return
        import fcntl

        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise RetriableError(f"{self._path}: another process listens and writes there") from error


def _private(path: Path) -> int:
    """Open a file to append, that only we may read: it holds callers' numbers."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def _cut_torn_line(path: Path) -> None:
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        found = path.stat()
        os.truncate(path, whole)
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
