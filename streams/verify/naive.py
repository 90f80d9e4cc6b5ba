"""The naive fold, second half: legs -> contacts, as rows of facts. Written apart from the stream's.

Where DOMAIN and CORRECTIONS are silent it does as the stream says it does: a thread's contact is open for a
week from its first message; a passing on that names no errand belongs to the last one that was handed over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from schemas.catalogue import UNKNOWN_UNIT, Catalogue
from schemas.events import Event
from schemas.timebase import local_day
from streams.verify.legs import MS, NOTE, OFFERED, REPLY, NaiveLeg, Passing, Said, legs_of, restarts_of

DROPPED_TALK_MS = 60_000
DROPPED_GAP = timedelta(minutes=10)
SHORT_ABANDON = timedelta(seconds=5)
REDIAL = timedelta(hours=1)
THREAD_OPEN = timedelta(days=7)
REPEAT = timedelta(days=30)

Row = dict[str, object]
"""A contact's facts: column of the table ``contacts`` -> value. Lists are tuples, one place per errand."""


@dataclass(slots=True)
class NaiveErrand:
    """One errand of a contact."""

    name: str
    topic: str
    level: int | None
    performed_by: str
    outcome: str
    outcome_source: str
    passings: list[Passing]
    within_mandate: int | None = None
    first_contact: bool = False
    warm_transfer: bool = False
    first_repeat_at: datetime | None = None


@dataclass(slots=True)
class NaiveContact:
    """One contact: the legs that it came by, the centre's mails to it, and notes about it."""

    legs: list[NaiveLeg]
    replies: list[NaiveLeg] = field(default_factory=list)
    notes: list[NaiveLeg] = field(default_factory=list)
    unlinked: bool = False
    errands: list[NaiveErrand] = field(default_factory=list)
    redial: bool = False

    @property
    def first(self) -> NaiveLeg:
        """The leg that began it."""
        return self.legs[0]

    @property
    def last(self) -> NaiveLeg:
        """The leg that ended it; its outcome is the contact's (CORRECTIONS 22)."""
        return self.legs[-1]

    @property
    def is_mail(self) -> bool:
        """Tell whether it came by mail."""
        return self.first.channel == "email"

    @property
    def audience(self) -> str:
        """Internal if any leg or note says so, else the first that is known."""
        said = [leg.audience for leg in (*self.legs, *self.notes)]
        known = [audience for audience in said if audience != "unknown"]
        return "internal" if "internal" in said else (known[0] if known else "unknown")

    @property
    def counted(self) -> bool:
        """Tell whether it is external and no machine's (DOMAIN §1, §2.1)."""
        return self.audience != "internal" and not self.first.automatic

    @property
    def passings(self) -> list[Passing]:
        """Every passing to a department, in order of the legs."""
        return [passing for leg in (*self.legs, *self.replies) for passing in leg.passings]

    @property
    def answered(self) -> datetime | None:
        """The first answer; for mail the first reply or forwarding (CORRECTIONS 29)."""
        if self.is_mail:
            handled = [reply.arrived for reply in self.replies] + [passing.at for passing in self.passings]
            return min(handled, default=None)
        return next((leg.answered for leg in self.legs if leg.answered), None)

    @property
    def outcome(self) -> str:
        """What became of it."""
        if self.is_mail:
            return "open" if self.answered is None else "answered"
        return self.last.outcome

    @property
    def registered(self) -> dict[str, Said]:
        """The last word on each registered errand, by name; a word of thanks is none."""
        words = [
            (name, said)
            for leg in sorted((*self.legs, *self.notes), key=lambda leg: leg.order)
            for name, said in leg.errands.items()
            if not said.data.thanks
        ]
        last = dict(sorted(words, key=lambda word: word[1].at))
        return dict(sorted(last.items()))

    @property
    def gave_up(self) -> bool:
        """An abandoned call is a contact and never an errand (DOMAIN §1)."""
        return self.outcome == "abandoned" and self.answered is None

    @property
    def reopened(self) -> bool:
        """Tell whether the sender wrote again, other than to say thanks (CORRECTIONS 31)."""
        thanked = {
            leg.message
            for leg in self.legs
            if leg.errands and all(s.data.thanks for s in leg.errands.values())
        }
        later = {leg.message for leg in self.legs} - {self.first.message}  # a copy is no later message
        return not later <= thanked


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
    contacts = _joined(own + [leg for leg in seen if leg.kind == REPLY])
    elsewhere = _joined(seen)
    for contact in contacts + elsewhere:
        contact.errands = _errands(contact, catalogue)
    inbound = [c for c in contacts + elsewhere if c.counted and not c.unlinked]
    for contact in contacts:
        for errand in contact.errands:
            errand.first_repeat_at = _first_repeat(contact, errand, inbound)
        contact.redial = _is_redial(contact, contacts)
    return contacts


