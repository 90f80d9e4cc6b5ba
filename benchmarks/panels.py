"""What each panel costs on a store of five years: rows read and milliseconds, at the median.

``python -m benchmarks.panels [runs]``: 40 000 contacts a year on working days, eight partitions, ten per cent
of the rows written twice; events of 60 days, and what sources and workers report of themselves for 13 months.
The figures are what verify's SQL makes of the contacts. Each panel is asked over its board's own range, and
those of the figures over all five years too. A board opens as slowly as its slowest panel: Grafana asks them
side by side.
"""

# ruff: noqa: S608 - put together of constants

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from clickhouse_connect.driver.client import Client

from dashboards.grafana.model import Dashboard
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from schemas.catalogue import load_catalogue
from schemas.clickhouse.queries import Query
from schemas.measures import MEASURE_NAMES
from streams.verify.sql import recomputed_query
from tests.dashboards.grafana_answers import BOARDS, EVERYTHING
from tests.dashboards.grafana_macros import expand
from tests.services.clickhouse import connect, migrated

YEARS, A_YEAR, PARTITIONS = 5, 40_000, 8
CONTACTS = YEARS * A_YEAR
CATALOGUE = load_catalogue()
TOPICS = [name for name, topic in CATALOGUE.topics.items() if not topic.internal]
UNITS = list(CATALOGUE.units)
RANGES = {
    "now-7d": timedelta(days=7),
    "now-12w/w": timedelta(weeks=12, days=6),
    "now/d": timedelta(hours=14),
    "now-24h": timedelta(hours=24),
    "now-6h": timedelta(hours=6),
}
OVER_ALL = ("Lägesbild", "Uppföljning", "Kontakter")

_CONTACTS = f"""INSERT INTO contacts
WITH
    arrayFilter(d -> toDayOfWeek(d) < 6, arrayMap(n -> today() - n, range({YEARS * 365}))) AS open_days,
    number AS i,
    cityHash64(i, 1) AS h1, cityHash64(i, 2) AS h2, cityHash64(i, 3) AS h3, cityHash64(i, 4) AS h4,
    open_days[1 + h1 % length(open_days)] AS on_day,
    toDateTime64(toDateTime(on_day, 'Europe/Stockholm') + 28800 + h2 % 28800, 3, 'UTC') AS arrived,
    multiIf(h3 % 100 < 81, 'telephone', h3 % 100 < 93, 'email', 'visit') AS by,
    h4 % 10 < 8 AS took,
    {TOPICS} [1 + cityHash64(i, 5) % {len(TOPICS)}] AS about,
    {[CATALOGUE.area_of(topic) for topic in TOPICS]} [1 + cityHash64(i, 5) % {len(TOPICS)}] AS within_area,
    cityHash64(i, 6) % 100 < 68 AS solved
SELECT on_day AS day, lower(hex(h1)) AS contact_id, i % {PARTITIONS} AS partition,
    bitShiftLeft(toUInt64(1), 40) AS revision,
    0 AS deleted, by AS channel, 'registered' AS channel_source, arrived AS arrived_at,
    if(took, arrived + h2 % 120, NULL) AS answered_at,
    if(took AND by = 'email', arrived + h2 % 90000, NULL) AS replied_at,
    arrived + 600 AS ended_at, if(took, NULL, arrived + 40) AS left_at, NULL AS reopened_at,
    if(took, 'answered', 'abandoned') AS outcome, 0 AS short_abandoned, took AS taken, 1 AS counted,
    if(took, toInt64(1000 * (h2 % 120)), NULL) AS wait_ms, toInt64(1000 * (h3 % 600)) AS handle_ms,
    '' AS flow_out_reason,
    'kommuncenter' AS queue, if(h4 % 13 = 0, 'internal', 'unknown') AS audience, '' AS automatic,
    0 AS redial,
    0 AS thanks, 0 AS unlinked, if(by = 'email', arrived + 86400, NULL) AS due_at,
    if(h4 % 8 = 0, '', lower(hex(cityHash64(i % 30000)))) AS party, [lower(hex(h1))] AS legs,
    if(took, ['e1'], []) AS errand_name, if(took, [about], []) AS errand_topic,
    if(took, [within_area], []) AS errand_area,
    if(took, [toNullable(toUInt8(10 * (1 + h4 % 5)))], []) AS errand_level,
    if(took, [if(solved, 'centre', 'department')], []) AS errand_performed_by,
    if(took, [if(solved, 'resolved', 'handed_over')], []) AS errand_outcome,
    if(took, ['registered'], []) AS errand_outcome_source,
    if(took, [toNullable(toUInt8(h4 % 5 < 4))], []) AS errand_within_mandate,
    if(took, [toUInt8(solved)], []) AS errand_first_contact,
    if(took, [toUInt8(0)], []) AS errand_warm_transfer,
    if(took, [if(solved, [], [{UNITS} [1 + h2 % {len(UNITS)}]])], []) AS errand_handover_units,
    if(took, [if(solved, [], [['blind', 'consulted', 'ticket'][1 + h3 % 3]])], []) AS errand_handover_kinds,
    if(took, [if(h2 % 9 = 0, arrived + 86400 * (1 + h3 % 20), NULL)], []) AS errand_first_repeat_at
FROM numbers({CONTACTS})
WHERE """

