"""What a contact adds to the figures: a set of rows, a pure function of its fact (CORRECTIONS 14)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from schemas.events import Channel, ErrandOutcome, HandoverKind, PerformedBy, Provenance
from schemas.legs import ContactFact, ErrandFact, LegOutcome
from schemas.measures import WINDOWS_W, wait_bin
from schemas.timebase import to_ms, window_start
from streams.core.rules import Rules


class RowKey(NamedTuple):
    """Which row of the 15-minute grain: its start (UTC) and its dimensions, empty where none applies."""

    window: datetime
    channel: str
    area: str
    topic: str
    unit: str


@dataclass(slots=True)
class Amounts:
    """Measures of one row and its histogram of waits; zero where a name is missing."""

    measures: dict[str, int] = field(default_factory=dict)
    waits: dict[int, int] = field(default_factory=dict)

    def add(self, name: str, amount: int = 1) -> None:
        """Add to a measure."""
        if amount:
            self.measures[name] = self.measures.get(name, 0) + amount

    def merge(self, other: Amounts, sign: int = 1) -> None:
        """Add (or with ``sign=-1`` take out) the amounts of another."""
        for mine, theirs in ((self.measures, other.measures), (self.waits, other.waits)):
            _merge(mine, theirs, sign)  # type: ignore[arg-type]

    @property
    def empty(self) -> bool:
        """Tell whether nothing is left."""
        return not self.measures and not self.waits


def _merge(mine: dict[object, int], theirs: dict[object, int], sign: int) -> None:
    for name, amount in theirs.items():
        total = mine.get(name, 0) + sign * amount
        if total:
            mine[name] = total
        else:
            mine.pop(name, None)


Contribution = dict[RowKey, Amounts]


def contribution(facts: Iterable[ContactFact], rules: Rules) -> Contribution:
    """Return the rows that a party's contacts add up to."""
    rows: Contribution = {}
    for fact in facts:
        _add_contact(rows, fact, rules)
        _add_errands(rows, fact)
    return {key: amounts for key, amounts in rows.items() if not amounts.empty}


def _row(rows: Contribution, key: RowKey) -> Amounts:
    return rows.setdefault(key, Amounts())


def _add_contact(rows: Contribution, fact: ContactFact, rules: Rules) -> None:
    if fact.unlinked:
        return
    row = _row(rows, RowKey(window_start(fact.arrived_at), fact.channel.value, "", "", ""))
    if fact.automatic is not None:
        row.add(f"excluded_{fact.automatic.value}")
    elif not fact.counted:
        row.add("excluded_internal")
    else:
        _add_outcome(row, fact)
        if fact.channel is Channel.TELEPHONE:
            _add_call(row, fact, rules)
        elif fact.channel is Channel.VISIT and fact.taken and fact.wait_ms is not None:
            row.add("visits_called")
            row.add("visit_wait_ms", fact.wait_ms)
        elif fact.channel is Channel.EMAIL and not fact.thanks:
            _add_mail(rows, fact)


def _add_outcome(row: Amounts, fact: ContactFact) -> None:
    """Add the identity's left side and exactly one of its right side."""
    row.add("offered")
    row.add("short_abandoned" if fact.short_abandoned else fact.outcome.value)
    row.add("contacts", int(not fact.short_abandoned and fact.outcome is not LegOutcome.NO_SHOW))
    row.add("taken", int(fact.taken))
    row.add("redial", int(fact.redial))


def _add_call(row: Amounts, fact: ContactFact, rules: Rules) -> None:
    if fact.outcome is LegOutcome.ANSWERED and fact.wait_ms is not None:
        row.add("calls_answered")
        row.add("answered_in_target", int(fact.wait_ms <= to_ms(rules.target)))
        row.add("wait_ms", fact.wait_ms)
        row.add("handle_ms", fact.handle_ms)
        index = wait_bin(fact.wait_ms)
        row.waits[index] = row.waits.get(index, 0) + 1
    elif fact.outcome is LegOutcome.FLOWED_OUT:
        row.add("calls_flowed_out")
    elif fact.short_abandoned:
        row.add("calls_short_abandoned")
    elif fact.outcome is LegOutcome.ABANDONED:
        in_target = fact.left_at is not None and fact.left_at - fact.arrived_at <= rules.target
        row.add("calls_abandoned")
        row.add("calls_abandoned_in_target" if in_target else "calls_abandoned_after_target")


