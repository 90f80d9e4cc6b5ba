"""The board on a free port, in a thread, and a reader of its events."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.applications import Starlette

from dashboards.board.server import BoardServer

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Answer:
    """A whole answer over HTTP."""

    status: int
    headers: dict[str, str]
    text: str


@dataclass(frozen=True)
class Site:
    """Where the board listens."""

    port: int

    @property
    def url(self) -> str:
        """The address of its page."""
        return f"http://{HOST}:{self.port}/"

    def get(self, path: str = "/") -> Answer:
        """Fetch an address."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=20)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read().decode())
        finally:
            connection.close()

    @contextlib.contextmanager
    def listen(self, path: str = "/events", **headers: str) -> Iterator[Iterator[dict[str, Any]]]:
        """Open the events; gives an iterator over them, each with its event, id and data."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=20)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            assert response.status == 200
            assert response.getheader("content-type") == "text/event-stream; charset=utf-8"
            yield _events(response)
        finally:
            connection.close()
            response.close()


def _events(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    for raw in response:
        line = raw.decode().rstrip("\n")
        if not line:
            if "data" in event:
                yield event
            event = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = json.loads(value) if name == "data" else value


@contextlib.contextmanager
def serving(app: Starlette, port: int = 0) -> Iterator[Site]:
    """Serve an application on a port of the loopback interface; 0 is a free one."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=5)
    server = BoardServer(app, config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.01)
        yield Site(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(15)
        listener.close()
        assert not thread.is_alive()
