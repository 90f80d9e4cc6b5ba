"""A mail server for the tests of delivery."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.delivery.server import Server, serving


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with serving() as found:
        yield found


@pytest.fixture
def server(running: Server) -> Server:
    """The server, with nothing taken yet and nothing to refuse."""
    handler = running.handler
    handler.taken, handler.at_mail, handler.at_data, handler.refused = [], [], [], {}
    handler.hang_up = False
    return running
