"""The key figures: every metric that the report goes by, beside the period compared with."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.definitions import Definitions
from dashboards.report.cells import change_cell, goal_cell, metric_cell, number_cell
from dashboards.report.context import Context
from dashboards.report.cube import of_errands
from dashboards.report.document import Block, Cell, Column, Kind, Paragraph, Row, Section, Table
from dashboards.report.words import sentence
from dashboards.swedish import date_sv
from schemas.metric import Metric, Unit
from schemas.metrics import BY_NAME

KEY = "nyckeltal"
KINDS = {
    Unit.COUNT: Kind.COUNT,
    Unit.SHARE: Kind.SHARE,
    Unit.SECONDS: Kind.SECONDS,
    Unit.PER_ERRAND: Kind.PER_ERRAND,
}


def groups_of(definitions: Definitions) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what the table holds: of the service level and of W the installation's own only."""
    return (
        ("Kontakter och ärenden", ("offered", "errands", "abandoned", "excluded")),
        (
            "Lösning",
            (
                "resolved_in_centre",
                "fcr_provisional",
                definitions.first_contact.name,
                *(metric.name for metric in definitions.other_views),
                "traceable",
            ),
        ),
        (
            "Överlämning och mandat",
            ("handover_rate", "handovers", "under_reach", "over_reach", "mandate_use"),
        ),
        ("Telefon", (definitions.service_level.name, "speed_of_answer", "handling_time")),
        ("E-post", ("mail_in_time", "mail_replied_in_time", "mail_in_24h")),
        ("Besök", ("visit_wait",)),
        ("Varifrån utfallet kommer", ("outcome_registered", "outcome_derived", "outcome_default")),
    )


def shown_metrics(definitions: Definitions) -> tuple[Metric, ...]:
    """Return the metrics of the table, in its order."""
    return tuple(BY_NAME[name] for _, names in groups_of(definitions) for name in names)


def key_figures(context: Context) -> Section:
    """Return the section."""
    period = context.material.period
    columns = [
        Column("now", period.label[0].upper() + period.label[1:], Kind.SHARE),
        Column("then", context.then_heading, Kind.SHARE),
        Column("change", "Förändring", Kind.TEXT),
        Column("goal", "Mål", Kind.SHARE),
    ]
    if context.material.year is not None:
        words = period.words.last_year
        columns.insert(3, Column("year", words[0].upper() + words[1:], Kind.SHARE))
    rows = [_open_days(context, columns)]
    rows += [
        Row(
            name,
            BY_NAME[name].label_sv,
            tuple(_cell(context, BY_NAME[name], column.key) for column in columns),
            note=_note(context, BY_NAME[name]),
            group=group,
        )
        for group, names in groups_of(context.definitions)
        for name in names
    ]
    table = Table(
        KEY,
        "Nyckeltal",
        "Vid en andel står det intervall som den med 95 procents säkerhet ligger i, om bara slumpen "
        "varierar, och vad den räknas på. En förändring anges bara när slumpen inte räcker som förklaring.",
        tuple(columns),
        tuple(rows),
        row_heading="Mått",
    )
    return Section("avsnitt-nyckeltal", "Nyckeltal", (*_scope(context), table))


def _open_days(context: Context, columns: list[Column]) -> Row:
    period = context.material.period
    periods = {"now": period, "then": context.material.compared, "year": period.last_year()}
    cells: list[Cell | None] = []
    for column in columns:
        of = periods.get(column.key)
        key = f"{KEY}/open_days/{column.key}"
        cells.append(number_cell(key, context.open_days(of.since, of.until)) if of else None)
    return Row("open_days", "Öppna dagar", tuple(cells), group="Kontakter och ärenden")


def _cell(context: Context, metric: Metric, column: str) -> Cell | None:
    key, compared = f"{KEY}/{metric.name}/{column}", context.figures[metric.name]
    if column == "now":
        return metric_cell(key, metric, compared.now, preliminary=compared.final_on is not None)
    if column == "then":
        return metric_cell(key, metric, compared.then)
    if column == "change":
        return change_cell(key, compared)
    if column == "goal":
        return goal_cell(key, metric.target)
    year = context.material.year
    return metric_cell(key, metric, year.of(metric)) if year is not None else None


def _note(context: Context, metric: Metric) -> str:
    final_on = context.final_on(metric)
    notes = []
    if final_on is not None and context.material.over:
        notes.append(f"preliminärt till {date_sv(final_on)}")
    if context.limited and not of_errands(metric):
        notes.append("hela Kommuncenter")
    return ", ".join(notes)


def _scope(context: Context) -> Iterator[Block]:
    if context.limited:
        yield Paragraph(
            (
                sentence(
                    f"Rapporten är begränsad till området {context.limited}. Det gäller ärenden och "
                    "överlämningar. Kontakter, väntetider, mejl och besök hör inte till något område, och de "
                    "siffrorna gäller hela Kommuncenter."
                ),
            )
        )
