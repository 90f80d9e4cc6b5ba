"""E-mail within a working day and within 24 hours, and the visits to the desk."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.report.context import Context
from dashboards.report.document import Form, Paragraph, Ref, Section, Sentence
from dashboards.report.words import changed, of_all, sentence, verdict


def mail_and_visits(context: Context) -> Section | None:
    """Return the section; None where there was neither."""
    said = (*mail_sentence(context), *_within_24h(context), *visit_sentence(context))
    return Section("avsnitt-mejl-besok", "E-post och besök", (Paragraph(said),)) if said else None


def mail_sentence(context: Context) -> Iterator[Sentence]:
    """Say how many mails were answered within a working day."""
    day, row = context.figures["mail_in_time"], "nyckeltal/mail_in_time"
    if day.share is not None:
        yield sentence(
            "Inom en arbetsdag besvarades ",
            *of_all(f"{row}/now", "mejl", "mejl"),
            ".",
            *verdict(context, day, row),
            rests_on=(f"{row}/then",) if day.former is not None else (),
        )


def _within_24h(context: Context) -> Iterator[Sentence]:
    hours, row = context.figures["mail_in_24h"], "nyckeltal/mail_in_24h"
    replied = context.figures["mail_replied_in_time"]
    if hours.share is not None:
        yield sentence(
            "Inom 24 timmar besvarades ",
            *of_all(f"{row}/now", "mejl", "mejl"),
            ".",
            *verdict(context, hours, row),
            rests_on=(f"{row}/then",) if hours.former is not None else (),
        )
    if replied.share is not None:
        key = "nyckeltal/mail_replied_in_time"
        yield sentence(
            "Ett svar till avsändaren inom en arbetsdag fick ",
            Ref(f"{key}/now", Form.HITS),
            " av ",
            Ref(f"{key}/now", Form.N),
            "; övriga besvarade mejl lämnades vidare.",
            *changed(context, replied, key),
        )


def visit_sentence(context: Context) -> Iterator[Sentence]:
    """Say how long visitors waited."""
    wait = context.figures["visit_wait"]
    if wait.value is not None:
        key = "nyckeltal/visit_wait/now"
        yield sentence(
            Ref(key, Form.N, "besökare", "besökare"),
            " kallades fram och väntade i medeltal ",
            Ref(key),
            ".",
        )
