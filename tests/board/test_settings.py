"""The board's settings: refused where a network could look without being asked, and codes that fit them."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from dashboards.board.access import OpenAccess, ProxyAccess, Role, TokenAccess, token_hash
from kommuncenter.access import board_access
from kommuncenter.cli import app
from kommuncenter.settings import CONFIG_VARIABLE, PREFIX, Settings
from schemas.errors import ConfigurationError

TOKENS = {"foajen": {"role": "wall", "sha256": token_hash("a code")}, "none": {"role": "leader"}}
KEY = "a key that signs sessions, invented"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variables of ours, and no settings file."""
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def settings(host: str = "0.0.0.0", **access: Any) -> Settings:
    return Settings.model_validate({"board": {"host": host}, "access": access})


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_may_look(host: str) -> None:
    assert isinstance(board_access(settings(host)), OpenAccess)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "tavlan.kommun.example"])
def test_a_network_is_refused_and_told_what_to_do(host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"KC_ACCESS__MODE.*docs/board\.md"):
        board_access(settings(host))


def test_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "settings.toml"
    config.write_text('[board]\nhost = "0.0.0.0"\n', encoding="utf-8")
    monkeypatch.setenv(CONFIG_VARIABLE, str(config))
    result = CliRunner().invoke(app, ["board"])
    assert result.exit_code == 2
    assert "can be reached from other machines" in " ".join(result.output.split())


def test_codes_by_role_and_how_long_they_last() -> None:
    access = board_access(settings(mode="token", tokens=TOKENS, session_key=KEY))
    assert isinstance(access, TokenAccess)
    [known] = access.tokens  # one without a hash is none
    assert (known.name, known.role, known.session_seconds) == ("foajen", Role.WALL, 90 * 86_400)
    assert access.secure
    assert access.known("a code") == known
    assert access.known("another") is None


@pytest.mark.parametrize(
    ("access", "said"),
    [
        ({"mode": "token"}, "none is issued"),
        ({"mode": "token", "tokens": {"a": {"role": "wall"}}}, "none is issued"),
        ({"mode": "token", "tokens": TOKENS, "session_key": "short"}, "needs 32"),
        ({"mode": "proxy"}, "proxy_addresses"),
        ({"mode": "proxy", "proxy_addresses": ["10.0.0.1/32"]}, "proxy_roles"),
    ],
)
def test_what_would_let_nobody_or_anybody_in_is_refused(access: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        board_access(settings(**access))


def test_sessions_end_at_a_restart_without_a_key() -> None:
    one, other = (board_access(settings(mode="token", tokens=TOKENS)) for _ in range(2))
    assert isinstance(one, TokenAccess)
    assert isinstance(other, TokenAccess)
    assert one.key != other.key


def test_a_proxy_and_its_groups() -> None:
    access = board_access(
        settings(mode="proxy", proxy_addresses=["10.0.0.0/29"], proxy_roles={"KC-Drift": "operations"})
    )
    assert isinstance(access, ProxyAccess)
    assert access.login is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"access": {"tokens": {"a": {"role": "wall", "sha256": "not a hash"}}}},
        {"access": {"tokens": {"a": {"role": "chief"}}}},
        {"access": {"mode": "open"}},
        {"board": {"tile_ancestors": ["https://a.example; script-src *"]}},
        {"board": {"tile_ancestors": ["*"]}},
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


def test_the_command_makes_a_code_that_the_settings_take() -> None:
    result = CliRunner().invoke(app, ["access", "token", "--role", "operations", "--name", "drift"])
    assert result.exit_code == 0
    code = result.stdout.strip()
    assert re.fullmatch(r"[\w-]{43}", code)
    assert code not in result.stderr
    made = tomllib.loads(result.stderr[result.stderr.index("[access") :])
    access = board_access(settings(mode="token", session_key=KEY, **made["access"]))
    assert isinstance(access, TokenAccess)
    known = access.known(code)
    assert known is not None
    assert (known.name, known.role) == ("drift", Role.OPERATIONS)
