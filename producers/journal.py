"""The journal of a source instance: what was sent from where, so that it knows where to go on.

The brokers may forget (the embedded one does when it ends), and the store is behind them. So a source goes
on at the highest place below which every event is in the archive or among the dead letters (CORRECTIONS 8).
"""

from __future__ import annotations

import itertools
import json
import os
import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from producers.contract import Archive, Place
from schemas.errors import ConfigurationError, RetriableError

IDS_PER_QUESTION = 500
"""How many ids the archive is asked about at a time: they travel in the address of a request."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch that the broker acknowledged: its places, and the ids of its events and dead letters."""

    before: Place
    after: Place
    ids: tuple[str, ...]

    def line(self) -> bytes:
        """Return the entry as it stands in the file."""
        return _line({"before": self.before, "after": self.after, "ids": self.ids})


class Journal:
    """A file of entries, one a line, each with a checksum; written through to the disk.

    The first line is the base: below it everything is known to have arrived. A line that was torn by a
    crash ends the journal; what it said is read from the source again. Building one opens nothing. Its
    methods may be called from several threads.
    """

    def __init__(self, path: Path, instance: str) -> None:
        """Take the journal's file (its folder is made when needed) and the source instance."""
        self._path = path
        self._instance = instance
        self._lock = threading.Lock()
        self._base: Place | None = None
        self._entries: list[Entry] = []
        self._loaded = False
        self._torn = False

    @property
    def pending(self) -> int:
        """How many batches have not been seen in the archive yet."""
        with self._lock:
            return len(self._entries)

    @property
    def confirmed(self) -> Place | None:
        """The place below which everything was seen in the archive, as far as is known."""
        with self._lock:
            self._load()
            return self._base

    def resume(self, archive: Archive) -> Place | None:
        """Return where to go on; None is the beginning. What comes after that place is forgotten here.

        Raises RetriableError while the archive is away, and ConfigurationError when the file can't be used.
        """
        with self._lock:
            self._load()
            entries = list(self._entries)
        arrived = self._arrived(entries, archive)
        with self._lock:
            if arrived < len(entries):
                self._base = entries[arrived].before
            elif entries:
                self._base = entries[-1].after
            self._entries.clear()
            self._rewrite()
            return self._base

    def record(self, before: Place, after: Place, ids: Sequence[str]) -> None:
        """Note that a batch was acknowledged. On return it is on the disk. Raises RetriableError."""
        entry = Entry(before, after, tuple(ids))
        with self._lock:
            self._load()
            try:
                if self._torn:
                    self._rewrite()
                self._torn = True
                with self._path.open("ab") as file:
                    file.write(entry.line())
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise RetriableError(f"{self._path}: can't be written ({error.strerror})") from error
            self._torn = False
            self._entries.append(entry)

    def confirm(self, archive: Archive) -> int:
        """Drop the batches that have arrived, from the oldest to the first that has not; return how many.

        Raises RetriableError while the archive is away.
        """
        with self._lock:
            self._load()
            entries = list(self._entries)
        arrived = self._arrived(entries, archive)
        if arrived:
            with self._lock:
                self._base = entries[arrived - 1].after
                del self._entries[:arrived]
                self._rewrite()
        return arrived

    def _arrived(self, entries: Sequence[Entry], archive: Archive) -> int:
        """Return how many entries, from the first on without a gap, the archive knows in full."""
        ids = [event_id for entry in entries for event_id in entry.ids]
        first_missing = len(ids)
        for start in range(0, len(ids), IDS_PER_QUESTION):
            asked = ids[start : start + IDS_PER_QUESTION]
            known = archive.known(self._instance, asked)
            missing = next((i for i, event_id in enumerate(asked) if event_id not in known), None)
            if missing is not None:
                first_missing = start + missing
                break
        behind = itertools.accumulate(len(entry.ids) for entry in entries)
        return sum(1 for end in behind if end <= first_missing)

    def _load(self) -> None:
        if self._loaded:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            data = self._path.read_bytes() if self._path.exists() else b""
            self._base, self._entries, whole = _parse(data)
            if not whole:
                self._rewrite()
        except OSError as error:
            raise ConfigurationError(
                f"{self._path}: the journal can't be used ({error.strerror}); check the folder and its rights"
            ) from error
        self._loaded = True

    def _rewrite(self) -> None:
        """Write the whole journal beside the old one and put it in its place: all or nothing."""
        fresh = self._path.with_name(self._path.name + ".new")
        with fresh.open("wb") as file:
            file.write(_line({"base": self._base}))
            file.writelines(entry.line() for entry in self._entries)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        _sync_folder(self._path.parent)
        self._torn = False


def _line(content: dict[str, object]) -> bytes:
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _parse(data: bytes) -> tuple[Place | None, list[Entry], bool]:
    """Return base and entries up to the first line that is not whole, and whether all lines were."""
    base: Place | None = None
    entries: list[Entry] = []
    lines = data.split(b"\n")
    for number, line in enumerate(lines[:-1]):
        checksum, _, text = line.partition(b" ")
        if checksum != b"%08x" % zlib.crc32(text):
            return base, entries, False
        content = json.loads(text)
        if number == 0:
            base = content["base"]
        else:
            entries.append(Entry(content["before"], content["after"], tuple(content["ids"])))
    return base, entries, len(lines) > 1 and lines[-1] == b""


def _sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` last; where folders can't be opened (Windows) the system sees to it."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
