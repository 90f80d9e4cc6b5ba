"""The desk's form on a real port, for tests."""

from __future__ import annotations

import contextlib
import http.client
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import uvicorn

from producers.sources.desk.app import desk_app
from producers.sources.desk.records import Line, line_adapter
from schemas.catalogue import load_catalogue
from schemas.identity import Pseudonymiser, PseudonymKey

PSEUDONYMISER = Pseudonymiser(PseudonymKey("k1", b"0123456789abcdef"))


@dataclass(slots=True)
class SetClock:
    """Shows what it is set to."""

    instant: datetime = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass(slots=True)
class Desk:
    """A running form."""

    port: int
    journal: Path
    clock: SetClock = field(default_factory=SetClock)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def lines(self) -> list[Line]:
        """What the journal holds."""
        if not self.journal.exists():
            return []
        return [line_adapter.validate_json(raw) for raw in self.journal.read_bytes().splitlines()]

    def ask(
        self,
        path: str = "/",
        form: dict[str, str] | bytes | None = None,
        **headers: str | None,
    ) -> Answer:
        """Ask for a page, or send a form as this page's browser would; None leaves a header out."""
        sent: dict[str, str | None] = {}
        if form is not None:
            sent = {"origin": self.origin, "content-type": "application/x-www-form-urlencoded"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        body = urlencode(form).encode() if isinstance(form, dict) else form
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(
                "GET" if form is None else "POST",
                path,
                body,
                {name: value for name, value in sent.items() if value is not None},
            )
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read().decode())

    def keys(self) -> list[str]:
        """Return the keys that a fresh page was given: of an arrival, and of a whole visit."""
        return re.findall(r'name="key" value="([0-9a-f]{32})"', self.ask().body)


@contextlib.contextmanager
def running_desk(directory: Path) -> Iterator[Desk]:
    """Run the form over a journal in ``directory``, on a free port of the loopback interface."""
    journal, clock = directory / "visits.jsonl", SetClock()
    app = desk_app(journal, load_catalogue(), clock, PSEUDONYMISER, "koordinaten")
    config = uvicorn.Config(app, "127.0.0.1", 0, log_level="warning", ws="none", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    turn = threading.Event()
    while not server.started:
        assert thread.is_alive(), "the form did not start"
        turn.wait(0.01)
    try:
        yield Desk(server.servers[0].sockets[0].getsockname()[1], journal, clock)
    finally:
        server.should_exit = True
        thread.join(10)
