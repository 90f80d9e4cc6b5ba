"""The dashboard "Uppföljning": weeks, areas and units, for whoever leads the centre."""

from __future__ import annotations

from dashboards.definitions import STANDARD, Definitions
from dashboards.grafana.fields import shown
from dashboards.grafana.model import Dashboard, Panel, Place, TimeRange, Variables
from dashboards.grafana.overlays import UIDS, down, links, marks
from dashboards.grafana.panels import (
    by_period,
    describe,
    key_figures,
    over_periods,
    split_over_periods,
    table,
    variables_of,
)
from dashboards.grafana.parts import numbered, rows
from dashboards.grafana.variables import LABELS, dimensions, period, topic_labels, unit_labels
from schemas.catalogue import Catalogue
from schemas.clickhouse.panels import Column, key_column, label_column, measure_column, panel_query, quoted
from schemas.clickhouse.queries import Grain
from schemas.first_contact import FCR_PROVISIONAL
from schemas.metrics import (
    CHANNEL_LABELS,
    ERRANDS,
    HANDLING_TIME,
    HANDOVER_RATE,
    HANDOVERS,
    MAIL_IN_24H,
    MAIL_IN_TIME,
    MANDATE_USE,
    OFFERED,
    OUTCOME_REGISTERED,
    OVER_REACH,
    RESOLVED_IN_CENTRE,
    SPEED_OF_ANSWER,
    UNDER_REACH,
)

TITLE = "Uppföljning"
_KINDS = {
    "handovers_blind": "Utan presentation",
    "handovers_consulted": "Med presentation",
    "handovers_ticket": "Ärende eller mejl",
}


def uppfoljning(catalogue: Catalogue, definitions: Definitions = STANDARD) -> Dashboard:
    """Return the dashboard. It opens on whole weeks: the twelve before this one, and this one."""
    return Dashboard(
        uid=UIDS[TITLE],
        title=TITLE,
        description="Kommuncenter vecka för vecka, område för område och mottagare för mottagare.",
        refresh="15m",
        time=TimeRange(from_="now-12w/w"),
        templating=Variables(list=(*dimensions(catalogue, "channel", "area", "unit"), period())),
        annotations=marks(catalogue),
        links=links(TITLE),
        panels=numbered((*_shares(definitions), *_periods(definitions), *_splits(catalogue))),
    )


def _shares(definitions: Definitions) -> tuple[Panel, ...]:
    first, level = definitions.first_contact, definitions.service_level
    return (
        key_figures(
            "Lösning och överlämning, med osäkerhet",
            (
                RESOLVED_IN_CENTRE,
                first,
                *definitions.other_views,
                HANDOVER_RATE,
                MANDATE_USE,
                OUTCOME_REGISTERED,
            ),
            Place(x=0, y=0, w=14, h=10),
        ),
        key_figures(
            "Svar i tid, med osäkerhet", (level, MAIL_IN_TIME, MAIL_IN_24H), Place(x=14, y=0, w=10, h=10)
        ),
    )


def _periods(definitions: Definitions) -> tuple[Panel, ...]:
    first, level = definitions.first_contact, definitions.service_level
    channel = label_column("channel", CHANNEL_LABELS, LABELS["channel"])
    return (
        over_periods(
            "Löst i Kommuncenter och vid första kontakten",
            (RESOLVED_IN_CENTRE, FCR_PROVISIONAL, first),
            Place(x=0, y=10, w=12, h=9),
        ),
        over_periods("Svarat i tid", (level, MAIL_IN_TIME, MAIL_IN_24H), Place(x=12, y=10, w=12, h=9)),
        split_over_periods(
            "Ärenden per kanal",
            ERRANDS,
            channel,
            Place(x=0, y=19, w=12, h=9),
            names=tuple(CHANNEL_LABELS.values()),
        ),
        over_periods("Lämnat vidare", (HANDOVER_RATE,), Place(x=12, y=19, w=12, h=9)),
        by_period(
            "Period för period",
            (ERRANDS, RESOLVED_IN_CENTRE, first, HANDOVER_RATE, UNDER_REACH),
            Place(x=0, y=28, w=12, h=10),
        ),
        by_period(
            "Kontakter och svar, period för period",
            (OFFERED, level, SPEED_OF_ANSWER, HANDLING_TIME, MAIL_IN_TIME),
            Place(x=12, y=28, w=12, h=10),
        ),
    )


def _splits(catalogue: Catalogue) -> tuple[Panel, ...]:
    area = label_column("area", {**catalogue.areas, "": "Inget område"}, LABELS["area"])
    topic = label_column("topic", topic_labels(catalogue), LABELS["topic"])
    return (
        table(
            "Område för område",
            (ERRANDS, RESOLVED_IN_CENTRE, HANDOVER_RATE, UNDER_REACH),
            area,
            Place(x=0, y=38, w=12, h=9),
            key=key_column("area"),
            links=down(LABELS["area"], "area", "Lägesbild"),
            interval_of=RESOLVED_IN_CENTRE,
        ),
        _handover_kinds(catalogue, Place(x=12, y=38, w=12, h=9)),
        table(
            "Lämnat vidare fast det ligger inom mandatet",
            (UNDER_REACH, MANDATE_USE, OVER_REACH),
            topic,
            Place(x=0, y=47, w=24, h=9),
            key=key_column("topic"),
            links=down(LABELS["topic"], "topic", reach="ja"),
            interval_of=MANDATE_USE,
            note="Följ ämnet till kontakterna för att se vilka de är.",
        ),
        _matrix(catalogue, topic, Place(x=0, y=56, w=24, h=12)),
    )


def _handover_kinds(catalogue: Catalogue, place: Place) -> Panel:
    unit = label_column("unit", unit_labels(catalogue), LABELS["unit"])
    kinds = [measure_column(measure, heading) for measure, heading in _KINDS.items()]
    formulas = " ".join(f"**{heading}**: `{measure}`." for measure, heading in _KINDS.items())
    columns = (Column(HANDOVERS.sql(), HANDOVERS.label_sv), *kinds)
    return rows(
        "Överlämningar per mottagare och sätt",
        describe((HANDOVERS,), formulas),
        panel_query(
            Grain.DAY,
            columns,
            by=(key_column("unit"), unit),
            variables=variables_of((HANDOVERS,)),
            only_with=HANDOVERS,
        ),
        place,
        overrides=down(LABELS["unit"], "unit"),
        largest=HANDOVERS.label_sv,
    )


def _matrix(catalogue: Catalogue, topic: Column, place: Place) -> Panel:
    """Return handovers by topic and unit; a unit that the catalogue does not have stands under the rest."""
    units = unit_labels(catalogue)
    known = ", ".join(map(quoted, units))
    cells = [measure_column("handovers", label, f"f.unit = {quoted(unit)}") for unit, label in units.items()]
    cells.append(measure_column("handovers", "Övriga", f"f.unit NOT IN ({known}, '')"))
    columns = (Column(ERRANDS.sql(), ERRANDS.label_sv), Column(HANDOVERS.sql(), "Alla"), *cells)
    note = "Varje ruta är antalet överlämningar av ämnet (raden) till mottagaren (kolumnen)."
    return rows(
        "Överlämningar: ämne och mottagare",
        describe((ERRANDS, HANDOVERS), note),
        panel_query(
            Grain.DAY,
            columns,
            by=(key_column("topic"), topic),
            variables=variables_of((ERRANDS,)),
            only_with=HANDOVERS,
        ),
        place,
        overrides=(*down(LABELS["topic"], "topic"), *shown("none", *(column.heading for column in columns))),
        largest="Alla",
    )
