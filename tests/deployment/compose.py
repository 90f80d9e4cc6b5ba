"""docker-compose.yml as a typed model: just the part of the Compose specification that is used here.

Any other key is an error, so that a misspelt one is found without Docker.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"

Span = Annotated[str, StringConstraints(pattern=r"^\d+(s|m)$")]
_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<word>[^}]*))?\}")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Condition(_Part):
    """What is waited for."""

    condition: Literal["service_started", "service_healthy", "service_completed_successfully"]


class HealthCheck(_Part):
    """How a container is found healthy."""

    test: list[str]
    interval: Span
    timeout: Span
    retries: int
    start_period: Span


class ConfigUse(_Part):
    """A config that is put into a container."""

    source: str
    target: str


class EnvironmentFile(_Part):
    """A file with more variables."""

    path: str
    required: bool


class Service(_Part):
    """A container."""

    image: str
    build: str | None = None
    command: list[str] | None = None
    environment: Mapping[str, str]
    env_file: list[EnvironmentFile] = []
    restart: Literal["no", "unless-stopped"]
    init: bool = False
    profiles: list[str] = []
    ports: list[str] = []
    volumes: list[str] = []
    configs: list[ConfigUse] = []
    group_add: list[str] = []
    cap_drop: list[str] = []
    security_opt: list[str] = []
    ulimits: Mapping[str, Mapping[str, int]] = {}
    depends_on: Mapping[str, Condition] = {}
    healthcheck: HealthCheck | None = None


class Config(_Part):
    """A file that stands in the compose file itself."""

    content: str


class Compose(BaseModel):
    """The whole file; keys that begin with x- are ignored, as Compose does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    services: Mapping[str, Service]
    volumes: Mapping[str, None]
    configs: Mapping[str, Config]
    extensions: Mapping[str, Any] = Field(default_factory=dict)


class MissingVariableError(Exception):
    """A variable that has to be set is not; the text is the file's own."""


def read_compose() -> Compose:
    """Return the file without its variables filled in."""
    loaded = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return Compose.model_validate({key: value for key, value in loaded.items() if not key.startswith("x-")})


def fill_in(text: str, variables: Mapping[str, str]) -> str:
    """Fill in variables as Compose does: ``${A:?text}`` must be set, ``${A:-word}`` has a default."""

    def value(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        found = variables.get(match["name"], "")
        if not found and match["kind"] == "?":
            raise MissingVariableError(f"{match['name']} {match['word']}")
        return found or (match["word"] if match["kind"] == "-" else "")

    filled = _VARIABLE.sub(value, text)
    if "$" in _VARIABLE.sub("", text):
        raise ValueError(f"a variable that is not written ${{LIKE_THIS}}: {text}")
    return filled


def variables_in(text: str) -> dict[str, str]:
    """Return the variables of a text: name -> ``?`` where it must be set, ``-`` where it has a default."""
    return {match["name"]: match["kind"] or "" for match in _VARIABLE.finditer(text) if match["name"]}


def example_variables() -> dict[str, str]:
    """Return the variables of .env.example with their values."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line.strip() and not line.startswith("#"))
    return {name: value for name, _, value in pairs}
