"""Running a web application, and several source runners, until they are told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from functools import partial

import uvicorn
from starlette.applications import Starlette

from dashboards.board.server import BoardServer
from producers.runner import SourceRunner


def serve(
    app: Starlette,
    host: str,
    port: int,
    server: Callable[[uvicorn.Config], uvicorn.Server] = uvicorn.Server,
) -> None:
    """Serve an application until SIGINT or SIGTERM. Open connections are given a second to end."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
        proxy_headers=False,  # who asks is where the connection comes from, whatever a header says
    )
    server(config).run()


def serve_board(app: Starlette, host: str, port: int) -> None:
    """Serve the live board, whose pages' event streams are ended first."""
    serve(app, host, port, partial(BoardServer, app))


async def run_sources(runners: Sequence[SourceRunner]) -> None:
    """Run source instances side by side until SIGINT or SIGTERM, or until one fails: then raise why."""
    tasks = [asyncio.create_task(runner.run()) for runner in runners]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _cancel_all, tasks)
    try:
        await asyncio.gather(*tasks)
    except asyncio.CancelledError:
        pass
    finally:
        _cancel_all(tasks)
        await asyncio.gather(*tasks, return_exceptions=True)


def _cancel_all(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
