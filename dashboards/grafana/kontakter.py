"""The dashboard "Kontakter": the contacts behind a figure, row by row, without who it was."""

from __future__ import annotations

from dashboards.grafana.fields import override
from dashboards.grafana.model import Dashboard, Place, Variables
from dashboards.grafana.overlays import UIDS, links, marks
from dashboards.grafana.parts import numbered, rows
from dashboards.grafana.variables import dimensions, reach, topic_labels, unit_labels
from schemas.catalogue import Catalogue
from schemas.clickhouse.rows import MOST_ROWS, PROTECTED, contact_rows_query
from schemas.metrics import CHANNEL_LABELS

TITLE = "Kontakter"
_TOLD = f"""\
De {MOST_ROWS} senaste kontakterna i tidsintervallet, en rad per ärende. Formel: inga tal räknas här; varje
rad är en kontakt ur tabellen `contacts_current`, och antalet (n) är antalet rader.

Nummer, adresser och pseudonymer finns inte här, och inget som pekar ut en person. Ämnen med sekretess visas
som *{PROTECTED}*, utan mottagare, och går inte att välja fram. Kontakter från kollegor och
maskiner ingår inte, som i siffrorna.

Följer valen: kanal, område, ämne, mottagare och *lämnat vidare inom mandatet*."""


def kontakter(catalogue: Catalogue) -> Dashboard:
    """Return the dashboard; other boards link to it with their choices."""
    variables = (*dimensions(catalogue, "channel", "area", "topic", "unit"), reach())
    return Dashboard(
        uid=UIDS[TITLE],
        title=TITLE,
        description="Kontakterna bakom siffrorna, rad för rad, utan uppgifter om vem det var.",
        refresh="5m",
        templating=Variables(list=variables),
        annotations=marks(catalogue),
        links=links(TITLE),
        panels=numbered(
            (
                rows(
                    TITLE,
                    _TOLD,
                    contact_rows_query(
                        catalogue, CHANNEL_LABELS, topic_labels(catalogue), unit_labels(catalogue)
                    ),
                    Place(x=0, y=0, w=24, h=24),
                    overrides=(
                        override("Kom in", unit="dateTimeAsLocal"),
                        override("Väntetid", unit="ms", decimals=0),
                        override("Hanteringstid", unit="ms", decimals=0),
                    ),
                ),
            )
        ),
    )