_EVENTS = """INSERT INTO events
SELECT partition, arrived_at + 30 * step AS occurred_at, contact_id AS leg_id,
    concat(contact_id, toString(step)) AS event_id,
    'kommuncenter.contact.answered' AS type,
    multiIf(channel = 'telephone', 'telephony', channel = 'email', 'mail', 'desk') AS source,
    repeat('x', 400) AS payload, 2 AS version, 0 AS late, arrived_at + 30 * step AS archived_at
FROM contacts ARRAY JOIN range(6) AS step
WHERE day >= today() - 60"""

_HEALTH = """INSERT INTO source_health
SELECT ['telephony', 'mail', 'desk'][1 + number % 3] AS instance, now64(3) - intDiv(number, 3) * 5 AS at,
    at AS last_event_at, at AS last_read_at,
    number AS published, 0 AS rejected, at AS last_sent_at, 'reading' AS state, '' AS reason, 0 AS lag,
    'bytes' AS lag_unit, 0 AS gaps
FROM numbers(3 * 395 * 17280)"""

_WORKERS = """INSERT INTO worker_health
SELECT ['a:1', 'b:2'][1 + number % 2] AS worker, now64(3) - intDiv(number, 2) * 10 AS at,
    toStartOfMonth(at) AS started_at, 'running' AS state,
    NULL AS waiting_since, '' AS error, [0, 1, 2, 3] AS partitions, 20 AS oldest_ms, 10000 AS span_ms,
    9 AS batches, 90 AS batch_ms, 30 AS longest_batch_ms
FROM numbers(2 * 395 * 8640)"""

_LAG = """INSERT INTO consumer_lag
SELECT ['a:1', 'b:2'][1 + number % 2] AS worker, now64(3) - intDiv(number, 8) * 10 AS at,
    ['kc.events.telephony', 'kc.events.mail', 'kc.events.desk', 'kc.legs']
        [1 + intDiv(number, 2) % 4] AS topic,
    4 AS partitions, number % 7 AS lag, 50 AS records, 10000 AS span_ms
FROM numbers(8 * 395 * 8640)"""

_REST = (
    f"""INSERT INTO surges SELECT now64(3) - number * 86400 * 9 AS since,
    ['', 'va-avfall', 'turism'][1 + number % 3] AS topic,
    since + 900 AS noticed_at, since + 7200 AS until, 60 AS contacts, 9.5 AS usual, 1 AS over,
    until AS recorded_at FROM numbers({YEARS * 40})""",
    """INSERT INTO dead_letters SELECT hex(MD5(toString(number))) AS id,
    ['telephony', 'mail', 'desk'][1 + number % 3] AS instance, '1' AS place,
    ['unknown-verb', 'bad-time'][1 + number % 2] AS reason, 'detail' AS detail, '' AS sha256, 1 AS size,
    now64(3) - number * 3600 AS at, 'record' AS kind, '' AS sealed
FROM numbers(18000)""",
    f"""INSERT INTO verifications SELECT now64(3) - number * 86400 AS at, today() - 30 AS since,
    today() AS until, true AS equal, 9000 AS events, 0 AS late,
    0 AS awaiting_rebuild, map('figures', toUInt64(0)) AS differences, 9.0 AS seconds
    FROM numbers({YEARS * 365})""",
    f"""INSERT INTO epochs SELECT 1 + number % 2 AS stage, intDiv(number, 2) % {PARTITIONS} AS partition,
    1 AS epoch, 'n' AS nonce, 'active' AS state,
    toDateTime64(0, 3) AS horizon_from, now64(3) AS recorded_at FROM numbers({2 * PARTITIONS})""",
)


