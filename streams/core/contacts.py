"""Stage 2's join: the legs of one outside party -> contacts (CORRECTIONS 16, 19, 27, 31).

Every function is pure and gives the same for any order of its input.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from schemas.events import Channel
from schemas.legs import Leg, LegErrand, LegHandover, LegKind, LegOutcome
from schemas.timebase import local_day
from streams.core.rules import Rules


@dataclass(frozen=True, slots=True)
class Contact:
    """Legs that are one contact, in order of arrival; ``replies`` are the centre's mails to it."""

    legs: tuple[Leg, ...]
    replies: tuple[Leg, ...] = ()
    registrations: tuple[Leg, ...] = ()
    unlinked: bool = False

    @property
    def first(self) -> Leg:
        """The leg that began it: it gives id, channel and arrival."""
        return self.legs[0]

    @property
    def last(self) -> Leg:
        """The leg that ended it: it gives the outcome (CORRECTIONS 22)."""
        return self.legs[-1]

    @property
    def handovers(self) -> tuple[LegHandover, ...]:
        """Passings to departments; a reply with a department in copy is one as well."""
        return tuple(handover for leg in (*self.legs, *self.replies) for handover in leg.handovers)

    @property
    def gave_up(self) -> bool:
        """Tell whether the party left before anybody answered: never an errand (DOMAIN §1)."""
        answered = any(leg.answered_at for leg in self.legs)
        return self.last.outcome is LegOutcome.ABANDONED and not answered

    @property
    def errands(self) -> tuple[LegErrand, ...]:
        """Registered errands; the later word on an errand counts, but thanks for it are no word on it."""
        latest: dict[str, LegErrand] = {}
        for leg in sorted((*self.legs, *self.registrations), key=_by_arrival):
            for errand in leg.errands:
                known = latest.get(errand.errand)
                if not errand.thanks and (known is None or errand.at >= known.at):
                    latest[errand.errand] = errand
        return tuple(errand for _, errand in sorted(latest.items()))


def join_legs(legs: Iterable[Leg], rules: Rules, past: Iterable[Leg] = ()) -> list[Contact]:
    """Return the contacts of one party, in order of arrival.

    ``past`` are legs of contacts that are frozen: they are joined no more, but still tell which mails
    belong to one thread.
    """
    ordered = sorted(legs, key=_by_arrival)
    inbound = [leg for leg in ordered if leg.kind is LegKind.INBOUND]
    contacts = [
        *_calls([leg for leg in inbound if leg.channel is Channel.TELEPHONE], rules),
        *_threads([leg for leg in ordered if leg.channel is Channel.EMAIL], rules, past),
        *(Contact((leg,)) for leg in inbound if leg.channel not in {Channel.TELEPHONE, Channel.EMAIL}),
    ]
    contacts.sort(key=lambda contact: _by_arrival(contact.first))
    return _with_registrations(contacts, [leg for leg in ordered if leg.kind is LegKind.REGISTRATION], rules)


def _by_arrival(leg: Leg) -> tuple[float, str]:
    return (leg.arrived_at.timestamp(), leg.leg_id)


def _calls(calls: Sequence[Leg], rules: Rules) -> list[Contact]:
    """Join a dropped call with the next one of the party; a joined call is not joined on again."""
    contacts: list[Contact] = []
    for call in calls:
        before = contacts[-1] if contacts else None
        if before and len(before.legs) == 1 and _dropped_into(before.first, call, rules):
            contacts[-1] = replace(before, legs=(before.first, call))
        else:
            contacts.append(Contact((call,)))
    return contacts


def _dropped_into(first: Leg, second: Leg, rules: Rules) -> bool:
    if first.outcome is not LegOutcome.ANSWERED or first.ended_at is None:
        return False
    if first.errands or first.handovers or first.talk_ms > rules.dropped_talk.total_seconds() * 1000:
        return False
    return first.ended_at <= second.arrived_at <= first.ended_at + rules.dropped_gap


def _threads(mails: Sequence[Leg], rules: Rules, past: Iterable[Leg]) -> list[Contact]:
    """Group messages that refer to one another; within a thread a later message reopens, or begins anew."""
    frozen = {leg.leg_id: leg for leg in past if leg.channel is Channel.EMAIL}
    contacts = _machines([m for m in mails if m.kind is LegKind.INBOUND and m.automatic])
    threaded = [m for m in mails if m.kind is not LegKind.REGISTRATION and not m.automatic]
    for thread in _components([*threaded, *frozen.values()]):
        contacts.extend(_thread_contacts([mail for mail in thread if mail.leg_id not in frozen], rules))
    return contacts


