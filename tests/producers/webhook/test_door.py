"""Which instances can receive webhooks."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from kommuncenter import webhooks
from kommuncenter.settings import PseudonymSettings, Settings
from schemas.errors import ConfigurationError

AUTH = {"kind": "token", "secret": "sixteen characters or more"}


def settings(tmp_path: Path, **given: object) -> Settings:
    """Return settings with an instance ``x``."""
    key = PseudonymSettings(key=SecretStr("sixteen characters or more"))
    return Settings(sources={"x": given}, pseudonym=key, state_dir=tmp_path)


def test_a_webhook_source_has_a_door_and_nothing_is_opened(tmp_path: Path) -> None:
    door = webhooks.door(settings(tmp_path, type="twilio", spool=str(tmp_path / "spool"), auth=AUTH), "x")
    assert (door.inbox.instance, door.inbox.content) == ("x", "form")
    assert "Twilio" in door.inbox.description
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "given",
    [{"type": "desk_csv", "path": "x.csv"}, {"type": "asterisk", "path": "queue_log"}],
)
def test_other_sources_have_none(tmp_path: Path, given: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="whose input is no webhook"):
        webhooks.door(settings(tmp_path, **given), "x")
