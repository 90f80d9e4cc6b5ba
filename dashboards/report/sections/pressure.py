"""Surges, and what residents ask more about than usual."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime

from dashboards.report.context import Context
from dashboards.report.document import (
    Cell,
    Column,
    Gap,
    Kind,
    Paragraph,
    Part,
    Quantity,
    Ref,
    Row,
    Section,
    Sentence,
    Table,
)
from dashboards.report.material import Surge
from dashboards.report.period import Kind as PeriodKind
from dashboards.report.rising import FEWEST, Level
from dashboards.report.usual import ALL
from dashboards.report.words import in_text, sentence
from dashboards.swedish import MONTHS, NBSP, WEEKDAYS, clock_sv
from schemas.timebase import STOCKHOLM, local_day

SURGES, QUESTIONS = "storningar", "fragor"
MOST_TOLD = 3
"""So many surges, or rising topics, stand in the summary; the tables have all."""


def pressure(context: Context) -> Section:
    """Return the section on surges and questions."""
    surges = surge_sentences(context)
    said = tuple(surges) if surges else (sentence(f"Inga störningar märktes under {context.this}."),)
    return Section(
        "avsnitt-storningar",
        "Störningar",
        (Paragraph(said), *((_surges(context),) if context.material.surges_now() else ())),
    )


def questions(context: Context) -> Section:
    """Return the section on what is asked."""
    said = [*rising_sentences(context)]
    known = any(level.p is not None for level in context.levels.values())
    if known:
        said.append(_how(context))
    tables = (_questions(context),) if known else ()
    return Section("avsnitt-fragor", "Vad invånarna frågar om", (Paragraph(tuple(said)), *tables))


# ---- surges ----------------------------------------------------------------------------------------


def surge_sentences(context: Context, most: int | None = None) -> list[Sentence]:
    """Say what surges there were, the largest of each day's first; those of one day are one event."""
    days: dict[date, list[tuple[int, Surge]]] = {}
    for number, surge in enumerate(context.material.surges_now(), start=1):
        days.setdefault(local_day(surge.since), []).append((number, surge))
    topics = [
        (number, surge)
        for found in days.values()
        for number, surge in found
        if surge.topic or len(found) == 1 or not any(other.topic for _, other in found)
    ]
    topics.sort(key=lambda pair: (-(pair[1].contacts - pair[1].usual), pair[0]))
    told = sorted(topics[:most], key=lambda pair: pair[0])
    said = []
    for number, surge in told:
        whole = [n for n, other in days[local_day(surge.since)] if not other.topic and surge.topic]
        said.append(_surge_sentence(context, number, surge, whole))
    return said


def _surge_sentence(context: Context, number: int, surge: Surge, whole: list[int]) -> Sentence:
    row = f"{SURGES}/{number}"
    what = f"om {in_text(context.topic_label(surge.topic))}" if surge.topic else "av alla slag"
    noun = ("ärende", "ärenden") if surge.topic else ("kontakt", "kontakter")
    also: tuple[Part, ...] = (" Det märktes även på det totala antalet kontakter.",) if whole else ()
    open_end = "" if surge.over else " När uppgifterna hämtades pågick det ännu."
    return sentence(
        f"{_day(surge.since, start=True)} kom ovanligt många {noun[1]} {what}. Mellan {_clock(surge)} kom ",
        Ref(f"{row}/contacts", one=noun[0], many=noun[1]),
        ", ",
        Ref(f"{row}/times"),
        " gånger så många som vanligt.",
        *also,
        open_end,
        rests_on=[f"{SURGES}/{n}/contacts" for n in whole],
        sensitive=context.sensitive(surge.topic),
    )


def _day(instant: datetime, *, start: bool = False) -> str:
    local = instant.astimezone(STOCKHOLM)
    weekday = WEEKDAYS[local.weekday()]
    text = f"{weekday}en den {local.day}{NBSP}{MONTHS[local.month - 1]}"
    return text[0].upper() + text[1:] if start else text


def _clock(surge: Surge) -> str:
    return f"kl.{NBSP}{clock_sv(surge.since)} och {clock_sv(surge.until)}"


def _surges(context: Context) -> Table:
    rows = []
    for number, surge in enumerate(context.material.surges_now(), start=1):
        local = surge.since.astimezone(STOCKHOLM)
        of = Quantity("surge", surge.since.isoformat(), (("topic", surge.topic),))
        key = f"{SURGES}/{number}"
        rows.append(
            Row(
                str(number),
                f"{WEEKDAYS[local.weekday()].capitalize()} {local.day}{NBSP}{MONTHS[local.month - 1]} "
                f"kl.{NBSP}{clock_sv(surge.since)}–{clock_sv(surge.until)}",
                (
                    Cell(f"{key}/contacts", Kind.COUNT, surge.contacts, of=(of,)),
                    Cell(f"{key}/usual", Kind.NUMBER, surge.usual, of=(of,)),
                    Cell(f"{key}/times", Kind.FACTOR, surge.contacts / surge.usual, of=(of,)),
                ),
                note=context.topic_label(surge.topic) if surge.topic else "Alla kontakter",
                area=context.area_of_topic(surge.topic),
                sensitive=context.sensitive(surge.topic),
            )
        )
    return Table(
        SURGES,
        "Störningar",
        "Kvartar då det kom betydligt fler än samma tid de senaste jämförbara dagarna. Per ämne räknas "
        "ärenden, annars kontakter. Störningar räknas med i alla siffror.",
        (
            Column("contacts", "Kom", Kind.COUNT),
            Column("usual", "Vanligt", Kind.NUMBER),
            Column("times", "Gånger det vanliga", Kind.FACTOR),
        ),
        tuple(rows),
        row_heading="När och vad",
    )


