"""The telephone: answered in time, how long callers waited, and when."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.report.comparison import Change
from dashboards.report.context import Context
from dashboards.report.cube import Slice
from dashboards.report.document import (
    Cell,
    Chart,
    ChartKind,
    Column,
    Kind,
    Paragraph,
    Quantity,
    Ref,
    Row,
    Section,
    Sentence,
    Table,
)
from dashboards.report.words import in_text, of_all, sentence, verdict
from dashboards.swedish import NBSP, WEEKDAYS
from schemas.measures import quantile_seconds
from schemas.metrics import SPEED_OF_ANSWER
from schemas.statistics import SMALL_N

WAITS, HOURS = "vantetider", "timmar"
_MET_OR_HUNG_UP = "Inom 60 sekunder fick svar, eller avslutades av den som ringde, "


def telephone(context: Context) -> Section | None:
    """Return the section; None where nobody called, now or then."""
    level = context.definitions.service_level
    slices = context.material.now.whole(), context.then_whole()
    if not any(level.counts(part.sums)[1] for part in slices):
        return None
    how = sentence(
        f"Så räknas {in_text(level.label_sv)}: {in_text(level.description_sv)} Hur många som "
        "lade på genast, eller lämnade kön på annat sätt, står i tabellen över hur det gick för kontakterna."
    )
    said = (*level_sentence(context), *wait_sentence(context), how)
    hours = _hours(context)
    heat = Chart(
        "bild-timmar",
        ChartKind.HEAT,
        "Väntan timme för timme",
        HOURS,
        tuple(column.key for column in hours.columns),
        (
            sentence(
                "Rutnät: en ruta per veckodag och timme med väntan i medeltal; ju mörkare ruta, desto längre "
                "väntan."
            ),
        ),
        text=tuple(_longest(context, hours)),
    )
    blocks = (heat, hours) if hours.rows else ()
    return Section("avsnitt-telefon", "Telefon", (Paragraph(said), _waits(context), *blocks))


def level_sentence(context: Context) -> Iterator[Sentence]:
    """Say how many calls were answered in time."""
    level = context.service_level
    row = f"nyckeltal/{level.metric.name}"
    if level.share is None:
        return
    answered_only = level.metric.numerator == ("answered_in_target",)
    yield sentence(
        "Svar inom 60 sekunder fick " if answered_only else _MET_OR_HUNG_UP,
        *of_all(f"{row}/now", "samtal", "samtal"),
        ".",
        *verdict(context, level, row),
        rests_on=(f"{row}/then",) if level.former is not None else (),
    )


def wait_sentence(context: Context) -> Iterator[Sentence]:
    """Say how long those waited who were answered."""
    if not context.material.now.whole().waits:
        return
    compared = context.figures["speed_of_answer"]
    words = {
        Change.UNCHANGED: f" Medelväntetiden är oförändrad mot {context.then_words} (",
        Change.HIGHER: f" Medelväntetiden är längre än {context.then_words} (",
        Change.LOWER: f" Medelväntetiden är kortare än {context.then_words} (",
    }
    ending = words.get(compared.change)
    yield sentence(
        "De ",
        Ref(f"{WAITS}/n/now", one="besvarade samtalet", many="besvarade samtalen"),
        " väntade i medeltal ",
        Ref(f"{WAITS}/mean/now"),
        ". Hälften väntade högst ",
        Ref(f"{WAITS}/median/now"),
        " och nio av tio högst ",
        Ref(f"{WAITS}/p90/now"),
        ".",
        *((ending, Ref(f"{WAITS}/mean/then"), ").") if ending else ()),
    )


def _waits(context: Context) -> Table:
    labels = {
        "n": "Besvarade samtal",
        "mean": "Väntan i medeltal",
        "median": "Median: hälften väntade högst",
        "p90": "Nio av tio väntade högst",
    }
    parts = {"now": context.material.now.whole(), "then": context.then_whole()}
    rows = [
        Row(
            name,
            label,
            tuple(_wait_cell(f"{WAITS}/{name}/{when}", name, part) for when, part in parts.items()),
        )
        for name, label in labels.items()
    ]
    return Table(
        WAITS,
        "Väntan i telefonen",
        "Tid från första kön till svar, över besvarade samtal. Median och nio av tio avrundas uppåt, med "
        "högst 1 sekund eller 2 procent.",
        (
            Column("now", context.this[0].upper() + context.this[1:], Kind.SECONDS),
            Column("then", context.then_heading, Kind.SECONDS),
        ),
        tuple(rows),
        row_heading="Mått",
    )


def _wait_cell(key: str, name: str, part: Slice) -> Cell:
    waits = dict(part.waits)
    n = part["calls_answered"]
    of = (part.quantity("calls_answered"),)
    if name == "n":
        return Cell(key, Kind.COUNT, n if part.known else None, of=of)
    values = {
        "mean": SPEED_OF_ANSWER.value(part.sums),
        "median": quantile_seconds(waits, 0.5),
        "p90": quantile_seconds(waits, 0.9),
    }
    return Cell(key, Kind.SECONDS, values[name], n=n, of=of)


def _hours(context: Context) -> Table:
    found = {(hour.weekday, hour.hour): hour for hour in context.material.hours if hour.answered}
    columns = range(min((h for _, h in found), default=0), max((h for _, h in found), default=-1) + 1)
    rows = []
    for weekday in sorted({day for day, _ in found}):
        cells: list[Cell | None] = []
        for hour in columns:
            one = found.get((weekday, hour))
            of = Quantity(
                "calls_answered",
                context.material.period.name,
                (("hour", f"{hour:02d}"), ("weekday", str(weekday))),
            )
            value = one.wait_ms / one.answered / 1000 if one else None
            n = one.answered if one else None
            cells.append(Cell(f"{HOURS}/{weekday}/h{hour:02d}", Kind.SECONDS, value, n=n, of=(of,)))
        rows.append(Row(str(weekday), WEEKDAYS[weekday - 1].capitalize(), tuple(cells)))
    return Table(
        HOURS,
        "Väntan i medeltal, timme för timme",
        "Efter den timme då samtalet kom in, svensk tid. Bakom en ruta ligger ofta bara några samtal, så "
        "enstaka rutor är osäkra. Ett streck betyder att inget samtal besvarades.",
        tuple(Column(f"h{hour:02d}", f"{hour:02d}–{(hour + 1) % 24:02d}", Kind.SECONDS) for hour in columns),
        tuple(rows),
        row_heading="Dag",
        dense=True,
    )


def _longest(context: Context, hours: Table) -> Iterator[Sentence]:
    """Say when the wait was longest, among the hours with enough calls to lean on."""
    enough = [one for one in context.material.hours if one.answered >= SMALL_N]
    if len(enough) < 2:
        yield sentence("Det är för få samtal i varje timme för att peka ut någon tid.")
        return
    keys = {(one.weekday, one.hour): f"{HOURS}/{one.weekday}/h{one.hour:02d}" for one in enough}
    most = max(enough, key=lambda one: one.wait_ms / one.answered)
    column = next(column for column in hours.columns if column.key == f"h{most.hour:02d}")
    yield sentence(
        f"Bland de timmar som hade minst {SMALL_N} besvarade samtal var väntan längst på "
        f"{WEEKDAYS[most.weekday - 1]}ar kl.{NBSP}{column.label}: i medeltal ",
        Ref(keys[most.weekday, most.hour]),
        ".",
        rests_on=list(keys.values()),
    )
