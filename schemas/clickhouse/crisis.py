"""SQL of what a crisis looks like: surges, and contacts and topics against a usual day (DOMAIN §2.5)."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.catalogue import WEEKDAYS, Catalogue, DayKind
from schemas.clickhouse.calendar import special_days_sql
from schemas.clickhouse.panels import chosen, label_expression, quoted
from schemas.clickhouse.queries import GRAFANA, ZONE

COMPARED_DAYS = 8
"""So many of the last ordinary days of the same weekday tell what is usual, as on the board."""
WEEKS_BACK = 26
"""No comparable day is looked for further back."""
TOPIC_HOURS = 3
"""Topics are held against the usual over so many hours back from the end of the range."""

_RANGE = "since <= $__toTime AND until >= $__fromTime"
_END = "least(toDateTime($__toTime), now())"
"""Until when the range has passed. An older range shows an older crisis as it was."""


def surges_query(topics: Mapping[str, str]) -> str:
    """Return the query for the surges within the range, the latest first. ``topics``: name -> label.

    The key of all contacts is Grafana's own for every choice; whole, it would be taken for a macro.
    Columns: topic_key, Ämne, Sedan, Märktes, Till, Kontakter, Vanligt, Gånger, Läge.
    """
    return f"""SELECT if(topic = '', concat(char(36), '__all'), topic) AS topic_key,
    {label_expression("toString(topic)", {**topics, "": "Alla kontakter"})} AS `Ämne`,
    since AS `Sedan`,
    noticed_at AS `Märktes`,
    until AS `Till`,
    contacts AS `Kontakter`,
    usual AS `Vanligt`,
    contacts / usual AS `Gånger`,
    if(over, 'Över', 'Pågår') AS `Läge`
FROM surges FINAL
WHERE {_RANGE}
ORDER BY since DESC, topic"""


def surges_now_query() -> str:
    """Return the query for how many surges are going on of those that began in the last day. One number."""
    return f"""SELECT countIf(NOT over) AS `Pågår nu` FROM surges FINAL
WHERE since > {_END} - INTERVAL 1 DAY AND since <= {_END}"""


def surge_annotations_query(topics: Mapping[str, str]) -> str:
    """Return the query for surges as annotations. Columns: time, timeEnd, title, text."""
    return f"""SELECT since AS time, until AS timeEnd,
    concat('Topp: ', {label_expression("toString(topic)", {**topics, "": "alla kontakter"})}) AS title,
    concat(toString(contacts), ' mot vanliga ', toString(round(usual, 1)),
        if(over, '', ', pågår')) AS text
FROM surges FINAL
WHERE {_RANGE}
ORDER BY since, topic"""


def surging_topics_query(topics: Mapping[str, str]) -> str:
    """Return the query for errands per quarter of the topics that surged within the range.

    Columns: time, Ämne, Ärenden.
    """
    return f"""SELECT f.window AS time,
    {label_expression("toString(f.topic)", topics)} AS `Ämne`,
    sum(f.errands) AS `Ärenden`
FROM service_windows_current AS f
WHERE $__timeFilter(window) AND window <= now()
    AND topic IN (SELECT topic FROM surges FINAL WHERE {_RANGE} AND topic != '')
    AND {chosen("channel")}
GROUP BY time, `Ämne`
ORDER BY time, `Ämne`"""


def usual_day_query(catalogue: Catalogue) -> str:
    """Return the query for contacts per quarter of the range, and their median on comparable days.

    All in the chosen channels. A day on which nothing came at all says nothing. Columns: time, Kontakter,
    Vanligt; the latter is NULL on special days and where nothing is to be compared with. Quarters that have
    not passed are left out.
    """
    return f"""WITH
{_settings(catalogue)},
quarters AS
(
    SELECT arrayJoin(range(
            toUInt32(toStartOfFifteenMinutes(toDateTime($__fromTime))), toUInt32(until_at) - 899, 900
        )) AS second,
        toDateTime(second, 'UTC') AS window,
        {_day("window")} AS day,
        {_minute("window")} AS minute
),
{_COUNTS},
{_compared("(SELECT DISTINCT day FROM quarters)")}
SELECT q.window AS time,
    any(today.n) AS `Kontakter`,
    if(countIf(c.other > toDate(0)) = 0, NULL,
        quantileExactInclusiveIf(0.5)(former.n, c.other > toDate(0))) AS `Vanligt`
