"""Stage 2's classification: the contacts of one party -> facts (DOMAIN §2, CORRECTIONS 20-31)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.catalogue import UNKNOWN_UNIT
from schemas.events import (
    Audience,
    Automatic,
    Channel,
    ErrandOutcome,
    HandoverKind,
    PerformedBy,
    Provenance,
)
from schemas.legs import ContactFact, ErrandFact, Leg, LegErrand, LegHandover, LegKind, LegOutcome
from schemas.timebase import local_day, to_ms
from streams.core.contacts import Contact, answered_once, join_legs, only_thanks, reopened_at
from streams.core.rules import Rules

DERIVED_ERRAND = "e0"
"""The name of the one errand of a contact for which nobody registered any."""


@dataclass(frozen=True, slots=True)
class Mark:
    """An inbound contact as a possible repeat of an earlier one: when, and about what."""

    at: datetime
    topics: frozenset[str]
    contact_id: str

    def repeats(self, topic: str) -> bool:
        """Tell whether the topic is the same; unknown on either side counts as the same."""
        return not topic or not self.topics or "" in self.topics or topic in self.topics


@dataclass(frozen=True, slots=True)
class Past:
    """What is frozen of a party, and still bears on what is not: it is told of, never changed."""

    legs: Sequence[Leg] = ()
    """Legs of frozen contacts, as far back as they are kept."""
    contacts: Sequence[ContactFact] = ()
    """Frozen contacts; their errands are left out."""


NO_PAST = Past()


def classify(
    legs: Iterable[Leg], sightings: Iterable[Leg], rules: Rules, past: Past = NO_PAST
) -> list[ContactFact]:
    """Return the facts of one party's contacts, in order of arrival.

    ``sightings`` count nothing: they are later contacts of the party under its newer pseudonym, and
    only flip first-contact resolution (CORRECTIONS 17). The centre's replies count nothing anyhow, so a
    mail from before the change of keys is answered by one that was sent after it.
    """
    shown = list(sightings)
    replies = [leg for leg in shown if leg.kind is LegKind.REPLY]
    drafts = [_fact(contact, rules) for contact in join_legs([*legs, *replies], rules, past.legs)]
    seen = [_fact(contact, rules) for contact in join_legs(shown, rules, past.legs)]
    marks = [_mark(fact) for fact in (*drafts, *seen) if fact.counted and not (fact.unlinked or fact.thanks)]
    return [_with_history(fact, [*past.contacts, *drafts], marks, rules) for fact in drafts]


def _mark(fact: ContactFact) -> Mark:
    return Mark(fact.arrived_at, frozenset(e.topic for e in fact.errands), fact.contact_id)


def _with_history(
    fact: ContactFact, others: Sequence[ContactFact], marks: Sequence[Mark], rules: Rules
) -> ContactFact:
    errands = tuple(
        errand.model_copy(update={"first_repeat_at": _first_repeat(fact, errand, marks, rules)})
        for errand in fact.errands
    )
    return fact.model_copy(update={"errands": errands, "redial": _is_redial(fact, others, rules)})


def _first_repeat(
    fact: ContactFact, errand: ErrandFact, marks: Sequence[Mark], rules: Rules
) -> datetime | None:
    """Return the first later contact about the same (CORRECTIONS 25): 0 < difference <= 30 days."""
    later = (
        mark.at
        for mark in marks
        if mark.contact_id != fact.contact_id
        and fact.arrived_at < mark.at <= fact.arrived_at + rules.repeat_within
        and mark.repeats(errand.topic)
    )
    return min(later, default=None)


def _is_redial(fact: ContactFact, others: Sequence[ContactFact], rules: Rules) -> bool:
    if fact.channel is not Channel.TELEPHONE:
        return False
    return any(
        other.outcome is LegOutcome.ABANDONED
        and other.contact_id != fact.contact_id
        and other.arrived_at < fact.arrived_at <= other.arrived_at + rules.redial_gap
        for other in others
    )


def _fact(contact: Contact, rules: Rules) -> ContactFact:
    first = contact.first
    answered_at = _answered_at(contact)
    outcome = _outcome(contact, answered_at)
    thanks = only_thanks(contact)
    awaits_answer = first.channel is Channel.EMAIL and not contact.unlinked and not thanks
    return ContactFact(
        contact_id=first.leg_id,
        channel=first.channel,
        channel_source=first.channel_source,
        arrived_at=first.arrived_at,
        answered_at=answered_at,
        replied_at=min((reply.arrived_at for reply in contact.replies), default=None),
        ended_at=contact.last.ended_at,
        left_at=None if outcome is LegOutcome.ANSWERED else contact.last.left_at,
        reopened_at=reopened_at(contact),
        outcome=outcome,
        short_abandoned=_short(contact.last, outcome, rules),
        taken=answered_at is not None,
        wait_ms=max(0, to_ms(answered_at - first.arrived_at)) if answered_at else None,
        handle_ms=sum(leg.talk_ms + leg.hold_ms + leg.wrap_up_ms for leg in contact.legs),
        flow_out_reason=contact.last.flow_out_reason if outcome is LegOutcome.FLOWED_OUT else None,
        queue=first.queue or "",
        audience=_audience(contact),
        automatic=_automatic(contact),
        redial=False,
        thanks=thanks,
        unlinked=contact.unlinked,
        due_at=rules.catalogue.due_within_working_day(first.arrived_at) if awaits_answer else None,
        party=first.party or "",
        errands=_errands(contact, answered_at, rules),
        legs=tuple(leg.leg_id for leg in (*contact.legs, *contact.replies, *contact.registrations)),
    )


def _answered_at(contact: Contact) -> datetime | None:
    """Return the first answer: the agent, the desk, or the first reply to or passing on of a mail.

    A mail is passed on by forwarding, or by other means that are registered, such as a ticket.
    """
    if contact.first.channel is Channel.EMAIL:
        handled = [reply.arrived_at for reply in contact.replies]
        handled += [handover.at for handover in contact.handovers]
        handled += [e.since or e.at for e in contact.errands if e.outcome is ErrandOutcome.HANDED_OVER]
        return min(handled, default=None)
    return next((leg.answered_at for leg in contact.legs if leg.answered_at), None)


def _outcome(contact: Contact, answered_at: datetime | None) -> LegOutcome:
    """Return the last leg's outcome (CORRECTIONS 22); but an answer that was cut off was one all the same.

    Else somebody whom the centre has spoken with would be one who gave up, and yet an errand (DOMAIN §1). Who
    waits once more is open.
    """
    if contact.first.channel is Channel.EMAIL:
        return LegOutcome.ANSWERED if answered_at else LegOutcome.OPEN
    spoken_with = any(leg.outcome is LegOutcome.ANSWERED for leg in contact.legs)
    waits = contact.last.outcome is LegOutcome.OPEN
    return LegOutcome.ANSWERED if spoken_with and not waits else contact.last.outcome


def _short(leg: Leg, outcome: LegOutcome, rules: Rules) -> bool:
    if outcome is not LegOutcome.ABANDONED or leg.left_at is None:
        return False
    return leg.left_at - leg.arrived_at < rules.short_abandon


def _audience(contact: Contact) -> Audience:
    said = [leg.audience for leg in (*contact.legs, *contact.registrations)]
    if Audience.INTERNAL in said:
        return Audience.INTERNAL
    return next((audience for audience in said if audience is not Audience.UNKNOWN), Audience.UNKNOWN)


def _automatic(contact: Contact) -> Automatic | None:
    return contact.first.automatic


def _errands(contact: Contact, answered_at: datetime | None, rules: Rules) -> tuple[ErrandFact, ...]:
    if contact.first.automatic or contact.gave_up or only_thanks(contact):
        return ()
    registered = contact.errands
    if not registered:
        begun = contact.first.channel is Channel.EMAIL or answered_at is not None
        if not begun or contact.unlinked:
            return ()
        registered = (_derived(contact, answered_at),)
    handovers = _handovers(contact, registered)
    return tuple(_errand_fact(contact, errand, handovers[errand.errand], rules) for errand in registered)


def _derived(contact: Contact, answered_at: datetime | None) -> LegErrand:
    """Return the errand that follows from the contact itself (DOMAIN §2.2, CORRECTIONS 20)."""
    passed_on = bool(contact.handovers)
    ended = contact.last.ended_at is not None or contact.first.channel is Channel.EMAIL
    if passed_on:
        outcome, by = ErrandOutcome.HANDED_OVER, PerformedBy.DEPARTMENT
    elif answered_at is not None and ended:
        outcome, by = ErrandOutcome.RESOLVED, PerformedBy.CENTRE
    else:
        outcome, by = ErrandOutcome.OPEN, None
    return LegErrand(
        errand=DERIVED_ERRAND,
        at=contact.last.arrived_at,
        performed_by=by,
        outcome=outcome,
        outcome_source=Provenance.DERIVED,
    )


def _handovers(contact: Contact, errands: Sequence[LegErrand]) -> dict[str, tuple[LegHandover, ...]]:
    """Give each passing on to its errand; a registered handover without one counts as a ticket."""
    given: dict[str, list[LegHandover]] = {errand.errand: [] for errand in errands}
    passed_on = [e.errand for e in errands if e.outcome is ErrandOutcome.HANDED_OVER]
    default = (passed_on or [errand.errand for errand in errands])[-1]
    for handover in contact.handovers:
        given[handover.errand if handover.errand in given else default].append(handover)
    for errand in errands:
        if errand.outcome is ErrandOutcome.HANDED_OVER and not given[errand.errand]:
            unit = errand.unit or UNKNOWN_UNIT
            given[errand.errand].append(LegHandover(at=errand.at, kind=HandoverKind.TICKET, unit=unit))
    return {name: tuple(handovers) for name, handovers in given.items()}


def _errand_fact(
    contact: Contact, errand: LegErrand, handovers: tuple[LegHandover, ...], rules: Rules
) -> ErrandFact:
    topic = errand.topic or ""
    performed_by = errand.performed_by
    if performed_by is None and errand.outcome is ErrandOutcome.RESOLVED:
        performed_by = PerformedBy.CENTRE
    elif performed_by is None and errand.outcome is ErrandOutcome.HANDED_OVER:
        performed_by = PerformedBy.DEPARTMENT
    return ErrandFact(
        errand=errand.errand,
        topic=topic,
        area=rules.catalogue.area_of(topic),
        internal_topic=rules.catalogue.is_internal_topic(topic),
        level=errand.level,
        performed_by=performed_by,
        outcome=errand.outcome,
        outcome_source=errand.outcome_source,
        within_mandate=_within_mandate(contact, topic, errand.level, rules),
        first_contact=_in_first_contact(contact, errand, performed_by, handovers),
        warm_transfer=_warm_transfer(contact, errand, handovers),
        handovers=handovers,
        first_repeat_at=None,
    )


def _within_mandate(contact: Contact, topic: str, level: int | None, rules: Rules) -> bool | None:
    known = rules.catalogue.topics.get(topic)
    mandate = known.mandate_on(local_day(contact.first.arrived_at)) if known else None
    return None if mandate is None or level is None else level <= mandate


def _in_first_contact(
    contact: Contact,
    errand: LegErrand,
    performed_by: PerformedBy | None,
    handovers: tuple[LegHandover, ...],
) -> bool:
    """Tell whether the centre resolved the errand in its first contact (CORRECTIONS 24).

    Whether the party came back, in the thread or otherwise, is held against each W when figures are made.
    """
    if errand.outcome is not ErrandOutcome.RESOLVED or performed_by is not PerformedBy.CENTRE or handovers:
        return False
    if contact.first.channel is Channel.EMAIL and contact.first.kind is LegKind.INBOUND:
        return answered_once(contact)
    return True


def _warm_transfer(contact: Contact, errand: LegErrand, handovers: tuple[LegHandover, ...]) -> bool:
    """Tell whether the receiver answered the announced transfer and solved the errand in the same call."""
    return (
        contact.first.channel is Channel.TELEPHONE
        and errand.outcome is ErrandOutcome.RESOLVED
        and bool(handovers)
        and all(handover.kind is HandoverKind.CONSULTED for handover in handovers)
    )
