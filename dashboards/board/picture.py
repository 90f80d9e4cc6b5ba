"""The picture: every figure on the board at one instant, as data. How it is said stands in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dashboards.board.baseline import MEASURE, Today, Usual, compare, read_usual
from dashboards.board.periods import Period, Span, last_final_week, span_of
from dashboards.board.reading import (
    Waiting,
    Windows,
    merged,
    read_channels,
    read_handovers,
    read_rejections,
    read_sources,
    read_statuses,
    read_today,
    read_waiting,
)
from dashboards.board.sources import SourceHealth, source_health
from dashboards.definitions import STANDARD, Definitions
from dashboards.figures import Group, Store, read_total
from schemas import metrics
from schemas.catalogue import UNKNOWN_UNIT, Catalogue
from schemas.clickhouse.queries import Grain
from schemas.clickhouse.silence import SilenceRule, SourceStatus
from schemas.first_contact import FCR_PROVISIONAL, TRACEABLE
from schemas.measures import quantile_seconds
from schemas.metric import Metric
from schemas.metrics import CHANNEL_GOALS, CHANNEL_LABELS
from schemas.statistics import Share, wilson
from schemas.timebase import iso_week, local_day

SILENCE = SilenceRule()
WAIT_STEP_S = 5
"""The longest wait is shown in steps of this, so that the page changes calmly."""
QUEUES = ("telephone", "visit")
EXCLUSIONS = {
    "excluded_internal": "Från kollegor",
    "excluded_auto_reply": "Automatiska svar",
    "excluded_bounce": "Studsade mejl",
    "excluded_bulk": "Massutskick",
    "excluded_spam": "Skräppost",
    "errands_internal_topic": "Interna ärenden",
    "errands_unlinked": "Ärenden utan känd kontakt",
}
"""Measures that stand outside the service picture, and what people call them."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric's value over a period. ``hits`` of ``n``; ``value`` is None for an empty denominator."""

    metric: Metric
    value: float | None
    hits: int
    n: int
    share: Share | None
    preliminary: bool = False


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
class Waits:
    """Waiting times of answered calls, in seconds; None without calls."""

    mean: Figure
    median_s: float | None
    p90_s: float | None


@dataclass(frozen=True, slots=True)
class Slow:
    """What changes with the day, or takes minutes to change, and need not be read every time."""

    usual: Usual
    final_week: str
    final: Figure
    sources: tuple[SourceStatus, ...]

    @property
    def complete(self) -> bool:
        """Tell whether there was something to read: a store that is being filled has it a moment later."""
        return bool(self.usual.days) and self.final.n > 0


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything on the board. Two pictures are equal when a reader would see the same."""

    at: datetime = field(compare=False)
    period: Period
    span: Span
    definitions: Definitions
    open_now: bool
    waiting: tuple[Waiting, ...]
    figures: Mapping[str, Figure]
    waits: Waits
    flowed_out: int
    channels: tuple[ChannelShare, ...]
    channel_filled_in: int
    units: tuple[UnitHandovers, ...]
    today: Today
    final_week: str
    final: Figure
    excluded: Mapping[str, int]
    sources: tuple[SourceHealth, ...]

    @property
    def service_level(self) -> Figure:
        """The service level by the installation's formula."""
        return self.figures[self.definitions.service_level.name]

    @property
    def first_contact(self) -> Figure:
        """First-contact resolution by the installation's W."""
        return self.figures[self.definitions.first_contact.name]

    @property
    def rejected(self) -> int:
        """Records that could not be used, found during the period."""
        return sum(source.rejected for source in self.sources)


SHOWN: tuple[Metric, ...] = (
    metrics.OFFERED,
    metrics.ERRANDS,
    metrics.ABANDONED,
    metrics.HANDLING_TIME,
    metrics.VISIT_WAIT,
    metrics.RESOLVED_IN_CENTRE,
    FCR_PROVISIONAL,
    TRACEABLE,
    metrics.OUTCOME_REGISTERED,
    metrics.HANDOVER_RATE,
    metrics.HANDOVERS,
    metrics.UNDER_REACH,
    metrics.MANDATE_USE,
    metrics.MAIL_IN_TIME,
    metrics.MAIL_IN_24H,
    metrics.EXCLUDED,
)
"""The metrics on the board beside those that its definitions choose; all from the registry."""

_UNTIL_CLOSING = {metrics.RESOLVED_IN_CENTRE.name, metrics.HANDOVER_RATE.name, metrics.MANDATE_USE.name}
"""Rest on outcomes that a registration may still replace today (CORRECTIONS 20)."""