def _machines(mails: Iterable[Leg]) -> list[Contact]:
    """Return the contacts of machines: no thread, but one message in two mailboxes is one contact."""
    copies: dict[str, list[Leg]] = {}
    for mail in mails:
        copies.setdefault(mail.message or mail.leg_id, []).append(mail)
    return [Contact(tuple(legs)) for legs in copies.values()]


def _components(mails: Sequence[Leg]) -> list[list[Leg]]:
    """Return the connected components of mails over their own ids and references, each by arrival."""
    parent: dict[str, str] = {}

    def find(name: str) -> str:
        root = name
        while parent.setdefault(root, root) != root:
            root = parent[root]
        while parent[name] != root:
            parent[name], name = root, parent[name]
        return root

    for mail in mails:
        names = [mail.message or mail.leg_id, *mail.references]
        for name in names[1:]:
            left, right = sorted((find(names[0]), find(name)))
            parent[right] = left
    grouped: dict[str, list[Leg]] = {}
    for mail in mails:
        grouped.setdefault(find(mail.message or mail.leg_id), []).append(mail)
    return list(grouped.values())


def _thread_contacts(thread: Sequence[Leg], rules: Rules) -> list[Contact]:
    contacts: list[Contact] = []
    for mail in thread:
        if mail.kind is LegKind.REPLY:
            if contacts:  # a reply before any inbound message is outgoing mail, and no contact
                contacts[-1] = replace(contacts[-1], replies=(*contacts[-1].replies, mail))
            continue
        latest = contacts[-1] if contacts else None
        if latest and mail.arrived_at - latest.first.arrived_at <= rules.reopen_within:
            contacts[-1] = replace(latest, legs=(*latest.legs, mail))
        else:
            contacts.append(Contact((mail,)))
    return contacts


def _with_registrations(contacts: list[Contact], registrations: Sequence[Leg], rules: Rules) -> list[Contact]:
    """Give each loose registration to the nearest earlier contact of its day that has no errand yet."""
    joined = list(contacts)
    loose = []
    for registration in registrations:
        index = _nearest_without(joined, registration, rules)
        if index is None:
            loose.append(Contact((registration,), unlinked=True))
        else:
            known = joined[index].registrations
            joined[index] = replace(joined[index], registrations=(*known, registration))
    return joined + loose


def _nearest_without(contacts: Sequence[Contact], registration: Leg, rules: Rules) -> int | None:
    for index in range(len(contacts) - 1, -1, -1):
        contact = contacts[index]
        earlier = contact.first.arrived_at <= registration.arrived_at
        able = not contact.gave_up and not contact.first.automatic
        in_time = local_day(registration.arrived_at) <= _working_day(contact.first, rules)
        if earlier and in_time and able and not contact.errands:
            return index
    return None


def _working_day(leg: Leg, rules: Rules) -> date:
    """Return the day on which a leg is dealt with: a mail may come in the evening (CORRECTIONS 19, 30)."""
    if leg.channel is Channel.EMAIL:
        return local_day(rules.catalogue.counted_from(leg.arrived_at))
    return local_day(leg.arrived_at)


def reopened_at(contact: Contact) -> datetime | None:
    """Return when the party first wrote again in the thread, other than to say thanks (CORRECTIONS 31)."""
    return min(_written_again(contact), default=None)


def answered_once(contact: Contact) -> bool:
    """Tell whether the centre wrote just once before the party wrote again; how late that was is W's matter.

    A reply that is kept in two mailboxes is one.
    """
    replies = {reply.message: reply.arrived_at for reply in reversed(contact.replies)}
    if not replies:
        return False
    again = [at for at in _written_again(contact) if at > min(replies.values())]
    return sum(not again or at < min(again) for at in replies.values()) == 1


def only_thanks(contact: Contact) -> bool:
    """Tell whether the party said nothing but thanks: that raises no errand, and repeats none."""
    return not contact.errands and all(thanks for _, thanks in _messages(contact))


def _written_again(contact: Contact) -> list[datetime]:
    if contact.first.channel is not Channel.EMAIL:
        return []
    return [at for at, thanks in _messages(contact)[1:] if not thanks]


def _messages(contact: Contact) -> list[tuple[datetime, bool]]:
    """Return when each message came, and whether it only says thanks, in order of arrival.

    A message that came to two of the centre's mailboxes is one, and so are its thanks.
    """
    found: dict[str, tuple[datetime, bool]] = {}
    for leg in contact.legs:
        name = leg.message or leg.leg_id
        at, thanks = found.get(name, (leg.arrived_at, False))
        found[name] = at, thanks or _says_thanks(leg)
    return list(found.values())


def _says_thanks(leg: Leg) -> bool:
    return bool(leg.errands) and all(errand.thanks for errand in leg.errands)
