"""A server that ends the pages' events first, so that stopping need not wait for pages that listen."""

from __future__ import annotations

import socket

import uvicorn
from starlette.applications import Starlette


class BoardServer(uvicorn.Server):
    """Uvicorn for :func:`dashboards.board.app.board_app`."""

    def __init__(self, app: Starlette, config: uvicorn.Config) -> None:
        """Take the application, and a configuration of it."""
        super().__init__(config)
        self._board = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the events, then stop as usual."""
        self._board.state.stop()
        await super().shutdown(sockets)
