"""The registry: finds sources without importing them, and says what is wrong with those it can't give."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from producers import registry
from producers.sources.asterisk.source import SOURCE
from schemas.errors import ConfigurationError


def offer(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """Offer a source as an installed package would."""
    point = EntryPoint(name, value, registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])


def test_our_own_sources_are_found_and_given() -> None:
    assert "asterisk" in registry.names()
    assert registry.load("asterisk") is SOURCE
    assert (registry.folder("asterisk") / "README.md").is_file()


def test_every_source_that_is_named_can_be_loaded() -> None:
    for name in registry.names():
        assert registry.load(name).name == name


def test_importing_the_registry_and_listing_the_names_imports_no_source() -> None:
    script = (
        "import sys; from producers import registry; registry.names();"
        "sys.exit(any(name.startswith('producers.sources.') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_an_unknown_name_says_which_are_known() -> None:
    with pytest.raises(ConfigurationError, match=r"'asterix': unknown; known are .*asterisk"):
        registry.load("asterix")


def test_a_package_outside_can_offer_a_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "outside"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "given.py").write_text(
        "from dataclasses import replace\n"
        "from producers.sources.asterisk.source import SOURCE as OURS\n"
        "SOURCE = replace(OURS, name='outside')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    offer(monkeypatch, "outside", "outside.given:SOURCE")
    assert "outside" in registry.names()
    assert registry.load("outside").name == "outside"
    assert registry.folder("outside") == package


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("gone", "nowhere.at.all:SOURCE", "can't be imported"),
        ("gone", "producers.contract:SOURCE", "can't be imported"),
        ("wrong", "producers.contract:Source", "is no Source"),
        ("renamed", "producers.sources.asterisk.source:SOURCE", "calls itself 'asterisk'"),
        ("asterisk", "producers.sources.asterisk.source:SOURCE", "one of the same name"),
    ],
)
def test_what_is_wrong_with_an_offered_source_is_said(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    offer(monkeypatch, name, value)
    with pytest.raises(ConfigurationError, match=message):
        registry.load(name)
