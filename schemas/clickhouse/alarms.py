"""Queries of the alarms: each gives a number for each thing that may be wrong, also when nothing is.

Grafana reads a table's text columns as labels of an alarm and its one number, ``value``, as what is held
against the threshold. A row that is missing would be no data, so a thing that is well has a row as well. Each
query takes an instant, or GRAFANA for the store's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from schemas.catalogue import Catalogue
from schemas.clickhouse.calendar import instant_sql, open_sql
from schemas.clickhouse.panels import label_expression, sums_of, wilson_sql
from schemas.clickhouse.queries import HEALTH_DAYS, ZONE, Query, rejected_share_sql, waiting_query
from schemas.clickhouse.silence import SilenceRule, SourceVerdict, source_status_query
from schemas.metric import Metric

FEWEST_CALLS = 10
"""With fewer calls in the hour the service level says nothing."""
FEWEST_RECORDS = 20
"""With fewer records in the hour the rejected share says nothing."""
REPORTED_WITHIN = timedelta(seconds=60)
"""A worker that has not reported for so long is away; it reports every five seconds."""
SURGE_TOLD_FOR = timedelta(hours=2)
"""A surge ends after an hour without a quarter that is out. One that nobody ends is told no longer."""
OVERDUE_FOR = timedelta(days=7)
"""A mail that has been overdue for longer is no longer a matter of the day: the report tells of it."""
ALL_CONTACTS = "alla kontakter"


def surge_alarm(now: datetime | str, topics: Mapping[str, str]) -> Query:
    """Return the query for surges of today: label ``amne`` (by ``topics``, name -> label), times the usual.

    0 for a surge that is over, and for all contacts while there is none.
    """
    return _query(
        now,
        f"""WITH {instant_sql(now)} AS now_at
SELECT amne, max(times) AS value
FROM
(
    SELECT '{ALL_CONTACTS}' AS amne, toFloat64(0) AS times
    UNION ALL
    SELECT {label_expression("toString(topic)", {**topics, "": ALL_CONTACTS})},
        if(over = 1 OR s.until <= now_at - {_seconds(SURGE_TOLD_FOR)}, 0, contacts / usual)
    FROM surges AS s FINAL
    WHERE s.since >= toStartOfDay(toTimeZone(now_at, '{ZONE}')) AND s.noticed_at <= now_at
)
GROUP BY amne
ORDER BY amne""",
    )


def source_alarm(
    now: datetime | str, catalogue: Catalogue, verdict: SourceVerdict, rule: SilenceRule | None = None
) -> Query:
    """Return the query for sources with a verdict: label ``kalla``, 1 where it is the verdict, else 0."""
    status = source_status_query(now, catalogue, rule)
    return Query(
        f"""SELECT toString(instance) AS kalla, toUInt8(verdict = '{verdict.value}') AS value
FROM
(
{status.sql}
)
ORDER BY kalla""",
        status.parameters,
    )


def service_level_alarm(now: datetime | str, catalogue: Catalogue, service_level: Metric) -> Query:
    """Return the query for the service level of the last hour's calls, in percent; 100 without a fault.

    That is while the centre is closed, with fewer than FEWEST_CALLS, and where the 95 % interval (Wilson)
    reaches the target: then it is neither met nor missed (DOMAIN §2.5).
    """
    hits, n = sums_of(service_level)
    return _query(
        now,
        f"""WITH
    {instant_sql(now)} AS now_at,
    {open_sql(catalogue, now)}
SELECT if(NOT is_open OR n < {FEWEST_CALLS} OR high >= {service_level.target}, 100, 100 * share) AS value
FROM
(
    SELECT {n} AS n, ({hits}) / n AS share, {wilson_sql(hits, n, 1)} AS high
    FROM service_windows_current AS f
    WHERE window > {instant_sql(now)} - INTERVAL 75 MINUTE AND window <= {instant_sql(now)}
)""",
    )


def longest_wait_alarm(now: datetime | str, catalogue: Catalogue) -> Query:
    """Return the query for the longest wait now, in minutes: label ``kanal``; 0 while closed."""
    waiting = waiting_query(now)
    return _query(
        now,
        f"""WITH
    {instant_sql(now)} AS now_at,
    {open_sql(catalogue, now)}
SELECT kanal, if(is_open, max(wait_ms) / 60000, 0) AS value
FROM
(
    SELECT arrayJoin(['telefon', 'besök']) AS kanal, toInt64(0) AS wait_ms
    UNION ALL
    SELECT if(channel = 'telephone', 'telefon', 'besök') AS kanal, longest_wait_ms
    FROM
    (
{waiting.sql}
    )
)
GROUP BY kanal
ORDER BY kanal""",
    )


def overdue_mail_alarm(now: datetime | str) -> Query:
    """Return the query for how many mails nobody has answered that fell due within OVERDUE_FOR."""
    return _query(
        now,
        f"""WITH {instant_sql(now)} AS now_at
