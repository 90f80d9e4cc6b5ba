"""What a weekly report holds: figures of the week and of the week before, and nothing computed later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from dashboards.definitions import Definitions
from dashboards.report.comparison import Change
from schemas.metric import Metric, Unit
from schemas.statistics import SMALL_N, Share


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric's value over a period, with its numerator and denominator.

    Shares are in 0..1 and spans in seconds. ``value`` is None for an empty denominator; ``share`` is
    None where the metric is no share.
    """

    metric: Metric
    hits: int
    n: int
    value: float | None
    share: Share | None

    @property
    def small(self) -> bool:
        """Tell whether a ratio rests on too few (DOMAIN §2.5)."""
        return self.metric.unit is not Unit.COUNT and 0 < self.n < SMALL_N


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure of the week beside that of the week before.

    ``final_on`` is the local day from which a preliminary figure is final; None where it is final already.
    """

    now: Figure
    before: Figure
    change: Change
    final_on: date | None = None

    @property
    def metric(self) -> Metric:
        """The metric of both."""
        return self.now.metric


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel's share of all errands, beside the published picture (``goal``, 0..1)."""

    channel: str
    label: str
    errands: int
    now: Share | None
    before: Share | None
    change: Change
    goal: float | None


@dataclass(frozen=True, slots=True)
class TopicRow:
    """What a topic's errands came to. The name is empty where nobody registered a topic."""

    topic: str
    label: str
    area_label: str
    errands: Figure
    resolved: Figure
    handed_over: Figure
    under_reach: Figure


@dataclass(frozen=True, slots=True)
class UnitRow:
    """Handovers to a receiving unit, by type; two of one errand count twice."""

    unit: str
    label: str
    handovers: int
    before: int
    blind: int
    consulted: int
    ticket: int


@dataclass(frozen=True, slots=True)
class DayRow:
    """One local day."""

    day: date
    open: bool
    offered: int
    errands: int
    resolved: Figure
    service_level: Figure


@dataclass(frozen=True, slots=True)
class Waits:
    """Waiting times of answered calls in seconds. The quantiles are upper edges of their bins."""

    n: int
    mean: float | None
    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """How the offered contacts of a channel ended: ``parts`` in the order of IDENTITY_RIGHT."""

    channel: str
    label: str
    offered: int
    parts: Mapping[str, int]

    @property
    def adds_up(self) -> bool:
        """Tell whether the parts make up the offered."""
        return self.offered == sum(self.parts.values())


@dataclass(frozen=True, slots=True)
class Counted:
    """A count under a label, this week and the week before."""

    name: str
    label: str
    now: int
    before: int


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """Records of a source that could not be used, by reason."""

    instance: str
    reason: str
    records: int


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source's last event (UTC) as known at the end of the week, and whether it falls in the week."""

    instance: str
    last_event_at: datetime | None
    in_week: bool


@dataclass(frozen=True, slots=True)
class DataQuality:
    """How far the figures can be leant on."""

    rejected: tuple[RejectedRow, ...]
    sources: tuple[SourceRow, ...]
    counts: tuple[Counted, ...]

    @property
    def rejected_records(self) -> int:
        """Records that could not be used, all sources together."""
        return sum(row.records for row in self.rejected)


@dataclass(frozen=True, slots=True)
class Report:
    """A week's report. ``week`` is an ISO week such as ``2026-W47``; days are local, ``made_at`` is aware.

    ``over``: the week has passed. ``empty``: the store has nothing at all of it. ``open_days`` and ``waits``
    are of the week and of the week before.
    """

    week: str
    monday: date
    sunday: date
    made_at: datetime
    over: bool
    empty: bool
    open_days: tuple[int, int]
    definitions: Definitions
    figures: Mapping[str, Compared]
    channels: tuple[ChannelRow, ...]
    topics: tuple[TopicRow, ...]
    units: tuple[UnitRow, ...]
    days: tuple[DayRow, ...]
    waits: tuple[Waits, Waits]
    identity: tuple[IdentityRow, ...]
    excluded: tuple[Counted, ...]
    quality: DataQuality

    @property
    def service_level(self) -> Compared:
        """The service level by the installation's formula."""
        return self.figures[self.definitions.service_level.name]

    @property
    def first_contact(self) -> Compared:
        """First-contact resolution by the installation's W."""
        return self.figures[self.definitions.first_contact.name]
