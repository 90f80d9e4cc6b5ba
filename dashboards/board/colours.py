"""The board's colours as custom properties of CSS: light ones out of the municipality's profile, and dark."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from dashboards.theme import Theme, load_theme

DARK: Mapping[str, str] = {
    "primary-soft": "#123246",
    "page": "#0c141a",
    "card": "#16212a",
    "text": "#eef3f6",
    "muted": "#b3c1cb",
    "line": "#35464f",
    "link": "#8ecbf2",
    "focus": "#8ecbf2",
    "good": "#8fdcb1",
    "good-back": "#12331f",
    "bad": "#ffb3b3",
    "bad-back": "#431a1a",
    "warn": "#ffd58a",
    "warn-back": "#3d2c09",
    "neutral": "#cdd8df",
    "neutral-back": "#25333d",
    "chart-telephone": "#3f86b3",
    "chart-email": "#8ecbf2",
    "chart-visit": "#e3eef5",
    "chart-usual": "#f3d9a4",
    "bar-fill": "#4d9fd0",
    "bar-back": "#26343e",
}
"""Neutral backgrounds with light text upon them; the profile's own colour stays in the band at the top."""


def light(theme: Theme) -> Mapping[str, str]:
    """Return the light colours of a profile."""
    return {
        "primary": theme["primary"],
        "on-primary": theme["on_primary"],
        "primary-soft": theme.heat[1],
        "page": theme["shade"],
        "card": theme["paper"],
        "text": theme["ink"],
        "muted": theme["muted"],
        "line": theme["line"],
        "link": theme["primary"],
        "focus": theme["primary"],
        "good": theme["good"],
        "good-back": "#e2f3e9",
        "bad": theme["bad"],
        "bad-back": "#fbe6e6",
        "warn": theme["warning"],
        "warn-back": theme["warning_back"],
        "neutral": theme["muted"],
        "neutral-back": theme.heat[0],
        "chart-telephone": theme.heat[4],
        "chart-email": theme.heat[3],
        "chart-visit": theme.heat[2],
        "chart-usual": theme["ink"],
        "bar-fill": theme.heat[4],
        "bar-back": theme.heat[1],
    }


@cache
def theme_css() -> str:
    """Return the style sheet: light, dark where the reader's computer is, and either where it was chosen."""
    theme = load_theme()
    own, dark = _properties(light(theme)), _properties(DARK)
    return (
        "/* Made of dashboards/theme.toml. */\n"
        f":root {{{own} --font: {theme.stack('body')}; --mono: {theme.stack('mono')}; }}\n"
        f'@media (prefers-color-scheme: dark) {{ :root:not([data-theme="ljust"]) {{{dark} }} }}\n'
        f':root[data-theme="morkt"] {{{dark} }}\n'
    )


def _properties(colours: Mapping[str, str]) -> str:
    return "".join(f" --{name}: {value};" for name, value in colours.items())
