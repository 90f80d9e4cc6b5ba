"""Reads a spool, and tells those who wait how far the broker has acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from producers.contract import Batch, Lag, LagUnit, Place, Raw
from producers.mapped.model import Input
from producers.mapped.records import cut_body
from producers.webhook.spool import Entry, Position, Spool
from schemas.errors import RetriableError

_POLL_S = 1.0
_HEARTBEAT_POLLS = 5


@dataclass(eq=False, slots=True)
class _Waiter:
    until: Position
    done: asyncio.Future[None]


class SpoolReader:
    """Gives the records of the requests in a spool.

    A runner asks for the next batch when the one before has been acknowledged by the broker and noted;
    so that it asks is what tells :meth:`acknowledged` how far things are. Used within one event loop.
    """

    def __init__(self, spool: Spool, given: Input) -> None:
        """Take the spool, and how bodies are written; nothing is opened."""
        self._spool = spool
        self._input = given
        self._passed: Position | None = None
        self._waiters: list[_Waiter] = []
        self._appended = asyncio.Event()

    async def batches(self, start: Place | None) -> AsyncIterator[Batch]:
        """Yield batches from ``start`` on. Raises RetriableError where the spool can't be read for now."""
        await asyncio.to_thread(self._spool.open)
        at = Position.parse(start) if start is not None else self._spool.first()
        self._pass(at)
        quiet = 0
        while True:
            self._appended.clear()
            entries, behind = await self._read(at)
            quiet = 0 if behind != at else quiet + 1
            if behind != at or quiet % _HEARTBEAT_POLLS == 0:
                records = tuple(record for entry in entries for record in self._records(entry))
                yield Batch(at.text(), behind.text(), records)
                at = behind
                self._pass(at)
            else:
                await self._wait_for_more()

    def lag(self) -> Lag | None:
        """Return how many bytes wait for the broker."""
        return None if self._passed is None else Lag(self._spool.behind(self._passed), LagUnit.BYTES)

    def wake(self) -> None:
        """Say that something was appended."""
        self._appended.set()

    async def acknowledged(self, position: Position) -> None:
        """Return when the broker has acknowledged all before ``position``."""
        if self._passed is not None and self._passed >= position:
            return
        waiter = _Waiter(position, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            await waiter.done
        finally:
            self._waiters.remove(waiter)

    def _pass(self, position: Position) -> None:
        self._passed = position
        for waiter in self._waiters:
            if waiter.until <= position and not waiter.done.done():
                waiter.done.set_result(None)

    async def _read(self, at: Position) -> tuple[list[Entry], Position]:
        try:
            entries, behind = await asyncio.to_thread(self._spool.read, at)
        except OSError as error:
            raise RetriableError(f"the spool can't be read ({error.strerror})") from error
        return list(entries), behind

    async def _wait_for_more(self) -> None:
        try:
            await asyncio.wait_for(self._appended.wait(), _POLL_S)
        except TimeoutError:
            return

    def _records(self, entry: Entry) -> list[Raw]:
        return [
            Raw(payload, f"request {entry.start.text()} {place}", sequence=number, received_at=entry.at)
            for number, (place, payload) in enumerate(cut_body(entry.body, self._input))
        ]
