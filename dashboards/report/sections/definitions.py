"""What every figure means, from the metric registry, at the end."""

from __future__ import annotations

from dashboards.report.context import Context
from dashboards.report.document import Definition, Definitions, Paragraph, Section
from dashboards.report.sections.key_figures import shown_metrics
from dashboards.report.words import sentence
from dashboards.swedish import percent
from schemas.metric import Metric
from schemas.statistics import SMALL_N

_TERMS = (
    (
        "Intervall",
        "Så mycket kan siffran variera av en slump (95 procents intervall, Wilson). Ett mål inom intervallet "
        "är varken nått eller missat.",
    ),
    (
        "Oförändrat",
        "Skillnadens intervall täcker noll (Newcombe), så slumpen räcker som förklaring. Antal jämförs som "
        "två Poissonfördelade antal.",
    ),
    (
        "Preliminärt",
        "Det har inte gått så lång tid att siffran är säker: den som hörde av sig kan ännu återkomma.",
    ),
    (
        "Rättelse",
        "Ett ärende räknas i den period då kontakten kom in, så det som händer senare kan ändra en "
        "publicerad siffra. Det visas då som en rättelse.",
    ),
)


def definitions(context: Context) -> Section:
    """Return the section."""
    said = sentence(
        "En siffra utan underlag visas som ett streck. En andel på färre än "
        f"{SMALL_N} är märkt ”litet underlag”. Dagar och veckor är svensk tid."
    )
    terms = tuple(Definition(term, text) for term, text in _TERMS)
    metrics = tuple(_defined(metric) for metric in shown_metrics(context.definitions))
    return Section(
        "avsnitt-definitioner", "Så räknas siffrorna", (Paragraph((said,)), Definitions((*terms, *metrics)))
    )


def _defined(metric: Metric) -> Definition:
    target = "" if metric.target is None else f" Mål: {percent(metric.target)}."
    return Definition(metric.label_sv, f"{metric.description_sv}{target}", metric.formula())
