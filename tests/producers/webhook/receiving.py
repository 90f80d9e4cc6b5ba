"""A receiver on a real port with its runner beside it; the broker and the store are fakes at their ports."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvicorn

from producers.journal import Journal
from producers.mapped.settings import WebhookSettings
from producers.mapped.source import source_of
from producers.runner import Pace, SourceRunner
from producers.webhook.inbox import Inbox
from producers.webhook.receiver import receiver
from tests.producers.desk_server import SetClock
from tests.producers.fakes import FakeArchive, FakeHealth, FakePublisher
from tests.producers.mapped.mappings import CONTEXT, TICKETS, mapping

TOKEN = "sixteen characters or more"
PROOF = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
WEBHOOK = TICKETS.replace('kind = "jsonl"', 'kind = "webhook"')
FAST = Pace(first_retry=timedelta(milliseconds=20), last_retry=timedelta(milliseconds=50))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(slots=True)
class Receiver:
    """A running receiver. ``inbox`` must only be looked at."""

    inbox: Inbox
    publisher: FakePublisher
    clock: SetClock = field(default_factory=SetClock)
    port: int = 0

    def send(self, body: object, headers: Mapping[str, str] = PROOF, path: str = "/hooks/tickets") -> Answer:
        """POST a body: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", path, content, headers)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the answer to any request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read().decode())
        finally:
            connection.close()


@contextlib.contextmanager
def receiving(
    folder: Path, publisher: FakePublisher | None = None, text: str = WEBHOOK, **settings: object
) -> Iterator[Receiver]:
    """Run a receiver of the instance ``tickets``."""
    mapped = mapping(text)
    source = source_of(mapped)
    given = {"auth": {"kind": "token", "secret": TOKEN}, "spool": folder / "spool"} | settings
    own = source.settings.model_validate(given)
    assert isinstance(own, WebhookSettings)
    inbox = Inbox(source, own, mapped.input, CONTEXT)
    running = Receiver(inbox, publisher or FakePublisher())
    runner = SourceRunner(
        source=replace(source, reader=lambda _settings, _context: inbox.reader),
        settings=own,
        context=CONTEXT,
        publisher=running.publisher,
        journal=Journal(folder / "journal.jsonl", "tickets"),
        archive=FakeArchive(),
        health=FakeHealth(),
        clock=running.clock,
        pace=FAST,
    )
    app = receiver([inbox], running.clock, {"tickets": lambda: runner.state})
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    started, failures = threading.Event(), []

    async def serve() -> None:
        inbox.spool.open()
        running_task = asyncio.create_task(runner.run())
        # Connections are queued from here on, whether the server has begun to answer them or not.
        listening = socket.create_server(("127.0.0.1", 0))
        running.port = listening.getsockname()[1]
        started.set()
        await server.serve(sockets=[listening])
        running_task.cancel()
        await asyncio.gather(running_task, return_exceptions=True)
        inbox.spool.close()

    def work() -> None:
        try:
            asyncio.run(serve())
        except Exception as error:
            failures.append(error)
            started.set()

    thread = threading.Thread(target=work)
    thread.start()
    started.wait(20)
    try:
        assert not failures, failures
        yield running
    finally:
        server.should_exit = True
        thread.join(20)
    assert not failures, failures