SELECT count() AS value
FROM contacts_current
WHERE channel = 'email' AND counted AND NOT unlinked AND answered_at IS NULL
    AND due_at <= now_at AND due_at > now_at - {_seconds(OVERDUE_FOR)}
    AND day >= toDate(now_at, '{ZONE}') - 21""",
    )


def rejected_alarm(now: datetime | str) -> Query:
    """Return the query for the percentage of the last hour's records that could not be used: label ``kalla``.

    0 with fewer than FEWEST_RECORDS. A source that has reported within HEALTH_DAYS has a row.
    """
    share = rejected_share_sql("now_at - INTERVAL 1 HOUR", "now_at")
    return _query(
        now,
        f"""WITH {instant_sql(now)} AS now_at
SELECT toString(instance) AS kalla, max(amount) AS value
FROM
(
    SELECT instance, toFloat64(0) AS amount FROM source_health AS h
    WHERE h.at <= now_at AND h.at > now_at - INTERVAL {HEALTH_DAYS} DAY
    GROUP BY instance
    UNION ALL
    SELECT instance, if(rejected + accepted < {FEWEST_RECORDS}, 0, 100 * share)
    FROM
    (
{share}
    )
)
GROUP BY kalla
ORDER BY kalla""",
    )


_LATEST = f"""SELECT argMax(h.state, h.at) AS state, argMax(h.partitions, h.at) AS partitions,
        argMax(h.oldest_ms, h.at) AS oldest_ms, argMax(tuple(h.waiting_since), h.at).1 AS waiting_since
    FROM worker_health AS h
    WHERE h.at <= now_at AND h.at > now_at - INTERVAL {REPORTED_WITHIN // timedelta(seconds=1)} SECOND
    GROUP BY h.worker
    HAVING state != 'stopped'"""
"""What each worker last reported; those that have not for a while are left out."""


def worker_away_alarm(now: datetime | str) -> Query:
    """Return the query for how many partitions no worker reports to have taken over.

    Of a store that no worker has ever opened, 1.
    """
    return _query(
        now,
        f"""WITH {instant_sql(now)} AS now_at
SELECT greatest(0, wanted - taken) AS value
FROM
(
    SELECT toInt64(uniqExact(partition)) AS taken FROM
    (
        SELECT arrayJoin(partitions) AS partition FROM ({_LATEST})
    )
) AS owned
CROSS JOIN
(
    SELECT if(count() = 0, 1, toInt64OrZero(any(i.value))) AS wanted
    FROM installation AS i FINAL WHERE i.name = 'partitions'
) AS installed""",
    )


def lag_alarm(now: datetime | str) -> Query:
    """Return the query for how many minutes the oldest record waits, or a worker for store or broker."""
    return _query(
        now,
        f"""WITH {instant_sql(now)} AS now_at
SELECT max(greatest(
    oldest_ms / 60000,
    if(state = 'waiting', ifNull(dateDiff('millisecond', waiting_since, now_at), 0) / 60000, 0)
)) AS value
FROM ({_LATEST})""",
    )


def verify_failed_alarm(now: datetime | str) -> Query:
    """Return the query for whether the last run of verify found a difference: 1, else 0."""
    return _query(
        now,
        f"""WITH {instant_sql(now)} AS now_at
SELECT toUInt8(count() > 0 AND NOT argMax(v.equal, v.at)) AS value
FROM verifications AS v WHERE v.at <= now_at""",
    )


def verify_away_alarm(now: datetime | str) -> Query:
    """Return the query for how many days ago verify was last run through, or the store was first used."""
    return _query(
        now,
        f"""WITH {instant_sql(now)} AS now_at
SELECT dateDiff('second', max(known.at), now_at) / 86400 AS value
FROM
(
    SELECT v.at AS at FROM verifications AS v WHERE v.at <= now_at
    UNION ALL
    SELECT i.changed_at AS at FROM installation AS i FINAL WHERE i.name = 'partitions'
) AS known""",
    )


def delivery_alarm(now: datetime | str) -> Query:
    """Return the query for how many reports by e-mail a person has to look after.

    Those of which an attempt was begun a quarter of an hour ago and never came to an end, that will never be
    taken, or that some were refused.
    """
    return _query(
        now,
        f"""WITH {instant_sql(now)} AS now_at
SELECT countIf(missing AND (open OR never OR taken)) AS value
FROM
(
    SELECT delivery,
        countIf(step = 'sent') > 0 AS taken,
        countIf(step = 'sent' AND empty(refused)) = 0 AS missing,
        countIf(step = 'failed' AND NOT transient) > 0 AS never,
        uniqExactIf(attempt, step = 'intended' AND d.at <= now_at - INTERVAL 15 MINUTE)
            > uniqExactIf(attempt, step != 'intended') AS open
    FROM deliveries AS d FINAL
    WHERE NOT test AND d.at <= now_at AND d.at > now_at - INTERVAL 30 DAY
    GROUP BY delivery
)""",
    )


def _query(now: datetime | str, sql: str) -> Query:
    return Query(sql, {} if isinstance(now, str) else {"now": now})


def _seconds(span: timedelta) -> str:
    return f"INTERVAL {span // timedelta(seconds=1)} SECOND"
