"""How a figure and its uncertainty are written: value, tenths, interval, n."""

from __future__ import annotations

from math import floor

from dashboards.board.figure import Figure
from dashboards.swedish import NBSP, count_of, duration, number, percent, percent_interval
from schemas.metric import Unit
from schemas.statistics import SMALL_N, Share

_WITHIN = 0.015
"""A share this near to a whole tenth is said without "drygt" or "knappt"."""


def value(figure: Figure) -> str:
    """Return a figure as it stands in large type; a dash for an empty denominator."""
    if figure.metric.unit is Unit.SHARE:
        return percent(figure.value)
    if figure.metric.unit is Unit.SECONDS:
        return duration(figure.value)
    return number(figure.value, 0 if figure.metric.unit is Unit.COUNT else 1)


def of_ten(share: float) -> str:
    """Return a share (0..1) in tenths: ``drygt 7 av 10``, ``7 av 10``, ``knappt 7 av 10``."""
    tenths = floor(share * 10 + 0.5)
    difference = share - tenths / 10
    if tenths == 0:
        return "färre än 1 av 20"
    if tenths == 10 and share < 1:
        return "minst 19 av 20"
    if abs(difference) <= _WITHIN:
        return f"{tenths}{NBSP}av{NBSP}10"
    return f"{'drygt' if difference > 0 else 'knappt'} {tenths}{NBSP}av{NBSP}10"


def hits_of(share: Share, one: str, many: str) -> str:
    """Return ``7 av 10 ärenden`` for a few, and ``drygt 6 av 10 ärenden (510 av 750)`` for many."""
    plain = f"{number(share.hits)}{NBSP}av{NBSP}{number(share.n)}"
    if share.n < SMALL_N:
        return f"{plain} {one if share.n == 1 else many}"
    if share.hits == 0:
        return f"inget av {count_of(share.n, one, many)}" if one == "ärende" else f"{plain} {many}"
    if share.hits == share.n:
        return f"alla {count_of(share.n, one, many)}"
    return f"{of_ten(share.value)} {many} ({plain})"


def interval(figure: Figure) -> str:
    """Return the uncertainty of a share; empty where there is none."""
    if figure.share is None:
        return ""
    return f"osäkerhet {percent_interval(figure.share.low, figure.share.high)}"


def population(figure: Figure) -> str:
    """Return ``n = 750``."""
    return f"n{NBSP}={NBSP}{number(figure.n)}"


def plain(amount: float | None) -> str:
    """Return a median: whole, or with a half."""
    return number(amount, 0 if amount is None else _decimals(amount))


def _decimals(middle: float) -> int:
    return 0 if middle == int(middle) else 1


def sentence(text: str) -> str:
    """Return a text with a capital and a full stop."""
    return f"{text[0].upper()}{text[1:]}."
