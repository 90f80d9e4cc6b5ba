"""How errands spread: over channels, over topics, and over the units that they are handed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dashboards.board.figure import Figure, figure
from dashboards.figures import Group
from dashboards.labels import topic_label
from schemas import metrics
from schemas.catalogue import UNKNOWN_UNIT, Catalogue
from schemas.metrics import CHANNEL_GOALS, CHANNEL_LABELS
from schemas.statistics import Share, wilson

HANDOVER_MEASURES = ("handovers", "handovers_blind", "handovers_consulted", "handovers_ticket")
TOPIC_METRICS = (metrics.ERRANDS, metrics.RESOLVED_IN_CENTRE, metrics.HANDOVER_RATE, metrics.UNDER_REACH)
"""The columns of the table of topics, here and in Grafana."""
OTHER_TOPICS = "Övriga ämnen"


@dataclass(frozen=True, slots=True)
class ChannelShare:
    """A channel's share of the errands; ``goal`` is the published picture, None for an unknown channel."""

    channel: str
    label: str
    errands: int
    contacts: int
    share: Share | None
    goal: float | None


@dataclass(frozen=True, slots=True)
class UnitHandovers:
    """Handovers to one unit: in all, its share of all handovers, and by kind."""

    unit: str
    label: str
    handovers: int
    share: float
    blind: int
    consulted: int
    ticket: int


@dataclass(frozen=True, slots=True)
class TopicRow:
    """A topic's errands, and what became of them. ``topic`` is None for several that are shown as one."""

    topic: str | None
    label: str
    sums: Group
    total: int
    """Errands of all topics."""

    @property
    def errands(self) -> int:
        """Errands of the topic."""
        return self.sums.sums.get("errands", 0)

    @property
    def share(self) -> float:
        """The topic's share of all errands."""
        return self.errands / self.total

    @property
    def resolved(self) -> Figure:
        """How many of them the centre has resolved."""
        return figure(metrics.RESOLVED_IN_CENTRE, self.sums)

    @property
    def handed_over(self) -> Figure:
        """How many of them were handed over."""
        return figure(metrics.HANDOVER_RATE, self.sums)

    @property
    def under_reach(self) -> int:
        """How many were handed over although the centre may resolve them."""
        return self.sums.sums.get("under_reach", 0)


def channel_shares(groups: Mapping[str, Group]) -> tuple[ChannelShare, ...]:
    """Return the goals' channels always, and others where they have errands."""
    total = sum(group.sums.get("errands", 0) for group in groups.values())
    others = [channel for channel in CHANNEL_LABELS if channel not in CHANNEL_GOALS]
    shown = [*CHANNEL_GOALS, *(c for c in others if groups.get(c, Group()).sums.get("errands"))]
    shares = []
    for channel in shown:
        sums = groups.get(channel, Group()).sums
        errands = sums.get("errands", 0)
        shares.append(
            ChannelShare(
                channel=channel,
                label=CHANNEL_LABELS[channel],
                errands=errands,
                contacts=sums.get("contacts", 0),
                share=wilson(errands, total),
                goal=CHANNEL_GOALS.get(channel),
            )
        )
    return tuple(shares)


def unit_rows(groups: Mapping[str, Group], catalogue: Catalogue) -> tuple[UnitHandovers, ...]:
    """Return the units that errands are handed to, most first."""
    rows = {unit: group.sums for unit, group in groups.items() if unit and group.sums.get("handovers")}
    total = sum(sums["handovers"] for sums in rows.values())
    units = [
        UnitHandovers(
            unit=unit,
            label=unit_label(unit, catalogue),
            handovers=sums["handovers"],
            share=sums["handovers"] / total,
            blind=sums.get("handovers_blind", 0),
            consulted=sums.get("handovers_consulted", 0),
            ticket=sums.get("handovers_ticket", 0),
        )
        for unit, sums in rows.items()
    ]
    return tuple(sorted(units, key=lambda unit: (-unit.handovers, unit.label)))


def topic_rows(groups: Mapping[str, Group], catalogue: Catalogue) -> tuple[TopicRow, ...]:
    """Return the topics that have errands, most first; those without a topic last."""
    kept = tuple(name for metric in TOPIC_METRICS for name in metric.measures)
    rows = {topic: group.sums for topic, group in groups.items() if group.sums.get("errands")}
    total = sum(sums["errands"] for sums in rows.values())
    topics = [
        TopicRow(
            topic=topic,
            label=topic_label(topic, catalogue),
            sums=Group({name: sums.get(name, 0) for name in kept}),
            total=total,
        )
        for topic, sums in rows.items()
    ]
    return tuple(sorted(topics, key=lambda row: (row.topic == "", -row.errands, row.label)))


def unit_label(unit: str, catalogue: Catalogue) -> str:
    """Return a unit's name for people."""
    if unit == UNKNOWN_UNIT:
        return "Okänd enhet"
    known = catalogue.units.get(unit)
    return known.label if known else unit
