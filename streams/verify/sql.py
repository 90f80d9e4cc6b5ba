"""Every measure once more, out of the facts, in SQL written by hand; and what differs from the figures.

Measures stand here in long form, one row per (where, figure): what the facts give on one side and what is
stored on the other, so that a difference comes back as the window, the figure and both amounts. No text is
made from the stream's code; only the names of the stored columns come from the vocabulary.
"""

# ruff: noqa: S608 - put together of the constants below; values are parameters

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from enum import StrEnum

from schemas.clickhouse.queries import Query
from schemas.measures import MEASURE_NAMES, WAIT_HISTOGRAM
from schemas.timebase import day_start

MOST_DIFFERENCES = 10_000
"""More than these are counted, but not brought here one by one."""

WAIT_BIN = "if(wait_s < 600, wait_s, least(1000, 600 + toInt64(floor(log(wait_s / 600) / log(1.02) + 1e-9))))"
"""Whole seconds up to 600 s, then steps of 2 % (CORRECTIONS 32)."""

_CONTACTS = """
SELECT toDateTime64(toStartOfInterval(arrived_at, INTERVAL 15 MINUTE, 'UTC'), 3, 'UTC') AS window,
    channel, '' AS area, '' AS topic, '' AS unit, figure.1 AS name, toInt64(figure.2) AS amount
FROM
(
    SELECT *,
        automatic != '' AS machine,
        automatic = '' AND audience = 'internal' AS internal,
        automatic = '' AND audience != 'internal' AS external,
        external AND channel = 'telephone' AND outcome = 'answered' AND wait_ms IS NOT NULL AS call_answered,
        external AND channel = 'telephone' AND outcome = 'abandoned' AS call_abandoned,
        ifNull(dateDiff('millisecond', arrived_at, left_at) <= 60000, false) AS left_in_target,
        external AND channel = 'visit' AND taken AND wait_ms IS NOT NULL AS visit_called,
        intDiv(greatest(ifNull(wait_ms, 0), 0), 1000) AS wait_s,
        {WAIT_BIN} AS wait_bin
    FROM contacts_current
    WHERE NOT unlinked AND day >= {since:Date} AND day < {until:Date}
)
ARRAY JOIN
[
    ('offered', external),
    ('answered', external AND outcome = 'answered'),
    ('abandoned', external AND outcome = 'abandoned' AND NOT short_abandoned),
    ('short_abandoned', external AND outcome = 'abandoned' AND short_abandoned),
    ('flowed_out', external AND outcome = 'flowed_out'),
    ('callback_taken', external AND outcome = 'callback_taken'),
    ('no_show', external AND outcome = 'no_show'),
    ('open', external AND outcome = 'open'),
    ('contacts', external AND NOT short_abandoned AND outcome != 'no_show'),
    ('taken', external AND taken),
    ('answered_in_target', call_answered AND ifNull(wait_ms, 0) <= 60000),
    ('calls_answered', call_answered),
    ('calls_abandoned', call_abandoned AND NOT short_abandoned),
    ('calls_abandoned_in_target', call_abandoned AND NOT short_abandoned AND left_in_target),
    ('calls_abandoned_after_target', call_abandoned AND NOT short_abandoned AND NOT left_in_target),
    ('calls_short_abandoned', call_abandoned AND short_abandoned),
    ('calls_flowed_out', external AND channel = 'telephone' AND outcome = 'flowed_out'),
    ('wait_ms', if(call_answered, ifNull(wait_ms, 0), 0)),
    ('handle_ms', if(call_answered, handle_ms, 0)),
    (concat('wait_histogram[', toString(wait_bin), ']'), call_answered),
    ('visits_called', visit_called),
    ('visit_wait_ms', if(visit_called, ifNull(wait_ms, 0), 0)),
    ('redial', external AND redial),
    ('excluded_internal', internal),
    ('excluded_auto_reply', machine AND automatic = 'auto_reply'),
    ('excluded_bounce', machine AND automatic = 'bounce'),
    ('excluded_bulk', machine AND automatic = 'bulk'),
    ('excluded_spam', machine AND automatic = 'spam')
] AS figure
""".replace("{WAIT_BIN}", WAIT_BIN)

