"""Listens to an exchange, writes down what it says, and reads that as its queue_log would be read."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta

import structlog

from producers.contract import Batch, Lag, Place, Reader, ReaderContext
from producers.sources.asterisk.lines import second_of
from producers.sources.asterisk_ami.protocol import Message
from producers.sources.asterisk_ami.session import Session, session
from producers.sources.asterisk_ami.settings import AmiSettings
from producers.sources.asterisk_ami.spool import Spool
from producers.sources.asterisk_ami.translator import Translator
from producers.tail import FollowedFile
from schemas.errors import ConfigurationError

_log = structlog.get_logger(__name__)


def reader(settings: AmiSettings, context: ReaderContext) -> Reader:
    """Return a reader of the exchange; nothing is opened."""
    return AmiReader(settings, context)


class AmiReader:
    """Its places are places in the spool. A cut connection ends it with a RetriableError."""

    def __init__(self, settings: AmiSettings, context: ReaderContext) -> None:
        """Take the settings, and whom to tell of a gap; nothing is opened."""
        self._settings = settings
        self._context = context
        self._logged_in = False
        self._followed = FollowedFile(
            settings.spool, key=second_of, heartbeat=timedelta(seconds=1), on_gap=context.on_gap
        )

    def lag(self) -> Lag | None:
        """Return how much of what was heard has not been read."""
        return self._followed.lag()

    async def batches(self, start: Place | None) -> AsyncGenerator[Batch, None]:
        """Yield what was heard, from ``start`` on; of that nothing is left when an error is raised.

        Raises RetriableError and ConfigurationError.
        """
        spool = Spool(self._settings.spool, timedelta(days=self._settings.spool_days), self._context.clock)
        before, heard_at = await asyncio.to_thread(spool.open)
        listening = asyncio.create_task(self._listen(spool, before, heard_at))
        try:
            async with contextlib.aclosing(self._followed.batches(start)) as heard:
                async for batch in heard:
                    if batch.records or self._logged_in:
                        yield batch
                    elif listening.done():
                        listening.result()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await asyncio.to_thread(spool.close)

    async def _listen(self, spool: Spool, before: Sequence[str], heard_at: datetime | None) -> None:
        """Write down what the exchange says, until it is gone. Raises as ``batches`` does."""
        translator = Translator()
        translator.restore(before)
        try:
            async with session(self._settings, _secret(self._settings)) as exchange:
                self._logged_in = True
                _log.info("exchange_connected", instance=self._context.instance)
                if heard_at is not None:
                    self._tell_gap(heard_at)
                await self._write_down(exchange, translator, spool)
        finally:
            self._logged_in = False

    async def _write_down(self, exchange: Session, translator: Translator, spool: Spool) -> None:
        waited, waiting = translator.waiting, set[str]()
        async for message in exchange.messages():
            lines = self._lines(message, translator)
            match message.get("Event"):
                case "FullyBooted":
                    await exchange.send("QueueStatus", {"ActionID": "waiting"})
                case "QueueEntry":
                    waiting.add(message.get("Uniqueid", ""))
                case "QueueStatusComplete":
                    lines = translator.lost(waited & translator.waiting - waiting, self._context.clock.now())
                    waited = frozenset()
                    self._tell_lost(len(lines))
            if lines:
                await asyncio.to_thread(spool.write, lines)
            else:
                spool.heard()

    def _lines(self, message: Message, translator: Translator) -> list[str]:
        if message.get("Event") == "FullyBooted":
            age = message.get("Uptime", "")
            seconds = int(age) if age.isascii() and age.isdigit() else 0
            return translator.started(self._context.clock.now() - timedelta(seconds=seconds))
        if message.get("Event") == "QueueEntry":
            translator.waits(message, self._context.clock.now())
            return []
        try:
            return translator.feed(message)
        except ValueError as error:
            raise ConfigurationError("manager.conf lacks timestampevents = yes in [general]") from error

    def _tell_gap(self, heard_at: datetime) -> None:
        """What happened while nobody listened is not told again, but for what later events show."""
        now = self._context.clock.now()
        self._tell(f"not connected to the exchange from {heard_at:%Y-%m-%d %H:%M:%S} to {now:%H:%M:%S} UTC")

    def _tell_lost(self, calls: int) -> None:
        if calls:
            self._tell(f"{calls} calls waited before, and do not any more; what became of them is not known")

    def _tell(self, reason: str) -> None:
        if self._context.on_gap is not None:
            self._context.on_gap(reason)
        else:
            _log.error("calls_may_be_lost", instance=self._context.instance, reason=reason)


def _secret(settings: AmiSettings) -> str:
    if settings.secret is not None:
        return settings.secret.get_secret_value()
    given = os.environ.get(settings.secret_env)
    if not given:
        raise ConfigurationError(
            f"the exchange's secret is missing: give it in the environment as {settings.secret_env}"
        )
    return given
