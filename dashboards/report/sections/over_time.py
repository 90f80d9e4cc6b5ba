"""Day by day, and how the figures developed from week to week or month to month."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from dashboards.report.cells import count_cell, goal_cell, metric_cell
from dashboards.report.context import Context
from dashboards.report.cube import Slice
from dashboards.report.document import Chart, ChartKind, Column, Kind, Row, Section, Table
from dashboards.report.period import Kind as PeriodKind
from dashboards.report.period import month_of, week_of
from dashboards.report.words import sentence
from dashboards.swedish import MONTHS, NBSP, date_sv, days_sv
from schemas.metrics import RESOLVED_IN_CENTRE
from schemas.timebase import iso_week

DAYS, STEPS = "dagar", "utveckling"
_MOST_DAYS = 31
_MOST_MONTHS = 25
_WEEKS_BEFORE = 8


@dataclass(frozen=True, slots=True)
class Step:
    """Days in a row that stand as one row of a table; ``name`` as in ``Quantity``."""

    name: str
    label: str
    since: date
    until: date
    note: str = ""


def over_time(context: Context) -> Section | None:
    """Return the section; None of a single day, or where there is nothing at all."""
    blocks: list[Table | Chart] = []
    steps = _steps(context)
    if len(steps) > 1:
        blocks += [_chart(), _table(context, STEPS, "Utvecklingen", steps)]
    if 1 < context.material.period.days <= _MOST_DAYS:
        blocks.append(_table(context, DAYS, "Dag för dag", _days(context)))
    return Section("avsnitt-utveckling", "Utveckling", tuple(blocks)) if blocks else None


def _chart() -> Chart:
    return Chart(
        "bild-utveckling",
        ChartKind.LINES,
        "Löst i Kommuncenter över tid",
        STEPS,
        ("resolved",),
        (sentence("Linjediagram: andelen ärenden som löstes i Kommuncenter, med intervall och mål."),),
        goal="goal",
    )


def _days(context: Context) -> list[Step]:
    period = context.material.period
    found = []
    for ahead in range(period.days):
        day = period.since + timedelta(days=ahead)
        note = "" if context.catalogue.opening(day) is not None else "stängt"
        found.append(
            Step(
                day.isoformat(), _capitalised(date_sv(day, weekday=True)), day, day + timedelta(days=1), note
            )
        )
    return found


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]


def _steps(context: Context) -> list[Step]:
    """Return the weeks up to a week; of a longer period its months, or its years where they are many."""
    period = context.material.period
    if period.kind is PeriodKind.WEEK:
        mondays = [period.since - timedelta(weeks=n) for n in range(_WEEKS_BEFORE, -1, -1)]
        worked = {week_of(row.day).since for row in context.material.days if row.sums["offered"]}
        known = [monday for monday in mondays if monday in worked]
        return [
            Step(iso_week(m), f"Vecka{NBSP}{m.isocalendar().week}", m, m + timedelta(days=7)) for m in known
        ]
    if period.days <= _MOST_DAYS:
        return []
    months = _cut(context, lambda day: month_of(day).until)
    return months if len(months) <= _MOST_MONTHS else _cut(context, lambda day: date(day.year + 1, 1, 1))


def _cut(context: Context, end: object) -> list[Step]:
    assert callable(end)
    period, found = context.material.period, []
    since = period.since
    while since < period.until:
        until = min(end(since), period.until)
        found.append(_named(since, until))
        since = until
    return found


def _named(since: date, until: date) -> Step:
    """Name days in a row: a whole month or year by its name, a part of one by its days."""
    last = until - timedelta(days=1)
    if since.day == 1 and until == month_of(since).until:
        label = f"{MONTHS[since.month - 1].capitalize()} {since.year}"
        return Step(month_of(since).name, label, since, until)
    if (since.month, since.day) == (1, 1) and until == date(since.year + 1, 1, 1):
        return Step(str(since.year), str(since.year), since, until)
    return Step(f"{since}..{last}", days_sv(since, last), since, until)


def _table(context: Context, key: str, title: str, steps: Iterable[Step]) -> Table:
    level = context.definitions.service_level
    rows = [_row(context, key, step) for step in steps]
    columns = [
        Column("offered", "Kontakter", Kind.COUNT),
        Column("errands", "Ärenden", Kind.COUNT),
        Column("resolved", "Löst", Kind.SHARE, note="i Kommuncenter"),
        Column("level", level.label_sv, Kind.SHARE),
    ]
    if key == STEPS:
        columns.append(Column("goal", "Mål", Kind.SHARE, note="löst"))
    note = " Kontakter och samtal gäller hela Kommuncenter." if context.limited else ""
    return Table(
        key,
        title,
        f"Efter den dag då kontakten kom in.{note}",
        tuple(columns),
        tuple(rows),
        row_heading="Dag" if key == DAYS else "Period",
    )


def _row(context: Context, key: str, step: Step) -> Row:
    whole, chosen = _slices(context, step)
    at = f"{key}/{step.name}"
    cells = [
        count_cell(f"{at}/offered", whole, "offered"),
        count_cell(f"{at}/errands", chosen, "errands"),
        metric_cell(f"{at}/resolved", RESOLVED_IN_CENTRE, chosen),
        metric_cell(f"{at}/level", context.definitions.service_level, whole),
        *((goal_cell(f"{at}/goal", RESOLVED_IN_CENTRE.target),) if key == STEPS else ()),
    ]
    return Row(step.name, step.label, tuple(cells), note=step.note)


def _slices(context: Context, step: Step) -> tuple[Slice, Slice]:
    """Return the sums of a step: of the whole centre, and of the chosen area."""
    area, days = context.material.request.area, context.material.days
    first, after = (bisect_left(days, day, key=lambda row: row.day) for day in (step.since, step.until))
    whole: Counter[str] = Counter()
    chosen: Counter[str] = Counter()
    for row in days[first:after]:
        whole.update(row.sums)
        if row.area == area:
            chosen.update(row.sums)
    if not area:
        return Slice(step.name, whole), Slice(step.name, whole)
    return Slice(step.name, whole), Slice(step.name, chosen, where=(("area", area),))
