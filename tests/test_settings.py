"""Settings: file and environment, and every mistake named with its place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kommuncenter.clocks import ScaledClock, SystemClock, clock_from_spec
from kommuncenter.settings import CONFIG_VARIABLE, load_settings
from kommuncenter.wiring import pseudonymiser, source_and_settings
from schemas.errors import ConfigurationError


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings from outside."""
    import os

    for name in list(os.environ):
        if name.startswith("KC_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    """Put a settings file in place."""
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))


def test_everything_but_secrets_has_a_default() -> None:
    settings = load_settings()
    assert settings.kafka.partitions == 8
    with pytest.raises(ConfigurationError, match="KC_PSEUDONYM__KEY"):
        pseudonymiser(settings)


def test_the_environment_beats_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given(monkeypatch, tmp_path, "[kafka]\npartitions = 4\ngroup = 'a'\n")
    monkeypatch.setenv("KC_KAFKA__PARTITIONS", "6")
    settings = load_settings()
    assert (settings.kafka.partitions, settings.kafka.group) == (6, "a")


def test_the_days_of_first_contact_can_be_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KC_FIRST_CONTACT_DAYS", "14")
    assert load_settings().first_contact_days == 14
    monkeypatch.setenv("KC_FIRST_CONTACT_DAYS", "15")
    with pytest.raises(ConfigurationError, match="KC_FIRST_CONTACT_DAYS"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[kafka]\npartitons = 4\n", r"kafka\.partitons \(KC_KAFKA__PARTITONS\)"),
        ("nonsense = 1\n", "nonsense"),
        ("[kafka]\npartitions = 0\n", r"kafka\.partitions"),
        ("[kafka\n", "not valid TOML"),
        ("[retention]\nevents_days = 3\n", r"retention\.events_days"),
    ],
)
def test_a_mistake_in_the_file_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, said: str
) -> None:
    given(monkeypatch, tmp_path, text)
    with pytest.raises(ConfigurationError, match=said) as raised:
        load_settings()
    assert "settings.toml" in str(raised.value)


@pytest.mark.parametrize("name", ["KC_KAFKAA__PARTITIONS", "KC_NONSENSE", "KC_KAFKA__PARTITONS"])
def test_a_misspelt_variable_is_an_error(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "4")
    with pytest.raises(ConfigurationError, match=name):
        load_settings()


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, "/nowhere/settings.toml")
    with pytest.raises(ConfigurationError, match="can't be read"):
        load_settings()


def test_secrets_are_in_no_error_and_no_print(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given(monkeypatch, tmp_path, "[pseudonym]\nkey = 'a secret of some length'\nkey_id = 'K!'\n")
    settings = load_settings()
    assert "a secret" not in repr(settings)
    with pytest.raises(ConfigurationError) as raised:
        pseudonymiser(settings)
    assert "a secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("[sources.x]\npath = 'a'\n", r"sources\.x\.type"),
        ("[sources.x]\ntype = 'nonsense'\n", "unknown; known are"),
        ("[sources.x]\ntype = 'asterisk'\nnonsense = 1\n", r"sources\.x\.nonsense"),
        ("[sources.y]\ntype = 'asterisk'\n", "not in"),
    ],
)
def test_a_mistake_in_a_source_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str, said: str
) -> None:
    given(monkeypatch, tmp_path, source)
    with pytest.raises(ConfigurationError, match=said):
        source_and_settings(load_settings(), "x")


def test_a_scaled_clock_goes_through_its_setting() -> None:
    clock = ScaledClock(datetime(2026, 11, 24, 8, tzinfo=UTC), datetime.now(UTC), 60.0)
    again = clock_from_spec(clock.spec())
    assert again == clock
    assert clock.now() >= clock.shown
    assert 0 < clock.real_seconds_until(clock.now() + timedelta(hours=1)) <= 60
    assert isinstance(clock_from_spec(None), SystemClock)


@pytest.mark.parametrize("spec", ["", "now", "2026-11-24T08:00@2026-11-24T08:00x1", "a@bx1", "x0"])
def test_what_is_no_clock_is_refused(spec: str) -> None:
    with pytest.raises(ConfigurationError, match="clock: write it as"):
        clock_from_spec(spec)
