"""Judgements in words, with a symbol and a tone: against a target, and against the published picture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dashboards.board.figure import Figure
from dashboards.board.spread import ChannelShare
from dashboards.swedish import percent
from schemas.statistics import Share

TOO_FEW = "för få för att säga säkert"


class Tone(StrEnum):
    """How a judgement is drawn; the words say the same, so colour is never alone."""

    GOOD = "god"
    BAD = "dalig"
    NEUTRAL = "neutral"
    WARNING = "varning"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement in words, with a symbol and a tone."""

    text: str
    symbol: str
    tone: Tone


def verdict(figure: Figure) -> Verdict | None:
    """Judge a figure against its target; None where there is no target or nothing to judge.

    Beside a preliminary figure the target is only told: what is still open today counts as unsolved, and
    would make every morning look bad.
    """
    share, target = figure.share, figure.metric.target
    if share is None:
        return None
    if share.small:
        return Verdict(TOO_FEW.capitalize(), "?", Tone.NEUTRAL)
    if target is None:
        return None
    if figure.preliminary:
        return Verdict(f"Målet är {percent(target)}", "◎", Tone.NEUTRAL)
    return _judged(share, target)


def _judged(share: Share, target: float) -> Verdict:
    """A target inside the interval is neither met nor missed (DOMAIN §2.5)."""
    goal = f"målet {percent(target)}"
    if share.covers(target):
        return Verdict(f"I nivå med {goal}", "≈", Tone.NEUTRAL)
    if share.value > target:
        return Verdict(f"Över {goal}", "▲", Tone.GOOD)
    return Verdict(f"Under {goal}", "▼", Tone.BAD)


def channel_verdict(channel: ChannelShare) -> Verdict | None:
    """Compare a channel with the published picture, which is no target: neither good nor bad."""
    if channel.share is None or channel.goal is None:
        return None
    goal = percent(channel.goal)
    if channel.share.small:
        return Verdict(TOO_FEW.capitalize(), "?", Tone.NEUTRAL)
    if channel.share.covers(channel.goal):
        return Verdict(f"I nivå med {goal}", "≈", Tone.NEUTRAL)
    over = channel.share.value > channel.goal
    return Verdict(f"{'Mer' if over else 'Mindre'} än {goal}", "▲" if over else "▼", Tone.NEUTRAL)
