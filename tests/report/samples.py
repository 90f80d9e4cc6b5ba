"""A report with every kind of block, made up by hand, for the tests of how it looks."""

from __future__ import annotations

from datetime import UTC, datetime

from dashboards.report.document import (
    Cell,
    Chart,
    ChartKind,
    Column,
    Definition,
    Definitions,
    Document,
    Form,
    Gap,
    Kind,
    Note,
    Paragraph,
    Ref,
    Row,
    Section,
    Sentence,
    Table,
    Tone,
    Total,
    quantity,
)
from schemas.statistics import wilson

WEEK = "2026-W47"
MADE_AT = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
HOSTILE = '=1+1 #let x = "<b>å</b>" & $y$ \\ _kursiv_ *fet* @ref `kod` </script>'


def count(key: str, value: int, *, measure: str = "errands", **where: str) -> Cell:
    return Cell(key, Kind.COUNT, value, of=(quantity(measure, WEEK, **where),))


def share(key: str, hits: int, n: int, *, measure: str = "resolved", **where: str) -> Cell:
    found = wilson(hits, n)
    of = (quantity(measure, WEEK, **where), quantity("errands", WEEK, **where))
    if found is None:
        return Cell(key, Kind.SHARE, of=of)
    return Cell(key, Kind.SHARE, found.value, hits, n, found.low, found.high, of=of)


def channel_table() -> Table:
    errands = {"telephone": (607, 420, 0.81), "mail": (91, 62, 0.12), "visit": (52, 15, 0.07)}
    labels = {"telephone": "Telefon", "mail": "E-post", "visit": "Besök"}
    rows = []
    for name, (n, hits, goal) in errands.items():
        key = f"kanaler/{name}"
        rows.append(
            Row(
                name,
                labels[name],
                (
                    count(f"{key}/errands", n, channel=name),
                    share(f"{key}/share", n, 750, measure="errands", channel=name),
                    Cell(f"{key}/goal", Kind.SHARE, goal),
                    share(f"{key}/resolved", hits, n, channel=name),
                ),
            )
        )
    rows.append(
        Row(
            "total",
            "Alla kanaler",
            (
                count("kanaler/total/errands", 750),
                None,
                None,
                share("kanaler/total/resolved", 497, 750),
            ),
            total=True,
        )
    )
    columns = (
        Column("errands", "Ärenden", Kind.COUNT),
        Column("share", "Andel", Kind.SHARE),
        Column("goal", "Publicerad bild", Kind.SHARE),
        Column("resolved", "Löst i Kommuncenter", Kind.SHARE, "mål 68 %"),
    )
    totals = (Total("total", tuple(errands)),)
    return Table(
        "kanaler", "Kanaler", "Efter den kanal där ärendet först kom in.", columns, tuple(rows), totals
    )


def ladder_table() -> Table:
    levels = (
        "70 Ledning, styrning, politik",
        "40 Värderande handläggning",
        "10 Information",
        "0 Självservice",
    )
    columns = tuple(
        Column(name, label, Kind.MINUTES)
        for name, label in (
            ("centre", "Kommuncenter"),
            ("department", "Förvaltningen"),
            ("customer", "Kunden"),
        )
    )
    rows = tuple(
        Row(
            f"l{at}",
            label,
            tuple(
                Cell(f"trappa/l{at}/{column.key}", Kind.MINUTES, float(minutes))
                for column, minutes in zip(columns, (at * 400, 900 - at * 250, at * at * 10), strict=True)
            ),
        )
        for at, label in enumerate(levels)
    )
    return Table("trappa", "Kostnadstrappan", "Minuter per nivå.", columns, rows)


def heat_table() -> Table:
    columns = tuple(Column(f"h{hour}", f"{hour}–{hour + 1}", Kind.SECONDS) for hour in range(8, 17))
    rows = tuple(
        Row(
            day,
            label,
            tuple(
                None
                if (at, hour) == (4, 8)
                else Cell(f"timmar/{day}/{column.key}", Kind.SECONDS, 12.0 * at + 7 * hour * hour % 90, n=40)
                for hour, column in enumerate(columns)
            ),
        )
        for at, (day, label) in enumerate(
            (("mon", "Måndag"), ("tue", "Tisdag"), ("wed", "Onsdag"), ("thu", "Torsdag"), ("fri", "Fredag"))
        )
    )
    return Table("timmar", "Väntan timme för timme", "Medelväntan.", columns, rows, row_heading="Dag")


