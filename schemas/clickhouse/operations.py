"""SQL of how the system itself does: workers, lag, sources, dead letters, the store, and verify's result."""

from __future__ import annotations

from schemas.catalogue import Catalogue
from schemas.clickhouse.panels import label_expression
from schemas.clickhouse.queries import GRAFANA, HEALTH_DAYS, rejected_share_sql
from schemas.clickhouse.silence import SilenceRule, SourceVerdict, source_status_query
from schemas.topics import EVENTS_PREFIX

WORKER_STATES = {
    "starting": "Startar",
    "taking_over": "Tar över",
    "running": "Arbetar",
    "waiting": "Väntar",
    "stopped": "Stoppad",
}
READER_STATES = {"starting": "Startar", "reading": "Läser", "waiting": "Väntar", "stopped": "Stoppad"}
VERDICTS = {
    SourceVerdict.WORKING.value: "Fungerar",
    SourceVerdict.SILENT.value: "Tyst",
    SourceVerdict.UNREAD.value: "Läses inte",
}
GONE_AFTER_MINUTES = 2
"""A worker reports every few seconds: one that has not for so long is away, whatever it said last."""

_ONE_SOURCE = "instance = ${source:singlequote}"


def sources_query(catalogue: Catalogue, rule: SilenceRule, *, chosen_only: bool = False) -> str:
    """Return the query for how each source does now, the worst first; or only the one that is chosen.

    Columns: source_key, Källa, Läge, Läsaren, Orsak, Senaste händelse, Senast läst, Efter, Enhet,
    Väntat sedan dess, Vanligt per timme, Händelser, Avvisade, Luckor.
    """
    status = source_status_query(GRAFANA, catalogue, rule).sql
    where = f"\nWHERE {_ONE_SOURCE}" if chosen_only else ""
    return f"""SELECT instance AS source_key, instance AS `Källa`,
    {label_expression("verdict", VERDICTS)} AS `Läge`,
    {label_expression("toString(state)", READER_STATES)} AS `Läsaren`,
    reason AS `Orsak`,
    last_event_at AS `Senaste händelse`,
    last_read_at AS `Senast läst`,
    lag AS `Efter`,
    lag_unit AS `Enhet`,
    expected AS `Väntat sedan dess`,
    usual AS `Vanligt per timme`,
    published AS `Händelser`,
    rejected AS `Avvisade`,
    gaps AS `Luckor`
FROM
(
{status}
){where}
ORDER BY verdict = 'working', instance"""


def source_names_query() -> str:
    """Return the query for the values of the variable ``source``."""
    since = f"now() - INTERVAL {HEALTH_DAYS} DAY"
    return f"SELECT DISTINCT instance FROM source_health WHERE at > {since} ORDER BY instance"


def source_events_query() -> str:
    """Return the query for the chosen source's events per hour. Columns: time, Händelser, Försenade."""
    return f"""SELECT toStartOfHour(occurred_at) AS time,
    uniqExact(event_id) AS `Händelser`,
    uniqExactIf(event_id, late) AS `Försenade`
FROM events
WHERE $__timeFilter(occurred_at) AND {_ONE_SOURCE.replace("instance", "source")}
GROUP BY time
ORDER BY time"""


def source_lag_query() -> str:
    """Return the query for how far the chosen source is behind, per five minutes. Columns: time, Efter."""
    return f"""SELECT toStartOfFiveMinutes(at) AS time, max(lag) AS `Efter`
FROM source_health AS h
WHERE $__timeFilter(at) AND {_ONE_SOURCE}
GROUP BY time
ORDER BY time"""


def source_letters_query() -> str:
    """Return the query for the chosen source's records that could not be used, grouped by cause.

    Columns: Orsak, Förklaring, Antal, Olösta, Första, Senaste. Messages on its topic count with it.
    """
    return f"""SELECT reason AS `Orsak`, detail AS `Förklaring`,
    count() AS `Antal`,
    countIf(replayed_at IS NULL) AS `Olösta`,
    min(l.at) AS `Första`,
    max(l.at) AS `Senaste`
FROM dead_letters_current AS l
WHERE $__timeFilter(at)
    AND instance IN (${{source:singlequote}}, concat('{EVENTS_PREFIX}', ${{source:singlequote}}))
GROUP BY reason, detail
ORDER BY `Antal` DESC, reason, detail
LIMIT 200"""


def letters_over_time_query() -> str:
    """Return the query for unusable records per hour and reason, replayed ones included.

    Columns: time, Orsak, Antal.
    """
    return """SELECT toStartOfHour(l.at) AS time, reason AS `Orsak`, count() AS `Antal`
FROM dead_letters_current AS l
WHERE $__timeFilter(at)
GROUP BY time, reason
ORDER BY time, reason"""


def rejected_query() -> str:
    """Return the query for how much of each instance's input could not be used, within the range.

    Columns: source_key, Källa, Avvisade, Händelser, Andel avvisade.
    """
    return f"""SELECT instance AS source_key, instance AS `Källa`,
    rejected AS `Avvisade`, accepted AS `Händelser`, share AS `Andel avvisade`
FROM
(
{rejected_share_sql("$__fromTime", "$__toTime")}
)
ORDER BY share DESC, instance"""


