"""The dashboard "Lägesbild": how the centre is doing, over the last week and right now."""

from __future__ import annotations

from dashboards.definitions import STANDARD, Definitions
from dashboards.grafana.model import Dashboard, Panel, Place, Variables
from dashboards.grafana.overlays import UIDS, down, links, marks
from dashboards.grafana.panels import (
    bars,
    over_days,
    over_quarters,
    shares,
    stat,
    table,
    waiting_now,
)
from dashboards.grafana.parts import numbered, text
from dashboards.grafana.variables import LABELS, dimensions, topic_labels, unit_labels
from schemas.catalogue import Catalogue
from schemas.clickhouse.panels import Column, key_column, label_column
from schemas.first_contact import FCR_PROVISIONAL
from schemas.metrics import (
    CHANNEL_GOALS,
    CHANNEL_LABELS,
    ERRANDS,
    HANDOVER_RATE,
    HANDOVERS,
    MAIL_IN_24H,
    MAIL_IN_TIME,
    OFFERED,
    RESOLVED_IN_CENTRE,
    SPEED_OF_ANSWER,
    UNDER_REACH,
)

TITLE = "Lägesbild"
_NOTES = """\
**Preliminärt.** *Löst vid första kontakten ({days} dygn)* är slutligt först när {days} dygn har gått; de
senaste dagarna är därför för höga. Mejl räknas den dag då svarstiden går ut.

**Undantag.** Kontakter från kollegor, automatiska svar, massutskick och skräppost ingår inte.

**Underlag** är antalet som en andel räknas av. Under 20 säger andelen lite. Formeln står i
beskrivningen till varje panel.
"""


def lagesbild(catalogue: Catalogue, definitions: Definitions = STANDARD) -> Dashboard:
    """Return the dashboard; labels of areas, topics and units are the catalogue's."""
    return Dashboard(
        uid=UIDS[TITLE],
        title=TITLE,
        description="Kommuncenters service: ärenden, lösning, svarstider och överlämningar.",
        templating=Variables(list=dimensions(catalogue, "channel", "area", "unit")),
        annotations=marks(catalogue),
        links=links(TITLE),
        panels=numbered(_panels(catalogue, definitions)),
    )


def _panels(catalogue: Catalogue, definitions: Definitions) -> tuple[Panel, ...]:
    channel = label_column("channel", CHANNEL_LABELS, LABELS["channel"])
    topic = label_column("topic", topic_labels(catalogue), LABELS["topic"])
    unit = label_column("unit", unit_labels(catalogue), LABELS["unit"])
    return (
        *_top(definitions),
        *_middle(channel, definitions),
        *_bottom(channel, topic, unit, definitions.days),
    )


def _top(definitions: Definitions) -> tuple[Panel, ...]:
    first_contact, level = definitions.first_contact, definitions.service_level
    figures = (RESOLVED_IN_CENTRE, first_contact, HANDOVER_RATE, level, SPEED_OF_ANSWER, MAIL_IN_TIME)
    return tuple(stat(metric, Place(x=4 * n, y=0, w=4, h=5)) for n, metric in enumerate(figures))


def _middle(channel: Column, definitions: Definitions) -> tuple[Panel, ...]:
    goals = ", ".join(f"{CHANNEL_LABELS[name]} {goal * 100:.0f} %" for name, goal in CHANNEL_GOALS.items())
    return (
        waiting_now(Place(x=0, y=5, w=8, h=7)),
        over_quarters(
            "Inkomna kontakter, senaste dygnet",
            OFFERED,
            channel,
            Place(x=8, y=5, w=16, h=7),
            names=tuple(CHANNEL_LABELS.values()),
        ),
        shares(
            "Ärenden per kanal",
            ERRANDS,
            channel,
            Place(x=0, y=12, w=8, h=8),
            f"Andel av de ärenden som valen omfattar. Den publicerade bilden: {goals}.",
        ),
        over_days(
            "Löst i Kommuncenter och vid första kontakten",
            (RESOLVED_IN_CENTRE, FCR_PROVISIONAL, definitions.first_contact),
            Place(x=8, y=12, w=16, h=8),
        ),
        over_days(
            "Svarat i tid",
            (definitions.service_level, MAIL_IN_TIME, MAIL_IN_24H),
            Place(x=0, y=20, w=12, h=8),
        ),
        over_days("Lämnat vidare, dag för dag", (HANDOVER_RATE,), Place(x=12, y=20, w=12, h=8)),
    )


def _bottom(channel: Column, topic: Column, unit: Column, days: int) -> tuple[Panel, ...]:
    return (
        table(
            "Ärenden per ämne",
            (ERRANDS, RESOLVED_IN_CENTRE, HANDOVER_RATE, UNDER_REACH),
            topic,
            Place(x=0, y=28, w=14, h=12),
            key=key_column("topic"),
            links=down(LABELS["topic"], "topic"),
        ),
        table(
            "Överlämningar per mottagare",
            (HANDOVERS,),
            unit,
            Place(x=14, y=28, w=10, h=12),
            key=key_column("unit"),
            links=down(LABELS["unit"], "unit"),
        ),
        bars("Kontakter och ärenden per kanal", (OFFERED, ERRANDS), channel, Place(x=0, y=40, w=14, h=8)),
        text("Att tänka på", _NOTES.format(days=days), Place(x=14, y=40, w=10, h=8)),
    )
