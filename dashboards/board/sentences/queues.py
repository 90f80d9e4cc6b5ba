"""Who waits right now, and the summary that is read aloud."""

from __future__ import annotations

from dashboards.board.picture import Picture
from dashboards.board.reading import Waiting
from dashboards.board.sentences.alarms import alarms
from dashboards.board.sentences.service import service_level
from dashboards.swedish import NBSP, count_of, duration, number

QUEUE_LABELS = {"telephone": "telefon", "visit": "reception"}


def gauge(waiting: Waiting) -> str:
    """Say who waits in a queue, and for how long."""
    where = QUEUE_LABELS[waiting.channel]
    if not waiting.waiting:
        return f"Ingen väntar i {where}."
    first = f"{count_of(waiting.waiting, 'person', 'personer')} väntar i {where}"
    return f"{first}, längst {duration(waiting.longest_s)}."


def stale(waiting: Waiting) -> str:
    """Say what is left out of the gauge because it has been open too long; empty where nothing is."""
    if not waiting.stale:
        return ""
    what = "samtal" if waiting.channel == "telephone" else "besök"
    return f"{number(waiting.stale)}{NBSP}{what} öppet i mer än 2{NBSP}timmar, räknas inte här"


def summary(picture: Picture) -> str:
    """Say the most important things; read aloud when asked for."""
    service = service_level(picture.service_level)
    parts = [f"{alarm.what}: {alarm.text}" for alarm in alarms(picture)]
    parts += [gauge(queue) for queue in picture.waiting]
    parts.append(f"{picture.period.label}: {service[0].lower()}{service[1:]}")
    return " ".join(parts)
