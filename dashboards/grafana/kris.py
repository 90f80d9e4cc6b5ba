"""The dashboard "Kris": what surges, since when, against a usual day, and whether a source is silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.grafana.colours import MISSED
from dashboards.grafana.fields import line_field, lines, override, shown
from dashboards.grafana.model import (
    Dashboard,
    Field,
    Override,
    Panel,
    Place,
    Step,
    Thresholds,
    TimeRange,
    Variables,
)
from dashboards.grafana.overlays import UIDS, down, links, marks
from dashboards.grafana.parts import number, numbered, over_time, rows
from dashboards.grafana.sources import sources
from dashboards.grafana.variables import LABELS, dimensions, topic_labels
from schemas.catalogue import Catalogue
from schemas.clickhouse.crisis import (
    COMPARED_DAYS,
    TOPIC_HOURS,
    surges_now_query,
    surges_query,
    surging_topics_query,
    usual_day_query,
    usual_topics_query,
)
from schemas.clickhouse.silence import SilenceRule

TITLE = "Kris"
_NONE = "Följer inga val."
_CHANNEL = "Följer valet av kanal."
_USUAL = (
    f"**Vanligt** är medianen av de {COMPARED_DAYS} senaste jämförbara dagarna (samma veckodag, inte "
    "helgdag, afton eller klämdag), antalet jämförda dagar (n) är alltså högst så många. Tomt (–) när inget "
    "går att jämföra med."
)
_SURGE = (
    "En topp är när långt fler än vanligt hör av sig: två kvartar i rad över det rimliga, en kvart långt "
    "över, eller en hel timme. Räknas på alla kontakter, och på ärenden per ämne efter när de registrerades."
)
_COUNTS: dict[str, Any] = {"unit": "none", "decimals": 0}


def kris(catalogue: Catalogue, rule: SilenceRule) -> Dashboard:
    """Return the dashboard. Set back in time, it shows an older crisis as it was."""
    topics = topic_labels(catalogue)
    return Dashboard(
        uid=UIDS[TITLE],
        title=TITLE,
        description="Toppar och ämnen mot en vanlig dag, kvart för kvart, och källor som är tysta.",
        refresh="30s",
        time=TimeRange(from_="now/d"),
        templating=Variables(list=dimensions(catalogue, "channel")),
        annotations=marks(catalogue),
        links=links(TITLE),
        panels=numbered(
            (
                _surging(Place(x=0, y=0, w=4, h=8)),
                _surges(topics, Place(x=4, y=0, w=20, h=8)),
                _today(catalogue, Place(x=0, y=8, w=16, h=10)),
                _topics(catalogue, Place(x=16, y=8, w=8, h=10)),
                _quarters(topics, Place(x=0, y=18, w=24, h=8)),
                sources(catalogue, rule, Place(x=0, y=26, w=24, h=8)),
            )
        ),
    )


def _surging(place: Place) -> Panel:
    steps = (Step(color="text", value=None), Step(color=MISSED, value=1))
    return number(
        "Toppar som pågår",
        f"Formel: antalet (n) toppar som började det senaste dygnet och inte är över. {_SURGE} {_NONE}",
        surges_now_query(),
        place,
        field=Field(**_COUNTS, thresholds=Thresholds(steps=steps), color={"mode": "thresholds"}),
    )


def _surges(topics: Mapping[str, str], place: Place) -> Panel:
    return rows(
        "Toppar",
        f"{_SURGE} Formel: **Gånger** = `contacts / usual`, där `contacts` är antalet (n) under toppen och "
        f"`usual` det vanliga för samma kvartar. {_NONE}",
        surges_query(topics),
        place,
        overrides=(
            *shown("dateTimeAsLocal", "Sedan", "Märktes", "Till", decimals=None),
            *shown("none", "Vanligt", "Gånger", decimals=1),
            *_to_rows(),
        ),
    )


def _to_rows() -> Sequence[Override]:
    return down(LABELS["topic"], "topic")


def _today(catalogue: Catalogue, place: Place) -> Panel:
    return over_time(
        "Kontakter per kvart mot en vanlig dag",
        "**Kontakter**: alla som hör av sig, även de som lägger på. Formel: `offered` per 15 minuter. "
        f"{_USUAL} {_CHANNEL}",
        usual_day_query(catalogue),
        place,
        field=line_field(Field(**_COUNTS, min=0)),
        interval="15m",
        overrides=lines(("Kontakter", "Vanligt")),
    )


def _topics(catalogue: Catalogue, place: Place) -> Panel:
    return rows(
        f"Ämnen de senaste {TOPIC_HOURS} timmarna",
        f"Formel: **Ärenden** = `errands` (n) de senaste {TOPIC_HOURS} timmarna av dagen, **Gånger** = "
        f"Ärenden / Vanligt. {_USUAL} {_CHANNEL}",
        usual_topics_query(catalogue, topic_labels(catalogue)),
        place,
        overrides=(*shown("none", "Vanligt", "Gånger", decimals=1), *_to_rows()),
    )


def _quarters(topics: Mapping[str, str], place: Place) -> Panel:
    return over_time(
        "De första timmarna: ämnen med en topp, kvart för kvart",
        "Ärenden i de ämnen som har haft en topp i tidsintervallet. Formel: `errands` (n) per 15 minuter, "
        f"efter när kontakten kom. {_CHANNEL}",
        surging_topics_query(topics),
        place,
        field=line_field(Field(**_COUNTS, min=0)),
        interval="15m",
        overrides=(override("Ärenden", **_COUNTS),),
    )
