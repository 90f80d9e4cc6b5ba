"""Reads the files that are put into a folder, each as a whole."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Self

from producers.contract import Batch, Lag, LagUnit, Place, Raw
from producers.mapped.records import Record
from schemas.errors import ConfigurationError, RetriableError

BATCH_RECORDS = 2000
Cut = Callable[[bytes], Iterable[Record]]
"""Cuts a whole file into records. Raises nothing: what can't be cut is a record."""
_UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload")
_HEARTBEAT_S = 5.0


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """Which of the files that are there have been read, and how far the next one has been."""

    done: tuple[str, ...] = ()
    """Of each file that was read: a hash of its name, size and time."""
    file: str = ""
    records: int = 0

    def text(self) -> Place:
        """Return the place as text."""
        return json.dumps({"done": self.done, "file": self.file, "records": self.records})

    @classmethod
    def parse(cls, text: Place) -> Self:
        """Return the place that ``text`` says. Raises ConfigurationError when it is another reader's."""
        try:
            found = json.loads(text)
            return cls(tuple(found["done"]), found["file"], found["records"])
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                "the noted place is none of a folder; was the instance's path changed? Give the source "
                "another instance name, or remove the journal"
            ) from error


@dataclass(frozen=True, slots=True)
class _Found:
    """A file as it was last seen."""

    path: Path
    size: int
    modified_ns: int

    @property
    def mark(self) -> str:
        said = f"{self.path.name}\0{self.size}\0{self.modified_ns}"
        return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:16]


class FolderReader:
    """Reads files in order of their time, then name. A file that changed is read again as a whole.

    A record's ``received_at`` is when its file was last written, in whole seconds.

    Hidden files and those that look unfinished (``.tmp``, ``.part``) are passed over, and a file waits until
    it has not changed for ``settle``. Files are never removed: that is for whoever puts them there, when
    their events are archived.
    """

    def __init__(self, folder: Path, cut: Cut, settle: timedelta = timedelta(seconds=2)) -> None:
        """Take the folder, and what cuts its files into records; nothing is opened."""
        self._folder = folder
        self._cut = cut
        self._settle_s = settle.total_seconds()
        self._seen: dict[str, float] = {}
        self._unread: int | None = None

    async def batches(self, start: Place | None) -> AsyncIterator[Batch]:
        """Yield batches from ``start`` on. Raises RetriableError where the folder can't be read for now."""
        place = FolderPlace.parse(start) if start is not None else FolderPlace()
        loop = asyncio.get_running_loop()
        quiet_since = loop.time()
        while True:
            files = await asyncio.to_thread(self._files)
            present = {file.mark for file in files}
            self._seen = {mark: since for mark, since in self._seen.items() if mark in present}
            self._unread = sum(file.size for file in files if file.mark not in place.done)
            ready = [f for f in files if f.mark not in place.done and self._settled(f, loop.time())]
            for file in ready:
                async for batch, reached in self._read(file, place, present):
                    place = reached
                    yield batch
                quiet_since = loop.time()
            if ready:
                continue
            if loop.time() - quiet_since >= _HEARTBEAT_S:
                quiet_since = loop.time()
                yield Batch(place.text(), place.text(), ())
            await asyncio.sleep(min(1.0, self._settle_s or 0.05))  # a folder on a share tells of no changes

    def lag(self) -> Lag | None:
        """Return the bytes of the files that had not been read when the folder was last looked at."""
        return None if self._unread is None else Lag(self._unread, LagUnit.BYTES)

    async def _read(
        self, file: _Found, place: FolderPlace, present: set[str]
    ) -> AsyncIterator[tuple[Batch, FolderPlace]]:
        """Yield the batches of a file that have not been read, each with the place behind it."""
        read = place.records if place.file == file.mark else 0
        records = await asyncio.to_thread(self._records, file)
        kept = tuple(mark for mark in place.done if mark in present)
        while True:
            chunk = tuple(islice(records, read, read + BATCH_RECORDS))
            read += len(chunk)
            over = read >= len(records)
            reached = FolderPlace((*kept, file.mark)) if over else FolderPlace(kept, file.mark, read)
            yield Batch(place.text(), reached.text(), chunk), reached
            place = reached
            if over:
                return

    def _records(self, file: _Found) -> Sequence[Raw]:
        try:
            content = file.path.read_bytes()
        except OSError as error:
            raise RetriableError(f"{file.path}: can't be read ({error.strerror})") from error
        written_at = datetime.fromtimestamp(file.modified_ns // 1_000_000_000, UTC)
        return [
            Raw(payload, f"{file.path.name} {place}", sequence=number, received_at=written_at)
            for number, (place, payload) in enumerate(self._cut(content))
        ]

    def _files(self) -> list[_Found]:
        found = []
        try:
            for path in self._folder.iterdir():
                if path.name.startswith(".") or path.name.lower().endswith(_UNFINISHED) or not path.is_file():
                    continue
                about = path.stat()
                found.append(_Found(path, about.st_size, about.st_mtime_ns))
        except OSError as error:
            raise RetriableError(f"{self._folder}: can't be read ({error.strerror})") from error
        return sorted(found, key=lambda file: (file.modified_ns, file.path.name))

    def _settled(self, file: _Found, now: float) -> bool:
        """Tell whether a file has been the same for long enough, by our own clock."""
        return now - self._seen.setdefault(file.mark, now) >= self._settle_s
