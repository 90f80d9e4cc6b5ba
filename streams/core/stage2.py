"""Stage 2 of one partition: states of legs in; figures, facts and its own log out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from schemas.legs import ContactFact, LegMessage, LegState, Sighting, revision
from schemas.timebase import local_day
from streams.core.classify import classify
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

    def restore(self, messages: Iterable[LegMessage]) -> None:
        """Take in the partition's own log."""
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
        facts = classify(
            (m.leg for m in party.legs.values() if isinstance(m, LegState)),
            (m.leg for m in party.legs.values() if isinstance(m, Sighting)),
            self.rules,
        )
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

    def _hand_out_facts(self, keys: Iterable[FactKey], output: Output) -> None:
        """Add the contacts that stand under these keys, and tombstones where none does.

        A contact that goes from one party to another of the same partition keeps its key: the tombstone of
        the one must not bury the other. None before the horizon.
        """
        first_day = local_day(self.horizon)
        for key in sorted(keys):
            holders = self.holders.get(key)
            if holders is not None and not holders:
                del self.holders[key]
            if key[0] >= first_day:
                output.facts.append(FactRow(*key, holders[max(holders)] if holders else None))

    def _hand_out(self, rows: set[RowKey], output: Output) -> None:
        live = {key for key in rows if key.window >= self.horizon}
        for key in live:
            output.windows[key] = self.figures.window(key)
        for day in {day_key(key) for key in live}:
            output.days[day] = self.figures.day(day)
        self.counter += 1
        output.revision = revision(self.epoch, self.counter)
