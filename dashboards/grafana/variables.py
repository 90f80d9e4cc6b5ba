"""The variables of the boards: the figures' dimensions, the step of time, and the source."""

from __future__ import annotations

from collections.abc import Mapping

from dashboards import labels
from dashboards.grafana.model import Current, QueryVariable, Variable
from schemas.catalogue import UNKNOWN_UNIT, Catalogue
from schemas.clickhouse.operations import source_names_query
from schemas.clickhouse.panels import NO_TOPIC, PERIODS
from schemas.metrics import CHANNEL_LABELS

LABELS = {"channel": "Kanal", "area": "Område", "unit": "Mottagare", "topic": "Ämne"}
"""Labels of the variables that are dimensions of the figures."""


def topic_labels(catalogue: Catalogue) -> Mapping[str, str]:
    """Return the topics' labels, and that of none."""
    return {**{name: topic.label for name, topic in catalogue.topics.items()}, "": labels.NO_TOPIC}


def unit_labels(catalogue: Catalogue) -> Mapping[str, str]:
    """Return the units' labels, and that of an unknown one."""
    return {**{name: unit.label for name, unit in catalogue.units.items()}, UNKNOWN_UNIT: "Okänd mottagare"}


def dimensions(catalogue: Catalogue, *names: str) -> tuple[Variable, ...]:
    """Return the variables of some dimensions."""
    topics = {name or NO_TOPIC: label for name, label in topic_labels(catalogue).items()}
    choices = {
        "channel": CHANNEL_LABELS,
        "area": catalogue.areas,
        "unit": unit_labels(catalogue),
        "topic": topics,
    }
    return tuple(Variable(name=name, label=LABELS[name], query=_choices(choices[name])) for name in names)


def period() -> Variable:
    """Return the variable that says in what steps days are summed."""
    value, label = next(iter(PERIODS.items()))
    return Variable(
        name="period",
        label="Period",
        description="Vad varje punkt och rad omfattar. Veckor börjar på måndagen.",
        query=_choices(PERIODS),
        multi=False,
        include_all=False,
        current=Current(text=label, value=value),
    )


def reach() -> Variable:
    """Return the variable that keeps errands that were handed over although within the mandate, or others."""
    return Variable(
        name="reach",
        label="Lämnat vidare inom mandatet",
        query=_choices({"ja": "Ja", "nej": "Nej"}),
    )


def source() -> QueryVariable:
    """Return the variable of the source that is looked at."""
    return QueryVariable(
        name="source",
        label="Källa",
        description="Källor som har rapporterat de senaste 14 dagarna.",
        query=source_names_query(),
    )


def _choices(named: Mapping[str, str]) -> str:
    return ",".join(f"{label.replace(',', chr(92) + ',')} : {value}" for value, label in named.items())
