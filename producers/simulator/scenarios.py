"""What goes wrong, applied to the records of a day that went well. Only the scenario's own records change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from producers.simulator.queue_log import COMPLETES, TRANSFERS, fields
from producers.simulator.randomness import stream
from producers.simulator.records import Draft, RecordKind
from producers.simulator.settings import Interval, SimulationSettings

_TALK_FIELD = -2
"""Place of the talk time in a line about the end of a conversation, counted from its end."""


def apply(settings: SimulationSettings, day: date, drafts: list[Draft]) -> list[Draft]:
    """Return the records of a local day with the scenarios of that day in them."""
    scenarios = settings.scenarios
    for interval in scenarios.telephony_silent:
        drafts = _silent(drafts, interval)
    if day in scenarios.no_transfers:
        drafts = [_without_transfer(draft) for draft in drafts]
    if share := scenarios.missing_complete.get(day):
        drafts = _without_ends(settings.seed, day, share, drafts)
    if wrong := scenarios.clock_off.get(day):
        drafts = [_off(draft, wrong) for draft in drafts]
    return drafts


def _silent(drafts: list[Draft], down: Interval) -> list[Draft]:
    """Take out all that the telephone system would not have had while it was down."""
    start, end = down.start.timestamp(), down.end.timestamp()
    entered: dict[str, float] = {}
    left: dict[str, float] = {}
    for draft in drafts:
        if draft.kind is RecordKind.QUEUE_LOG and draft.leg:
            entered[draft.leg] = min(draft.at, entered.get(draft.leg, draft.at))
            left[draft.leg] = max(draft.at, left.get(draft.leg, draft.at))
    lost = {leg for leg in entered if entered[leg] < end and left[leg] >= start}
    return [draft for draft in drafts if not _was_lost(draft, lost, start, end)]


def _was_lost(draft: Draft, lost: set[str], start: float, end: float) -> bool:
    if draft.kind is RecordKind.QUEUE_LOG:
        return start <= draft.at < end or (draft.leg in lost and draft.at >= start)
    # Nobody registers an errand of a call that was cut, or that never came.
    return draft.leg in lost


def _without_transfer(draft: Draft) -> Draft:
    if draft.kind is not RecordKind.QUEUE_LOG:
        return draft
    parts = fields(draft.payload)
    if parts[4] not in TRANSFERS:
        return draft
    # The telephone holds the line until the other side hangs up: the talk time is the first agent's.
    parts[_TALK_FIELD] = str(int(parts[_TALK_FIELD]) + 120)
    parts = [*parts[:4], "COMPLETEAGENT", *parts[-3:]]
    return replace(draft, payload="|".join(parts).encode())


def _without_ends(seed: int, day: date, share: float, drafts: Iterable[Draft]) -> list[Draft]:
    rng = stream(seed, "missing complete", day)
    return [draft for draft in drafts if not _is_end(draft) or rng.random() >= share]


def _is_end(draft: Draft) -> bool:
    return draft.kind is RecordKind.QUEUE_LOG and fields(draft.payload)[4] in COMPLETES


def _off(draft: Draft, wrong: timedelta) -> Draft:
    if draft.kind is not RecordKind.QUEUE_LOG:
        return draft
    epoch, _, rest = draft.payload.partition(b"|")
    shown = int(epoch) + int(wrong.total_seconds())
    return replace(draft, payload=str(shown).encode() + b"|" + rest)
