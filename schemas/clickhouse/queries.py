"""The one place where SQL over figures and facts is written; panel, board and report call it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from schemas.clickhouse.tables import DIMENSIONS
from schemas.measures import MEASURE_NAMES, WAIT_HISTOGRAM
from schemas.metric import Metric
from schemas.topics import EVENTS_PREFIX

ZONE = "Europe/Stockholm"


class Grain(StrEnum):
    """Which table answers: 15 minutes for the live picture, days for weeks and years."""

    WINDOW = "window"
    DAY = "day"

    @property
    def view(self) -> str:
        """The reading view (never the table: CORRECTIONS 2)."""
        return "service_windows_current" if self is Grain.WINDOW else "service_days_current"


@dataclass(frozen=True, slots=True)
class Query:
    """A statement and its parameters, for clickhouse-connect's ``query(sql, parameters=…)``."""

    sql: str
    parameters: Mapping[str, object] = field(default_factory=dict)


OPEN_REBUILDS = Query("SELECT id, since, late FROM rebuilds FINAL WHERE state = 'open' ORDER BY recorded_at")
"""The rebuilds that were asked for and have not been seen through: id, first local day, late events."""


@dataclass(frozen=True, slots=True)
class Between:
    """A period in days (local dates) or instants (aware): ``since`` included, ``until`` not."""

    since: date | datetime
    until: date | datetime


GRAFANA = "grafana"
"""Instead of a Between: Grafana fills in the dashboard's time range by its own macro."""


def period_condition(grain: Grain, period: Between | str) -> Query:
    """Return the condition on the time column of a grain, for a period or for Grafana's range.

    Grafana's range may reach beyond now, where mail already falls due; that is left out (CORRECTIONS 14).
    """
    column = grain.value
    if isinstance(period, str):
        if grain is Grain.WINDOW:
            return Query(f"$__timeFilter({column}) AND {column} <= now()")
        until = f"least(toDate($__toTime, '{ZONE}'), toDate(now(), '{ZONE}'))"
        return Query(f"{column} >= toDate($__fromTime, '{ZONE}') AND {column} <= {until}")
    kind = "DateTime64(3, 'UTC')" if grain is Grain.WINDOW else "Date"
    return Query(
        f"{column} >= {{since:{kind}}} AND {column} < {{until:{kind}}}",
        {"since": period.since, "until": period.until},
    )


def _filters(where: Mapping[str, Sequence[str]]) -> Query:
    parts, parameters = [], {}
    for dimension, values in where.items():
        if dimension not in DIMENSIONS:
            raise ValueError(f"no such dimension: {dimension}; there are {', '.join(DIMENSIONS)}")
        parts.append(f" AND {dimension} IN {{only_{dimension}:Array(String)}}")
        parameters[f"only_{dimension}"] = list(values)
    return Query("".join(parts), parameters)


def sums_query(
    grain: Grain,
    period: Between | str,
    *,
    by: Sequence[str] = (),
    where: Mapping[str, Sequence[str]] | None = None,
    measures: Sequence[str] = MEASURE_NAMES,
    histogram: bool = False,
) -> Query:
    """Return the query for sums of measures over a period, by any of time column and dimensions.

    Its result has the columns of ``by``, then ``measures``, then ``wait_histogram`` if asked for.
    """
    condition = period_condition(grain, period)
    filters = _filters(where or {})
    columns = [*by, *(f"sum(f.{name}) AS {name}" for name in measures)]
    if histogram:
        columns.append(f"sumMap(f.{WAIT_HISTOGRAM}) AS {WAIT_HISTOGRAM}")
    group = f"\nGROUP BY {', '.join(by)}\nORDER BY {', '.join(by)}" if by else ""
    sql = f"SELECT {', '.join(columns)}\nFROM {grain.view} AS f\nWHERE {condition.sql}{filters.sql}{group}"
    return Query(sql, {**condition.parameters, **filters.parameters})


def metrics_query(
    grain: Grain,
    period: Between | str,
    metrics: Sequence[Metric],
    *,
    by: Sequence[str] = (),
    where: Mapping[str, Sequence[str]] | None = None,
) -> Query:
    """Return the query for metrics over a period; one column per metric, under its name."""
    condition = period_condition(grain, period)
    filters = _filters(where or {})
    columns = [*by, *(f"{metric.sql()} AS {metric.name}" for metric in metrics)]
    group = f"\nGROUP BY {', '.join(by)}\nORDER BY {', '.join(by)}" if by else ""
    sql = f"SELECT {', '.join(columns)}\nFROM {grain.view} AS f\nWHERE {condition.sql}{filters.sql}{group}"
    return Query(sql, {**condition.parameters, **filters.parameters})


