"""The municipality's colours, made readable on Grafana's dark and light ground alike."""

from __future__ import annotations

from dashboards.theme import contrast, load_theme

GROUNDS = ("#181b1f", "#ffffff")
"""The ground of a panel in Grafana's dark and light theme."""
LEAST = 4.0
"""Contrast on both grounds: WCAG 2.1 asks 3 of what is drawn; the grounds allow 4.1 at most."""


def legible(colour: str) -> str:
    """Return a colour ``#rrggbb``, mixed with as much white as it takes to be seen on the dark ground."""
    for white in range(101):
        mixed = _mixed(colour, white / 100)
        if contrast(mixed, GROUNDS[0]) >= LEAST:
            return mixed
    return "#ffffff"


def _mixed(colour: str, white: float) -> str:
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part + (255 - part) * white):02x}" for part in parts)


SERIES = tuple(map(legible, load_theme().series))
MUTED = legible(load_theme()["muted"])
"""What says little."""
MET, MISSED = SERIES[0], SERIES[1]
"""A target met and missed: blue and orange, which the colour-blind can tell apart."""
