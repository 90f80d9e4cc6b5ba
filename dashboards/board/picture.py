"""The picture: every figure on the board at one instant, as data. How it is said stands in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dashboards.board.baseline import MEASURE, Today, Usual, compare, read_usual
from dashboards.board.figure import Figure, figure
from dashboards.board.periods import Period, Span, last_final_week, span_of, today_so_far
from dashboards.board.reading import (
    Cells,
    OverdueMail,
    SourceReport,
    Surge,
    Waiting,
    Windows,
    by_dimension,
    read_overdue_mail,
    read_past,
    read_rejections,
    read_sources,
    read_statuses,
    read_surges,
    read_today,
    read_waiting,
)
from dashboards.board.sources import SourceHealth, source_health
from dashboards.board.spread import (
    HANDOVER_MEASURES,
    TOPIC_METRICS,
    ChannelShare,
    TopicRow,
    UnitHandovers,
    channel_shares,
    topic_rows,
    unit_rows,
)
from dashboards.definitions import STANDARD, Definitions
from dashboards.figures import Group, Store, merged, read_total
from dashboards.labels import topic_label
from schemas import metrics
from schemas.catalogue import Catalogue
from schemas.clickhouse.queries import Grain
from schemas.clickhouse.silence import SilenceRule, SourceStatus
from schemas.first_contact import FCR_PROVISIONAL, TRACEABLE
from schemas.measures import quantile_seconds
from schemas.metric import Metric
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
class Beside:
    """What stands beside the service of this moment, and may be some seconds old."""

    span: Span
    past: Cells
    reports: Sequence[SourceReport]
    rejected: Mapping[str, int]
    surges: tuple[Surge, ...]
    overdue_mail: OverdueMail


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
    topics: tuple[TopicRow, ...]
    surges: tuple[Surge, ...]
    """Today's, the latest first; also those that are over."""
    overdue_mail: OverdueMail
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


def needed_measures(definitions: Definitions) -> tuple[str, ...]:
    """Return the measures that the picture is made of: a reading costs as much as it has measures."""
    shown = (*SHOWN, *TOPIC_METRICS, metrics.SPEED_OF_ANSWER)
    chosen = (definitions.service_level, definitions.first_contact)
    names = [name for metric in (*shown, *chosen) for name in metric.measures]
    more = ("contacts", "flowed_out", "channel_default", *HANDOVER_MEASURES, *EXCLUSIONS)
    return tuple(dict.fromkeys((*names, *more)))


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


def read_beside(store: Store, now: datetime, period: Period, definitions: Definitions = STANDARD) -> Beside:
    """Read the days before today, and what needs attention: sources, rejections, surges, overdue mail."""
    span = span_of(period, now)
    return Beside(
        span=span,
        past=read_past(store, span, needed_measures(definitions)),
        reports=read_sources(store, now),
        rejected=read_rejections(store, span, now),
        surges=read_surges(store, today_so_far(now)),
        overdue_mail=read_overdue_mail(store, now),
    )


def read_picture(
    store: Store,
    catalogue: Catalogue,
    now: datetime,
    period: Period,
    *,
    slow: Slow | None = None,
    beside: Beside | None = None,
    definitions: Definitions = STANDARD,
    silence: SilenceRule = SILENCE,
) -> Picture:
    """Read the whole picture at ``now``. Raises RetriableError while the store is away.

    What is given of ``slow`` and ``beside`` is not read again.
    """
    slow = slow or read_slow(store, catalogue, now, definitions, silence)
    beside = beside or read_beside(store, now, period, definitions)
    span = span_of(period, now)
    today = read_today(store, now, needed_measures(definitions))
    parts = [beside.past, *(today.values() if span.has_today else ())]
    channels = by_dimension("channel", parts)
    total = merged(channels.values())
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
        channels=channel_shares(channels),
        channel_filled_in=total.sums.get("channel_default", 0),
        units=unit_rows(by_dimension("unit", parts), catalogue),
        topics=topic_rows(by_dimension("topic", parts), catalogue),
        surges=tuple(surge.named(topic_label(surge.topic or "", catalogue)) for surge in beside.surges),
        overdue_mail=beside.overdue_mail,
        today=compare(_offered(today), slow.usual, catalogue, now),
        final_week=slow.final_week,
        final=slow.final,
        excluded={label: total.sums.get(name, 0) for name, label in EXCLUSIONS.items()},
        sources=source_health(beside.reports, slow.sources, beside.rejected, now, silence.unread_after),
    )


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


def _offered(today: Windows) -> Iterable[tuple[datetime, Mapping[str, int]]]:
    """Yield the contacts of each window by channel."""
    for window, cells in today.items():
        per_channel: dict[str, int] = {}
        for (channel, _, _), group in cells.items():
            per_channel[channel] = per_channel.get(channel, 0) + group.sums.get(MEASURE, 0)
        yield window, per_channel