def _joined(legs: list[NaiveLeg]) -> list[NaiveContact]:
    """Return the contacts that one party's legs amount to."""
    ordered = sorted(legs, key=lambda leg: leg.order)
    calls = [leg for leg in ordered if leg.kind == OFFERED and leg.channel == "telephone"]
    mails = [leg for leg in ordered if leg.kind != NOTE and leg.channel == "email"]
    others = [leg for leg in ordered if leg.kind == OFFERED and leg.channel not in {"telephone", "email"}]
    contacts = _calls(calls) + _mails(mails) + [NaiveContact([leg]) for leg in others]
    contacts.sort(key=lambda contact: contact.first.order)
    for note in ordered:
        if note.kind == NOTE:
            _note(contacts, note)
    return contacts


def _calls(calls: list[NaiveLeg]) -> list[NaiveContact]:
    """A dropped call and the party's next one are one contact; a third is not (CORRECTIONS 27)."""
    contacts: list[NaiveContact] = []
    index = 0
    while index < len(calls):
        pair = calls[index : index + 2]
        taken = 2 if len(pair) == 2 and _taken_up_again(*pair) else 1
        contacts.append(NaiveContact(calls[index : index + taken]))
        index += taken
    return contacts


def _taken_up_again(dropped: NaiveLeg, following: NaiveLeg) -> bool:
    """Cut after the answer, at most 60 s of talk, nothing registered; the next within 10 min of its end."""
    if dropped.outcome != "answered" or dropped.ended is None or dropped.errands or dropped.passings:
        return False
    if dropped.talk_ms > DROPPED_TALK_MS:
        return False
    return dropped.ended <= following.arrived <= dropped.ended + DROPPED_GAP


def _mails(mails: list[NaiveLeg]) -> list[NaiveContact]:
    """A machine's message stands alone; the others by thread, and within a thread a week at a time."""
    contacts = [NaiveContact([mail]) for mail in mails if mail.kind == OFFERED and mail.automatic]
    for thread in _threads([mail for mail in mails if not mail.automatic]):
        current: NaiveContact | None = None
        for mail in thread:
            if mail.kind == REPLY:
                if current is not None:  # before anything came in it is outgoing mail
                    current.replies.append(mail)
            elif current is not None and mail.arrived <= current.first.arrived + THREAD_OPEN:
                current.legs.append(mail)
            else:
                current = NaiveContact([mail])
                contacts.append(current)
    return contacts


def _threads(mails: list[NaiveLeg]) -> list[list[NaiveLeg]]:
    """Messages that name each other, or the same third one, are one thread: walk from each unseen one."""
    holders: dict[str, list[int]] = defaultdict(list)
    names = [{mail.message or mail.leg_id, *mail.references} for mail in mails]
    for number, named in enumerate(names):
        for name in named:
            holders[name].append(number)
    threads, visited = [], set[int]()
    for start in range(len(mails)):
        if start in visited:
            continue
        reached, frontier = {start}, [start]
        while frontier:
            number = frontier.pop()
            for near in (other for name in names[number] for other in holders[name]):
                if near not in reached:
                    reached.add(near)
                    frontier.append(near)
        visited |= reached
        threads.append([mails[number] for number in sorted(reached)])
    return threads


def _note(contacts: list[NaiveContact], note: NaiveLeg) -> None:
    """A loose registration goes to the nearest earlier contact of its day without one (CORRECTIONS 19)."""
    fitting = [
        contact
        for contact in contacts
        if not contact.unlinked
        and contact.first.arrived <= note.arrived
        and local_day(contact.first.arrived) == local_day(note.arrived)
        and not contact.registered
        and not contact.first.automatic
        and not contact.gave_up
    ]
    if fitting:
        fitting[-1].notes.append(note)
    else:
        contacts.append(NaiveContact([note], unlinked=True))


def _errands(contact: NaiveContact, catalogue: Catalogue) -> list[NaiveErrand]:
    """Return the registered errands; without any, the one that follows from the contact itself."""
    if contact.first.automatic or contact.gave_up:
        return []
    errands = [_registered(name, said) for name, said in contact.registered.items()]
    if not errands:
        begun = contact.is_mail or contact.answered is not None  # CORRECTIONS 28
        if not begun or contact.outcome == "no_show" or contact.unlinked:
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
        errand.first_contact &= (
            len({reply.message for reply in contact.replies}) == 1 and not contact.reopened
        )
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
    mail = contact.is_mail and not contact.unlinked
    return {
        "day": local_day(first.arrived),
        "contact_id": first.leg_id,
        "channel": first.channel,
        "channel_source": first.channel_source,
        "arrived_at": first.arrived,
        "answered_at": answered,
        "ended_at": last.ended,
        "outcome": outcome,
        "short_abandoned": int(short),
        "taken": int(answered is not None and outcome != "no_show"),
        "counted": int(contact.counted),
        "wait_ms": None if answered is None else max(0, (answered - first.arrived) // MS),
        "handle_ms": sum(leg.handle_ms for leg in contact.legs),
        "flow_out_reason": last.reason,
        "queue": first.queue,
        "audience": contact.audience,
        "automatic": first.automatic,
        "redial": int(contact.redial),
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