def _add_mail(rows: Contribution, fact: ContactFact) -> None:
    """Add a mail to the windows in which it falls due: unanswered ones are failures there."""
    day_after = fact.arrived_at + timedelta(hours=24)
    row = _row(rows, RowKey(window_start(day_after), fact.channel.value, "", "", ""))
    row.add("mail_due_24h")
    row.add("mail_in_24h", _by(fact.answered_at, day_after))
    if fact.due_at is not None:
        row = _row(rows, RowKey(window_start(fact.due_at), fact.channel.value, "", "", ""))
        row.add("mail_due")
        row.add("mail_in_time", _by(fact.answered_at, fact.due_at))
        row.add("mail_replied_in_time", _by(fact.replied_at, fact.due_at))


def _by(at: datetime | None, due: datetime) -> int:
    return int(at is not None and at <= due)


def _add_errands(rows: Contribution, fact: ContactFact) -> None:
    if not fact.counted:
        return
    window = window_start(fact.arrived_at)
    for errand in fact.errands:
        row = _row(rows, RowKey(window, fact.channel.value, errand.area, errand.topic, ""))
        if fact.unlinked:
            row.add("errands_unlinked")
            continue
        if errand.internal_topic:
            row.add("errands_internal_topic")
            continue
        _add_errand(row, fact, errand)
        for handover in errand.handovers:
            unit = RowKey(window, fact.channel.value, errand.area, errand.topic, handover.unit)
            _row(rows, unit).add("handovers")
            _row(rows, unit).add(_HANDOVER_MEASURE[handover.kind])


_HANDOVER_MEASURE = {
    HandoverKind.BLIND: "handovers_blind",
    HandoverKind.CONSULTED: "handovers_consulted",
    HandoverKind.TICKET: "handovers_ticket",
}
_OUTCOME_MEASURE = {
    Provenance.REGISTERED: "outcome_registered",
    Provenance.DERIVED: "outcome_derived",
    Provenance.DEFAULT: "outcome_default",
}


def _add_errand(row: Amounts, fact: ContactFact, errand: ErrandFact) -> None:
    by_centre = errand.outcome is ErrandOutcome.RESOLVED and errand.performed_by is PerformedBy.CENTRE
    row.add("errands")
    row.add("resolved_in_centre", int(by_centre))
    row.add("errands_open", int(errand.outcome is ErrandOutcome.OPEN))
    row.add(_OUTCOME_MEASURE[errand.outcome_source])
    row.add("channel_default", int(fact.channel_source is Provenance.DEFAULT))
    _add_first_contact(row, fact, errand)
    row.add("handover_base", int(fact.taken))
    row.add("handed_over", int(fact.taken and bool(errand.handovers)))
    if errand.within_mandate is not None:
        row.add("within_mandate", int(errand.within_mandate))
        row.add("solved_within_mandate", int(errand.within_mandate and by_centre))
        row.add("under_reach", int(errand.within_mandate and bool(errand.handovers)))
        row.add("over_reach", int(not errand.within_mandate and by_centre))


def _add_first_contact(row: Amounts, fact: ContactFact, errand: ErrandFact) -> None:
    first = errand.first_contact
    citizen = first or errand.warm_transfer
    followed = bool(fact.party)
    net = first and errand.within_mandate is True
    row.add("fcr_provisional", int(first))
    row.add("fcr_citizen_provisional", int(citizen))
    row.add("traceable", int(followed))
    row.add("fcr_net", int(net))
    finals = {
        "fcr_final": first,
        "fcr_citizen_final": citizen,
        "fcr_final_traceable": first and followed,
        "fcr_net_final": net,
    }
    views = [view for view, counts in finals.items() if counts]
    for days in WINDOWS_W if views else ():
        if not _came_back(fact, errand, days):
            for view in views:
                row.add(f"{view}_{days}d")


def _came_back(fact: ContactFact, errand: ErrandFact, days: int) -> bool:
    """Tell whether the party came back about it, in the thread or in another contact, within W."""
    return any(
        again is not None and again - fact.arrived_at <= timedelta(days=days)
        for again in (errand.first_repeat_at, fact.reopened_at)
    )