_MAIL_DUE = """
SELECT toDateTime64(toStartOfInterval(due, INTERVAL 15 MINUTE, 'UTC'), 3, 'UTC') AS window,
    channel, '' AS area, '' AS topic, '' AS unit, figure.1 AS name, toInt64(figure.2) AS amount
FROM
(
    SELECT channel, answered_at, replied_at, arrived_at + INTERVAL 24 HOUR AS due, true AS by_the_clock
    FROM contacts_current
    WHERE NOT unlinked AND channel = 'email' AND automatic = '' AND audience != 'internal' AND NOT thanks
    UNION ALL
    SELECT channel, answered_at, replied_at, assumeNotNull(due_at) AS due, false AS by_the_clock
    FROM contacts_current
    WHERE NOT unlinked AND channel = 'email' AND automatic = '' AND audience != 'internal' AND NOT thanks
        AND due_at IS NOT NULL
)
ARRAY JOIN
[
    ('mail_due_24h', by_the_clock),
    ('mail_in_24h', by_the_clock AND ifNull(answered_at <= due, false)),
    ('mail_due', NOT by_the_clock),
    ('mail_in_time', NOT by_the_clock AND ifNull(answered_at <= due, false)),
    ('mail_replied_in_time', NOT by_the_clock AND ifNull(replied_at <= due, false))
] AS figure
WHERE due >= {begin:DateTime64(3, 'UTC')} AND due < {end:DateTime64(3, 'UTC')}
"""

_ERRANDS = """
SELECT toDateTime64(toStartOfInterval(arrived_at, INTERVAL 15 MINUTE, 'UTC'), 3, 'UTC') AS window,
    channel, area, topic, '' AS unit, figure.1 AS name, toInt64(figure.2) AS amount
FROM
(
    SELECT arrived_at, channel, taken, party, channel_source, unlinked,
        area, topic, outcome_source,
        topic IN {internal_topics:Array(String)} AND NOT unlinked AS for_colleagues,
        NOT unlinked AND NOT for_colleagues AS real,
        outcome = 'resolved' AND performed_by = 'centre' AS by_centre,
        outcome = 'open' AS still_open,
        ifNull(within, 0) = 1 AS inside,
        ifNull(within, 1) = 0 AS beyond,
        length(units) > 0 AS passed_on,
        first_contact AS first,
        first_contact OR warm AS citizen,
        least(ifNull(repeated_at, {NEVER}), ifNull(reopened_at, {NEVER})) AS again,
        again <= arrived_at + INTERVAL 24 HOUR AS again_1d,
        again <= arrived_at + INTERVAL 168 HOUR AS again_7d,
        again <= arrived_at + INTERVAL 336 HOUR AS again_14d,
        again <= arrived_at + INTERVAL 720 HOUR AS again_30d
    FROM
    (
        SELECT arrived_at, reopened_at, channel, taken, party, channel_source, unlinked,
            e_area AS area, e_topic AS topic, e_outcome AS outcome, e_by AS performed_by,
            e_source AS outcome_source, e_within AS within, e_first AS first_contact, e_warm AS warm,
            e_units AS units, e_again AS repeated_at
        FROM contacts_current
        ARRAY JOIN errand_area AS e_area, errand_topic AS e_topic, errand_outcome AS e_outcome,
            errand_performed_by AS e_by, errand_outcome_source AS e_source, errand_within_mandate AS e_within,
            errand_first_contact AS e_first, errand_warm_transfer AS e_warm,
            errand_handover_units AS e_units, errand_first_repeat_at AS e_again
        WHERE automatic = '' AND audience != 'internal' AND day >= {since:Date} AND day < {until:Date}
    )
)
ARRAY JOIN
[
    ('errands', real),
    ('errands_internal_topic', for_colleagues),
    ('errands_unlinked', unlinked = 1),
    ('resolved_in_centre', real AND by_centre),
    ('errands_open', real AND still_open),
    ('fcr_provisional', real AND first),
    ('fcr_final_1d', real AND first AND NOT again_1d),
    ('fcr_final_7d', real AND first AND NOT again_7d),
    ('fcr_final_14d', real AND first AND NOT again_14d),
    ('fcr_final_30d', real AND first AND NOT again_30d),
    ('fcr_citizen_provisional', real AND citizen),
    ('fcr_citizen_final_1d', real AND citizen AND NOT again_1d),
    ('fcr_citizen_final_7d', real AND citizen AND NOT again_7d),
    ('fcr_citizen_final_14d', real AND citizen AND NOT again_14d),
    ('fcr_citizen_final_30d', real AND citizen AND NOT again_30d),
    ('traceable', real AND party != ''),
    ('fcr_final_traceable_1d', real AND party != '' AND first AND NOT again_1d),
    ('fcr_final_traceable_7d', real AND party != '' AND first AND NOT again_7d),
    ('fcr_final_traceable_14d', real AND party != '' AND first AND NOT again_14d),
    ('fcr_final_traceable_30d', real AND party != '' AND first AND NOT again_30d),
    ('fcr_net', real AND first AND inside),
    ('fcr_net_final_1d', real AND first AND inside AND NOT again_1d),
    ('fcr_net_final_7d', real AND first AND inside AND NOT again_7d),
    ('fcr_net_final_14d', real AND first AND inside AND NOT again_14d),
    ('fcr_net_final_30d', real AND first AND inside AND NOT again_30d),
    ('within_mandate', real AND inside),
    ('solved_within_mandate', real AND inside AND by_centre),
    ('under_reach', real AND inside AND passed_on),
    ('over_reach', real AND beyond AND by_centre),
    ('handover_base', real AND taken),
    ('handed_over', real AND taken AND passed_on),
    ('outcome_registered', real AND outcome_source = 'registered'),
    ('outcome_derived', real AND outcome_source = 'derived'),
    ('outcome_default', real AND outcome_source = 'default'),
    ('channel_default', real AND channel_source = 'default')
] AS figure
""".replace("{NEVER}", "toDateTime64('2200-01-01 00:00:00', 3, 'UTC')")

