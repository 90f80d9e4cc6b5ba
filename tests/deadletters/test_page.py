"""The page for operations engineers names settings, options and queries that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kommuncenter.cli import app
from kommuncenter.settings import DeadLetterSettings, RetentionSettings
from schemas.clickhouse import queries

PAGE = (Path(__file__).parents[2] / "docs" / "dead-letters.md").read_text(encoding="utf-8")


def test_the_settings_that_it_names_are_all_there_are() -> None:
    named = set(re.findall(r"`dead_letters\.(\w+)`", PAGE))
    assert named == set(DeadLetterSettings.model_fields)
    kept = {name for name in RetentionSettings.model_fields if name.startswith("dead_letter")}
    assert set(re.findall(r"`retention\.(\w+)`", PAGE)) == kept


@pytest.mark.parametrize("command", ["list", "show", "replay"])
def test_its_options_are_those_of_the_commands(command: str) -> None:
    help_text = CliRunner().invoke(app, ["dlq", command, "--help"], terminal_width=200).output
    for line in re.findall(rf"kommuncenter dlq {command}\b(.*)", PAGE):
        for option in re.findall(r"--[a-z-]+", line):
            assert option in help_text, line


def test_what_it_says_by_default_is_the_default() -> None:
    settings, kept = DeadLetterSettings(), RetentionSettings()
    assert f"more than {settings.alarm_share:.0%}".replace("%", " %") in PAGE
    assert f"at least {settings.alarm_records} " in PAGE
    assert f"kept: {kept.dead_letter_payload_days} days" in PAGE
    assert f"kept: {kept.dead_letters_months} months" in PAGE
    assert hasattr(queries, "rejected_share_query")
