"""A small centre whose every errand is known, the reports that it publishes, and all that adds up in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product

from dashboards.report.document import (
    Cell,
    Column,
    Document,
    Kind,
    Paragraph,
    Quantity,
    Ref,
    Row,
    Section,
    Sentence,
    Shown,
    Sum,
    Table,
    Total,
    quantity,
)
from schemas.statistics import wilson

CHANNELS = ("telephone", "mail")
TOPICS = {"vatten": "Bygga", "bygglov": "Bygga", "omsorg": "Omsorg", "bad": "Göra", "turism": "Göra"}
SENSITIVE = frozenset({"omsorg", "bad"})
MADE_AT = datetime(2026, 11, 30, tzinfo=UTC)

Errands = Mapping[tuple[str, str, str], tuple[int, int]]
"""(day or week, topic, channel) -> errands, and how many of them were solved."""


@dataclass(frozen=True)
class Centre:
    """Errands by the smallest period there is. ``periods`` says which of these each period has."""

    errands: Errands
    periods: Mapping[str, tuple[str, ...]]

    def count(self, measure: str, period: str, **where: str) -> int:
        """Count errands (or the solved ones) of a period, topic, area or channel."""
        return sum(
            counts[0 if measure == "errands" else 1]
            for (when, topic, channel), counts in self.errands.items()
            if when in self.periods[period]
            and where.get("topic", topic) == topic
            and where.get("channel", channel) == channel
            and where.get("area", TOPICS[topic]) == TOPICS[topic]
        )

    def cell(self, key: str, period: str, measure: str = "errands", **where: str) -> Cell:
        """Return the cell of a count, or of the share of the solved."""
        errands = self.count("errands", period, **where)
        of = quantity("errands", period, **where)
        if measure == "errands":
            return Cell(key, Kind.COUNT, errands, of=(of,))
        share = wilson(self.count("solved", period, **where), errands)
        of_both = (quantity("solved", period, **where), of)
        if share is None:
            return Cell(key, Kind.SHARE, of=of_both)
        return Cell(key, Kind.SHARE, share.value, share.hits, share.n, share.low, share.high, of=of_both)


def report(centre: Centre, period: str, *, days: Iterable[str] = (), version: str = "1") -> Document:
    """Return a report by topic and channel, by area, and day by day."""
    blocks = [_matrix(centre, period), _areas(centre, period)]
    if days:
        blocks.append(_days(centre, period, tuple(days)))
    sums = tuple(
        Sum(
            quantity(measure, period, area=area),
            tuple(quantity(measure, period, topic=topic) for topic in TOPICS if TOPICS[topic] == area),
        )
        for measure, area in product(("errands", "solved"), dict.fromkeys(TOPICS.values()))
    )
    told = Paragraph(
        (
            Sentence(
                (Ref("matris/vatten/all", one="ärende", many="ärenden"), " gällde vatten."),
                instead=("Vatten: ", Ref("matris/vatten/all"), "."),
            ),
            Sentence(("Omsorg: ", Ref("matris/omsorg/all"))),
        )
    )
    sections = (Section("allt", "Allt", (told, *blocks)),)
    return Document("Rapport", period, period, MADE_AT, version, sections, sums=sums)


def _matrix(centre: Centre, period: str) -> Table:
    columns = [Column(channel, channel, Kind.COUNT) for channel in CHANNELS]
    columns += [Column("all", "Alla", Kind.COUNT), Column("solved", "Lösta", Kind.SHARE)]
    rows = []
    for topic in (*TOPICS, "total"):
        where = {} if topic == "total" else {"topic": topic}
        key = f"matris/{topic}"
        cells = [centre.cell(f"{key}/{c}", period, **where, channel=c) for c in CHANNELS]
        cells += [centre.cell(f"{key}/all", period, **where)]
        cells += [centre.cell(f"{key}/solved", period, "solved", **where)]
        area = TOPICS.get(topic, "")
        sensitive, whole = topic in SENSITIVE, topic == "total"
        rows.append(Row(topic, topic, tuple(cells), total=whole, area=area, sensitive=sensitive))
    totals = (Total("all", CHANNELS, columns=True), Total("total", tuple(TOPICS)))
    return Table("matris", "Ämnen", "", tuple(columns), tuple(rows), totals, ranked=True)


def _lines(
    key: str, names: Iterable[str], cell: Callable[[str, str, str], Cell], totals: tuple[Total, ...]
) -> Table:
    columns = (Column("all", "Alla", Kind.COUNT), Column("solved", "Lösta", Kind.SHARE))
    rows = tuple(
        Row(
            name,
            name,
            (cell(f"{key}/{name}/all", name, "errands"), cell(f"{key}/{name}/solved", name, "solved")),
        )
        for name in names
    )
    return Table(key, key, "", columns, rows, totals)


def _areas(centre: Centre, period: str) -> Table:
    def cell(key: str, name: str, measure: str) -> Cell:
        where = {} if name == "total" else {"area": name}
        return centre.cell(key, period, measure, **where)

    areas = tuple(dict.fromkeys(TOPICS.values()))
    return _lines("områden", (*areas, "total"), cell, (Total("total", areas),))


def _days(centre: Centre, period: str, days: tuple[str, ...]) -> Table:
    def cell(key: str, name: str, measure: str) -> Cell:
        return centre.cell(key, period if name == "total" else name, measure)

    return _lines("dagar", (*days, "total"), cell, (Total("total", days),))


def what_adds_up(centre: Centre, period: str) -> list[tuple[Quantity, list[Quantity]]]:
    """Return every sum that holds in the world: an attacker knows how a centre works."""
    found: list[tuple[Quantity, list[Quantity]]] = []
    for measure in ("errands", "solved"):
        for where in ({}, *({"topic": topic} for topic in TOPICS)):
            whole = quantity(measure, period, **where)
            found.append((whole, [quantity(measure, period, **where, channel=c) for c in CHANNELS]))
        for where in ({}, *({"channel": channel} for channel in CHANNELS)):
            whole = quantity(measure, period, **where)
            found.append((whole, [quantity(measure, period, **where, topic=t) for t in TOPICS]))
        for area in dict.fromkeys(TOPICS.values()):
            topics = [topic for topic in TOPICS if TOPICS[topic] == area]
            parts = [quantity(measure, period, topic=topic) for topic in topics]
            found.append((quantity(measure, period, area=area), parts))
            for where in ({}, *({"channel": channel} for channel in CHANNELS)):
                merged = quantity(measure, period, topic="+".join(topics), **where)
                if len(topics) > 1:
                    found.append((merged, [quantity(measure, period, topic=t, **where) for t in topics]))
    named = [name for whole, parts in found for name in (whole, *parts) if name.measure == "errands"]
    for name in dict.fromkeys(named):
        solved = Quantity("solved", period, name.where)
        found.append((name, [solved, Quantity("unsolved", period, name.where)]))
    return found


@dataclass(frozen=True)
class Printed:
    """What a public report tells in so many words: values, counts called few, counts left out."""

    values: dict[Quantity, int]
    few: frozenset[Quantity]
    hidden: frozenset[Quantity]


def what_is_printed(public: Document) -> Printed:
    """Read a public report, cell by cell."""
    values: dict[Quantity, int] = {}
    for cell in public.cells.values():
        if cell.kind is Kind.COUNT and cell.value is not None:
            values[cell.of[0]] = int(cell.value)
        elif cell.kind is Kind.SHARE and cell.hits is not None and cell.n is not None:
            values[cell.of[0]], values[cell.of[1]] = cell.hits, cell.n
    counts = [cell for cell in public.cells.values() if cell.kind is Kind.COUNT]
    few = frozenset(cell.of[0] for cell in counts if cell.shown is Shown.FEW)
    return Printed(values, few, frozenset(cell.of[0] for cell in counts if cell.shown is Shown.HIDDEN))
