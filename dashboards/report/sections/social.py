"""Followers and reach beside the figures: gauges, which belong to no contact and are never summed."""

from __future__ import annotations

from dashboards.report.cells import number_cell, text_cell
from dashboards.report.context import Context
from dashboards.report.document import Column, Kind, Paragraph, Row, Section, Table
from dashboards.report.words import sentence
from dashboards.swedish import date_sv
from schemas.clickhouse.social import SocialGauge

KEY = "sociala-medier"
_METRICS = {"followers": "Följare", "reach": "Räckvidd", "views": "Visningar", "interactions": "Reaktioner"}


def social(context: Context) -> Section | None:
    """Return the section; None without such a source."""
    gauges = context.material.gauges
    if not gauges:
        return None
    before = context.material.period.words.before
    table = Table(
        KEY,
        "Sociala medier",
        "Läget vid slutet av perioden, så som nätverken redovisar det. Värdena kan inte läggas ihop: samma "
        "person kan finnas i flera.",
        (
            Column("value", "Vid slutet", Kind.NUMBER),
            Column("day", "Avser till och med", Kind.TEXT),
            Column("former", f"Vid slutet av {before}", Kind.NUMBER),
        ),
        tuple(_row(number, gauge) for number, gauge in enumerate(gauges, start=1)),
        row_heading="Konto och mått",
    )
    said = sentence("Sociala medier ingår inte i kontakterna eller kanalernas andelar; de visas bredvid.")
    return Section("avsnitt-sociala-medier", "Sociala medier", (Paragraph((said,)), table))


def _row(number: int, gauge: SocialGauge) -> Row:
    at = f"{KEY}/{number}"
    span = "" if gauge.days == 1 else f", {gauge.days} dagar"
    return Row(
        str(number),
        f"{gauge.network.capitalize()}, {gauge.account}: "
        f"{_METRICS.get(gauge.metric, gauge.metric).lower()}{span}",
        (
            number_cell(f"{at}/value", gauge.value),
            text_cell(f"{at}/day", date_sv(gauge.day)),
            number_cell(f"{at}/former", gauge.former),
        ),
    )
