"""How errands spread over channels and units."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.board.audience import FEW
from dashboards.board.figure import Figure
from dashboards.board.sentences.service import handed_over
from dashboards.board.sentences.shares import sentence
from dashboards.board.spread import ChannelShare, TopicRow, UnitHandovers
from dashboards.swedish import count_of, listed, number, percent
from schemas.metrics import CHANNEL_GOALS, CHANNEL_LABELS


def channels(shares: Sequence[ChannelShare]) -> str:
    """Say how the errands came."""
    known = [share for share in shares if share.share is not None]
    if not known:
        return "Inga ärenden under perioden."
    return sentence(
        "Av ärendena kom "
        + listed(f"{percent(share.share.value)} via {_VIA[share.channel]}" for share in known if share.share)
    )


_VIA = {"telephone": "telefon", "email": "e-post", "visit": "besök", "unknown": "okänd kanal"}


def goals() -> str:
    """Return the published picture of the channels."""
    return listed(
        f"{CHANNEL_LABELS[channel].lower()} {percent(goal)}" for channel, goal in CHANNEL_GOALS.items()
    )


def units(rows: Sequence[UnitHandovers], rate: Figure) -> str:
    """Say where errands are handed over."""
    if not rows:
        return "Inga överlämningar under perioden."
    total = sum(row.handovers for row in rows)
    top = rows[0]
    most = f"flest till {top.label} ({number(top.handovers)})"
    return f"{count_of(total, 'överlämning', 'överlämningar')}, {most}. {handed_over(rate)}"


def topics(rows: Sequence[TopicRow]) -> str:
    """Say what the errands are about."""
    named = [row for row in rows if row.topic]
    if not rows:
        return "Inga ärenden under perioden."
    if not named:
        return "Inget ämne är registrerat."
    most = listed(f"{row.label[0].lower()}{row.label[1:]} ({number(row.errands)})" for row in named[:3])
    return f"Flest ärenden gäller {most}."


def few(row: TopicRow) -> str:
    """Return a topic's errands; small counts that are shown as one are not told exactly."""
    return f"färre än {FEW}" if row.topic is None and row.errands < FEW else number(row.errands)
