"""The ClickHouse that the tests run on: the embedded endpoint, started once for the session."""

from __future__ import annotations

import importlib.util
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from pydantic import SecretStr

from kommuncenter.database import ClickHouseDatabase, migrate
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from kommuncenter.settings import ClickHouseSettings
from tests.require import require


def require_clickhouse() -> None:
    """Skip or fail (KC_REQUIRE=clickhouse) without the engine."""
    available = importlib.util.find_spec("chdb") is not None
    require("clickhouse", available, "the package chdb-core is not installed (extra: embedded)")


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedClickHouse]:
    """The embedded ClickHouse; a test that stops or kills one starts one of its own."""
    require_clickhouse()
    with EmbeddedClickHouse(tmp_path_factory.mktemp("clickhouse")) as endpoint:
        yield endpoint


@pytest.fixture
def client(clickhouse: EmbeddedClickHouse) -> Iterator[Client]:
    """An ordinary client with every right, in a database of its own that is dropped afterwards."""
    with connect(clickhouse) as admin:
        admin.command("CREATE DATABASE scratch ENGINE = Atomic")
        with connect(clickhouse, database="scratch") as scratch:
            yield scratch
        admin.command("DROP DATABASE scratch SYNC")


def connect(endpoint: EmbeddedClickHouse, *, reader: bool = False, **options: Any) -> Client:
    """A client of clickhouse-connect over HTTP, as production makes one; times come back with their zone."""
    options = {"autogenerate_session_id": False, "tz_mode": "aware", "dedicated_pool": True, **options}
    return clickhouse_connect.get_client(
        host=endpoint.host,
        port=endpoint.port,
        username=endpoint.reader if reader else endpoint.user,
        password=endpoint.reader_password if reader else endpoint.password,
        **options,
    )


@contextmanager
def migrated(endpoint: EmbeddedClickHouse) -> Iterator[ClickHouseDatabase]:
    """Give our client on a migrated, empty database of its own, which is dropped afterwards."""
    name = f"migrated_{secrets.token_hex(4)}"
    with connect(endpoint) as admin:
        admin.command(f"CREATE DATABASE {name} ENGINE = Atomic")
        settings = ClickHouseSettings(
            host=endpoint.host,
            port=endpoint.port,
            user=endpoint.user,
            password=SecretStr(endpoint.password),
            database=name,
        )
        migrate(settings)
        database = ClickHouseDatabase(settings)
        try:
            yield database
        finally:
            database.close()
            admin.command(f"DROP DATABASE {name} SYNC")