FROM quarters AS q
LEFT JOIN compared AS c ON q.day = c.day
LEFT JOIN counts AS today ON q.day = today.day AND q.minute = today.minute
LEFT JOIN counts AS former ON c.other = former.day AND q.minute = former.minute
GROUP BY time
ORDER BY time"""


def usual_topics_query(catalogue: Catalogue, topics: Mapping[str, str]) -> str:
    """Return the query for errands by topic over the last hours of the range, and their usual number.

    Hours of the same local day only. Columns: topic_key, Ämne, Ärenden, Vanligt (a median), Gånger; the
    most unusual first.
    """
    quarter = f"day = today AND minute >= from_minute AND minute < {_minute('until_at')}"
    return f"""WITH
{_settings(catalogue)},
{_day("until_at")} AS today,
greatest(0, {_minute("until_at")} - {TOPIC_HOURS * 60}) AS from_minute,
{_COUNTS},
{_compared("(SELECT today AS day)")},
errands AS
(
    SELECT {_day("f.window")} AS day, {_minute("f.window")} AS minute, toString(f.topic) AS topic,
        sum(f.errands) AS n
    FROM service_windows_current AS f
    WHERE window >= until_at - INTERVAL {WEEKS_BACK} WEEK - INTERVAL 1 DAY AND window < until_at
        AND {chosen("channel")}
    GROUP BY day, minute, topic
    HAVING n > 0
),
per_day AS
(
    SELECT topic, day, sum(n) AS n FROM errands
    WHERE minute >= from_minute AND minute < {_minute("until_at")}
    GROUP BY topic, day
),
now_in AS (SELECT topic, sum(n) AS n FROM errands WHERE {quarter} GROUP BY topic)
SELECT if(t.topic = '', 'inget', t.topic) AS topic_key,
    {label_expression("t.topic", topics)} AS `Ämne`,
    any(t.n) AS `Ärenden`,
    if(countIf(c.other > toDate(0)) = 0, NULL,
        quantileExactInclusiveIf(0.5)(p.n, c.other > toDate(0))) AS `Vanligt`,
    if(`Vanligt` > 0, `Ärenden` / `Vanligt`, NULL) AS `Gånger`
FROM now_in AS t
LEFT JOIN compared AS c ON c.day = today
LEFT JOIN per_day AS p ON p.topic = t.topic AND p.day = c.other
GROUP BY t.topic
ORDER BY `Gånger` DESC NULLS LAST, `Ärenden` DESC, t.topic"""


def holiday_annotations_query(catalogue: Catalogue) -> str:
    """Return the query for the catalogue's special days as annotations. Columns: time, timeEnd, title, text.

    Reads no table.
    """
    special = sorted(catalogue.days.items())
    days = ", ".join(f"('{day.isoformat()}', {quoted(named.name)})" for day, named in special)
    return f"""SELECT toStartOfDay(toDate(special.1), '{ZONE}') AS time,
    toStartOfDay(toDate(special.1) + 1, '{ZONE}') - 1 AS timeEnd,
    special.2 AS title,
    'Jämförs inte med andra dagar.' AS text
FROM (SELECT arrayJoin(CAST([{days}] AS Array(Tuple(String, String)))) AS special)
WHERE time <= $__toTime AND timeEnd >= $__fromTime
ORDER BY time"""


def _settings(catalogue: Catalogue) -> str:
    weekdays = ", ".join(str(number) for number, name in enumerate(WEEKDAYS, 1) if name in catalogue.hours)
    return f"""{_END} AS until_at,
{special_days_sql(catalogue, GRAFANA, DayKind, days_back=0)} AS special_days,
[{weekdays}] AS open_weekdays"""


_COUNTS = f"""counts AS
(
    SELECT toDate(f.window, '{ZONE}') AS day,
        toHour(f.window, '{ZONE}') * 60 + toMinute(f.window, '{ZONE}') AS minute,
        sum(f.offered) AS n
    FROM service_windows_current AS f
    WHERE window >= $__fromTime - INTERVAL {WEEKS_BACK} WEEK - INTERVAL 1 DAY AND window < until_at
        AND {chosen("channel")}
    GROUP BY day, minute
    HAVING n > 0
)"""
"""Contacts by local day and minute at which a quarter begins."""


def _compared(days: str) -> str:
    """Return the CTE of which days each of ``days`` is compared with: nearest first, ordinary ones only."""
    return f"""compared AS
(
    SELECT shown.day AS day, known.day AS other
    FROM {days} AS shown
    CROSS JOIN (SELECT DISTINCT day FROM counts) AS known
    WHERE known.day < shown.day AND known.day >= shown.day - {7 * WEEKS_BACK}
        AND toDayOfWeek(known.day) = toDayOfWeek(shown.day)
        AND has(open_weekdays, toDayOfWeek(shown.day))
        AND NOT has(special_days, shown.day) AND NOT has(special_days, known.day)
    ORDER BY day, other DESC
    LIMIT {COMPARED_DAYS} BY day
)"""


def _day(instant: str) -> str:
    return f"toDate({instant}, '{ZONE}')"


def _minute(instant: str) -> str:
    return f"toHour({instant}, '{ZONE}') * 60 + toMinute({instant}, '{ZONE}')"
