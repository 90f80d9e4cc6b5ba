"""Stage 2 of one partition: states of legs in; figures, facts and its own log out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from schemas.legs import ContactFact, Leg, LegMessage, LegState, Retraction, revision
from schemas.timebase import local_day
from streams.core.classify import Past, classify
from streams.core.contributions import Amounts, Contribution, RowKey, contribution
from streams.core.figures import DayKey, Figures, day_key
from streams.core.rules import Rules

FactKey = tuple[date, str]
"""Local day of arrival and contact id."""


def fact_key(fact: ContactFact) -> FactKey:
    """Return the key under which a contact's row stands."""
    return local_day(fact.arrived_at), fact.contact_id


@dataclass(frozen=True, slots=True)
class FactRow:
    """A contact's row; ``fact`` is None for the tombstone of one that stood under this key."""

    day: date
    contact_id: str
    fact: ContactFact | None


@dataclass(slots=True)
class Output:
    """What a batch makes the sink write, in this order: figures, facts, legs (DESIGN, rule 5)."""

    windows: dict[RowKey, Amounts] = field(default_factory=dict)
    days: dict[DayKey, Amounts] = field(default_factory=dict)
    facts: list[FactRow] = field(default_factory=list)
    legs: list[LegMessage] = field(default_factory=list)
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Frozen:
    """The contacts from before the horizon that still reach over it. They are constant (CORRECTIONS 9).

    A thread that began before it goes on after it, a mail falls due after it, a call is rung up again. The
    facts, not their legs, say what belonged to what: where a thread's contacts end depends on all its past.
    """

    contacts: Mapping[str, ContactFact] = field(default_factory=dict)
    """This partition's, by id, their errands left out."""
    legs: Collection[str] = frozenset()
    """Ids of legs that belong to frozen contacts of any partition."""


@dataclass(slots=True)
class Party:
    """What is known of one key: its legs as last said, and what they now amount to."""

    legs: dict[str, LegMessage] = field(default_factory=dict)
    facts: dict[str, ContactFact] = field(default_factory=dict)
    rows: Contribution = field(default_factory=dict)


@dataclass(slots=True)
class Stage2:
    """The parties of one partition of the topic between the stages."""

    partition: int
    epoch: int
    horizon: datetime
    """Local midnight (UTC) from which this owner writes; earlier rows are frozen."""
    rules: Rules
    frozen: Frozen = field(default_factory=Frozen)
    counter: int = 0
    parties: dict[str, Party] = field(default_factory=dict)
    figures: Figures = field(default_factory=Figures)
    holders: dict[FactKey, dict[str, ContactFact]] = field(default_factory=dict)
    """Which parties hold a contact: one, or two while it moves from one to the other."""

    def apply(self, messages: Iterable[LegMessage]) -> Output:
        """Take in messages and return the rows to write.

        What a party's legs amount to is worked out again and written whole, also where nothing in the
        batch was new: it may be the second try of one that died half-way.
        """
        batch = list(messages)
        touched: dict[str, None] = {}
        for message in batch:
            party = self.parties.setdefault(message.key, Party())
            known = party.legs.get(message.leg_id)
            if known is None or message.revision >= known.revision:
                party.legs[message.leg_id] = message
            touched[message.key] = None
        output = Output()
        rows: set[RowKey] = set()
        keys: set[FactKey] = set()
        for key in touched:
            rows |= self._work_out(key, keys)
        self._hand_out(rows, output)
        self._hand_out_facts(keys, output)
        output.legs = [
            self.parties[message.key].legs[message.leg_id]
            for message in {(m.key, m.leg_id): m for m in batch}.values()
        ]
        return output

    def restore(self, messages: Iterable[LegMessage], frozen: Frozen) -> None:
        """Take in the partition's own log, and what is frozen and reaches over the horizon."""
        self.frozen = frozen
        due = contribution(frozen.contacts.values(), self.rules)
        self.figures.exchange({}, {key: amounts for key, amounts in due.items() if self._live(key.window)})
        self.apply(messages)

    def everything(self, rows: Iterable[RowKey], facts: Iterable[FactKey]) -> Output:
        """Return every row of the horizon anew, for a new owner (CORRECTIONS 1).

        ``rows`` and ``facts`` are the keys that the store holds: those that the state does not give are
        written as zeros and tombstones.
        """
        output = Output()
        self._hand_out({*rows, *self.figures.windows}, output)
        self._hand_out_facts({*facts, *self.holders}, output)
        return output

    def _work_out(self, key: str, keys: set[FactKey]) -> set[RowKey]:
        """Classify a party again; add its facts' keys to ``keys``, and return the rows that it touches."""
        party = self.parties[key]
        before, old = party.facts, party.rows
        facts = self._classify(party)
        party.facts = {fact.contact_id: fact for fact in facts}
        party.rows = contribution(facts, self.rules)
        for fact in before.values():
            holders = self.holders[fact_key(fact)]
            del holders[key]
            keys.add(fact_key(fact))
        for fact in facts:
            self.holders.setdefault(fact_key(fact), {})[key] = fact
            keys.add(fact_key(fact))
        return self.figures.exchange(old, party.rows)

    def _classify(self, party: Party) -> list[ContactFact]:
        legs: list[Leg] = []
        sightings: list[Leg] = []
        past: list[Leg] = []
        contacts: list[ContactFact] = []
        for message in party.legs.values():
            if isinstance(message, Retraction):
                continue
            leg, counts = message.leg, isinstance(message, LegState)
            if not self._live(leg.arrived_at) or leg.leg_id in self.frozen.legs:
                past.append(leg)
            else:
                (legs if counts else sightings).append(leg)
            if counts and leg.leg_id in self.frozen.contacts:
                contacts.append(self.frozen.contacts[leg.leg_id])
        return classify(legs, sightings, self.rules, Past(past, contacts))

    def _live(self, at: datetime) -> bool:
        return at >= self.horizon

    def _hand_out_facts(self, keys: Iterable[FactKey], output: Output) -> None:
        """Add the contacts that stand under these keys, and tombstones where none does.

        A contact that goes from one party to another of the same partition keeps its key: the tombstone of
        the one must not bury the other.
        """
        for key in sorted(keys):
            holders = self.holders.get(key)
            if holders is not None and not holders:
                del self.holders[key]
            output.facts.append(FactRow(*key, holders[max(holders)] if holders else None))

    def _hand_out(self, rows: set[RowKey], output: Output) -> None:
        for key in rows:
            output.windows[key] = self.figures.window(key)
        for day in {day_key(key) for key in rows}:
            output.days[day] = self.figures.day(day)
        self.counter += 1
        output.revision = revision(self.epoch, self.counter)
