"""What every board shares: marks over time, and links to the other boards and down to rows."""

from __future__ import annotations

from typing import Any

from dashboards.grafana.fields import hidden, override
from dashboards.grafana.model import (
    PLUGIN_VERSION,
    Annotation,
    Annotations,
    AnnotationTarget,
    DataSource,
    Link,
    Override,
)
from dashboards.grafana.variables import topic_labels
from schemas.catalogue import Catalogue
from schemas.clickhouse.crisis import holiday_annotations_query, surge_annotations_query
from schemas.clickhouse.operations import restart_annotations_query

UIDS = {
    "Lägesbild": "kommuncenter-lagesbild",
    "Uppföljning": "kommuncenter-uppfoljning",
    "Kris": "kommuncenter-kris",
    "Kontakter": "kommuncenter-kontakter",
    "Källa": "kommuncenter-kalla",
    "Drift": "kommuncenter-drift",
}
"""Title -> uid of every board of ours; a uid never changes, so that links hold."""
LAGESBILD, KRIS, DRIFT = (UIDS[title] for title in ("Lägesbild", "Kris", "Drift"))
_TOOLTIPS = {
    "Lägesbild": "Hur det går nu och den senaste veckan",
    "Uppföljning": "Vecka för vecka, område för område",
    "Kris": "Toppar, mot en vanlig dag",
    "Kontakter": "Kontakterna bakom siffrorna, rad för rad",
    "Källa": "En källa: händelser, eftersläpning och avvisade poster",
    "Drift": "Hur själva systemet mår",
}
DEPLOYED_TAG = "kommuncenter-driftsattning"
"""Grafana's own annotations with this tag are deploys: `kommuncenter dashboards annotate` writes them."""
_GRAFANA = DataSource(type="grafana", uid="-- Grafana --")


def links(title: str) -> tuple[Link, ...]:
    """Return the links from a board to all the others, the variables that they share taken along."""
    return tuple(
        Link(title=other, url=f"/d/{uid}", tooltip=_TOOLTIPS[other])
        for other, uid in UIDS.items()
        if other != title
    )


def marks(catalogue: Catalogue) -> Annotations:
    """Return surges, special days, deploys and restarts of workers; the latter are off until turned on."""
    return Annotations(
        list=(
            _marks("Toppar", "dark-orange", surge_annotations_query(topic_labels(catalogue))),
            _marks("Helgdagar", "blue", holiday_annotations_query(catalogue)),
            Annotation(
                name="Driftsättningar",
                datasource=_GRAFANA,
                icon_color="purple",
                target=AnnotationTarget(tags=(DEPLOYED_TAG,)),
            ),
            _marks("Omstarter av arbetare", "text", restart_annotations_query(), enable=False),
        )
    )


def _marks(name: str, colour: str, sql: str, *, enable: bool = True) -> Annotation:
    return Annotation(
        name=name,
        datasource=DataSource(),
        enable=enable,
        icon_color=colour,
        target=AnnotationTarget(
            editor_type="sql", plugin_version=PLUGIN_VERSION, query_type="table", format=1, raw_sql=sql
        ),
    )


def down(heading: str, dimension: str, to: str = "Kontakter", **more: str) -> tuple[Override, ...]:
    """Return the overrides that make a column a link, by a hidden key column, in the range that is shown.

    ``more`` are further variables of the board that is opened, by their values.
    """
    key = f"{dimension}_key"
    chosen = "".join(f"&var-{name}={value}" for name, value in more.items())
    link: dict[str, Any] = {
        "title": f"Visa på {to}",
        "url": f"/d/{UIDS[to]}?var-{dimension}=${{__data.fields.{key}:percentencode}}{chosen}"
        "&${__url_time_range}",
        "targetBlank": False,
    }
    return override(heading, links=[link]), hidden(key)
