"""The page about webhooks: its settings are settings, and its numbers are those of the code."""

from __future__ import annotations

import re
import tomllib

import pytest

from producers.mapped.settings import WebhookSettings
from producers.webhook.receiver import MAX_WAITING
from tests.docs.commands import DOCS

PAGE = (DOCS / "webhooks.md").read_text("utf-8")
[EXAMPLES] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
INSTANCES = tomllib.loads(EXAMPLES.replace('"…"', '"sixteen characters or more"'))["sources"]


@pytest.mark.parametrize("instance", sorted(INSTANCES))
def test_the_examples_are_accepted(instance: str) -> None:
    assert WebhookSettings.model_validate(INSTANCES[instance]).auth is not None


def test_the_numbers_are_those_of_the_code() -> None:
    fields = WebhookSettings.model_fields
    assert f"{MAX_WAITING} requests" in PAGE
    assert f"(`wait`, {fields['wait'].default.total_seconds():g} s)" in PAGE
    assert f"`max_spool` ({fields['max_spool'].default >> 20} MB)" in PAGE
