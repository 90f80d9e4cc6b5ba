"""The cost ladder: the centre's time by handling level and by who did the work (DOMAIN §1)."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.report.context import Context
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
    Total,
)
from dashboards.report.material import Rung
from dashboards.report.words import sentence

KEY, ERRANDS = "trappan", "trappans-arenden"
LEVELS = {
    70: "Ledning, styrning, politik",
    60: "Utredning, expertkunskap",
    50: "Verksamhetsspecifika förberedelser",
    40: "Värderande handläggning",
    30: "Administrativt arbete",
    20: "Vägledning och rådgivning",
    10: "Information och upplysning",
    0: "Självservice",
    -1: "Nivån är inte registrerad",
}
PERFORMERS = {
    "centre": "Kommuncenter",
    "department": "Förvaltning",
    "customer": "Kunden själv",
    "": "Ännu öppet",
}


def ladder(context: Context) -> Section | None:
    """Return the section; None where no errand is known of by level, as of days whose facts have expired."""
    rungs = [r for r in context.material.rungs if context.material.request.area in {"", r.area}]
    if not rungs:
        return None
    table = _table(context, rungs)
    series = tuple(column.key for column in table.columns if column.key.startswith("minutes_"))
    chart = Chart(
        "bild-trappan",
        ChartKind.LADDER,
        "Kommuncenters tid per nivå och utförare",
        KEY,
        series,
        (
            sentence(
                "Trappa: en stapel per handläggningsnivå, den högsta överst, delad efter vem som utförde "
                "arbetet."
            ),
        ),
    )
    said = (*ladder_sentences(table), _how())
    errands = _errands(context, rungs)
    return Section("avsnitt-trappan", "Kostnadstrappan", (Paragraph(said), chart, table, errands))


def _how() -> Sentence:
    return sentence(
        "Tiden är Kommuncenters egen: samtal, parkering och efterarbete, och för besök tiden vid disken. "
        "Gällde en kontakt flera ärenden delas tiden lika mellan dem. Mejl har ingen uppmätt tid. "
        "Förvaltningarnas tid syns inte här; det som står under Förvaltning är tiden hos Kommuncenter för "
        "ärenden som lämnades vidare."
    )


def ladder_sentences(table: Table) -> Iterator[Sentence]:
    """Say on which level most of the time went."""
    timed = [
        (cell.value, row)
        for row in table.rows
        if not row.total and (cell := table.cell(row.key, "minutes")) is not None and cell.value
    ]
    if not timed:
        yield sentence("För inget ärende är tiden känd.")
        return
    best, most = max(timed, key=lambda pair: pair[0])
    if sum(value == best for value, _ in timed) == 1:
        label = (
            "ärenden vars nivå inte är registrerad" if most.key == "okand" else f"nivån {most.label.lower()}"
        )
        yield sentence(
            f"Mest tid gick till {label}: ",
            Ref(f"{KEY}/{most.key}/minutes"),
            " av ",
            Ref(f"{KEY}/total/minutes"),
            ".",
            rests_on=[f"{KEY}/{row.key}/minutes" for _, row in timed],
        )
    yield sentence(
        "Tiden är känd för ",
        Ref(f"{ERRANDS}/total/timed"),
        " av ",
        Ref(f"{ERRANDS}/total/errands"),
        " ärenden.",
    )


def _table(context: Context, rungs: list[Rung]) -> Table:
    timed = {rung.performed_by for rung in rungs if rung.ms}
    performers = [name for name in _performers(rungs) if name in timed]
    rows = []
    for key, label, mine in _levels(rungs):
        at = f"{KEY}/{key}"
        cells = []
        for name in performers:
            ms = sum(rung.ms for rung in mine if rung.performed_by == name)
            of = _quantity(context, key, performer=name or "open")
            cells.append(Cell(f"{at}/minutes_{name or 'open'}", Kind.MINUTES, ms / 60_000, of=(of,)))
        ms = sum(rung.ms for rung in mine)
        cells.append(Cell(f"{at}/minutes", Kind.MINUTES, ms / 60_000, of=(_quantity(context, key),)))
        rows.append(Row(key, label, tuple(cells), total=key == "total"))
    return Table(
        KEY,
        "Kommuncenters tid per nivå och utförare",
        "Den tid som Kommuncenter lade på ärenden, efter vem som avslutade dem.",
        (
            *(Column(f"minutes_{name or 'open'}", _performer(name), Kind.MINUTES) for name in performers),
            Column("minutes", "All tid", Kind.MINUTES),
        ),
        tuple(rows),
        row_heading="Nivå",
    )


def _errands(context: Context, rungs: list[Rung]) -> Table:
    performers = _performers(rungs)
    rows = []
    for key, label, mine in _levels(rungs):
        at = f"{ERRANDS}/{key}"
        cells = []
        for name in performers:
            n = sum(rung.errands for rung in mine if rung.performed_by == name)
            of = _quantity(context, key, performer=name or "open")
            cells.append(Cell(f"{at}/errands_{name or 'open'}", Kind.COUNT, n, of=(of,)))
        whole, timed = sum(rung.errands for rung in mine), sum(rung.timed for rung in mine)
        cells.append(Cell(f"{at}/errands", Kind.COUNT, whole, of=(_quantity(context, key),)))
        known = _quantity(context, key, "timed")
        cells.append(Cell(f"{at}/timed", Kind.COUNT, timed, of=(known,)))
        rows.append(Row(key, label, tuple(cells), total=key == "total"))
    parts = tuple(row.key for row in rows if not row.total)
    columns = tuple(Column(f"errands_{name or 'open'}", _performer(name), Kind.COUNT) for name in performers)
    return Table(
        ERRANDS,
        "Ärenden per nivå och utförare",
        "Ärenden efter vem som avslutade dem, och hur många av dem som har en känd tid.",
        (
            *columns,
            Column("errands", "Alla", Kind.COUNT),
            Column("timed", "Med känd tid", Kind.COUNT),
        ),
        tuple(rows),
        totals=(
            Total("total", parts),
            Total("errands", tuple(column.key for column in columns), columns=True),
        ),
        row_heading="Nivå",
    )


def _performers(rungs: list[Rung]) -> list[str]:
    found = {rung.performed_by for rung in rungs}
    return [*(name for name in PERFORMERS if name in found), *sorted(found - set(PERFORMERS))]


def _performer(name: str) -> str:
    return PERFORMERS.get(name, name)


def _levels(rungs: list[Rung]) -> Iterator[tuple[str, str, list[Rung]]]:
    """Yield key, label and errands of each level, the highest first, and of all."""
    for level in (*LEVELS, *sorted({rung.level for rung in rungs} - set(LEVELS))):
        mine = [rung for rung in rungs if rung.level == level]
        if mine:
            yield "okand" if level < 0 else str(level), LEVELS.get(level, f"Nivå {level}"), mine
    yield "total", "Alla nivåer", rungs


def _quantity(context: Context, key: str, measure: str = "errands", /, **where: str) -> Quantity:
    """Name a number of errands; where the facts of some have expired, they are others than the figures'."""
    area = context.material.request.area
    known = sum(rung.errands for rung in context.material.rungs if area in {"", rung.area})
    if known != context.material.now.chosen()["errands"]:
        measure = f"{measure}_with_facts"
    level = {} if key == "total" else {"level": key}
    pairs = {**where, **level, **({"area": area} if area else {})}
    return Quantity(measure, context.material.period.name, tuple(sorted(pairs.items())))
