"""``source status`` over a real store: what it says of each source, and how it exits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kommuncenter.cli import app
from kommuncenter.database import ClickHouseDatabase
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from schemas.clickhouse.tables import SOURCE_HEALTH
from schemas.timebase import STOCKHOLM
from tests.health import health_row
from tests.services.clickhouse import clickhouse, migrated

__all__ = ["clickhouse"]

pytestmark = pytest.mark.integration
MINUTE = timedelta(minutes=1)


@pytest.fixture
def database(
    clickhouse: EmbeddedClickHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ClickHouseDatabase]:
    """A migrated database that the settings lead to, with two sources configured."""
    with migrated(clickhouse) as found:
        chosen = found._settings
        config = tmp_path / "kommuncenter.toml"
        config.write_text(
            f'[clickhouse]\nhost = "{chosen.host}"\nport = {chosen.port}\nuser = "{chosen.user}"\n'
            f'password = "{chosen.password.get_secret_value()}"\ndatabase = "{chosen.database}"\n'
            '[sources.telephony]\ntype = "asterisk"\n[sources.mail]\ntype = "mail"\n',
            encoding="utf-8",
        )
        monkeypatch.setenv("KC_CONFIG", str(config))
        monkeypatch.setenv("COLUMNS", "80")
        yield found


def report(database: ClickHouseDatabase, instance: str, at: datetime, **told: object) -> None:
    database.insert(SOURCE_HEALTH, [[value] for value in health_row(instance, at, **told)])


def test_sources_that_work_exit_with_0(database: ClickHouseDatabase) -> None:
    now = datetime.now(UTC)
    report(database, "telephony", now, last_event_at=now, lag=7, lag_unit="bytes", published=3)
    report(database, "mail", now, last_event_at=now, state="waiting", reason="mail: away", last_read_at=now)
    result = CliRunner().invoke(app, ["source", "status"])
    assert result.exit_code == 0
    telephony = next(line for line in result.stdout.splitlines() if "telephony" in line)
    assert "working" in telephony
    assert "7 bytes" in telephony
    assert f"{now.astimezone(STOCKHOLM):%H:%M}" in telephony
    assert "waiting" in next(line for line in result.stdout.splitlines() if "mail" in line)
    assert "…" not in result.stdout


def test_silent_and_unread_ones_are_told_and_exit_with_1(database: ClickHouseDatabase) -> None:
    now = datetime.now(UTC)
    report(database, "telephony", now - 11 * MINUTE)
    report(database, "telephony", now)
    result = CliRunner().invoke(app, ["source", "status"])
    assert result.exit_code == 1
    assert "telephony: silent; nothing has come from it yet" in result.stdout
    assert "mail: not read; has not reported" in result.stdout


def test_the_same_as_json(database: ClickHouseDatabase) -> None:
    now = datetime.now(UTC)
    report(database, "telephony", now - 11 * MINUTE, state="stopped", reason="there is no such file")
    result = CliRunner().invoke(app, ["source", "status", "--json"])
    assert result.exit_code == 1
    mail, telephony = json.loads(result.stdout)
    assert (mail["instance"], mail["verdict"], mail["seen_at"]) == ("mail", "unread", None)
    assert (telephony["verdict"], telephony["reason"]) == ("unread", "there is no such file")
    assert datetime.fromisoformat(telephony["seen_at"]) < now
