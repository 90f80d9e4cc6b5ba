"""The dashboard "Drift": how the system itself does, for whoever runs it."""

from __future__ import annotations

from dashboards.grafana.fields import as_states, line_field, shown
from dashboards.grafana.model import Dashboard, Field, Panel, Place, TimeRange, Variables
from dashboards.grafana.overlays import UIDS, down, links, marks
from dashboards.grafana.parts import numbered, over_time, rows
from dashboards.grafana.sources import sources
from schemas.catalogue import Catalogue
from schemas.clickhouse.operations import (
    GONE_AFTER_MINUTES,
    disks_query,
    lag_over_time_query,
    letters_over_time_query,
    rejected_query,
    tables_query,
    throughput_query,
    verifications_query,
    workers_query,
)
from schemas.clickhouse.silence import SilenceRule

TITLE = "Drift"
_NONE = "Följer inga val."
_NOW = "Följer inga val; visar läget nu, oavsett tidsintervall."


def drift(catalogue: Catalogue, rule: SilenceRule) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=UIDS[TITLE],
        title=TITLE,
        description=(
            "Hur systemet mår: arbetare, köer, källor, avvisade poster, lagret och senaste kontrollen."
        ),
        refresh="30s",
        time=TimeRange(from_="now-6h"),
        templating=Variables(),
        annotations=marks(catalogue),
        links=links(TITLE),
        panels=numbered(
            (
                _workers(Place(x=0, y=0, w=24, h=7)),
                *_queues(y=7),
                sources(catalogue, rule, Place(x=0, y=16, w=24, h=8)),
                *_rejections(y=24),
                _verified(Place(x=0, y=33, w=24, h=8)),
                *_store(y=41),
            )
        ),
    )


def _workers(place: Place) -> Panel:
    return rows(
        "Arbetare",
        "Formel: den senaste rapporten från varje arbetare (n = 1 rad var) det senaste dygnet. **Borta**: "
        f"ingen rapport på {GONE_AFTER_MINUTES} minuter. **Tid per omgång** = `batch_ms / batches` de "
        "senaste tio minuterna. **Äldsta ogjorda**: hur länge den äldsta posten som är hämtad har väntat. "
        f"{_NOW}",
        workers_query(),
        place,
        overrides=(
            as_states("Läge", good=("Arbetar",), bad=("Borta", "Väntar", "Stoppad")),
            *shown("dateTimeAsLocal", "Senaste rapport", "Startad", "Väntar sedan", decimals=None),
            *shown("ms", "Äldsta ogjorda", "Tid per omgång", "Längsta omgång"),
        ),
    )


def _queues(y: int) -> tuple[Panel, ...]:
    field = line_field(Field(unit="none", decimals=0, min=0))
    return (
        over_time(
            "Poster som väntar i kö",
            "Formel: det högsta `lag` per arbetare och minut, summerat över arbetare, för varje kö (topic i "
            f"Kafka). Antalet (n) är alltså poster som ingen har hanterat. {_NONE}",
            lag_over_time_query(),
            Place(x=0, y=y, w=12, h=9),
            field=field,
            interval="1m",
        ),
        over_time(
            "Hanterade poster per sekund",
            "Formel: `1000 * sum(records) / sum(span_ms)` per arbetare och minut, summerat över arbetare, "
            f"för varje kö. Antalet (n) är `sum(records)`. {_NONE}",
            throughput_query(),
            Place(x=12, y=y, w=12, h=9),
            field=field.model_copy(update={"decimals": 1}),
            interval="1m",
        ),
    )


def _rejections(y: int) -> tuple[Panel, ...]:
    return (
        rows(
            "Avvisat per källa",
            "Formel: **Andel avvisade** = `rejected / (rejected + accepted)`: poster som inte gick att "
            "använda, av dem och de händelser (n) som blev till i tidsintervallet. Uppspelade poster räknas "
            f"bara som händelser. {_NONE}",
            rejected_query(),
            Place(x=0, y=y, w=10, h=9),
            overrides=(
                *shown("percentunit", "Andel avvisade", decimals=1),
                *down("Källa", "source", "Källa"),
            ),
        ),
        over_time(
            "Poster som inte gick att använda, per orsak",
            f"Formel: antalet (n) per timme och orsak, även de som har spelats upp sedan. {_NONE}",
            letters_over_time_query(),
            Place(x=10, y=y, w=14, h=9),
            field=line_field(Field(unit="none", decimals=0, min=0)),
            interval="1h",
        ),
    )


def _verified(place: Place) -> Panel:
    return rows(
        "Kontrollen att siffrorna stämmer (verify)",
        "De tio senaste körningarna av `kommuncenter verify`. Formel: **Skillnader** = antalet (n) tal som "
        "inte var vad de borde, summerat över jämförelserna; **Var** säger i vilka. **Sena händelser** "
        f"räknas ingenstans förrän vid en omräkning. {_NOW}",
        verifications_query(),
        place,
        overrides=(
            as_states("Resultat", good=("Stämmer",), bad=("Skiljer sig",)),
            *shown("dateTimeAsLocal", "Kördes", decimals=None),
            *shown("s", "Tog", decimals=1),
        ),
    )


def _store(y: int) -> tuple[Panel, ...]:
    return (
        rows(
            "Lagret: tabeller",
            "Formel: `sum(rows)`, `sum(bytes_on_disk)` och antalet (n) delar av varje tabell som Grafana "
            f"får se. Många delar betyder att sammanslagningen inte hinner med. {_NOW}",
            tables_query(),
            Place(x=0, y=y, w=14, h=8),
            overrides=shown("bytes", "Storlek", decimals=1),
            largest="Storlek",
        ),
        rows(
            "Lagret: diskar",
            f"Formel: **Ledig andel** = `free_space / total_space` för varje disk (n = 1 rad var). {_NOW}",
            disks_query(),
            Place(x=14, y=y, w=10, h=8),
            overrides=(
                *shown("bytes", "Ledigt", decimals=1),
                *shown("percentunit", "Ledig andel"),
                *shown("s", "Igång", decimals=None),
            ),
        ),
    )
