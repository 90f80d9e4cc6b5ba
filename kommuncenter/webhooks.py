"""Receives webhooks: one server, and beside it the runner of each instance that passes on what it took in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
import uvicorn

from kommuncenter import wiring
from kommuncenter.settings import Settings
from producers import registry
from producers.journal import Journal
from producers.mapped.load import load_mapping
from producers.mapped.settings import WebhookSettings
from producers.runner import SourceRunner
from producers.webhook.inbox import Inbox
from producers.webhook.receiver import receiver
from producers.webhook.spool import Position
from schemas.errors import ConfigurationError

KEEPING = timedelta(seconds=5)
"""How often what the archive has is removed from the spools."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Door:
    """An instance that takes in webhooks: what it keeps them in, and what passes them on."""

    inbox: Inbox
    journal: Journal
    runner: SourceRunner


def door(settings: Settings, instance: str) -> Door:
    """Return the door of a configured instance; nothing is opened. Raises ConfigurationError."""
    source, own = wiring.source_and_settings(settings, instance)
    path = registry.mapping(source.name)
    if path is None or not isinstance(own, WebhookSettings):
        raise ConfigurationError(f"source {instance!r}: is {source.name}, whose input is no webhook")
    context = wiring.source_context(settings, instance)
    inbox = Inbox(source, own, load_mapping(path).input, context)
    journal = wiring.source_journal(settings, instance)
    runner = wiring.source_runner(settings, instance, reader=inbox.reader, journal=journal)
    return Door(inbox, journal, runner)


async def serve(settings: Settings, doors: Sequence[Door]) -> None:
    """Receive until SIGINT or SIGTERM, or until a runner fails: then raise why."""
    states = {door.inbox.instance: (lambda runner=door.runner: runner.state) for door in doors}
    server = settings.webhook
    app = receiver([door.inbox for door in doors], wiring.clock(settings), states, server.hosts)
    config = uvicorn.Config(
        app,
        host=server.host,
        port=server.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    for one in doors:
        await asyncio.to_thread(one.inbox.spool.open)
    web = uvicorn.Server(config)
    serving = asyncio.create_task(web.serve())
    working = [asyncio.create_task(work) for one in doors for work in (one.runner.run(), _keep(one))]
    try:
        await asyncio.wait([serving, *working], return_when=asyncio.FIRST_COMPLETED)
        web.should_exit = True
        await serving
        for task in working:
            if task.done():
                task.result()
    finally:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        for one in doors:
            one.inbox.spool.close()


async def _keep(one: Door) -> None:
    """Remove from the spool what the archive has: it holds personal data."""
    while True:
        await asyncio.sleep(KEEPING.total_seconds())
        confirmed = await asyncio.to_thread(lambda: one.journal.confirmed)
        if confirmed is not None:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(one.inbox.spool.trim, Position.parse(confirmed))
