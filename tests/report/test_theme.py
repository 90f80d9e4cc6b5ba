"""The graphic profile: what is read is read easily, by those who see colours differently too."""

from __future__ import annotations

from itertools import pairwise

import pytest

from dashboards.theme import contrast, load_theme

THEME = load_theme()


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize(("front", "back", "least"), THEME.contrast)
def test_what_stands_upon_what_can_be_read(front: str, back: str, least: float) -> None:
    assert contrast(THEME[front], THEME[back]) >= least


def test_series_stand_out_from_the_paper() -> None:
    assert min(contrast(colour, THEME["paper"]) for colour in THEME.series) >= 4.5


def test_heat_grows_darker_and_its_numbers_can_be_read() -> None:
    shades = [contrast(colour, THEME["paper"]) for colour in THEME.heat]
    assert all(lower < higher for lower, higher in pairwise(shades))
    assert min(contrast(THEME.on(colour), colour) for colour in THEME.heat) >= 4.5
