"""SQL of single contacts, for whoever follows a figure down to its rows: never a party, and no id.

Topics that the catalogue marks as sensitive are shown as such only: they are told in figures of days and
weeks, not contact by contact (DOMAIN §4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schemas.catalogue import Catalogue
from schemas.clickhouse.panels import NO_TOPIC, chosen, label_expression, quoted
from schemas.clickhouse.queries import ZONE

MOST_ROWS = 500
PROTECTED = "Skyddat ämne"
_PROTECTED = "skyddat"
OUTCOMES = {
    "answered": "Besvarad",
    "abandoned": "Lade på",
    "flowed_out": "Lämnade kön",
    "callback_taken": "Bad att bli uppringd",
    "no_show": "Kom inte",
    "open": "Öppen",
}
SAID_BY = {"registered": "registrering", "derived": "kontakten", "default": "systemets förval"}
ERRAND_OUTCOMES = {"resolved": "Löst", "handed_over": "Lämnat vidare", "open": "Öppet"}


def contact_rows_query(
    catalogue: Catalogue, channels: Mapping[str, str], topics: Mapping[str, str], units: Mapping[str, str]
) -> str:
    """Return the query for the latest contacts of the range, a row per errand, filtered by the variables.

    The filters area, topic, unit and reach (handed over within the mandate: ja, nej) are conditions on the
    errand; a contact without one passes where all are chosen. A protected errand has no area and no unit.
    Contacts of colleagues and machines are left out, as in the figures, and so are errands of internal
    topics. Columns: Kom in, Kanal, Kontakten, Ämne, Ärendet, Inom mandatet, Lämnat till, Väntetid and
    Hanteringstid (ms), Utfall enligt.
    """
    protected = _listed(name for name, topic in catalogue.topics.items() if topic.sensitive)
    internal = _listed(name for name, topic in catalogue.topics.items() if topic.internal)
    shown = {**topics, "": "–", _PROTECTED: PROTECTED}
    return f"""SELECT arrived_at AS `Kom in`,
    {label_expression("toString(channel)", channels)} AS `Kanal`,
    if(outcome = 'abandoned' AND short_abandoned, 'Lade på genast',
        {label_expression("toString(outcome)", OUTCOMES)}) AS `Kontakten`,
    {label_expression("e.topic", shown)} AS `Ämne`,
    {label_expression("e.outcome", {**ERRAND_OUTCOMES, "": "–"})} AS `Ärendet`,
    multiIf(e.within = 1, 'Ja', e.within = 0, 'Nej', '–') AS `Inom mandatet`,
    arrayStringConcat(arrayMap(given -> {label_expression("given", units)}, e.units), ', ') AS `Lämnat till`,
    wait_ms AS `Väntetid`,
    handle_ms AS `Hanteringstid`,
    {label_expression("e.said_by", {**SAID_BY, "": "–"})} AS `Utfall enligt`
FROM
(
    SELECT arrived_at, channel, outcome, short_abandoned, wait_ms, handle_ms,
        arrayJoin(if(empty(errand_topic), [{_errand("''", "''", "emptyArrayString()", "''", "2", "''")}],
            arrayMap(
                (topic, area, units, state, within, said) -> if(has({protected}, topic),
                    {_errand(f"'{_PROTECTED}'", "''", "emptyArrayString()", "state", "within", "said")},
                    {_errand("topic", "area", "units", "state", "within", "said")}),
                errand_topic, errand_area, errand_handover_units, errand_outcome, errand_within_mandate,
                errand_outcome_source
            )
        )) AS e
    FROM contacts_current
    WHERE day >= toDate($__fromTime, '{ZONE}') AND day <= toDate($__toTime, '{ZONE}')
        AND $__timeFilter(arrived_at)
        AND NOT unlinked AND automatic = '' AND audience != 'internal'
        AND {chosen("channel")}
)
WHERE NOT has({internal}, e.topic)
    AND $__conditionalAll(e.area IN (${{area:singlequote}}), $area)
    AND $__conditionalAll(if(e.topic = '', '{NO_TOPIC}', e.topic) IN (${{topic:singlequote}}), $topic)
    AND $__conditionalAll(hasAny(e.units, [${{unit:singlequote}}]), $unit)
    AND $__conditionalAll(if(e.within = 1 AND notEmpty(e.units), 'ja', 'nej') IN (${{reach:singlequote}}),
        $reach)
ORDER BY arrived_at DESC, `Kanal`, `Kontakten`, `Ämne`, `Ärendet`, `Inom mandatet`, `Lämnat till`, wait_ms,
    handle_ms, `Utfall enligt`
LIMIT {MOST_ROWS}"""


def _errand(*values: str) -> str:
    """Return an errand as a named tuple: topic, area, units, outcome, within the mandate, said by whom."""
    topic, area, units, outcome, within, said_by = values
    parts = (
        *(f"toString({text})" for text in (topic, area)),
        units,
        f"toString({outcome})",
        f"toUInt8(ifNull({within}, 2))",
        f"toString({said_by})",
    )
    kind = (
        "Tuple(topic String, area String, units Array(String), outcome String, within UInt8, said_by String)"
    )
    return f"CAST(({', '.join(parts)}) AS {kind})"


def _listed(names: Iterable[str]) -> str:
    return f"CAST([{', '.join(map(quoted, sorted(names)))}] AS Array(String))"
