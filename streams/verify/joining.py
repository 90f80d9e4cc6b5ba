"""The naive fold, second half: legs -> contacts. Written apart from the stream's.

Where DOMAIN and CORRECTIONS are silent it does as the stream says it does: a thread's contact is open for a
week from its first message.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas.catalogue import Catalogue
from schemas.timebase import local_day
from streams.verify.legs import NOTE, OFFERED, REPLY, NaiveLeg, Passing, Said

DROPPED_TALK_MS = 60_000
DROPPED_GAP = timedelta(minutes=10)
THREAD_OPEN = timedelta(days=7)


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
        """The leg that ended it; its outcome is the contact's (CORRECTIONS 22) unless one was answered."""
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
        """The first answer; for mail the first reply or passing on, registered ones too (CORRECTIONS 29)."""
        if self.is_mail:
            handled = [reply.arrived for reply in self.replies] + [passing.at for passing in self.passings]
            said = self.registered.values()
            handled += [word.since for word in said if word.data.outcome == "handed_over"]
            return min(handled, default=None)
        return next((leg.answered for leg in self.legs if leg.answered), None)

    @property
    def outcome(self) -> str:
        """What became of it."""
        if self.is_mail:
            return "open" if self.answered is None else "answered"
        spoken_with = any(leg.outcome == "answered" for leg in self.legs)
        return "answered" if spoken_with and self.last.outcome != "open" else self.last.outcome

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
    def thanked(self) -> set[str]:
        """Names of the messages, or calls, that only say thanks."""
        return {
            leg.message or leg.leg_id
            for leg in self.legs
            if leg.errands and all(s.data.thanks for s in leg.errands.values())
        }

    @property
    def thanks(self) -> bool:
        """Tell whether nothing but thanks was said: no errand, no repeat (CORRECTIONS 23, 31)."""
        return not self.registered and {leg.message or leg.leg_id for leg in self.legs} == self.thanked

    @property
    def later(self) -> list[datetime]:
        """When the sender wrote again, other than to say thanks (CORRECTIONS 31); a copy is none."""
        past = self.thanked | {self.first.message}
        return [leg.arrived for leg in self.legs if leg.message not in past] if self.is_mail else []

    @property
    def replied_once(self) -> bool:
        """Exactly one human reply until the sender wrote again; one kept in two mailboxes is one."""
        moments: dict[str, datetime] = {}
        for reply in self.replies:
            moments[reply.message] = min(reply.arrived, moments.get(reply.message, reply.arrived))
        times = sorted(moments.values())
        again = sorted(at for at in self.later if times and at > times[0])
        return len([at for at in times if not again or at < again[0]]) == 1


def joined(legs: list[NaiveLeg], catalogue: Catalogue) -> list[NaiveContact]:
    """Return the contacts that one party's legs amount to."""
    ordered = sorted(legs, key=lambda leg: leg.order)
    calls = [leg for leg in ordered if leg.kind == OFFERED and leg.channel == "telephone"]
    mails = [leg for leg in ordered if leg.kind != NOTE and leg.channel == "email"]
    others = [leg for leg in ordered if leg.kind == OFFERED and leg.channel not in {"telephone", "email"}]
    contacts = _calls(calls) + _mails(mails) + [NaiveContact([leg]) for leg in others]
    contacts.sort(key=lambda contact: contact.first.order)
    for note in ordered:
        if note.kind == NOTE:
            _note(contacts, note, catalogue)
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
    """A machine's message stands alone with its copies; the others by thread, a week at a time."""
    machines: dict[str, list[NaiveLeg]] = defaultdict(list)
    for mail in mails:
        if mail.kind == OFFERED and mail.automatic:
            machines[mail.message or mail.leg_id].append(mail)
    contacts = [NaiveContact(copies) for copies in machines.values()]
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


def _note(contacts: list[NaiveContact], note: NaiveLeg, catalogue: Catalogue) -> None:
    """A loose registration goes to the nearest earlier contact of its day without one (CORRECTIONS 19).

    What came by mail outside opening hours is of the day whose opening it waits for (CORRECTIONS 30).
    """
    day = local_day(note.arrived)
    fitting = [
        contact
        for contact in contacts
        if not contact.unlinked
        and contact.first.arrived <= note.arrived
        and (
            local_day(contact.first.arrived) == day
            or (contact.is_mail and local_day(catalogue.counted_from(contact.first.arrived)) >= day)
        )
        and not contact.registered
        and not contact.first.automatic
        and not contact.gave_up
    ]
    if fitting:
        fitting[-1].notes.append(note)
    else:
        contacts.append(NaiveContact([note], unlinked=True))
