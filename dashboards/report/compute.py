"""The weekly report's figures, read from the store's day grain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from dashboards.definitions import STANDARD, Definitions
from dashboards.figures import Group, Store, read_groups
from dashboards.report.comparison import Change, compare_counts, compare_means, compare_shares
from dashboards.report.model import (
    ChannelRow,
    Compared,
    Counted,
    DataQuality,
    DayRow,
    Figure,
    IdentityRow,
    RejectedRow,
    Report,
    SourceRow,
    TopicRow,
    UnitRow,
    Waits,
)
from schemas.catalogue import UNKNOWN_UNIT, Catalogue
from schemas.clickhouse.queries import Between, Grain, dead_letters_query, source_health_query
from schemas.errors import ConfigurationError
from schemas.measures import IDENTITY_RIGHT, quantile_seconds
from schemas.metric import Metric, Sums, Unit
from schemas.metrics import (
    CHANNEL_GOALS,
    CHANNEL_LABELS,
    ERRANDS,
    HANDOVER_RATE,
    METRICS,
    RESOLVED_IN_CENTRE,
    SPEED_OF_ANSWER,
    UNDER_REACH,
)
from schemas.statistics import Share, wilson
from schemas.timebase import day_start, iso_week, iso_week_days, local_day

WEEK = timedelta(days=7)
UNKNOWN_TOPIC_LABEL = "Inget ämne registrerat"
UNKNOWN_UNIT_LABEL = "Okänd mottagare"
EXCLUDED_LABELS = {
    "excluded_internal": "Kontakter från kollegor",
    "excluded_auto_reply": "Automatiska svar",
    "excluded_bounce": "Mejl som studsade tillbaka",
    "excluded_bulk": "Massutskick",
    "excluded_spam": "Skräppost",
    "errands_internal_topic": "Ärenden i ämnen som är intern service",
}
QUALITY_LABELS = {
    "errands_unlinked": "Registrerade ärenden som inte hör till någon känd kontakt",
    "channel_default": "Ärenden där ett system fyllde i kanalen av sig självt",
    "redial": "Samtal från någon som nyss lagt på i kön",
}


@dataclass(frozen=True, slots=True)
class _Week:
    """The groups of one week, read once."""

    total: Group
    channels: Mapping[str, Group]
    topics: Mapping[str, Group]
    units: Mapping[str, Group]
    days: Mapping[date, Group]


def weekly_report(
    store: Store,
    catalogue: Catalogue,
    week: str,
    clock_now: datetime,
    definitions: Definitions = STANDARD,
) -> Report:
    """Return the report of an ISO week such as ``2026-W47``, with the week before beside it.

    ``clock_now`` (aware) decides what is preliminary. ``definitions`` say by which formula and W it goes.
    Raises ConfigurationError for a week that does not exist or has not begun, and RetriableError when the
    store is away.
    """
    monday = _monday(week, clock_now)
    today = local_day(clock_now)
    now, before = _read_week(store, monday, today), _read_week(store, monday - WEEK, today)
    return Report(
        week=iso_week(monday),
        monday=monday,
        sunday=monday + WEEK - timedelta(days=1),
        made_at=clock_now,
        over=clock_now >= day_start(monday + WEEK),
        empty=not any(now.total.sums.values()),
        open_days=(_open_days(catalogue, monday), _open_days(catalogue, monday - WEEK)),
        definitions=definitions,
        figures={m.name: _compared(m, now.total, before.total, monday, clock_now) for m in METRICS},
        channels=_channels(now, before),
        topics=_topics(now, catalogue),
        units=_units(now, before, catalogue),
        days=_days(now, monday, catalogue, definitions),
        waits=(_waits(now.total), _waits(before.total)),
        identity=_identity(now),
        excluded=_counted(EXCLUDED_LABELS, now.total.sums, before.total.sums),
        quality=_quality(store, now, before, monday, clock_now),
    )


def _monday(week: str, clock_now: datetime) -> date:
    try:
        monday = iso_week_days(week.strip())[0]
        day_start(monday - WEEK)  # the week before is shown beside it
    except OverflowError as error:
        raise ConfigurationError(f"week {week!r}: no such ISO week; write it as 2026-W47") from error
    if day_start(monday) > clock_now:
        latest = iso_week(local_day(clock_now) - WEEK)
        raise ConfigurationError(
            f"week {week!r} has not begun; ask for a week that has passed, such as {latest}"
        )
    return monday


def _read_week(store: Store, monday: date, today: date) -> _Week:
    """Read a week up to today: mail that falls due later stands in the days to come (CORRECTIONS 14)."""
    period = Between(monday, min(monday + WEEK, today + timedelta(days=1)))

    def groups(dimension: str) -> dict[Any, Group]:
        return {
            key[0]: group for key, group in read_groups(store, Grain.DAY, period, by=(dimension,)).items()
        }

    channels = groups("channel")
    return _Week(_sum(channels.values()), channels, groups("topic"), groups("unit"), groups("day"))


def _sum(groups: Iterable[Group]) -> Group:
    sums: Counter[str] = Counter()
    waits: Counter[int] = Counter()
    for group in groups:
        sums.update(group.sums)
        waits.update(group.waits)
    return Group(dict(sums), dict(waits))


def figure(metric: Metric, sums: Sums) -> Figure:
    """Return a metric's figure over sums of measures."""
    hits, n = metric.counts(sums)
    return Figure(metric, hits, n, metric.value(sums), metric.share(sums))


def _compared(metric: Metric, now: Group, before: Group, monday: date, clock_now: datetime) -> Compared:
    pair = figure(metric, now.sums), figure(metric, before.sums)
    final_at = day_start(monday + WEEK) + timedelta(days=metric.final_after_days)
    if clock_now < final_at:
        return Compared(*pair, _early_change(pair), local_day(final_at))
    return Compared(*pair, _change(pair, now, before))