_HANDOVERS = """
SELECT toDateTime64(toStartOfInterval(arrived_at, INTERVAL 15 MINUTE, 'UTC'), 3, 'UTC') AS window,
    channel, area, topic, unit, figure.1 AS name, toInt64(figure.2) AS amount
FROM
(
    SELECT arrived_at, channel, area, topic, unit, kind
    FROM
    (
        SELECT arrived_at, channel, e_area AS area, e_topic AS topic, e_units AS units, e_kinds AS kinds
        FROM contacts_current
        ARRAY JOIN errand_area AS e_area, errand_topic AS e_topic,
            errand_handover_units AS e_units, errand_handover_kinds AS e_kinds
        WHERE NOT unlinked AND automatic = '' AND audience != 'internal'
            AND day >= {since:Date} AND day < {until:Date}
    )
    ARRAY JOIN units AS unit, kinds AS kind
    WHERE topic NOT IN {internal_topics:Array(String)}
)
ARRAY JOIN
[
    ('handovers', true),
    ('handovers_blind', kind = 'blind'),
    ('handovers_consulted', kind = 'consulted'),
    ('handovers_ticket', kind = 'ticket')
] AS figure
"""

_RECOMPUTED = "UNION ALL".join((_CONTACTS, _MAIL_DUE, _ERRANDS, _HANDOVERS))


def recomputed_query(since: date, until: date, internal_topics: Collection[str]) -> Query:
    """Return the query for every measure out of the facts from ``since`` to ``until`` (not), local days.

    Columns: window (UTC), channel, area, topic, unit, name (a measure), amount. Zero amounts are left out.
    """
    return Query(
        f"""SELECT window, channel, area, topic, unit, name, sum(amount) AS amount
FROM ({_RECOMPUTED})
GROUP BY window, channel, area, topic, unit, name
HAVING amount != 0""",
        {
            "since": since,
            "until": until,
            "begin": day_start(since),
            "end": day_start(until),
            "internal_topics": sorted(internal_topics),
        },
    )