STALE_AFTER_HOURS = 2
"""A call or visit open for longer is stale: out of the gauge, and shown apart (DOMAIN §2.4)."""


def waiting_query(now: datetime | str) -> Query:
    """Return the query for the gauges at ``now``: waiting, longest wait, and stale, by channel.

    With GRAFANA instead of an instant, now is the store's clock. Columns: channel, waiting,
    longest_wait_ms, stale. Mail does not wait in a queue and is left out.
    """
    at = "now64(3, 'UTC')" if isinstance(now, str) else "{now:DateTime64(3, 'UTC')}"
    return Query(
        f"""WITH
    {at} AS now_at,
    now_at - INTERVAL {STALE_AFTER_HOURS} HOUR AS fresh_from
SELECT channel,
    countIf(arrived_at > fresh_from) AS waiting,
    toInt64(maxIf(dateDiff('millisecond', arrived_at, now_at), arrived_at > fresh_from)) AS longest_wait_ms,
    countIf(arrived_at <= fresh_from) AS stale
FROM contacts_current
WHERE outcome = 'open' AND counted AND NOT unlinked AND channel IN ('telephone', 'visit')
    AND arrived_at <= now_at AND day >= toDate(now_at, '{ZONE}') - 1
GROUP BY channel
ORDER BY channel""",
        {} if isinstance(now, str) else {"now": now},
    )


def dead_letters_query(period: Between) -> Query:
    """Return the query for records that could not be used, found within a period of instants.

    Those that have been replayed since do not count. Columns: instance, reason, records.
    """
    return Query(
        """SELECT instance, reason, count() AS records
FROM dead_letters_current
WHERE replayed_at IS NULL
    AND at >= {since:DateTime64(3, 'UTC')} AND at < {until:DateTime64(3, 'UTC')}
GROUP BY instance, reason
ORDER BY instance, reason""",
        {"since": period.since, "until": period.until},
    )


_SOURCE_OF_LETTER = (
    f"if(startsWith(instance, '{EVENTS_PREFIX}'), substring(instance, {len(EVENTS_PREFIX) + 1}), instance)"
)


def rejected_share_query(period: Between) -> Query:
    """Return the query for how much of each instance's input could not be used, in a period of instants.

    Set against what gave events, not against all that was read: records that are rightly of no interest say
    nothing of those that ought to have become events. Messages on an instance's topic count with it.
    Replayed records count as events only. Columns: instance, rejected, accepted, share (0 to 1).
    """
    since, until = (f"{{{name}:DateTime64(3, 'UTC')}}" for name in ("since", "until"))
    return Query(rejected_share_sql(since, until), {"since": period.since, "until": period.until})


def rejected_share_sql(since: str, until: str) -> str:
    """Return the same between two expressions of instants."""
    return f"""SELECT instance, sum(bad) AS rejected, sum(good) AS accepted,
    rejected / (rejected + accepted) AS share
FROM
(
    SELECT {_SOURCE_OF_LETTER} AS instance, count() AS bad, 0 AS good
    FROM dead_letters_current
    WHERE replayed_at IS NULL AND at >= {since} AND at < {until}
    GROUP BY instance
    UNION ALL
    SELECT source AS instance, 0 AS bad, uniqExact(event_id) AS good
    FROM events
    WHERE archived_at >= {since} AND archived_at < {until}
    GROUP BY instance
)
GROUP BY instance
ORDER BY instance"""


HEALTH_DAYS = 14
"""A source that has not reported for longer counts as taken away."""


def source_health_query(at: datetime) -> Query:
    """Return the query for what was known of each source at an instant.

    Columns: instance, seen_at, last_event_at, last_read_at. The latter two are NULL where nothing came.
    A source that has been started again reports nothing at first: what it said before still holds.
    """
    return Query(
        f"""SELECT instance,
    max(s.at) AS seen_at,
    max(s.last_event_at) AS last_event_at,
    max(s.last_read_at) AS last_read_at
FROM source_health AS s
WHERE s.at <= {{at:DateTime64(3, 'UTC')}} AND s.at > {{at:DateTime64(3, 'UTC')}} - INTERVAL {HEALTH_DAYS} DAY
GROUP BY instance
ORDER BY instance""",
        {"at": at},
    )
