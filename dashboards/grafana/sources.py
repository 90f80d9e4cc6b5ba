"""The panel of how the sources do, which several boards show; and the dashboard "Källa", of one of them."""

from __future__ import annotations

from dashboards.grafana.fields import as_states, line_field, lines, override, shown
from dashboards.grafana.model import Dashboard, Field, Panel, Place, TimeRange, Variables
from dashboards.grafana.overlays import UIDS, down, links, marks
from dashboards.grafana.parts import numbered, over_time, rows
from dashboards.grafana.variables import source
from dashboards.swedish import number as swedish
from schemas.catalogue import Catalogue
from schemas.clickhouse.operations import (
    VERDICTS,
    source_events_query,
    source_lag_query,
    source_letters_query,
    sources_query,
)
from schemas.clickhouse.silence import SilenceRule

TITLE = "Källa"
_STATES = tuple(VERDICTS.values())
"""That a source works, and then what may be wrong with it."""
_CHOSEN = "Följer valet av källa."


def sources(catalogue: Catalogue, rule: SilenceRule, place: Place, *, chosen_only: bool = False) -> Panel:
    """Return the table of sources: whether one is silent, by its own usual rhythm, or not read at all."""
    floor, unread = (span.total_seconds() / 60 for span in (rule.floor, rule.unread_after))
    chance = swedish(1 / rule.chance)
    told = (
        "**Tyst**: inget har kommit, och så länge brukar det inte dröja. Inga händelser är inte noll "
        f"samtal. Formel: tyst när det hade varit mindre sannolikt än en på {chance} att inget kom sedan "
        "den senaste händelsen, enligt källans egen vanliga rytm de senaste åtta veckorna, och det har gått "
        f"minst {floor:g} minuter. **Läses inte**: läsaren har inte hört av sig på {unread:g} minuter, "
        "eller väntar så länge. **Väntat sedan dess**: antalet (n) kontakter som brukar börja på den tiden. "
    )
    follows = _CHOSEN if chosen_only else "Följer inga val; visar läget nu, oavsett tidsintervall."
    return rows(
        "Läget för källan" if chosen_only else "Källor",
        told + follows,
        sources_query(catalogue, rule, chosen_only=chosen_only),
        place,
        overrides=(
            as_states("Läge", good=_STATES[:1], bad=_STATES[1:]),
            *shown("dateTimeAsLocal", "Senaste händelse", "Senast läst", decimals=None),
            *shown("none", "Väntat sedan dess", "Vanligt per timme", decimals=1),
            *down("Källa", "source", TITLE),
        ),
    )


def kalla(catalogue: Catalogue, rule: SilenceRule) -> Dashboard:
    """Return the dashboard of one source, chosen by variable."""
    return Dashboard(
        uid=UIDS[TITLE],
        title=TITLE,
        description="En källa: vad den gör, hur långt efter den ligger och vad som inte gick att använda.",
        time=TimeRange(from_="now-24h"),
        templating=Variables(list=(source(),)),
        annotations=marks(catalogue),
        links=links(TITLE),
        panels=numbered(
            (
                sources(catalogue, rule, Place(x=0, y=0, w=24, h=5), chosen_only=True),
                over_time(
                    "Händelser per timme",
                    "Formel: antalet (n) olika händelser per timme, efter när de inträffade. **Försenade** "
                    f"kom efter att dagen frysts, och räknas först vid en omräkning. {_CHOSEN}",
                    source_events_query(),
                    Place(x=0, y=5, w=12, h=9),
                    field=line_field(Field(unit="none", decimals=0, min=0)),
                    interval="1h",
                    overrides=lines(("Händelser", "Försenade")),
                ),
                over_time(
                    "Hur långt efter läsaren ligger",
                    "Formel: det högsta värdet per fem minuter av vad läsaren själv har rapporterat. "
                    "Enheten står i tabellen ovanför; antalet (n) rapporter är en var femte sekund. "
                    f"{_CHOSEN}",
                    source_lag_query(),
                    Place(x=12, y=5, w=12, h=9),
                    field=line_field(Field(unit="none", decimals=0, min=0)),
                    interval="5m",
                    overrides=lines(("Efter",)),
                ),
                rows(
                    "Poster som inte gick att använda",
                    "Formel: **Antal** (n) poster i tidsintervallet med samma orsak; **Olösta** är de som "
                    "inte har spelats upp igen. Posterna själva visas inte: `kommuncenter dlq show` visar "
                    f"dem för den som har nyckeln. {_CHOSEN}",
                    source_letters_query(),
                    Place(x=0, y=14, w=24, h=10),
                    overrides=(
                        *shown("dateTimeAsLocal", "Första", "Senaste", decimals=None),
                        override("Förklaring", **{"custom.width": 700}),
                    ),
                    largest="Antal",
                ),
            )
        ),
    )