def read_slow(
    store: Store,
    catalogue: Catalogue,
    now: datetime,
    definitions: Definitions = STANDARD,
    silence: SilenceRule = SILENCE,
) -> Slow:
    """Read the usual day, first-contact resolution of the latest final week, and which sources are silent."""
    today = local_day(now)
    week = last_final_week(definitions.days, today)
    total = read_total(store, Grain.DAY, week.past) if week.past else Group()
    final = figure(definitions.first_contact, total)
    statuses = read_statuses(store, catalogue, silence, now)
    return Slow(read_usual(store, catalogue, today), iso_week(week.first), final, statuses)


def read_picture(
    store: Store,
    catalogue: Catalogue,
    now: datetime,
    period: Period,
    *,
    slow: Slow | None = None,
    definitions: Definitions = STANDARD,
    silence: SilenceRule = SILENCE,
) -> Picture:
    """Read the whole picture at ``now``. Raises RetriableError while the store is away."""
    slow = slow or read_slow(store, catalogue, now, definitions, silence)
    span = span_of(period, now)
    today = read_today(store, now)
    channels = read_channels(store, span, today)
    total = merged(channels.values())
    rejected = read_rejections(store, span, now)
    shown = (*SHOWN, definitions.service_level, definitions.first_contact)
    return Picture(
        at=now,
        period=period,
        span=span,
        definitions=definitions,
        open_now=catalogue.is_open(now),
        waiting=_waiting(read_waiting(store, now)),
        figures={m.name: figure(m, total, _preliminary(m, span, catalogue, now)) for m in shown},
        waits=_waits(total),
        flowed_out=total.sums.get("flowed_out", 0),
        channels=_channels(channels),
        channel_filled_in=total.sums.get("channel_default", 0),
        units=_units(read_handovers(store, span, now), catalogue),
        today=compare(_offered(today), slow.usual, catalogue, now),
        final_week=slow.final_week,
        final=slow.final,
        excluded={label: total.sums.get(name, 0) for name, label in EXCLUSIONS.items()},
        sources=source_health(read_sources(store, now), slow.sources, rejected, now, silence.unread_after),
    )


def figure(metric: Metric, group: Group, preliminary: bool = False) -> Figure:
    """Return a metric's value over the sums of a group."""
    hits, n = metric.counts(group.sums)
    return Figure(metric, metric.value(group.sums), hits, n, metric.share(group.sums), preliminary)


def _preliminary(metric: Metric, span: Span, catalogue: Catalogue, now: datetime) -> bool:
    """Tell whether errands of the period may still change sides by what happens later."""
    if metric is FCR_PROVISIONAL:
        return True
    if metric.final_after_days:
        return not span.final(metric.final_after_days, now)
    hours = catalogue.opening(span.today)
    return metric.name in _UNTIL_CLOSING and span.has_today and hours is not None and now < hours[1]


def _waiting(found: Mapping[str, Waiting]) -> tuple[Waiting, ...]:
    gauges = (found.get(channel, Waiting(channel, 0, 0, 0)) for channel in QUEUES)
    return tuple(
        Waiting(g.channel, g.waiting, g.longest_s - g.longest_s % WAIT_STEP_S if g.waiting else 0, g.stale)
        for g in gauges
    )


def _waits(total: Group) -> Waits:
    histogram = dict(total.waits)
    return Waits(
        figure(metrics.SPEED_OF_ANSWER, total),
        quantile_seconds(histogram, 0.5),
        quantile_seconds(histogram, 0.9),
    )


def _channels(groups: Mapping[str, Group]) -> tuple[ChannelShare, ...]:
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


def _units(rows: Mapping[str, Mapping[str, int]], catalogue: Catalogue) -> tuple[UnitHandovers, ...]:
    total = sum(row["handovers"] for row in rows.values())
    units = [
        UnitHandovers(
            unit=unit,
            label=unit_label(unit, catalogue),
            handovers=row["handovers"],
            share=row["handovers"] / total,
            blind=row["handovers_blind"],
            consulted=row["handovers_consulted"],
            ticket=row["handovers_ticket"],
        )
        for unit, row in rows.items()
    ]
    return tuple(sorted(units, key=lambda unit: (-unit.handovers, unit.label)))


def unit_label(unit: str, catalogue: Catalogue) -> str:
    """Return a unit's name for people."""
    if unit == UNKNOWN_UNIT:
        return "Okänd enhet"
    known = catalogue.units.get(unit)
    return known.label if known else unit


def _offered(today: Windows) -> Iterable[tuple[datetime, int]]:
    per_window: dict[datetime, int] = {}
    for (window, _), group in today.items():
        per_window[window] = per_window.get(window, 0) + group.sums.get(MEASURE, 0)
    return per_window.items()
