"""SQL that only the report asks: hours, the cost ladder, surges, what came late, and what was published."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.clickhouse.queries import ZONE, Between, Grain, Query, period_condition
from schemas.timebase import day_start


def hours_query(days: Between) -> Query:
    """Return the query for calls and their waits by weekday and hour, over local days.

    Columns: weekday (1 is Monday), hour (local clock), calls_answered, wait_ms, calls_abandoned.
    """
    condition = period_condition(Grain.WINDOW, instants(days))
    return Query(
        f"""SELECT toDayOfWeek(toTimeZone(window, '{ZONE}')) AS weekday,
    toHour(toTimeZone(window, '{ZONE}')) AS hour,
    sum(f.calls_answered) AS calls_answered, sum(f.wait_ms) AS wait_ms,
    sum(f.calls_abandoned) AS calls_abandoned
FROM service_windows_current AS f
WHERE {condition.sql} AND channel = 'telephone'
GROUP BY weekday, hour
HAVING calls_answered + calls_abandoned > 0
ORDER BY weekday, hour""",
        condition.parameters,
    )


def ladder_query(days: Between, internal_topics: Sequence[str]) -> Query:
    """Return the query for errands and the centre's time by topic, level and performer, over local days.

    The population is that of the measure ``errands``. A contact's handling time (talk, hold and wrap-up; at
    the desk from call to end) is divided evenly over its errands in whole milliseconds, the first ones taking
    what is left over, so that the parts add up. Columns: area, topic, level (-1 where it is not known),
    performed_by (empty where nobody has closed it), errands, timed (errands of a contact whose time is
    known), ms, solved_timed and solved_ms (of those, resolved by the centre).
    """
    return Query(
        """SELECT area, topic, level, performed_by,
    count() AS errands,
    countIf(ms > 0) AS timed,
    sum(ms) AS ms_sum,
    countIf(ms > 0 AND solved) AS solved_timed,
    sumIf(ms, solved) AS solved_ms
FROM
(
    SELECT e_area AS area, e_topic AS topic, toInt16(ifNull(e_level, -1)) AS level,
        if(e_outcome = 'open', '', e_by) AS performed_by,
        e_outcome = 'resolved' AND e_by = 'centre' AS solved,
        intDiv(handle_ms, many) + (number <= handle_ms % many) AS ms
    FROM
    (
        SELECT handle_ms, greatest(length(errand_topic), 1) AS many, errand_area, errand_topic, errand_level,
            errand_performed_by, errand_outcome
        FROM contacts_current
        WHERE NOT unlinked AND automatic = '' AND audience != 'internal'
            AND day >= {since:Date} AND day < {until:Date}
    )
    ARRAY JOIN errand_area AS e_area, errand_topic AS e_topic, errand_level AS e_level,
        errand_performed_by AS e_by, errand_outcome AS e_outcome, arrayEnumerate(errand_topic) AS number
    WHERE e_topic NOT IN {internal_topics:Array(String)}
)
GROUP BY area, topic, level, performed_by
ORDER BY area, topic, level, performed_by""",
        {"since": days.since, "until": days.until, "internal_topics": sorted(internal_topics)},
    )


def surges_query(days: Between) -> Query:
    """Return the query for the surges that were noticed on local days, in order.

    Columns: topic (empty: all contacts), since, until (UTC), contacts, usual, over.
    """
    condition = instants(days)
    return Query(
        """SELECT topic, since, until, contacts, usual, over
FROM surges FINAL
WHERE since >= {since:DateTime64(3, 'UTC')} AND since < {until:DateTime64(3, 'UTC')}
ORDER BY since, topic""",
        {"since": condition.since, "until": condition.until},
    )


def late_query(days: Between) -> Query:
    """Return the query for what is archived of local days and counts nowhere until it is rebuilt.

    Its one row: events.
    """
    condition = instants(days)
    return Query(
        """SELECT count() AS events
FROM events FINAL
WHERE late AND occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}""",
        {"since": condition.since, "until": condition.until},
    )


def published_query(period: str, scope: str) -> Query:
    """Return the query for the versions of a report that were published, the latest first.

    Columns: version, cells (key -> value), published_at (UTC).
    """
    return Query(
        """SELECT version, cells, published_at
FROM reports
WHERE period = {period:String} AND scope = {scope:String}
ORDER BY published_at DESC, version""",
        {"period": period, "scope": scope},
    )


def instants(days: Between) -> Between:
    """Return local days as instants (UTC)."""
    return Between(day_start(days.since), day_start(days.until))