def trend_table() -> Table:
    columns = (
        Column("resolved", "Löst i Kommuncenter", Kind.SHARE),
        Column("fcr", "Vid första kontakten", Kind.SHARE),
        Column("goal", "Mål", Kind.SHARE),
    )
    rows = tuple(
        Row(
            f"w{week}",
            f"Vecka {week}",
            (
                share(f"trend/w{week}/resolved", 480 + 7 * (week % 5), 740),
                Cell(f"trend/w{week}/fcr", Kind.SHARE)
                if week == 43
                else share(f"trend/w{week}/fcr", 400 + 9 * (week % 3), 740),
                Cell(f"trend/w{week}/goal", Kind.SHARE, 0.68),
            ),
        )
        for week in range(38, 48)
    )
    return Table("trend", "Utvecklingen", "De senaste tio veckorna.", columns, rows, row_heading="Vecka")


def odd_table() -> Table:
    columns = (
        Column("n", "Antal", Kind.NUMBER),
        Column("mean", "Medeltal", Kind.SECONDS),
        Column("factor", "Gånger det vanliga", Kind.FACTOR),
        Column("per", "Per ärende", Kind.PER_ERRAND),
        Column("word", "Förändring", Kind.TEXT),
    )
    rows = (
        Row(
            "a",
            HOSTILE,
            (
                Cell("udda/a/n", Kind.NUMBER, 12345),
                Cell("udda/a/mean", Kind.SECONDS, 94.25, n=12, preliminary=True),
                Cell("udda/a/factor", Kind.FACTOR, 8.25),
                Cell("udda/a/per", Kind.PER_ERRAND, 1.125, n=900),
                Cell("udda/a/word", Kind.TEXT, text="=cmd|' /C calc'!A0"),
            ),
            group="Udda",
        ),
        Row(
            "b",
            "Inget",
            (
                Cell("udda/b/n", Kind.NUMBER),
                Cell("udda/b/mean", Kind.SECONDS),
                Cell("udda/b/factor", Kind.FACTOR),
                None,
                Cell("udda/b/word", Kind.TEXT, text="→ oförändrat"),
            ),
            note="utan underlag",
            group="Udda",
        ),
    )
    return Table("udda", "Udda värden", HOSTILE, columns, rows)


def words(text: str) -> Sentence:
    return Sentence((text,))


def sample() -> Document:
    errands = "kanaler/total/errands"
    resolved = "kanaler/total/resolved"
    summary = (
        Sentence(("Under veckan kom ", Ref(errands, one="ärende", many="ärenden"), " in.")),
        Sentence(
            (
                "Kommuncenter löste ",
                Ref(resolved, Form.HITS),
                " av ",
                Ref(resolved, Form.N, "ärende", "ärenden"),
                ", ",
                Ref(resolved),
                " (",
                Ref(resolved, Form.INTERVAL),
                "). Det är ",
                Gap(resolved, "kanaler/mail/resolved"),
                " från e-post.",
            )
        ),
        words(HOSTILE),
    )
    chart = Chart(
        "kanalbild",
        ChartKind.BARS,
        "Löst i varje kanal",
        "kanaler",
        ("share", "resolved"),
        (words("Stapeldiagram: telefonen är störst."),),
        "goal",
        (words("Flest ärenden kommer per telefon."),),
    )
    sections = (
        Section("sammanfattning", "Sammanfattning", (Paragraph(summary, listed=True),)),
        Section("kanaler-avsnitt", "Kanaler", (chart, channel_table())),
        Section(
            "trappan",
            "Kostnadstrappan",
            (
                Chart(
                    "trappbild",
                    ChartKind.LADDER,
                    "Minuter per nivå och utförare",
                    "trappa",
                    ("centre", "department", "customer"),
                    (words("Trappa."),),
                ),
                ladder_table(),
                Paragraph((words("Tiden är uppskattad."),)),
            ),
        ),
        Section(
            "vantan",
            "Väntan",
            (
                Chart(
                    "timbild",
                    ChartKind.HEAT,
                    "Väntan timme för timme",
                    "timmar",
                    tuple(f"h{hour}" for hour in range(8, 17)),
                    (words("Värmekarta."),),
                ),
                heat_table(),
            ),
        ),
        Section(
            "utveckling",
            "Utvecklingen",
            (
                Chart(
                    "trendbild",
                    ChartKind.LINES,
                    "Löst, vecka för vecka",
                    "trend",
                    ("resolved", "fcr"),
                    (words("Linjediagram."),),
                    "goal",
                ),
                trend_table(),
            ),
        ),
        Section(
            "ovrigt",
            "Övrigt",
            (
                Note("Rättelse", (words("En siffra har rättats."),), Tone.WARNING),
                odd_table(),
                Table("tom", "Tom", "Ingenting.", (Column("a", "A", Kind.COUNT),), (), empty="Inga."),
                Definitions((Definition("Löst", "Ärenden som centret löste.", "resolved / errands"),)),
            ),
        ),
    )
    return Document(
        "Veckorapport för Kommuncenter, vecka 47, 2026",
        "16–22 november 2026",
        WEEK,
        MADE_AT,
        "2026-11-23T05:00Z-42",
        sections,
        preliminary=True,
    )
