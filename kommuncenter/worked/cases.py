"""Worked cases as they stand in their files: title, explanation, story and expected figures."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from kommuncenter.worked.story import read_story
from schemas.errors import ConfigurationError
from schemas.events import Event

Expected = Mapping[str, int | str]
"""Measure or metric -> value. A count is a number; for the rest see ``kommuncenter.worked.figures``."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Case(_Model):
    """One worked case. ``later`` are events that reach the system last, whenever they happened."""

    id: str
    title: str
    text: str
    covers: tuple[str, ...]
    events: str
    later: str = ""
    figures: Expected = {}
    """Over all rows, once every event is known."""
    within: Mapping[str, Expected] = {}
    """The same within a scope such as ``fredag 2026-11-20, telefon``."""
    before: Expected = {}
    """Over all rows, before ``later`` is known."""
    before_within: Mapping[str, Expected] = {}
    example_of: tuple[str, ...] = ()
    """Metrics of whose definition this case is the example."""

    def story(self) -> list[Event]:
        """Return the events that come first. Raises ConfigurationError."""
        return read_story(self.events)

    def sequel(self) -> list[Event]:
        """Return the events that come later. Raises ConfigurationError."""
        return read_story(self.later)


class Theme(_Model):
    """A file of cases."""

    theme: str
    intro: str
    order: int
    case: tuple[Case, ...]


def load_themes(folder: Path) -> list[Theme]:
    """Return the themes in a folder, in their order. Raises ConfigurationError that names file and key."""
    themes = []
    for path in sorted(folder.glob("*.toml")):
        try:
            themes.append(Theme.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))))
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"{path.name}: not valid TOML: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise ConfigurationError(f"{path.name}: {key}: {first['msg']}") from error
    return sorted(themes, key=lambda theme: theme.order)
