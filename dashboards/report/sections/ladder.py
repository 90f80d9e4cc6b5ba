"""The cost ladder: the centre's time by handling level and by who did the work (DOMAIN §1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

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

KEY = "trappan"
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
    return Section("avsnitt-trappan", "Kostnadstrappan", (Paragraph(said), chart, table))


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
        "Tiden är känd för ", Ref(f"{KEY}/total/timed"), " av ", Ref(f"{KEY}/total/errands"), " ärenden."
    )


def _table(context: Context, rungs: list[Rung]) -> Table:
    performers = [name for name in PERFORMERS if any(rung.performed_by == name for rung in rungs)]
    performers += sorted({rung.performed_by for rung in rungs} - set(performers))
    levels = [*LEVELS, *sorted({rung.level for rung in rungs} - set(LEVELS))]
    rows = []
    for level in levels:
        mine = [rung for rung in rungs if rung.level == level]
        if mine:
            label = LEVELS.get(level, f"Nivå {level}")
            rows.append(_row(context, "okand" if level < 0 else str(level), label, mine, performers))
    names = tuple(row.key for row in rows)
    whole = _row(context, "total", "Alla nivåer", rungs, performers)
    rows.append(Row(whole.key, whole.label, whole.cells, total=True))
    counts = tuple(f"errands_{name or 'open'}" for name in performers)
    return Table(
        KEY,
        "Kommuncenters tid per nivå och utförare",
        "Ärenden efter vem som avslutade dem, och den tid som Kommuncenter lade på dem.",
        (
            *(
                Column(f"errands_{name or 'open'}", f"Ärenden, {_performer(name).lower()}", Kind.COUNT)
                for name in performers
            ),
            Column("errands", "Alla ärenden", Kind.COUNT),
            Column("timed", "Med känd tid", Kind.COUNT),
            *(Column(f"minutes_{name or 'open'}", _performer(name), Kind.MINUTES) for name in performers),
            Column("minutes", "All tid", Kind.MINUTES),
        ),
        tuple(rows),
        totals=(Total("total", names), Total("errands", counts, columns=True)),
        row_heading="Nivå",
    )


def _performer(name: str) -> str:
    return PERFORMERS.get(name, name)


def _row(context: Context, key: str, label: str, rungs: Iterable[Rung], performers: list[str]) -> Row:
    errands: Counter[str] = Counter()
    ms: Counter[str] = Counter()
    timed = 0
    for rung in rungs:
        errands[rung.performed_by] += rung.errands
        ms[rung.performed_by] += rung.ms
        timed += rung.timed
    level = {} if key == "total" else {"level": key}
    whole = _quantity(context, **level)
    of = {name: _quantity(context, performer=name or "open", **level) for name in performers}
    at = f"{KEY}/{key}"
    return Row(
        key,
        label,
        (
            *(Cell(f"{at}/errands_{n or 'open'}", Kind.COUNT, errands[n], of=(of[n],)) for n in performers),
            Cell(f"{at}/errands", Kind.COUNT, errands.total(), of=(whole,)),
            Cell(f"{at}/timed", Kind.COUNT, timed, of=(_quantity(context, "timed", **level),)),
            *(
                Cell(f"{at}/minutes_{n or 'open'}", Kind.MINUTES, ms[n] / 60_000, of=(of[n],))
                for n in performers
            ),
            Cell(f"{at}/minutes", Kind.MINUTES, ms.total() / 60_000, of=(whole,)),
        ),
    )


def _quantity(context: Context, measure: str = "errands", /, **where: str) -> Quantity:
    """Name a number of errands; where the facts of some have expired, they are others than the figures'."""
    area = context.material.request.area
    known = sum(rung.errands for rung in context.material.rungs if area in {"", rung.area})
    if known != context.material.now.chosen()["errands"]:
        measure = f"{measure}_with_facts"
    pairs = {**where, **({"area": area} if area else {})}
    return Quantity(measure, context.material.period.name, tuple(sorted(pairs.items())))