# ---- what is asked -----------------------------------------------------------------------------------


def rising_sentences(context: Context, most: int | None = None) -> Iterator[Sentence]:
    """Say which topics rose, those with the greatest excess first."""
    found = context.levels
    rising = [(name, level) for name, level in found.items() if level.rise and name not in {ALL, "okant"}]
    rising.sort(key=lambda pair: (-(pair[1].now - (pair[1].expected or 0)), pair[0]))
    for name, level in rising[:most]:
        row, weekly = f"{QUESTIONS}/{name}", context.material.period.kind is PeriodKind.WEEK
        label = in_text(context.topic_label(name))
        doubled = level.times is not None and level.times >= 2
        begin, middle = f"Frågorna om {label} ökade: ", " mot"
        if any(surge.topic == name for surge in context.material.surges_now()):
            begin, middle = f"Under hela {context.this} kom ", f" om {label}, mot"
        yield sentence(
            begin,
            Ref(f"{row}/now", one="ärende", many="ärenden"),
            f"{middle} vanligen " if weekly else f"{middle} ",
            Ref(f"{row}/usual"),
            "" if weekly else f" i samma takt som {context.then_words}",
            *((", alltså ", Ref(f"{row}/times"), " gånger så många") if doubled else ()),
            ".",
            rests_on=(f"{row}/verdict",),
            sensitive=context.sensitive(name),
        )
    if not rising:
        yield _none_rose(found)


def _none_rose(found: Mapping[str, Level]) -> Sentence:
    if all(level.p is None for level in found.values()):
        return sentence(
            "Det finns för få jämförbara dagar för att säga om några frågor har blivit vanligare."
        )
    return sentence("Inget ämne var vanligare än vad slumpen ger.")


def _how(context: Context) -> Sentence:
    if context.material.period.kind is PeriodKind.WEEK:
        against = (
            "samma veckodagar de senaste åtta jämförbara gångerna; helgdagar, aftnar, klämdagar och dagar "
            "med en störning i ämnet räknas bort"
        )
    else:
        against = f"samma veckodagar {context.then_words}"
    return sentence(
        f"Varje ämne jämförs med {against}. Det sägs öka bara när ökningen är större än vad slumpen ger, med "
        "hänsyn till hur många ämnen som prövas."
    )


def _questions(context: Context) -> Table:
    found = context.levels
    names = sorted((n for n in found if n != ALL), key=lambda n: (-found[n].now, context.topic_label(n)))
    rows = [_question_row(context, name, found[name]) for name in names]
    if not context.limited:
        rows.append(_question_row(context, ALL, found[ALL]))
    return Table(
        QUESTIONS,
        "Ämnen mot det vanliga",
        "Antal ärenden. Vanligt är medianen av de perioder som ämnet jämförs med.",
        (
            Column("now", context.this[0].upper() + context.this[1:], Kind.COUNT),
            Column("usual", "Vanligt", Kind.NUMBER),
            Column("times", "Gånger det vanliga", Kind.FACTOR),
            Column("verdict", "Bedömning", Kind.TEXT),
        ),
        tuple(rows),
        row_heading="Ämne",
        empty="Inga ärenden under perioden.",
    )


def _question_row(context: Context, name: str, level: Level) -> Row:
    key = name or "total"
    topic = "" if name == "okant" else name
    period = context.material.period.name
    of = Quantity("errands", period, (("topic", topic),)) if name else Quantity("offered", period)
    verdict = "–" if level.p is None else "↑ ökar" if level.rise else "→ som vanligt"
    at = f"{QUESTIONS}/{key}"
    times = level.times
    return Row(
        key,
        context.topic_label(topic) if name else "Alla kontakter",
        (
            Cell(f"{at}/now", Kind.COUNT, level.now, of=(of,)),
            Cell(f"{at}/usual", Kind.NUMBER, level.usual, of=_of_usual(of, level)),
            Cell(f"{at}/times", Kind.FACTOR, times, of=(of,)),
            Cell(f"{at}/verdict", Kind.TEXT, text=verdict, of=(of,)),
        ),
        total=not name,
        area=context.area_of_topic(topic) if name else "",
        sensitive=context.sensitive(topic) if name else False,
    )


def _of_usual(of: Quantity, level: Level) -> tuple[Quantity, ...]:
    """Name what is usual where it is so little that it is as telling as a small count."""
    few = level.usual is not None and 0 < level.usual < FEWEST
    return (replace(of, measure=f"usual_{of.measure}"),) if few else ()


def usual_part(context: Context) -> tuple[Part, ...]:
    """Return how all contacts stand to a usual week, with a space before it; empty where it is not known."""
    level = context.levels.get(ALL)
    if level is None or level.usual is None or context.limited:
        return ()
    row = f"{QUESTIONS}/total"
    if context.material.period.kind is not PeriodKind.WEEK:
        return ()
    if level.rise:
        return (
            " Det är ",
            Gap(f"{row}/now", f"{row}/usual"),
            " fler än en vanlig vecka (",
            Ref(f"{row}/usual"),
            ").",
        )
    return (" En vanlig vecka kommer ", Ref(f"{row}/usual"), ".")
