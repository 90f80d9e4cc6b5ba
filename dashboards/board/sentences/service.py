"""What the figures of the service say, one sentence each."""

from __future__ import annotations

from dashboards.board.figure import Figure
from dashboards.board.picture import Waits
from dashboards.board.sentences.shares import hits_of, population, sentence
from dashboards.swedish import NBSP, count_of, duration, number, percent


def service_level(figure: Figure) -> str:
    """Say how many calls were answered in time."""
    if figure.share is None:
        return "Inga samtal under perioden."
    only_answered = figure.metric.numerator == ("answered_in_target",)
    met = "fick svar" if only_answered else "fick svar, eller avslutades av den som ringde,"
    return sentence(f"{hits_of(figure.share, 'samtal', 'samtal')} {met} inom 60 sekunder")


def waits(found: Waits) -> str:
    """Say how long those waited who were answered."""
    if found.mean.value is None or found.median_s is None or found.p90_s is None:
        return "Inga samtal har besvarats under perioden."
    return (
        f"Väntan före svar: i medeltal {duration(found.mean.value)}. Hälften fick svar inom "
        f"{duration(found.median_s)}, 9{NBSP}av{NBSP}10 inom {duration(found.p90_s)} "
        f"({count_of(found.mean.n, 'besvarat samtal', 'besvarade samtal')})."
    )


def resolved(figure: Figure) -> str:
    """Say how many errands the centre has resolved."""
    return _errands(figure, "har Kommuncenter självt löst")


def first_contact(figure: Figure) -> str:
    """Say how many errands were resolved at the first contact."""
    return _errands(figure, "löstes vid första kontakten")


def handed_over(figure: Figure) -> str:
    """Say how many errands were handed over."""
    return _errands(figure, "lämnades till en förvaltning eller ett bolag")


def mail(figure: Figure) -> str:
    """Say how many mails were answered in time."""
    if figure.share is None:
        return "Inget mejl har haft sin sista svarstid under perioden."
    return sentence(f"{hits_of(figure.share, 'mejl', 'mejl')} fick svar inom en arbetsdag")


def _errands(figure: Figure, said: str) -> str:
    if figure.share is None:
        return "Inga ärenden under perioden."
    return sentence(f"{hits_of(figure.share, 'ärende', 'ärenden')} {said}")


def left_queue(abandoned: int, flowed_out: int) -> str:
    """Say how many left the queue without an answer."""
    hung_up = count_of(abandoned, "person lade", "personer lade")
    return f"{hung_up} på i kön efter minst 5 sekunder. {number(flowed_out)} lämnade kön på annat sätt."


def outcomes(registered: Figure) -> str:
    """Say where the outcomes come from."""
    if registered.value is None:
        return "Inga ärenden under perioden."
    return (
        f"För {percent(registered.value)} av ärendena har någon registrerat hur det gick. "
        "För övriga sluts det av kontakten själv."
    )


def mandate(use: Figure, under_reach: Figure) -> str:
    """Say how far the centre's mandate is used."""
    if use.value is None:
        return "Inga ärenden med känd nivå under perioden."
    missed = count_of(under_reach.hits, "ärende", "ärenden")
    return (
        f"Av ärenden inom mandatet löste Kommuncenter {percent(use.value)} självt ({population(use)}). "
        f"{missed} inom mandatet lämnades ändå vidare."
    )


def visit_wait(figure: Figure) -> str:
    """Say how long visitors waited."""
    if figure.value is None:
        return "Inga besökare har kallats fram under perioden."
    return f"{count_of(figure.n, 'besökare', 'besökare')} har kallats fram."


def excluded(figure: Figure, offered: Figure) -> str:
    """Say how many contacts stand outside the picture."""
    if not figure.hits:
        return "Inga kontakter har lämnats utanför."
    left_out = count_of(figure.hits, "kontakt", "kontakter")
    return f"{left_out} från kollegor och maskiner, utöver {number(offered.hits)} som räknas med."