def _early_change(pair: tuple[Figure, Figure]) -> Change:
    """A preliminary figure is not compared: what is still to come moves it in one direction only."""
    return Change.UNKNOWN if None in (pair[0].value, pair[1].value) else Change.NOT_YET


def _change(pair: tuple[Figure, Figure], now: Group, before: Group) -> Change:
    metric = pair[0].metric
    if metric.unit is Unit.SHARE:
        return compare_shares(pair[0].share, pair[1].share)
    if metric.unit is Unit.COUNT:
        return compare_counts(pair[0].hits, pair[1].hits)
    if metric is SPEED_OF_ANSWER:
        return compare_means(pair[0].value, pair[1].value, now.waits, before.waits)
    return Change.UNKNOWN


def _open_days(catalogue: Catalogue, monday: date) -> int:
    return sum(catalogue.opening(monday + timedelta(days=ahead)) is not None for ahead in range(7))


def _channels(now: _Week, before: _Week) -> tuple[ChannelRow, ...]:
    rows = []
    for channel in _channel_order({*now.channels, *before.channels, *CHANNEL_GOALS}):
        share, earlier = (_errand_share(week, channel) for week in (now, before))
        rows.append(
            ChannelRow(
                channel,
                _channel_label(channel),
                now.channels.get(channel, Group()).sums.get("errands", 0),
                share,
                earlier,
                compare_shares(share, earlier),
                CHANNEL_GOALS.get(channel),
            )
        )
    return tuple(rows)


def _errand_share(week: _Week, channel: str) -> Share | None:
    errands = week.channels.get(channel, Group()).sums.get("errands", 0)
    return wilson(errands, week.total.sums.get("errands", 0))


def _channel_order(channels: set[str]) -> list[str]:
    known = list(CHANNEL_LABELS)
    return sorted(channels, key=lambda name: (known.index(name) if name in known else len(known), name))


def _channel_label(channel: str) -> str:
    return CHANNEL_LABELS.get(channel, channel or CHANNEL_LABELS["unknown"])


def _topics(now: _Week, catalogue: Catalogue) -> tuple[TopicRow, ...]:
    rows = []
    for name, group in now.topics.items():
        if not group.sums.get("errands"):
            continue
        topic = catalogue.topics.get(name)
        rows.append(
            TopicRow(
                name,
                topic.label if topic else name or UNKNOWN_TOPIC_LABEL,
                catalogue.areas[topic.area] if topic else "",
                *(figure(m, group.sums) for m in (ERRANDS, RESOLVED_IN_CENTRE, HANDOVER_RATE, UNDER_REACH)),
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.errands.hits, row.label)))


def _units(now: _Week, before: _Week, catalogue: Catalogue) -> tuple[UnitRow, ...]:
    rows = []
    for name, group in now.units.items():
        if not name or not group.sums.get("handovers"):
            continue
        unit = catalogue.units.get(name)
        rows.append(
            UnitRow(
                name,
                unit.label if unit else UNKNOWN_UNIT_LABEL if name == UNKNOWN_UNIT else name,
                group.sums["handovers"],
                before.units.get(name, Group()).sums.get("handovers", 0),
                group.sums["handovers_blind"],
                group.sums["handovers_consulted"],
                group.sums["handovers_ticket"],
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.handovers, row.label)))


def _days(now: _Week, monday: date, catalogue: Catalogue, definitions: Definitions) -> tuple[DayRow, ...]:
    rows = []
    for ahead in range(7):
        day = monday + timedelta(days=ahead)
        sums = now.days.get(day, Group()).sums
        rows.append(
            DayRow(
                day,
                catalogue.opening(day) is not None,
                sums.get("offered", 0),
                sums.get("errands", 0),
                figure(RESOLVED_IN_CENTRE, sums),
                figure(definitions.service_level, sums),
            )
        )
    return tuple(rows)


def _waits(group: Group) -> Waits:
    waits = dict(group.waits)
    mean = SPEED_OF_ANSWER.value(group.sums)
    return Waits(sum(waits.values()), mean, quantile_seconds(waits, 0.5), quantile_seconds(waits, 0.9))


def _identity(now: _Week) -> tuple[IdentityRow, ...]:
    rows = [
        _identity_row(channel, _channel_label(channel), now.channels[channel].sums)
        for channel in _channel_order(set(now.channels))
    ]
    return (*(row for row in rows if row.offered), _identity_row("", "Alla kanaler", now.total.sums))


def _identity_row(channel: str, label: str, sums: Sums) -> IdentityRow:
    return IdentityRow(
        channel, label, sums.get("offered", 0), {name: sums.get(name, 0) for name in IDENTITY_RIGHT}
    )


def _counted(labels: Mapping[str, str], now: Sums, before: Sums) -> tuple[Counted, ...]:
    return tuple(
        Counted(name, label, now.get(name, 0), before.get(name, 0)) for name, label in labels.items()
    )


def _quality(store: Store, now: _Week, before: _Week, monday: date, clock_now: datetime) -> DataQuality:
    period = Between(day_start(monday), day_start(monday + WEEK))
    known_at = min(clock_now, day_start(monday + WEEK))
    rejected = (
        RejectedRow(str(instance), str(reason), int(n))
        for instance, reason, n in store.rows(dead_letters_query(period))
    )
    sources = (
        SourceRow(str(instance), last, last is not None and last >= day_start(monday))
        for instance, _, last, _ in store.rows(source_health_query(known_at))
    )
    counts = _counted(QUALITY_LABELS, now.total.sums, before.total.sums)
    return DataQuality(tuple(rejected), tuple(sources), counts)
