"""What needs somebody to act, most urgent first: the banner at the top."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dashboards.board.picture import Picture
from dashboards.board.reading import OverdueMail, Surge
from dashboards.board.sentences.judging import Tone
from dashboards.board.sentences.moments import at
from dashboards.board.sentences.shares import plain
from dashboards.board.sentences.sources import silence
from dashboards.swedish import NBSP, count_of, listed, number
from schemas.clickhouse.silence import SourceVerdict
from schemas.timebase import local_day


@dataclass(frozen=True, slots=True)
class Alarm:
    """One line of the banner; ``what`` names its kind, so that colour and symbol never stand alone."""

    what: str
    text: str
    symbol: str
    tone: Tone


def alarms(picture: Picture) -> list[Alarm]:
    """Return what needs attention at the instant of a picture."""
    return [*_surges(picture), *_sources(picture), *_stale(picture), *_mail(picture)]


def _surges(picture: Picture) -> Iterator[Alarm]:
    for surge in picture.surges:
        if not surge.over:
            yield Alarm("Topp", surging(surge, picture), "▲", Tone.BAD)


def surging(surge: Surge, picture: Picture) -> str:
    """Say of what there is more than usual, since when, and how much."""
    since = f"sedan {at(surge.since, local_day(picture.at))}"
    if surge.topic is None:
        return f"Ett ämne har fler ärenden än vanligt {since}."
    counted = f"{number(surge.contacts)} mot {plain(_rounded(surge.usual))} en vanlig dag"
    if surge.times is not None and surge.usual >= 1:
        counted += f" ({number(surge.times, 1 if surge.times < 3 else 0)}{NBSP}gånger så många)"
    if not surge.topic:
        return f"Fler kontakter än vanligt {since}: {counted}."
    return f"{surge.label}: fler ärenden än vanligt {since}, {counted}."


def _rounded(usual: float) -> float:
    return round(usual * 2) / 2


def _sources(picture: Picture) -> Iterator[Alarm]:
    today = local_day(picture.at)
    unread = [source.instance for source in picture.sources if source.state is SourceVerdict.UNREAD]
    if unread:
        text = f"{listed(unread)}. Det som kommer därifrån saknas i siffrorna."
        yield Alarm("Källa läses inte", text, "✕", Tone.BAD)
    for source in picture.sources:
        if source.state is SourceVerdict.SILENT:
            yield Alarm("Tyst källa", silence(source, today), "!", Tone.WARNING)


_STALE = {"telephone": ("samtal", "samtal"), "visit": ("besök", "besök")}


def _stale(picture: Picture) -> Iterator[Alarm]:
    parts = [count_of(queue.stale, *_STALE[queue.channel]) for queue in picture.waiting if queue.stale]
    if parts:
        text = f"{listed(parts)} har stått öppet i mer än 2{NBSP}timmar och räknas inte som väntande."
        yield Alarm("Hänger kvar", text[0].upper() + text[1:], "!", Tone.WARNING)


def _mail(picture: Picture) -> Iterator[Alarm]:
    if picture.overdue_mail.mails:
        yield Alarm("Sena mejl", overdue(picture.overdue_mail, picture), "!", Tone.WARNING)


def overdue(mail: OverdueMail, picture: Picture) -> str:
    """Say how many mails have waited for more than a working day."""
    waiting = count_of(mail.mails, "mejl har", "mejl har")
    text = f"{waiting} väntat mer än en arbetsdag på svar."
    if mail.first_due_at is None:
        return text
    return f"{text} Det första skulle ha besvarats {at(mail.first_due_at, local_day(picture.at))}."
