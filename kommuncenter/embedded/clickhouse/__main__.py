"""The endpoint's process: `python -m kommuncenter.embedded.clickhouse --path DIR`.

Passwords come from the environment. The first line of JSON on stdout says that it is ready and on which
port, or why it is not; nothing else is written there.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvicorn

from kommuncenter.embedded.clickhouse.engine import Engine
from kommuncenter.embedded.clickhouse.process import PASSWORD_VARIABLE, READER_PASSWORD_VARIABLE
from kommuncenter.embedded.clickhouse.server import ZONE, User, application
from schemas.errors import ConfigurationError, FatalError, KommuncenterError

_WORKERS = 8
_GRACE_S = 4
_KEEP_ALIVE_S = 3600
_PARENT_LOOK_S = 1.0


class _Server(uvicorn.Server):
    """Ends on SIGTERM, SIGINT and the parent's death with exit status 0; says when it is ready."""

    def __init__(self, config: uvicorn.Config, port: int, parent: int | None) -> None:
        super().__init__(config)
        self._port = port
        self._parent = parent
        self._watch: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Only ask for the end: the base class raises the signal again and so ends with its number."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        yield

    def _end(self) -> None:
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._parent is not None:
            self._watch = asyncio.create_task(self._end_with(self._parent))
        _say({"ready": True, "port": self._port})

    async def _end_with(self, parent: int) -> None:
        # Linux kills an orphan at once (see the starter); elsewhere nothing tells of a parent's death.
        while os.getppid() == parent:  # noqa: ASYNC110 - there is no event to await
            await asyncio.sleep(_PARENT_LOOK_S)
        self._end()


def _say(report: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="kommuncenter.embedded.clickhouse", description=__doc__)
    parser.add_argument("--path", type=Path, required=True, help="directory of the store")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0 for any free port")
    parser.add_argument("--user", default="kommuncenter", help="who may do everything")
    parser.add_argument("--reader", help="who may only read")
    parser.add_argument("--parent", type=int, help="end when this process is no longer the parent")
    return parser.parse_args(argv)


def _listen(host: str, port: int) -> socket.socket:
    if not ipaddress.ip_address(host).is_loopback:
        raise ConfigurationError(
            f"The embedded ClickHouse listens on the loopback interface only, not on {host}: "
            "for other computers run a ClickHouse server."
        )
    # With the protocol named, asyncio sets TCP_NODELAY on what it accepts; else every answer waits 40 ms.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise FatalError(
            f"The embedded ClickHouse can't listen on port {port}: {error.strerror}. Give another port, or 0."
        ) from error
    listener.listen(128)
    return listener


def _users(arguments: argparse.Namespace) -> tuple[User, ...]:
    users = [User(arguments.user, _password(PASSWORD_VARIABLE), reader=False)]
    if arguments.reader:
        users.append(User(arguments.reader, _password(READER_PASSWORD_VARIABLE), reader=True))
    return tuple(users)


def _password(variable: str) -> str:
    password = os.environ.pop(variable, "")
    if not password:
        raise ConfigurationError(f"The environment variable {variable} is missing: set it to a password.")
    return password


def serve(arguments: argparse.Namespace) -> None:
    """Open the store and answer until asked to end. Raises KommuncenterError when it can't start."""
    users = _users(arguments)
    # chdb takes the zone of the process for the server's zone.
    os.environ["TZ"] = ZONE
    time.tzset()
    listener = _listen(arguments.host, arguments.port)
    engine = Engine(arguments.path)
    workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="clickhouse")
    config = uvicorn.Config(
        application(engine, users, workers),
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        h11_max_incomplete_event_size=1024 * 1024,
        timeout_graceful_shutdown=_GRACE_S,
        # Clients pool connections: one closed here while idle would fail the insert that is sent on it next.
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
    server = _Server(config, listener.getsockname()[1], arguments.parent)
    asyncio.run(server.serve([listener]))
    workers.shutdown(wait=True, cancel_futures=True)
    engine.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the endpoint; the exit status is 0 after a clean end and 1 when it could not start."""
    arguments = _arguments(argv)
    try:
        serve(arguments)
    except KommuncenterError as error:
        _say({"ready": False, "error": str(error)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
