"""The municipality's graphic profile, read from theme.toml: colours, fonts and names in one place."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours are ``#rrggbb``; fonts stand in the order in which they are tried.

    ``contrast`` are pairs (foreground, background, least ratio) of names of colours that are used upon
    one another.
    """

    organisation: str
    service: str
    fonts: Mapping[str, tuple[str, ...]]
    colours: Mapping[str, str]
    series: tuple[str, ...]
    heat: tuple[str, ...]
    contrast: tuple[tuple[str, str, float], ...]

    def __getitem__(self, name: str) -> str:
        """Return a colour by its name."""
        return self.colours[name]

    def on(self, background: str) -> str:
        """Return ink or paper, whichever is read best upon a colour ``#rrggbb``."""
        return max((self["ink"], self["paper"]), key=lambda colour: contrast(colour, background))

    def stack(self, name: str) -> str:
        """Return a list of fonts as CSS has it."""
        generic = {"serif", "sans-serif", "monospace"}
        return ", ".join(font if font in generic else f'"{font}"' for font in self.fonts[name])


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours ``#rrggbb``, 1..21 (WCAG 2.1, relative luminance)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@cache
def load_theme() -> Theme:
    """Return the profile that the package brings along."""
    return _theme(tomllib.loads((resources.files("dashboards") / "theme.toml").read_text(encoding="utf-8")))


def _theme(found: Mapping[str, Any]) -> Theme:
    return Theme(
        organisation=found["organisation"],
        service=found["service"],
        fonts={name: tuple(fonts) for name, fonts in found["fonts"].items()},
        colours=dict(found["colours"]),
        series=tuple(found["charts"]["series"]),
        heat=tuple(found["charts"]["heat"]),
        contrast=tuple((a, b, float(ratio)) for a, b, ratio in found["contrast"]["pairs"]),
    )
