"""Reading a source's input to its present end in this process: what ought to arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Any

from producers.contract import Batch, Broadcast, Context, ReaderContext, Source, SourceSettings
from producers.runner import Rejection, normalise_all
from schemas.clock import Clock
from schemas.events import Event

QUIET_S = 3.0
"""A reader that gives nothing for so long waits for more, which is to say that it came to the end."""


def read_to_the_end(
    source: Source[Any], own: SourceSettings, context: Context, clock: Clock
) -> tuple[list[Event | Broadcast], list[Rejection]]:
    """Return the events of all input that there is, and what was rejected."""
    events: list[Event | Broadcast] = []
    rejections: list[Rejection] = []

    async def collect() -> None:
        reader = source.reader(own, ReaderContext(context.instance, clock, context.catalogue))
        async for batch in _until_quiet(reader.batches(None)):
            for result in normalise_all(source, own, context, batch.records):
                if isinstance(result, Rejection):
                    rejections.append(result)
                else:
                    events.append(result)

    asyncio.run(collect())
    return events, rejections


async def _until_quiet(batches: AsyncIterator[Batch]) -> AsyncIterator[Batch]:
    """Yield batches until there is an empty one, or none for a while."""

    async def generator() -> Any:
        async for batch in batches:
            yield batch

    async with aclosing(generator()) as found:
        with suppress(TimeoutError, StopAsyncIteration):
            while (batch := await asyncio.wait_for(anext(found), QUIET_S)).records:
                yield batch