NEED_THE_PARTY = (
    "traceable",
    "fcr_final_traceable_1d",
    "fcr_final_traceable_7d",
    "fcr_final_traceable_14d",
    "fcr_final_traceable_30d",
)
"""Measures that facts no longer give once retention has blanked the party."""


_COLUMNS = ", ".join(f"('{name}', {name})" for name in MEASURE_NAMES)
_BINS = f"""arrayMap((bin, calls) -> (concat('wait_histogram[', toString(bin), ']'), toInt64(calls)),
    mapKeys({WAIT_HISTOGRAM}), mapValues({WAIT_HISTOGRAM}))"""

_STORED_WINDOWS = f"""
SELECT window, channel, area, topic, unit, figure.1 AS name, figure.2 AS amount
FROM service_windows_current
ARRAY JOIN arrayConcat([{_COLUMNS}], {_BINS}) AS figure
WHERE window >= {{begin:DateTime64(3, 'UTC')}} AND window < {{end:DateTime64(3, 'UTC')}}
"""

_STORED_DAYS = f"""
SELECT day, channel, area, topic, unit, figure.1 AS name, figure.2 AS amount
FROM service_days_current
ARRAY JOIN arrayConcat([{_COLUMNS}], {_BINS}) AS figure
WHERE day >= {{since:Date}} AND day < {{until:Date}}
"""


class Comparison(StrEnum):
    """What is held against what; the first is the one that is doubted."""

    WINDOWS = "service_windows against contacts"
    DAYS = "service_days against contacts"
    GRAINS = "service_days against service_windows"


_WINDOW, _DAY = "window", "toDate(window, 'Europe/Stockholm')"
_SIDES = {
    Comparison.WINDOWS: (_STORED_WINDOWS, _WINDOW, _RECOMPUTED, _WINDOW),
    Comparison.DAYS: (_STORED_DAYS, "day", _RECOMPUTED, _DAY),
    Comparison.GRAINS: (_STORED_DAYS, "day", _STORED_WINDOWS, _DAY),
}


def _both_sides(comparison: Comparison) -> str:
    """Return both sides of a comparison, summed by place and figure; what is zero on both is left out."""
    stored, stored_at, other, other_at = _SIDES[comparison]
    place = "toDate(place, 'Europe/Stockholm')" if comparison is Comparison.WINDOWS else "place"
    kept = (
        ""
        if comparison is Comparison.GRAINS
        else f"""
    AND NOT (name IN {{blanked:Array(String)}} AND {place} < {{pseudonyms_from:Date}})"""
    )
    return f"""SELECT place, channel, area, topic, unit, name,
    sum(if(side = 'stored', ifNull(amount, 0), 0)) AS was,
    sum(if(side = 'recomputed', ifNull(amount, 0), 0)) AS ought
FROM
(
    SELECT {stored_at} AS place, channel, area, topic, unit, name, amount, 'stored' AS side FROM ({stored})
    UNION ALL
    SELECT {other_at} AS place, channel, area, topic, unit, name, amount, 'recomputed' AS side FROM ({other})
)
WHERE amount != 0{kept}
GROUP BY place, channel, area, topic, unit, name"""


def comparison_query(
    comparison: Comparison,
    since: date,
    until: date,
    *,
    pseudonyms_from: date,
    internal_topics: Collection[str],
) -> Query:
    """Return the query that compares from ``since`` (included) to ``until`` (not), local days.

    Its one row: rows compared, figures in them, how many differ, and of those at most 10 000 as tuples
    (place, channel, area, topic, unit, name, was, ought), the place a window in UTC or a day.
    ``pseudonyms_from`` is the first day on which facts still name the party.
    """
    sql = f"""SELECT uniqExact(place, channel, area, topic, unit), count(), countIf(was != ought),
    groupArrayIf({MOST_DIFFERENCES})((place, channel, area, topic, unit, name, was, ought), was != ought)
FROM
(
{_both_sides(comparison)}
)"""
    return Query(
        sql,
        {
            "since": since,
            "until": until,
            "begin": day_start(since),
            "end": day_start(until),
            "pseudonyms_from": pseudonyms_from,
            "blanked": list(NEED_THE_PARTY),
            "internal_topics": sorted(internal_topics),
        },
    )
