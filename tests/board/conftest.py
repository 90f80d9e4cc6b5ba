"""Fixtures of the board's tests."""

from __future__ import annotations

import pytest

from schemas.catalogue import Catalogue, load_catalogue
from tests.board.days import NOW, furnished
from tests.board.fakes import FakeStore, FixedClock
from tests.services.browser import browser, page
from tests.services.clickhouse import clickhouse

__all__ = ["browser", "clickhouse", "page"]


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The shipped catalogue."""
    return load_catalogue()


@pytest.fixture
def store(catalogue: Catalogue) -> FakeStore:
    """Four weeks and half a Tuesday."""
    return furnished(catalogue, weeks=4)


@pytest.fixture
def clock() -> FixedClock:
    """The Tuesday, 13.41 in Sweden."""
    return FixedClock(NOW)
