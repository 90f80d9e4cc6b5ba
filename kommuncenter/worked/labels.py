"""What the figures of worked cases are called in Swedish, where no metric has that name."""

from __future__ import annotations

from schemas.metrics import BY_NAME

_LABELS = {
    "answered": "Besvarade",
    "short_abandoned": "Lade på genast",
    "flowed_out": "Lämnade kön på annat sätt",
    "callback_taken": "Valde att bli uppringda",
    "no_show": "Kom inte fram",
    "open": "Ännu utan svar",
    "contacts": "Kontakter som räknas i kanalernas andelar",
    "taken": "Kontakter som Kommuncenter tog emot",
    "redial": "Omringningar",
    "excluded_internal": "Kontakter från kollegor",
    "excluded_auto_reply": "Automatiska svar",
    "excluded_bounce": "Mejl som studsade tillbaka",
    "excluded_bulk": "Massutskick",
    "excluded_spam": "Skräppost",
    "errands_internal_topic": "Ärenden i interna ämnen",
    "errands_open": "Öppna ärenden",
    "errands_unlinked": "Registreringar utan känd kontakt",
    "channel_default": "Ärenden där ett system fyllde i kanalen",
    "handovers_blind": "Överlämningar utan förvarning",
    "handovers_consulted": "Överlämningar efter förvarning",
    "handovers_ticket": "Överlämningar som ärende eller mejl",
    "wait_median": "Väntetid, median",
    "wait_p90": "Väntetid, nio av tio",
    "channel_share": "Kanalens andel av alla ärenden",
    "channel_share_contacts": "Kanalens andel av alla kontakter",
}


def label(name: str) -> str:
    """Return the label of a metric, a measure, or a figure that a report makes of them."""
    metric = BY_NAME.get(name)
    return metric.label_sv if metric else _LABELS[name]
