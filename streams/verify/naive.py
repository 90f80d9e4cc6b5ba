"""The naive fold, last part: contacts -> rows of facts. Written apart from the stream's.

Where DOMAIN and CORRECTIONS are silent it does as the stream says it does: a passing on that names no errand
belongs to the last one that was handed over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from schemas.catalogue import UNKNOWN_UNIT, Catalogue
from schemas.events import Event
from schemas.timebase import local_day
from streams.verify.joining import NaiveContact, NaiveErrand, joined
from streams.verify.legs import MS, REPLY, NaiveLeg, Passing, Said, legs_of, restarts_of

SHORT_ABANDON = timedelta(seconds=5)
REDIAL = timedelta(hours=1)
REPEAT = timedelta(days=30)

Row = dict[str, object]
"""A contact's facts: column of the table ``contacts`` -> value. Lists are tuples, one place per errand."""


def contacts_of(events: Iterable[Event], catalogue: Catalogue) -> list[Row]:
    """Return the facts of every contact that events tell of."""
    told = list(events)
    return facts_of(legs_of(told, restarts_of(told)), catalogue)


def facts_of(legs: Iterable[NaiveLeg], catalogue: Catalogue) -> list[Row]:
    """Return the facts of every contact that legs amount to, party by party.

    A leg without a party stands alone. A leg that is known by a former pseudonym too counts under the
    present one, and is only seen by the contacts under the former one (CORRECTIONS 17).
    """
    own: dict[str, list[NaiveLeg]] = defaultdict(list)
    seen: dict[str, list[NaiveLeg]] = defaultdict(list)
    for leg in legs:
        key = leg.party or leg.leg_id
        own[key].append(leg)
        if leg.former_party and leg.former_party != key:
            seen[leg.former_party].append(leg)
    rows: list[Row] = []
    for key, mine in own.items():
        rows += [_row(contact, catalogue) for contact in _party(mine, seen.get(key, []), catalogue)]
    return rows


def _party(own: list[NaiveLeg], seen: list[NaiveLeg], catalogue: Catalogue) -> list[NaiveContact]:
    """Return one party's contacts, classified. A reply counts nothing, so it answers wherever it is seen."""
    contacts = joined(own + [leg for leg in seen if leg.kind == REPLY], catalogue)
    elsewhere = joined(seen, catalogue)
    for contact in contacts + elsewhere:
        contact.errands = _errands(contact, catalogue)
    inbound = [c for c in contacts + elsewhere if c.counted and not c.unlinked and not c.thanks]
    for contact in contacts:
        for errand in contact.errands:
            errand.first_repeat_at = _first_repeat(contact, errand, inbound)
        contact.redial = _is_redial(contact, contacts)
    return contacts


def _errands(contact: NaiveContact, catalogue: Catalogue) -> list[NaiveErrand]:
    """Return the registered errands; without any, the one that follows from the contact itself."""
    if contact.first.automatic or contact.gave_up or contact.thanks:
        return []
    errands = [_registered(name, said) for name, said in contact.registered.items()]
    if not errands:
        begun = contact.is_mail or contact.answered is not None  # CORRECTIONS 28
        if not begun or contact.unlinked:
            return []
        errands = [_derived(contact)]
    _give_passings(contact, errands)
    for errand in errands:
        _judge(contact, errand, catalogue)
    return errands


def _registered(name: str, said: Said) -> NaiveErrand:
    data = said.data
    by = {"resolved": "centre", "handed_over": "department"}.get(data.outcome.value, "")
    errand = NaiveErrand(
        name=name,
        topic=data.topic or "",
        level=data.level,
        performed_by=data.performed_by.value if data.performed_by else by,
        outcome=data.outcome.value,
        outcome_source=data.outcome_source.value,
        passings=[],
    )
    if errand.outcome == "handed_over":  # holds unless the contact itself was passed on
        errand.passings = [Passing(said.at, "ticket", data.unit or UNKNOWN_UNIT, name)]
    return errand


def _derived(contact: NaiveContact) -> NaiveErrand:
    """What nobody registered (DOMAIN §2.2, CORRECTIONS 20)."""
    outcome, by = "open", ""
    if contact.passings:
        outcome, by = "handed_over", "department"
    elif contact.answered is not None and (contact.is_mail or contact.last.ended is not None):
        outcome, by = "resolved", "centre"
    return NaiveErrand("e0", "", None, by, outcome, "derived", [])


def _give_passings(contact: NaiveContact, errands: list[NaiveErrand]) -> None:
    """A passing that names no errand of the contact belongs to the last one handed over, else the last."""
    handed_over = [errand for errand in errands if errand.outcome == "handed_over"]
    heir = (handed_over or errands)[-1]
    given: dict[str, list[Passing]] = defaultdict(list)
    for passing in contact.passings:
        named = any(errand.name == passing.errand for errand in errands)
        given[passing.errand if named else heir.name].append(passing)
    for errand in errands:
        errand.passings = given[errand.name] or errand.passings


