"""The page about webhooks: its settings are settings, and its numbers are those of the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from kommuncenter import wiring
from kommuncenter.settings import load_settings
from producers.mapped.settings import WebhookSettings
from producers.webhook.receiver import MAX_WAITING
from tests.docs.commands import DOCS

PAGE = (DOCS / "webhooks.md").read_text("utf-8")
[EXAMPLES] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
INSTANCES = tomllib.loads(EXAMPLES.replace('"…"', '"sixteen characters or more"'))["sources"]


@pytest.mark.parametrize("instance", sorted(INSTANCES))
def test_the_examples_are_accepted(instance: str) -> None:
    assert WebhookSettings.model_validate(INSTANCES[instance]).auth is not None


def test_a_secret_may_be_given_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "kommuncenter.toml"
    config.write_text('[sources.bibliotek]\ntype = "qmatic"\nauth = { kind = "token" }\n', "utf-8")
    monkeypatch.setenv("KC_CONFIG", str(config))
    [variable] = re.findall(r"`(KC_SOURCES__\w+)`", PAGE)
    monkeypatch.setenv(variable, "sixteen characters or more")
    _, settings = wiring.source_and_settings(load_settings(), "bibliotek")
    assert isinstance(settings, WebhookSettings)
    assert settings.auth is not None
    assert [*settings.auth.secrets()] == [b"sixteen characters or more"]


def test_the_numbers_are_those_of_the_code() -> None:
    fields = WebhookSettings.model_fields
    assert f"{MAX_WAITING} requests" in PAGE
    assert f"(`wait`, {fields['wait'].default.total_seconds():g} s)" in PAGE
    assert f"`max_spool` ({fields['max_spool'].default >> 20} MB)" in PAGE
