"""Where errands were handed over to, of which topics, and which of them the centre might have resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dashboards.report.cells import count_cell
from dashboards.report.context import Context
from dashboards.report.cube import Slice
from dashboards.report.document import (
    Cell,
    Column,
    Form,
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
from dashboards.report.words import in_text, of_all, sentence, verdict

UNITS, MATRIX, REACH = "mottagare", "overlamningar", "mandat"
_KINDS = {
    "handovers": "Alla",
    "handovers_blind": "Kopplade direkt",
    "handovers_consulted": "Kopplade med presentation",
    "handovers_ticket": "Med ärende eller mejl",
}


def handover(context: Context) -> Section:
    """Return the section on receivers and topics."""
    said = [*handover_sentence(context), *receiver_sentence(context)]
    return Section(
        "avsnitt-overlamning", "Överlämningar", (Paragraph(tuple(said)), _units(context), _matrix(context))
    )


def handover_sentence(context: Context) -> Iterator[Sentence]:
    """Say how many errands were handed over."""
    compared, row = context.figures["handover_rate"], "nyckeltal/handover_rate"
    if compared.share is not None:
        yield sentence(
            "Till en förvaltning eller ett bolag lämnades ",
            *of_all(f"{row}/now", "ärende", "ärenden"),
            ".",
            *verdict(context, compared, row),
            rests_on=(f"{row}/then",) if compared.former is not None else (),
        )


def receiver_sentence(context: Context) -> Iterator[Sentence]:
    """Say who received most; nothing where it was nobody, or several alike."""
    units = _receivers(context)
    if not units or (len(units) > 1 and units[0][1]["handovers"] == units[1][1]["handovers"]):
        return
    name = units[0][0]
    yield sentence(
        f"Flest överlämningar gick till {context.unit_label(name)}: ",
        Ref(f"{UNITS}/{name}/handovers"),
        " av ",
        Ref(f"{UNITS}/total/handovers"),
        ".",
        rests_on=[f"{UNITS}/{other}/handovers" for other, _ in units[1:]],
    )


def _receivers(context: Context) -> list[tuple[str, Slice]]:
    found = [
        (unit, part)
        for (unit,), part in context.material.now.by("unit").items()
        if part["handovers"] and unit
    ]
    return sorted(found, key=lambda pair: (-pair[1]["handovers"], context.unit_label(pair[0])))


def _units(context: Context) -> Table:
    now, former = context.material.now, context.then_by("unit")
    receivers = dict(_receivers(context))
    gone = {unit: part for (unit,), part in former.items() if part["handovers"] and unit not in receivers}
    rows = []
    for unit, part in receivers.items():
        earlier = former.get((unit,), context.nothing(part.where))
        rows.append(_unit_row(unit, context.unit_label(unit), part, earlier))
    for unit, earlier in gone.items():
        nobody = Slice(now.period, where=earlier.where)
        rows.append(_unit_row(unit, context.unit_label(unit), nobody, earlier))
    names = tuple(row.key for row in rows)
    if rows:
        whole = _unit_row("total", "Alla mottagare", now.chosen(), context.then_chosen())
        rows.append(Row(whole.key, whole.label, whole.cells, total=True))
    return Table(
        UNITS,
        "Överlämningar per mottagare",
        "Två överlämningar av samma ärende räknas två gånger här, men en gång i andelen ovan.",
        (
            *(Column(name, label, Kind.COUNT) for name, label in _KINDS.items()),
            Column("then", context.then_heading, Kind.COUNT),
        ),
        tuple(rows),
        totals=(
            Total("total", names),
            Total("handovers", tuple(name for name in _KINDS if name != "handovers"), columns=True),
        )
        if rows
        else (),
        ranked=True,
        row_heading="Mottagare",
        empty="Inga överlämningar under perioden.",
    )


def _unit_row(key: str, label: str, part: Slice, earlier: Slice) -> Row:
    cells = [count_cell(f"{UNITS}/{key}/{name}", part, name) for name in _KINDS]
    return Row(key, label, (*cells, count_cell(f"{UNITS}/{key}/then", earlier, "handovers")))


def _matrix(context: Context) -> Table:
    now = context.material.now
    units = [unit for unit, _ in _receivers(context)]
    parts = {key: part for key, part in now.by("topic", "unit").items() if part["handovers"]}
    topics = {topic: part for (topic,), part in now.by("topic").items() if part["handovers"]}
    ordered = sorted(topics, key=lambda name: (-topics[name]["handovers"], context.topic_label(name)))
    rows = [_matrix_row(context, topic, topics[topic], units, parts) for topic in ordered]
    names = tuple(row.key for row in rows)
    if rows:
        by_unit = dict(_receivers(context))
        cells = [count_cell(f"{MATRIX}/total/{unit}", by_unit[unit], "handovers") for unit in units]
        cells.append(count_cell(f"{MATRIX}/total/total", now.chosen(), "handovers"))
        rows.append(Row("total", "Alla ämnen", tuple(cells), total=True))
    return Table(
        MATRIX,
        "Överlämningar per ämne och mottagare",
        "Vilka ämnen som lämnades till vem.",
        (
            *(Column(unit, context.unit_label(unit), Kind.COUNT) for unit in units),
            Column("total", "Alla", Kind.COUNT),
        ),
        tuple(rows),
        totals=(Total("total", names), Total("total", tuple(units), columns=True)) if rows else (),
        ranked=True,
        row_heading="Ämne",
        empty="Inga överlämningar under perioden.",
    )


def _matrix_row(
    context: Context,
    topic: str,
    whole: Slice,
    units: list[str],
    parts: Mapping[tuple[str, ...], Slice],
) -> Row:
    key = topic or "okant"
    cells = []
    for unit in units:
        empty = Slice(whole.period, where=tuple(sorted((*whole.where, ("unit", unit)))))
        cells.append(count_cell(f"{MATRIX}/{key}/{unit}", parts.get((topic, unit), empty), "handovers"))
    cells.append(count_cell(f"{MATRIX}/{key}/total", whole, "handovers"))
    area = context.area_of_topic(topic)
    return Row(key, context.topic_label(topic), tuple(cells), area=area, sensitive=context.sensitive(topic))


# ---- what might have been resolved -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Movable:
    """Errands of a topic that were handed over within the mandate, and what the centre takes for such a one.

    ``seconds`` is the mean of ``n`` errands of the topic that the centre resolved and whose time is known.
    """

    topic: str
    part: Slice
    n: int
    seconds: float | None

    @property
    def minutes(self) -> float | None:
        """The time that could be moved."""
        return None if self.seconds is None else self.part["under_reach"] * self.seconds / 60


def movable(context: Context) -> list[Movable]:
    """Return the topics with errands handed over within the mandate, those with most time first."""
    times: dict[str, tuple[int, int]] = {}
    for rung in context.material.rungs:
        n, ms = times.get(rung.topic, (0, 0))
        times[rung.topic] = n + rung.solved_timed, ms + rung.solved_ms
    found = []
    for (topic,), part in context.material.now.by("topic").items():
        if part["under_reach"]:
            n, ms = times.get(topic, (0, 0))
            found.append(Movable(topic, part, n, ms / n / 1000 if n else None))
    return sorted(found, key=lambda m: (-(m.minutes or 0), -m.part["under_reach"], m.topic))


def reach(context: Context) -> Section:
    """Return the section on errands handed over within the mandate."""
    how = sentence(
        "Tiden är en uppskattning: antalet ärenden gånger den tid som Kommuncenter i medeltal lägger på ett "
        "ärende i samma ämne som det löser självt. Så mycket arbete skulle flytta till Kommuncenter."
    )
    table = _reach_table(context)
    said = (*reach_sentence(context), *((how,) if table.rows else ()))
    return Section("avsnitt-mandat", "Lämnat vidare inom mandatet", (Paragraph(said), table))


def reach_sentence(context: Context) -> Iterator[Sentence]:
    """Say how many errands were handed over that need not have been, and how much work they are."""
    found = movable(context)
    if not found:
        if context.figures["errands"].hits:
            yield sentence("Inget ärende lämnades vidare som Kommuncenter har mandat att lösa.")
        return
    total = f"{REACH}/total/errands"
    timed = any(one.minutes is not None for one in found)
    time = (", ungefär ", Ref(f"{REACH}/total/minutes"), " arbete,") if timed else ()
    most = max(found, key=lambda one: (one.part["under_reach"], one.topic))
    tied = sum(one.part["under_reach"] == most.part["under_reach"] for one in found) > 1
    named = "" if tied else f" Flest gällde {in_text(context.topic_label(most.topic))}: "
    yield sentence(
        Ref(total, Form.VALUE, "ärende", "ärenden"),
        *time,
        " lämnades vidare fast Kommuncenter har mandat att lösa dem.",
        named,
        *((Ref(f"{REACH}/{most.topic or 'okant'}/errands"), ".") if not tied else ()),
        rests_on=[f"{REACH}/{one.topic or 'okant'}/errands" for one in found] if not tied else (),
        instead=(
            Ref(total, Form.VALUE, "ärende", "ärenden"),
            " lämnades vidare fast Kommuncenter har mandat att lösa dem.",
        ),
        sensitive=not tied and context.sensitive(most.topic),
    )


def _reach_table(context: Context) -> Table:
    found = movable(context)
    rows = [_reach_row(context, one) for one in found]
    names = tuple(row.key for row in rows)
    if rows:
        whole = context.material.now.chosen()
        known = [one.minutes for one in found if one.minutes is not None]
        count = count_cell(f"{REACH}/total/errands", whole, "under_reach")
        # The times are numbers times means that are shown: with their sum, hidden numbers could be found.
        every = dict.fromkeys(name for row in rows for cell in row.cells if cell for name in cell.of)
        of = (*count.of, *every)
        minutes = Cell(f"{REACH}/total/minutes", Kind.MINUTES, sum(known) if known else None, of=of)
        rows.append(Row("total", "Alla ämnen", (count, None, minutes), total=True))
    return Table(
        REACH,
        "Ärenden som lämnades vidare inom mandatet",
        "Mest tid först. Ett ämne utan tid har inget löst ärende vars tid är känd.",
        (
            Column("errands", "Ärenden", Kind.COUNT),
            Column("each", "Tid per löst ärende", Kind.SECONDS),
            Column("minutes", "Tid som kan flyttas", Kind.MINUTES),
        ),
        tuple(rows),
        totals=(Total("total", names),) if rows else (),
        ranked=True,
        row_heading="Ämne",
        empty="Inget ärende lämnades vidare som Kommuncenter har mandat att lösa.",
    )


def _reach_row(context: Context, one: Movable) -> Row:
    key = one.topic or "okant"
    count = count_cell(f"{REACH}/{key}/errands", one.part, "under_reach")
    solved = Quantity("solved_timed", one.part.period, one.part.where)
    return Row(
        key,
        context.topic_label(one.topic),
        (
            count,
            Cell(f"{REACH}/{key}/each", Kind.SECONDS, one.seconds, n=one.n, of=(solved,)),
            Cell(f"{REACH}/{key}/minutes", Kind.MINUTES, one.minutes, of=(*count.of, solved)),
        ),
        area=context.area_of_topic(one.topic),
        sensitive=context.sensitive(one.topic),
    )
