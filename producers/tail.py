"""Follows a log file line by line, over growth, rotation and truncation, and knows its place.

Whoever reads a log (`queue_log`, JSON lines) uses :class:`FollowedFile`; it is a ``Reader``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from watchfiles import awatch

from producers.contract import Batch, Lag, LagUnit, Place
from producers.cursor import CUT, Cursor
from producers.lines import FilePlace, LineKey

__all__ = ["CUT", "FollowedFile"]

_log = structlog.get_logger(__name__)


class FollowedFile:
    """Reads the lines of a file for ever, in batches of up to 2 000 lines or 1 MB.

    The last line waits until it has an end. A file that was renamed is read to its end before the next one;
    after a restart it is found again by its inode or, when it was copied or compressed (gzip, bzip2, xz), by
    its head. What can't be found is told to ``on_gap`` (by default to the log), and reading goes on behind.
    Without a place it begins with the file of that name, not with older ones.

    Each record's place is ``<name> line <n>``. With a ``key`` that gives a line's instant, ``nth`` numbers
    identical lines of an instant and ``sequence`` all its lines; without, ``nth`` is 0 and ``sequence`` the
    line's number. Both are the same whenever the file is read again from any batch's place.
    """

    def __init__(
        self,
        path: Path,
        *,
        key: LineKey | None = None,
        follow: bool = True,
        poll: timedelta = timedelta(seconds=1),
        heartbeat: timedelta = timedelta(seconds=5),
        on_gap: Callable[[str], None] | None = None,
    ) -> None:
        """Take the file's path; nothing is opened.

        ``follow`` false reads all there is, a last line without an end included, and stops. ``poll`` is the
        longest time without a look at the file, should the system report no change. After ``heartbeat``
        without a line an empty batch says that the file was looked at.
        """
        self.path = path
        self._key = key
        self._follow = follow
        self._poll = poll
        self._heartbeat = heartbeat
        self._on_gap = on_gap
        self._cursor: Cursor | None = None

    async def batches(self, start: Place | None) -> AsyncGenerator[Batch, None]:
        """Yield batches from ``start`` on. Raises RetriableError where the file can't be read for now."""
        place = FilePlace.parse(start) if start is not None else None
        cursor = Cursor(self.path, self._key, place, self._follow, self._on_gap or self._tell)
        self._cursor = cursor
        loop = asyncio.get_running_loop()
        quiet_since = loop.time()
        async with _Wakeups(self.path, watch=self._follow) as wakeups:
            try:
                while True:
                    wakeups.clear()
                    batch = await asyncio.to_thread(cursor.step)
                    if batch is not None:
                        yield batch
                        quiet_since = loop.time()
                        continue
                    if cursor.ended:
                        return
                    if loop.time() - quiet_since >= self._heartbeat.total_seconds():
                        quiet_since = loop.time()
                        here = cursor.place
                        if here is not None:
                            yield Batch(here, here, ())
                    await wakeups.wait(self._poll)
            finally:
                cursor.close()

    def lag(self) -> Lag | None:
        """Return the bytes behind the place, in this file and those after it; None before one is open."""
        behind = self._cursor.behind() if self._cursor else None
        return None if behind is None else Lag(behind, LagUnit.BYTES)

    def _tell(self, reason: str) -> None:
        _log.error("lines_may_be_lost", file=self.path.name, reason=reason)


class _Wakeups:
    """Says when something changed in the file's folder; where the system can't tell, time has to do."""

    def __init__(self, path: Path, *, watch: bool) -> None:
        self._path = path
        self._watch = watch
        self._changed = asyncio.Event()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._watch:
            self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Asked to stop, the watching thread ends at once; cancelled, it would hold us for seconds.
        self._stop.set()
        if self._task is not None:
            await self._task

    def clear(self) -> None:
        self._changed.clear()

    async def wait(self, longest: timedelta) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), longest.total_seconds())

    async def _listen(self) -> None:
        name = self._path.name
        try:
            async for _ in awatch(
                self._path.parent,
                watch_filter=lambda _, changed: Path(changed).name.startswith(name),
                debounce=200,
                step=20,
                stop_event=self._stop,
                recursive=False,
            ):
                self._changed.set()
        except (OSError, RuntimeError) as error:
            _log.info("polling_only", file=name, reason=type(error).__name__)