def workers_query() -> str:
    """Return the query for the latest report of each worker of the last day, those that are away first.

    Columns: Arbetare, Läge, Senaste rapport, Startad, Väntar sedan, Fel, Partitioner, Äldsta ogjorda (ms),
    Tid per omgång (ms, of the last ten minutes' batches), Längsta omgång (ms).
    """
    recent = "h.at > now_at - INTERVAL 10 MINUTE"
    return f"""WITH now64(3, 'UTC') AS now_at
SELECT worker AS `Arbetare`,
    if(seen_at < now_at - INTERVAL {GONE_AFTER_MINUTES} MINUTE AND latest.1 != 'stopped', 'Borta',
        {label_expression("toString(latest.1)", WORKER_STATES)}) AS `Läge`,
    seen_at AS `Senaste rapport`,
    latest.2 AS `Startad`,
    latest.3 AS `Väntar sedan`,
    latest.4 AS `Fel`,
    length(latest.5) AS `Partitioner`,
    latest.6 AS `Äldsta ogjorda`,
    if(batches = 0, NULL, batch_ms / batches) AS `Tid per omgång`,
    longest AS `Längsta omgång`
FROM
(
    SELECT worker,
        max(h.at) AS seen_at,
        argMax((h.state, h.started_at, h.waiting_since, h.error, h.partitions, h.oldest_ms), h.at) AS latest,
        sumIf(h.batches, {recent}) AS batches,
        sumIf(h.batch_ms, {recent}) AS batch_ms,
        maxIf(h.longest_batch_ms, {recent}) AS longest
    FROM worker_health AS h FINAL
    WHERE h.at > now_at - INTERVAL 1 DAY AND h.at <= now_at
    GROUP BY worker
)
ORDER BY `Läge` != 'Borta', `Läge` != 'Väntar', worker"""


def lag_over_time_query() -> str:
    """Return the query for records that stand undone on each topic, per minute: the worst of the minute.

    Columns: time, Ämne på bussen, Ogjorda. A worker's highest of the minute, summed over workers.
    """
    return """SELECT time, topic AS `Kö`, sum(highest) AS `Ogjorda`
FROM
(
    SELECT toStartOfMinute(l.at) AS time, topic, worker, max(l.lag) AS highest
    FROM consumer_lag AS l
    WHERE $__timeFilter(at) AND lag IS NOT NULL
    GROUP BY time, topic, worker
)
GROUP BY time, topic
ORDER BY time, topic"""


def throughput_query() -> str:
    """Return the query for records done per second and topic, per minute, summed over workers.

    Columns: time, Kö, Per sekund.
    """
    return """SELECT time, topic AS `Kö`, sum(rate) AS `Per sekund`
FROM
(
    SELECT toStartOfMinute(l.at) AS time, topic, worker,
        if(sum(l.span_ms) = 0, 0, 1000 * sum(l.records) / sum(l.span_ms)) AS rate
    FROM consumer_lag AS l FINAL
    WHERE $__timeFilter(at)
    GROUP BY time, topic, worker
)
GROUP BY time, topic
ORDER BY time, topic"""


def verifications_query() -> str:
    """Return the query for the latest ten runs of verify, whatever the range.

    Columns: Kördes, Första dag, Sista dag, Resultat, Skillnader, Händelser, Sena händelser, Väntar på
    omräkning, Tog (s).
    """
    return """SELECT v.at AS `Kördes`,
    v.since AS `Första dag`,
    v.until AS `Sista dag`,
    if(v.equal, 'Stämmer', 'Skiljer sig') AS `Resultat`,
    arraySum(mapValues(v.differences)) AS `Skillnader`,
    arrayStringConcat(
        arrayMap((what, n) -> concat(what, ': ', toString(n)),
            mapKeys(mapFilter((what, n) -> n > 0, v.differences)),
            mapValues(mapFilter((what, n) -> n > 0, v.differences))),
        ', ') AS `Var`,
    v.events AS `Händelser`,
    v.late AS `Sena händelser`,
    v.awaiting_rebuild AS `Väntar på omräkning`,
    v.seconds AS `Tog`
FROM verifications AS v FINAL
ORDER BY v.at DESC
LIMIT 10"""


def restart_annotations_query() -> str:
    """Return the query for when workers were started, as annotations. Columns: time, title, text."""
    return """SELECT started_at AS time, 'Arbetare startad' AS title, worker AS text
FROM worker_health
WHERE $__timeFilter(started_at) AND at >= $__fromTime
GROUP BY started_at, worker
ORDER BY time, text"""


def tables_query() -> str:
    """Return the query for the size of the store's tables that the asker may see.

    Columns: Tabell, Rader, Storlek (bytes), Delar. Many parts mean that merging does not keep up.
    """
    return """SELECT table AS `Tabell`,
    sum(rows) AS `Rader`, sum(bytes_on_disk) AS `Storlek`, count() AS `Delar`
FROM system.parts
WHERE active AND database = currentDatabase()
GROUP BY table
ORDER BY `Storlek` DESC, table"""


def disks_query() -> str:
    """Return the query for the store's disks, its version and how long it has run.

    Columns: Disk, Ledigt (bytes), Ledig andel, Version, Igång (s).
    """
    return """SELECT name AS `Disk`, free_space AS `Ledigt`,
    if(total_space = 0, NULL, free_space / total_space) AS `Ledig andel`,
    version() AS `Version`, uptime() AS `Igång`
FROM system.disks
ORDER BY name"""
