"""What the API answers. Names, units and meanings stay as they are within a version of the API.

Instants are in UTC; days are local days of Europe/Stockholm. Shares are 0..1, spans seconds. A value is null
where there is nothing to divide by; it is never 0 or 1 for that reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.metric import Better, Unit

WITHHELD = "withheld"
"""Stands in the place of topics that are not told apart while their period goes on."""


class Model(BaseModel):
    """Base: nothing is added in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Value(Model):
    """A figure: ``hits`` of ``n``. Shares have their 95 % interval (Wilson)."""

    value: float | None
    hits: int
    """Numerator: a count, or milliseconds for a span."""
    n: int
    """Denominator; 1 for a plain count."""
    low: float | None = None
    high: float | None = None
    preliminary: bool = False
    """Whether what happens later may still change it."""


class FigureOut(Value):
    """A figure of the picture, under the name of its metric."""

    metric: str
    label: str
    unit: Unit
    target: float | None = None


class WaitingOut(Model):
    """Who waits in a queue right now."""

    channel: str
    waiting: int
    longest_seconds: int
    """In steps of 5 seconds."""
    stale: int
    """Open for more than two hours: not among those waiting."""


class ChannelOut(Model):
    """A channel's part of the errands."""

    channel: str
    label: str
    errands: int
    contacts: int
    share: Value | None
    published: float | None
    """The published picture of the channels; no target."""


class TopicOut(Model):
    """A topic's errands. Sensitive and small topics are told as one while the period goes on."""

    topic: str
    """``withheld`` for several topics as one; empty where no topic was registered."""
    label: str
    errands: int
    resolved_in_centre: Value
    handover_rate: Value
    under_reach: int


class UnitOut(Model):
    """Handovers to a unit."""

    unit: str
    label: str
    handovers: int
    blind: int
    consulted: int
    ticket: int


class Usual(Model):
    """Median, lowest and highest of the comparable days."""

    median: float
    lowest: int
    highest: int


class QuarterOut(Model):
    """Contacts of a quarter of an hour."""

    start: datetime
    contacts: int | None
    """Null until the quarter has passed."""
    channels: Mapping[str, int] | None
    usual: float | None


class TodayOut(Model):
    """Contacts today against a usual day, up to the last full quarter."""

    until: datetime
    contacts: int
    usual: Usual | None
    compared_days: tuple[date, ...]
    quarters: tuple[QuarterOut, ...]


class SurgeOut(Model):
    """More contacts than usual."""

    topic: str
    """Empty: all contacts. ``withheld``: a topic that is not named; its numbers are null."""
    label: str
    since: datetime
    noticed_at: datetime
    until: datetime
    contacts: int | None
    usual: float | None
    times: float | None
    over: bool


class Surges(Model):
    """Surges that began within a period, the latest first."""

    since: datetime
    until: datetime
    surges: tuple[SurgeOut, ...]


class OverdueMailOut(Model):
    """Mail that has waited for longer than a working day."""

    mails: int
    first_due_at: datetime | None


class PeriodName(StrEnum):
    """Which period the picture shows."""

    TODAY = "today"
    WEEK = "week"
    LAST_WEEK = "last_week"


class Picture(Model):
    """Everything on the board at one instant."""

    at: datetime
    away_since: datetime | None
    """Since when the store is away; the picture is then the last good one."""
    period: PeriodName
    first_day: date
    last_day: date
    open_now: bool
    waiting: tuple[WaitingOut, ...]
    figures: tuple[FigureOut, ...]
    channels: tuple[ChannelOut, ...]
    topics: tuple[TopicOut, ...]
    units: tuple[UnitOut, ...]
    today: TodayOut
    surges: tuple[SurgeOut, ...]
    overdue_mail: OverdueMailOut


class MetricOut(Model):
    """How a metric is counted."""

    metric: str
    label: str
    """In Swedish, as people see it."""
    description: str
    unit: Unit
    formula: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    better: Better
    target: float | None
    final_after_days: int
    """For so many days a figure is preliminary; 0: it is final at once."""
    source: str


class Metrics(Model):
    """The metric registry."""

    metrics: tuple[MetricOut, ...]


class Dimension(StrEnum):
    """By what a metric may be split."""

    CHANNEL = "channel"
    AREA = "area"
    TOPIC = "topic"
    UNIT = "unit"


class Grain(StrEnum):
    """The steps of time of an answer."""

    TOTAL = "total"
    DAY = "day"
    QUARTER = "quarter"


class Row(Value):
    """A metric's value for a step of time and a combination of dimensions. What was not asked for is null."""

    day: date | None = None
    """The local day, for the grain ``day``."""
    start: datetime | None = None
    """When the quarter begins (UTC), for the grain ``quarter``."""
    channel: str | None = None
    area: str | None = None
    topic: str | None = None
    unit: str | None = None


class Rows(Model):
    """A metric over a period. Combinations for which there is nothing at all are left out."""

    metric: str
    label: str
    unit_of_value: Unit
    grain: Grain
    first_day: date
    last_day: date
    by: tuple[Dimension, ...]
    rows: tuple[Row, ...]


class SourceOut(Model):
    """How a source does."""

    source: str
    state: Literal["working", "silent", "unread"]
    last_event_at: datetime | None
    """Cut to the minute."""
    last_read_at: datetime | None
    silent_since: datetime | None
    missing: int | None
    """About how many contacts usually come in that time."""
    rejected_today: int


class Sources(Model):
    """The sources that have reported."""

    sources: tuple[SourceOut, ...]


class Health(Model):
    """How the board does."""

    status: Literal["ok", "away"]
    picture_at: datetime | None
    away_since: datetime | None
    listeners: int
    """Pages that listen for changes."""
    reading_ms: int
    """How long the last reading of the store took."""


class ProblemCode(StrEnum):
    """What went wrong, for programs."""

    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    METHOD = "method-not-allowed"
    INVALID = "invalid-request"
    TOO_LARGE = "too-large"
    SENSITIVE = "sensitive-topic"
    BUSY = "busy"
    AWAY = "store-away"


class InvalidParameter(Model):
    """A parameter that is wrong, and why."""

    parameter: str
    detail: str


class Problem(Model):
    """An error as RFC 9457 has it."""

    type: Annotated[str, Field(pattern="^urn:kommuncenter:problem:")]
    title: str
    status: int
    detail: str
    code: ProblemCode
    invalid: tuple[InvalidParameter, ...] = ()
