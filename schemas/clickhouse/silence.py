"""Whether a source is silent, by its own usual rhythm: no events is not zero calls (DOMAIN §2.6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import log

from schemas.catalogue import Catalogue, DayKind
from schemas.clickhouse.calendar import instant_sql, special_days_sql
from schemas.clickhouse.queries import HEALTH_DAYS, ZONE, Query

HISTORY_DAYS = 56
"""Eight weeks before the last sign of a source tell how often it usually has something to tell."""
DAYS_BACK = 2 * HISTORY_DAYS + 1
"""A rhythm may rest on the eight weeks before a last sign that is as old."""
HALF_SHARE = 0.5
"""Eves and squeeze days are expected to be half as busy: too few of them are kept to know better."""
SUNDAY = 7
"""A weekday on which the centre is closed (DayKind.CLOSED) has the rhythm of a Sunday."""


class SourceVerdict(StrEnum):
    """What is to be said of a source."""

    WORKING = "working"
    SILENT = "silent"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How a source instance does: a row of ``source_status_query``. Times are in UTC, None for never.

    ``state`` and ``reason`` are the reader's. ``seen_at`` is its last report, ``heard_at`` the last event or
    when it was sent, whichever is later. ``expected`` is how many contacts usually begin in the time since,
    ``usual`` how many in this hour of this day; None where none is usual. ``lag`` is None where unknown.
    Counts are since the reader started.
    """

    instance: str
    verdict: SourceVerdict
    state: str
    reason: str
    seen_at: datetime | None
    heard_at: datetime | None
    last_event_at: datetime | None
    last_read_at: datetime | None
    expected: float | None
    usual: float | None
    lag: int | None
    lag_unit: str
    published: int
    rejected: int
    gaps: int

    def __post_init__(self) -> None:
        """Take the verdict as the store gives it. Raises ValueError for one that there is not."""
        object.__setattr__(self, "verdict", SourceVerdict(self.verdict))


@dataclass(frozen=True, slots=True)
class SilenceRule:
    """When no events are an alarm.

    ``chance``: how unlikely so long a silence must be. At 0.0001 about nine contacts have to be missing: a
    fifth of an hour on a busy Monday morning, never at night. ``floor``: what is shorter is no silence.
    ``unread_after``: without a sign of life from the reader, or with a reader that waits, for so long, the
    source counts as not read.
    """

    chance: float = 1e-4
    floor: timedelta = timedelta(minutes=10)
    unread_after: timedelta = timedelta(minutes=10)

    @property
    def missing(self) -> float:
        """The contacts that must be missing: a Poisson variable of that mean is 0 with ``chance``."""
        return -log(self.chance)


_HEARD = f"""health AS
(
    SELECT instance,
        min(h.at) AS first_seen_at,
        max(h.at) AS seen_at,
        max(h.last_event_at) AS last_event_at,
        max(h.last_read_at) AS last_read_at,
        max(h.last_sent_at) AS last_sent_at,
        argMax((h.state, h.reason, h.lag, h.lag_unit, h.published, h.rejected, h.gaps), h.at) AS latest
    FROM source_health AS h
    WHERE h.at <= now_at AND h.at > now_at - INTERVAL {HEALTH_DAYS} DAY
    GROUP BY instance
),
begun AS
(
    SELECT source, leg_id, min(occurred_at) AS begun_at, max(occurred_at) AS last_at
    FROM events
    WHERE occurred_at <= now_at AND occurred_at > now_at - INTERVAL {2 * HISTORY_DAYS} DAY
    GROUP BY source, leg_id
),
archived AS
(
    SELECT source, max(last_at) AS last_at, toDate(min(begun_at), '{ZONE}') AS first_day
    FROM begun
    GROUP BY source
),
heard AS
(
    SELECT h.*, a.first_day AS first_day,
        greatest(ifNull(h.last_event_at, never), ifNull(h.last_sent_at, never), a.last_at) AS last_sign,
        if(last_sign = never, NULL, least(last_sign, now_at)) AS heard_at,
        toDate(least(last_sign, now_at), '{ZONE}') AS heard_day,
        toInt64(toUnixTimestamp64Milli(least(last_sign, now_at))) AS heard_ms
    FROM health AS h
    LEFT JOIN archived AS a ON h.instance = a.source
)"""
"""When something last came from each source, by its reports and by the archive."""

_RHYTHM = f"""rhythm AS
(
    SELECT h.instance AS instance, toDayOfWeek(b.day) AS weekday, b.quarter AS quarter,
        arrayCount(
            d -> toDayOfWeek(d) = weekday AND d >= any(h.first_day)
                AND NOT has(closed_days, d) AND NOT has(half_days, d),
            arrayMap(back -> any(h.heard_day) - back, range(1, {HISTORY_DAYS + 1}))
        ) AS days,
        uniqExact(b.minute) / days AS usual
    FROM
    (
        SELECT source, toTimeZone(begun_at, '{ZONE}') AS local, toDate(local) AS day,
            intDiv(toHour(local) * 60 + toMinute(local), 15) AS quarter, toStartOfMinute(local) AS minute
        FROM begun
    ) AS b
    INNER JOIN heard AS h ON b.source = h.instance
    WHERE b.day >= h.heard_day - {HISTORY_DAYS} AND b.day < h.heard_day
        AND NOT has(closed_days, b.day) AND NOT has(half_days, b.day)
    GROUP BY instance, weekday, quarter
)"""
"""The usual minutes with something new, per source, weekday and quarter."""

