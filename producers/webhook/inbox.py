"""What a webhook instance does with a request: keep it, and wait until the broker has its events."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from producers.contract import Context, Raw, Source
from producers.mapped.model import Input
from producers.mapped.records import cut_body
from producers.mapped.settings import MappedSettings, WebhookSettings
from producers.runner import Rejection, normalise_all
from producers.webhook.reader import SpoolReader
from producers.webhook.spool import Position, Spool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request."""

    records: int
    events: int
    rejections: Sequence[Rejection]


class Inbox:
    """One instance's door. Used within one event loop."""

    def __init__(
        self,
        source: Source[MappedSettings],
        settings: WebhookSettings,
        given: Input,
        context: Context,
    ) -> None:
        """Take the source and its instance; nothing is opened."""
        self.instance = context.instance
        self.settings = settings
        self.content = given.content
        self.spool = Spool(settings.spool / context.instance, settings.max_spool)
        self.reader = SpoolReader(self.spool, given)
        self._source = source
        self._input = given
        self._context = context
        self._waiting: dict[bytes, Position] = {}

    @property
    def description(self) -> str:
        """What the source says of itself."""
        return self._source.settings.__doc__ or self._source.name

    async def put(self, body: bytes, at: datetime) -> None:
        """Return when the broker has acknowledged what ``body`` says.

        Raises TimeoutError when that takes longer than the settings allow, and what ``Spool.append`` raises.
        After TimeoutError the body stays in the spool and is sent on later; the same body again, meanwhile,
        is not kept twice.
        """
        digest = hashlib.sha256(body).digest()
        async with asyncio.timeout(self.settings.wait.total_seconds()):
            position = self._waiting.get(digest)
            if position is None:
                position = await asyncio.to_thread(self.spool.append, body, at)
                self._waiting[digest] = position
                self.reader.wake()
            await self.reader.acknowledged(position)
            self._waiting = {known: until for known, until in self._waiting.items() if until > position}

    def outcome(self, body: bytes) -> Outcome:
        """Return what the source makes of ``body``: the same as is sent on, since it is pure."""
        records = [Raw(payload, place) for place, payload in cut_body(body, self._input)]
        results = list(normalise_all(self._source, self.settings, self._context, records))
        rejections = [result for result in results if isinstance(result, Rejection)]
        return Outcome(len(records), len(results) - len(rejections), rejections)
