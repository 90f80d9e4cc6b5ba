"""How a worker does while it works: how long its batches take, and what it waits for."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import stamina

from schemas.clock import Clock
from schemas.errors import RetriableError

T = TypeVar("T")


class WorkerState(StrEnum):
    """What a worker does."""

    STARTING = "starting"
    TAKING_OVER = "taking_over"
    RUNNING = "running"
    WAITING = "waiting"
    """For the store or the broker; nothing is dropped."""
    STOPPED = "stopped"


@dataclass(slots=True)
class Wait:
    """Work that is tried again and again; ``since`` is when it first failed, None while it has not."""

    since: datetime | None = None


@dataclass(slots=True)
class Vitals:
    """Counts since the worker started; cheap enough to be kept with every batch. Times in seconds.

    ``longest`` is the longest batch since it was last reported, ``error`` the class of the last error since.
    """

    clock: Clock
    batches: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    error: str = ""
    _waits: list[Wait] = field(default_factory=list)

    @property
    def waiting_since(self) -> datetime | None:
        """Since when something has been waited for; None while all goes on."""
        return min((wait.since for wait in self._waits if wait.since), default=None)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Time a batch, with all that it waits for."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - begun
            self.batches += 1
            self.seconds += took
            self.longest = max(self.longest, took)

    def reported(self) -> None:
        """Begin anew to look for the longest batch and the last error."""
        self.longest, self.error = 0.0, ""

    async def patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something as often as it takes, at most five seconds apart; stamina logs each failure."""
        wait = Wait()
        self._waits.append(wait)
        try:
            async for attempt in stamina.retry_context(
                on=RetriableError, attempts=None, timeout=None, wait_max=5.0
            ):
                with attempt:
                    return await self._tried(work, wait)
        finally:
            self._waits.remove(wait)
        raise AssertionError("unreachable: the retries have no end")

    async def _tried(self, work: Callable[[], Awaitable[T]], wait: Wait) -> T:
        try:
            return await work()
        except RetriableError as error:
            wait.since = wait.since or self.clock.now()
            self.error = type(error.__cause__ or error).__name__
            raise