_SUMS = f"""-- Quarters since the last sign, and of the present hour: how far each counts in which sum.
quarters AS
(
    SELECT instance, found.1 AS start_ms, found.2 AS present,
        toTimeZone(fromUnixTimestamp64Milli(start_ms), '{ZONE}') AS local,
        toDate(local) AS day,
        if(has(closed_days, day), {SUNDAY}, toDayOfWeek(day)) AS weekday,
        intDiv(toHour(local) * 60 + toMinute(local), 15) AS quarter,
        if(has(half_days, day), {HALF_SHARE}, 1) AS busy,
        if(present, 0, busy * (least(start_ms + 900000, now_ms) - greatest(start_ms, heard_ms)) / 900000)
            AS since,
        if(present, busy, 0) AS hourly
    FROM heard
    ARRAY JOIN arrayConcat(
        arrayMap(
            n -> (toInt64(n) * 900000, false),
            range(
                toUInt64(intDiv(greatest(heard_ms, now_ms - {HISTORY_DAYS} * 86400000), 900000)),
                toUInt64(intDiv(now_ms, 900000) + 1)
            )
        ),
        arrayMap(n -> (toInt64(intDiv(now_ms, 3600000) * 4 + n) * 900000, true), range(4))
    ) AS found
),
sums AS
(
    SELECT q.instance AS instance,
        toNullable(sum(q.since * r.usual)) AS expected,
        toNullable(sum(q.hourly * r.usual)) AS usual
    FROM quarters AS q
    INNER JOIN rhythm AS r USING (instance, weekday, quarter)
    GROUP BY instance
)"""
"""What was to be expected of each source since its last sign, and in the present hour."""

_STATUS = f"""SELECT h.instance AS instance,
    multiIf(
        h.seen_at < unread_from
            OR (state = 'waiting' AND ifNull(h.last_read_at, h.first_seen_at) < unread_from),
        'unread',
        ifNull(h.heard_at, h.first_seen_at) <= floor_from
            AND (
                expected >= missing_from
                OR ifNull(h.heard_at, never) < now_at - INTERVAL {HISTORY_DAYS} DAY
            ),
        'silent',
        'working'
    ) AS verdict,
    h.latest.1 AS state,
    h.latest.2 AS reason,
    h.seen_at AS seen_at,
    h.heard_at AS heard_at,
    h.last_event_at AS last_event_at,
    h.last_read_at AS last_read_at,
    s.expected AS expected,
    s.usual AS usual,
    h.latest.3 AS lag,
    h.latest.4 AS lag_unit,
    h.latest.5 AS published,
    h.latest.6 AS rejected,
    h.latest.7 AS gaps
FROM heard AS h
LEFT JOIN sums AS s ON h.instance = s.instance
ORDER BY instance"""
"""The verdicts."""


def source_status_query(now: datetime | str, catalogue: Catalogue, rule: SilenceRule | None = None) -> Query:
    """Return the query for how each source does at ``now``; with GRAFANA instead, at the store's clock.

    The rhythm of a source is the number of minutes in which a call, a message or a visit first stands in
    its events: those are independent, where events come in flocks and an export is all of one instant. It
    is the mean per weekday and quarter of an hour, over the ordinary days of the eight weeks before its
    last sign. Over the time since then that gives what was to be expected, and so the chance of nothing.

    One row per source that has reported within HEALTH_DAYS, by name; its columns are SourceStatus's fields.
    """
    rule = rule or SilenceRule()
    halved = special_days_sql(catalogue, now, {DayKind.EVE, DayKind.SQUEEZE}, DAYS_BACK)
    settings = f"""{instant_sql(now)} AS now_at,
toInt64(toUnixTimestamp64Milli(now_at)) AS now_ms,
toDateTime64(0, 3, 'UTC') AS never,
{special_days_sql(catalogue, now, {DayKind.CLOSED}, DAYS_BACK)} AS closed_days,
{halved} AS half_days,
{rule.missing!r} AS missing_from,
now_at - {_seconds(rule.floor)} AS floor_from,
now_at - {_seconds(rule.unread_after)} AS unread_from"""
    sql = "WITH " + ",\n".join((settings, _HEARD, _RHYTHM, _SUMS)) + "\n" + _STATUS
    return Query(sql, {} if isinstance(now, str) else {"now": now})


def _seconds(span: timedelta) -> str:
    return f"INTERVAL {span // timedelta(seconds=1)} SECOND"
