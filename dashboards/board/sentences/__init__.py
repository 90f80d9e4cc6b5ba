"""What the figures say, in plain Swedish: the vocabulary of the templates."""

from __future__ import annotations

from dashboards.board.sentences.alarms import alarms
from dashboards.board.sentences.day import against_usual, compared, usual_day_name
from dashboards.board.sentences.judging import TOO_FEW, Tone, Verdict, channel_verdict, verdict
from dashboards.board.sentences.moments import age, moment, outage, span, week
from dashboards.board.sentences.queues import QUEUE_LABELS, gauge, stale, summary
from dashboards.board.sentences.service import (
    excluded,
    first_contact,
    handed_over,
    left_queue,
    mail,
    mandate,
    outcomes,
    resolved,
    service_level,
    visit_wait,
    waits,
)
from dashboards.board.sentences.shares import hits_of, interval, of_ten, plain, population, value
from dashboards.board.sentences.sources import rejections, source_verdict, sources
from dashboards.board.sentences.spread import channels, few, goals, topics, units

__all__ = [
    "QUEUE_LABELS",
    "TOO_FEW",
    "Tone",
    "Verdict",
    "against_usual",
    "age",
    "alarms",
    "channel_verdict",
    "channels",
    "compared",
    "excluded",
    "few",
    "first_contact",
    "gauge",
    "goals",
    "handed_over",
    "hits_of",
    "interval",
    "left_queue",
    "mail",
    "mandate",
    "moment",
    "of_ten",
    "outage",
    "outcomes",
    "plain",
    "population",
    "rejections",
    "resolved",
    "service_level",
    "source_verdict",
    "sources",
    "span",
    "stale",
    "summary",
    "topics",
    "units",
    "usual_day_name",
    "value",
    "verdict",
    "visit_wait",
    "waits",
    "week",
]
