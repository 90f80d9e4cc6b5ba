"""The summary: what a manager has to know, in sentences, the most important first."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.report.comparison import Change
from dashboards.report.context import Context
from dashboards.report.document import Gap, Paragraph, Part, Ref, Section, Sentence
from dashboards.report.sections.channels import channel_sentence
from dashboards.report.sections.handover import handover_sentence, reach_sentence
from dashboards.report.sections.mail_and_visits import mail_sentence, visit_sentence
from dashboards.report.sections.pressure import MOST_TOLD, rising_sentences, surge_sentences, usual_part
from dashboards.report.sections.quality import warnings
from dashboards.report.sections.resolution import first_contact_sentence, mix_sentence, resolved_sentence
from dashboards.report.sections.telephone import level_sentence
from dashboards.report.words import sentence
from dashboards.swedish import date_sv


def summary(context: Context) -> Section:
    """Return the section."""
    return Section(
        "avsnitt-sammanfattning", "Sammanfattning", (Paragraph(tuple(_said(context)), listed=True),)
    )


def _said(context: Context) -> Iterator[Sentence]:
    if context.material.empty:
        yield sentence(
            f"Det finns inga uppgifter om {context.this}. Kontrollera att källorna och beräkningen är i gång."
        )
        return
    if not context.material.over:
        yield sentence(f"{context.this.capitalize()} är inte slut, så alla siffror är preliminära.")
    if context.limited:
        yield sentence(
            f"Ärenden och överlämningar gäller området {context.limited}; övriga siffror hela Kommuncenter."
        )
    yield _inflow(context)
    yield from _open_days(context)
    yield from surge_sentences(context, MOST_TOLD)
    if any(level.rise for name, level in context.levels.items() if name):
        yield from rising_sentences(context, MOST_TOLD)
    yield from resolved_sentence(context)
    yield from mix_sentence(context)
    yield from first_contact_sentence(context)
    yield from handover_sentence(context)
    if context.figures["under_reach"].hits:
        yield from reach_sentence(context)
    yield from level_sentence(context)
    yield from mail_sentence(context)
    yield from visit_sentence(context)
    yield from channel_sentence(context)
    yield from warnings(context)


def _inflow(context: Context) -> Sentence:
    offered = context.figures["offered"]
    row = "nyckeltal/offered"
    when = context.material.period.when
    begin, end = f"Hittills {when} har ", " kommit in"
    if context.material.over:
        begin, end = f"{when[0].upper()}{when[1:]} kom ", " in"
    return sentence(
        begin,
        Ref(f"{row}/now", one="kontakt", many="kontakter"),
        end,
        ", och de gällde " if not context.limited else ". I området gällde de ",
        Ref("nyckeltal/errands/now", one="ärende", many="ärenden"),
        ".",
        *_count_change(context, offered.change, row),
        *usual_part(context),
    )


def _count_change(context: Context, change: Change, row: str) -> tuple[Part, ...]:
    if change is Change.UNCHANGED:
        return (f" Antalet kontakter är oförändrat mot {context.then_words} (", Ref(f"{row}/then"), ").")
    if not change.real:
        return ()
    word = "fler" if change is Change.HIGHER else "färre"
    gap = Gap(f"{row}/now", f"{row}/then")
    return (" Det är ", gap, f" {word} än {context.then_words} (", Ref(f"{row}/then"), ").")


def _open_days(context: Context) -> Iterator[Sentence]:
    """Say where the centre was open on another number of days, or the store has not all of them."""
    compared = context.material.compared
    if compared is None:
        return
    if context.material.then is None:
        yield sentence(f"Det finns inga uppgifter om {context.then_words} att jämföra med.")
        return
    row = "nyckeltal/open_days"
    period = context.material.period
    if context.then_from is not None:
        yield sentence(
            f"Uppgifterna om {context.then_words} börjar {date_sv(context.then_from)}, så antalen jämförs "
            "inte."
        )
        return
    if context.open_days(period.since, period.until) != context.open_days(compared.since, compared.until):
        yield sentence(
            "Kommuncenter hade öppet ",
            Ref(f"{row}/now", one="dag", many="dagar"),
            ", mot ",
            Ref(f"{row}/then"),
            f" {context.then_words}. Det påverkar antalen.",
        )