def _judge(contact: NaiveContact, errand: NaiveErrand, catalogue: Catalogue) -> None:
    topic = catalogue.topics.get(errand.topic)
    mandate = topic.mandate_on(local_day(contact.first.arrived)) if topic else None
    if mandate is not None and errand.level is not None:
        errand.within_mandate = int(errand.level <= mandate)
    by_centre = errand.outcome == "resolved" and errand.performed_by == "centre"
    errand.first_contact = by_centre and not errand.passings  # CORRECTIONS 24
    if contact.is_mail and not contact.unlinked:
        errand.first_contact &= contact.replied_once
    errand.warm_transfer = (
        contact.first.channel == "telephone"
        and errand.outcome == "resolved"
        and {passing.kind for passing in errand.passings} == {"consulted"}
    )


def _first_repeat(
    contact: NaiveContact, errand: NaiveErrand, inbound: Sequence[NaiveContact]
) -> datetime | None:
    """The first later contact about the same; unknown on either side is the same (CORRECTIONS 25)."""
    start = contact.first.arrived
    found = []
    for other in inbound:
        topics = {e.topic for e in other.errands} or {""}
        same = errand.topic in topics or "" in topics or not errand.topic
        if same and timedelta(0) < other.first.arrived - start <= REPEAT:
            found.append(other.first.arrived)
    return min(found, default=None)


def _is_redial(contact: NaiveContact, contacts: Sequence[NaiveContact]) -> bool:
    return contact.first.channel == "telephone" and any(
        other.outcome == "abandoned" and timedelta(0) < contact.first.arrived - other.first.arrived <= REDIAL
        for other in contacts
    )


def _row(contact: NaiveContact, catalogue: Catalogue) -> Row:
    first, last, answered, outcome = contact.first, contact.last, contact.answered, contact.outcome
    short = outcome == "abandoned" and last.left is not None and last.left - last.arrived < SHORT_ABANDON
    mail = contact.is_mail and not contact.unlinked and not contact.thanks
    return {
        "day": local_day(first.arrived),
        "contact_id": first.leg_id,
        "channel": first.channel,
        "channel_source": first.channel_source,
        "arrived_at": first.arrived,
        "answered_at": answered,
        "replied_at": min((reply.arrived for reply in contact.replies), default=None),
        "ended_at": last.ended,
        "left_at": None if outcome == "answered" else last.left,
        "reopened_at": min(contact.later, default=None),
        "outcome": outcome,
        "short_abandoned": int(short),
        "taken": int(answered is not None),
        "counted": int(contact.counted),
        "wait_ms": None if answered is None else max(0, (answered - first.arrived) // MS),
        "handle_ms": sum(leg.handle_ms for leg in contact.legs),
        "flow_out_reason": last.reason if outcome == "flowed_out" else "",
        "queue": first.queue,
        "audience": contact.audience,
        "automatic": first.automatic,
        "redial": int(contact.redial),
        "thanks": int(contact.thanks),
        "unlinked": int(contact.unlinked),
        "due_at": catalogue.due_within_working_day(first.arrived) if mail else None,
        "party": first.party,
        "legs": tuple(sorted(leg.leg_id for leg in (*contact.legs, *contact.replies, *contact.notes))),
        **_errand_columns(contact.errands, catalogue),
    }


def _errand_columns(errands: Sequence[NaiveErrand], catalogue: Catalogue) -> Mapping[str, object]:
    return {
        "errand_name": tuple(e.name for e in errands),
        "errand_topic": tuple(e.topic for e in errands),
        "errand_area": tuple(catalogue.area_of(e.topic) for e in errands),
        "errand_level": tuple(e.level for e in errands),
        "errand_performed_by": tuple(e.performed_by for e in errands),
        "errand_outcome": tuple(e.outcome for e in errands),
        "errand_outcome_source": tuple(e.outcome_source for e in errands),
        "errand_within_mandate": tuple(e.within_mandate for e in errands),
        "errand_first_contact": tuple(int(e.first_contact) for e in errands),
        "errand_warm_transfer": tuple(int(e.warm_transfer) for e in errands),
        "errand_handover_units": tuple(tuple(p.unit for p in e.passings) for e in errands),
        "errand_handover_kinds": tuple(tuple(p.kind for p in e.passings) for e in errands),
        "errand_first_repeat_at": tuple(e.first_repeat_at for e in errands),
    }


def day_of(row: Row) -> date:
    """Return the local day of a contact's arrival."""
    day = row["day"]
    assert isinstance(day, date)
    return day