def fill(client: Client) -> None:
    """Fill an empty, migrated store."""
    for statement in (_HEALTH, _WORKERS, _LAG, *_REST):
        client.command(statement)
    for partition in range(PARTITIONS):
        client.command("TRUNCATE TABLE contacts")
        client.command(f"{_CONTACTS} number % {PARTITIONS} = {partition}")
        _figures(client, partition)
    client.command("TRUNCATE TABLE contacts")
    client.command(f"{_CONTACTS} 1")
    client.command(_EVENTS)
    for table, key in (
        ("contacts", "contact_id"),
        ("service_windows", "window, topic"),
        ("service_days", "day, topic"),
        ("events", "event_id"),
    ):
        client.command(f"INSERT INTO {table} SELECT * FROM {table} WHERE cityHash64({key}) % 10 = 0")


def _figures(client: Client, partition: int) -> None:
    """Write both grains of a partition's figures: what verify's SQL makes of its contacts."""
    today = datetime.now(UTC).date()
    query = recomputed_query(today - timedelta(days=YEARS * 366), today + timedelta(days=30), [])
    measures = ", ".join(f"sumIf(amount, name = '{name}') AS {name}" for name in MEASURE_NAMES)
    for table, column, key in (
        ("service_windows", "window", "window"),
        ("service_days", "day", "toDate(window, 'Europe/Stockholm')"),
    ):
        client.command(
            f"""INSERT INTO {table}
    ({column}, partition, channel, area, topic, unit, revision, {", ".join(MEASURE_NAMES)})
SELECT {key} AS place, {partition}, channel, area, topic, unit, bitShiftLeft(toUInt64(1), 40), {measures}
FROM ({query.sql})
GROUP BY place, channel, area, topic, unit""",
            parameters=dict(query.parameters),
        )


def cost(client: Client, sql: str, runs: int) -> tuple[int, float, int]:
    """Return rows read, milliseconds at the median, and rows of the answer."""
    spans, read, given = [], 0, 0
    for _ in range(runs):
        begun = time.perf_counter()
        result = client.query(sql)
        spans.append(1000 * (time.perf_counter() - begun))
        read, given = int(result.summary["read_rows"]), len(result.result_rows)
    return read, median(spans), given


def main(arguments: list[str]) -> None:
    """Print the table."""
    runs = int(arguments[0]) if arguments else 5
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedClickHouse(Path(folder)) as endpoint,
        migrated(endpoint) as database,
    ):
        name = str(database.rows(Query("SELECT currentDatabase()"))[0][0])
        with connect(endpoint, database=name, send_receive_timeout=600) as client:
            begun = time.perf_counter()
            fill(client)
            _tell_sizes(client, time.perf_counter() - begun)
        with connect(endpoint, reader=True, database=name) as reader:
            for board in BOARDS.values():
                _measure(reader, board, board.time.from_, RANGES[board.time.from_], runs)
                if board.title in OVER_ALL:
                    _measure(reader, board, "five years", timedelta(days=YEARS * 365), runs)


def _tell_sizes(client: Client, seconds: float) -> None:
    sizes = client.query(
        "SELECT table, sum(rows) AS n FROM system.parts WHERE active AND database = currentDatabase() "
        "GROUP BY table ORDER BY n DESC"
    ).result_rows
    listed = ", ".join(f"{table} {rows:,}" for table, rows in sizes if rows > 1000)
    sys.stdout.write(f"Filled in {seconds:.0f} s: {listed}\n")


def _measure(client: Client, board: Dashboard, range_name: str, span: timedelta, runs: int) -> None:
    """Print what a board's panels, and the marks upon them, cost over a range up to now."""
    now = datetime.now(UTC)
    asked = [
        (panel.title, target.raw_sql, timedelta(days=1) if panel.time_from else span)
        for panel in board.panels
        for target in panel.targets
    ]
    asked += [
        (f"({mark.name})", mark.target.raw_sql, span)
        for mark in board.annotations.list
        if mark.enable and mark.target.raw_sql
    ]
    sys.stdout.write(f"\n{board.title}, {range_name}\n{'rows read':>12} {'ms':>8} {'rows':>6}\n")
    slowest = 0.0
    for title, sql, back in asked:
        read, ms, given = cost(client, expand(sql, now - back, now, EVERYTHING), runs)
        slowest = max(slowest, ms)
        sys.stdout.write(f"{read:>12,} {ms:>8.1f} {given:>6}  {title}\n")
    sys.stdout.write(f"{'':12} {slowest:>8.1f}         the slowest\n")


if __name__ == "__main__":
    main(sys.argv[1:])
