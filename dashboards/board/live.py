"""One poller for all pages: reads the store while somebody listens, and hands on what has changed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from dashboards.board.audience import Audience
from dashboards.board.drawing import Drawing
from dashboards.board.periods import Period, span_of
from dashboards.board.picture import (
    SILENCE,
    Beside,
    Picture,
    Slow,
    read_beside,
    read_picture,
    read_slow,
)
from dashboards.board.renewing import Renewed
from dashboards.definitions import STANDARD, Definitions
from dashboards.figures import Store
from schemas.catalogue import Catalogue
from schemas.clickhouse.silence import SilenceRule
from schemas.clock import Clock
from schemas.errors import RetriableError
from schemas.timebase import local_day

SLOW_SECONDS = 60.0
"""How long a usual day, the last final week and the sources' rhythm are kept before they are read again."""

INCOMPLETE_SECONDS = 2.0
"""The same where there was no usual day or no final week to be found."""

BESIDE_SECONDS = 2.0
"""How long the days before today, surges, overdue mail and the sources' reports are kept."""

POLL_SECONDS = 0.25
"""From one reading to the next; a slow store is left in peace for half as long as a reading takes."""

_log = structlog.get_logger(__name__)


Drawings = Mapping[Audience, Drawing]
"""The picture drawn for each audience."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a page shows: the last good picture, and since when the store has been away, if it is.

    ``at`` is the instant of the reading.
    """

    at: datetime
    picture: Picture | None
    away_since: datetime | None
    drawings: Drawings

    @property
    def shown_at(self) -> datetime:
        """The instant of the figures: of the last good reading while the store is away."""
        return self.picture.at if self.picture else self.at


Draw = Callable[[Picture | None, datetime | None, datetime], Drawings]
"""Draws (picture, away since, now)."""


@dataclass(eq=False, slots=True)
class Subscription:
    """A page that listens. Holds at most one snapshot: a slow page skips what it has missed."""

    period: Period
    audience: Audience
    last_id: str
    queue: asyncio.Queue[Snapshot | None] = field(default_factory=lambda: asyncio.Queue(maxsize=1))
    """The newest snapshot; None tells that the board stops."""

    def offer(self, snapshot: Snapshot) -> None:
        """Hand on a snapshot unless the page has it already."""
        drawing = snapshot.drawings[self.audience]
        if drawing.id == self.last_id:
            return
        self.last_id = drawing.id
        self._put(snapshot)

    def end(self) -> None:
        """Tell the page that the board stops."""
        self._put(None)

    def _put(self, item: Snapshot | None) -> None:
        if self.queue.full():
            self.queue.get_nowait()
        self.queue.put_nowait(item)


class Live:
    """The pictures by period. Belongs to one event loop; the store is read in threads."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        draw: Draw,
        *,
        definitions: Definitions = STANDARD,
        poll_seconds: float = POLL_SECONDS,
        silence: SilenceRule = SILENCE,
    ) -> None:
        """Take all that is needed; nothing is read until somebody asks."""
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._draw = draw
        self._definitions = definitions
        self._poll_seconds = poll_seconds
        self._silence = silence
        self._snapshots: dict[Period, tuple[float, Snapshot]] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="board-renewal")
        self._slow: Renewed[Slow] = Renewed(
            self._pool, lambda slow: SLOW_SECONDS if slow.complete else INCOMPLETE_SECONDS
        )
        self._beside: dict[Period, Renewed[Beside]] = {
            period: Renewed(self._pool, lambda _: BESIDE_SECONDS) for period in Period
        }
        self._lock = asyncio.Lock()
        self._subscriptions: set[Subscription] = set()
        self._poller: asyncio.Task[None] | None = None
        self._stopped = False
        self.reading_seconds = 0.0
        """How long the last reading took, drawing included."""

    @property
    def listeners(self) -> int:
        """How many pages listen."""
        return len(self._subscriptions)

    @property
    def polling(self) -> bool:
        """Tell whether the poller runs."""
        return self._poller is not None and not self._poller.done()

    def shown_at(self, period: Period) -> datetime:
        """Return the instant of the figures last read for a period; now where none have been."""
        known = self._snapshots.get(period)
        return known[1].shown_at if known else self._clock.now()

    async def current(self, period: Period) -> Snapshot:
        """Return a snapshot no older than the poller's interval; it says so when the store is away."""
        async with self._lock:
            known = self._snapshots.get(period)
            if known and time.monotonic() - known[0] < self._poll_seconds:
                return known[1]
            began = time.monotonic()
            snapshot = await asyncio.to_thread(self._read, period, known[1] if known else None)
            self.reading_seconds = time.monotonic() - began
            self._snapshots[period] = (time.monotonic(), snapshot)
            return snapshot

    @contextlib.contextmanager
    def subscribe(
        self, period: Period, audience: Audience = Audience.DESK, last_id: str = ""
    ) -> Iterator[Subscription]:
        """Listen for snapshots other than ``last_id``; the poller runs while anybody does."""
        subscription = Subscription(period, audience, last_id)
        self._subscriptions.add(subscription)
        if self._stopped:
            subscription.end()
        if not self.polling:
            self._poller = asyncio.create_task(self._poll(), name="board-poller")
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def stop(self) -> None:
        """End every page's events: a server waits for its connections before it stops."""
        self._stopped = True
        for subscription in self._subscriptions:
            subscription.end()

    async def close(self) -> None:
        """Stop the poller."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._poller is not None:
            self._poller.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._poller

    async def _poll(self) -> None:
        while self._subscriptions and not self._stopped:
            began = time.monotonic()
            for period in {subscription.period for subscription in self._subscriptions}:
                snapshot = await self.current(period)
                for subscription in self._subscriptions:
                    if subscription.period is period:
                        subscription.offer(snapshot)
            # A slow store is left in peace at least half as long as it took to answer.
            took = time.monotonic() - began
            await asyncio.sleep(max(self._poll_seconds - took, took / 2))

    def _read(self, period: Period, before: Snapshot | None) -> Snapshot:
        """Read and draw; what goes wrong is a snapshot as well, so that no page stops."""
        now = self._clock.now()
        try:
            picture = read_picture(
                self._store,
                self._catalogue,
                now,
                period,
                slow=self._read_slow(now),
                beside=self._read_beside(period, now),
                definitions=self._definitions,
                silence=self._silence,
            )
            if before and before.away_since is None and before.picture == picture:
                return replace(before, at=now, picture=picture)
            return Snapshot(now, picture, None, self._draw(picture, None, now))
        except RetriableError:
            return self._away(before, now)
        except Exception:
            if before is None or before.away_since is None:
                _log.exception("board_failed", period=period.value)
            return self._away(before, now)

    def _read_beside(self, period: Period, now: datetime) -> Beside:
        return self._beside[period].get(
            span_of(period, now), lambda: read_beside(self._store, now, period, self._definitions)
        )

    def _away(self, before: Snapshot | None, now: datetime) -> Snapshot:
        picture = before.picture if before else None
        since = (before.away_since if before else None) or now
        return Snapshot(now, picture, since, self._draw(picture, since, now))

    def _read_slow(self, now: datetime) -> Slow:
        return self._slow.get(
            local_day(now),
            lambda: read_slow(self._store, self._catalogue, now, self._definitions, self._silence),
        )
