"""A store in memory with ClickHouse's semantics, and topics: for crashes at every step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from schemas.deadletter import DeadLetter
from schemas.events import Event, SystemRestarted, event_adapter
from schemas.identity import partition_for
from schemas.legs import ContactFact, LegMessage, LegState, Sighting, epoch_of, leg_message_adapter
from schemas.measures import WINDOWS_W
from schemas.timebase import day_start, local_day
from streams.core.contributions import Amounts, RowKey
from streams.core.digest import digest
from streams.core.stage1 import payload_version
from streams.core.stage2 import FactKey, FactRow, Frozen, Output
from streams.ports import STAGE_1, STAGE_2, Archived, Claim, Held, Horizon
from streams.sink import BEGINNING, LATENESS, REACH
from streams.worker import Records


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Faults:
    """Dies at the n-th step, before or after it took effect; 0 never dies."""

    step: int = 0
    after: bool = False
    seen: int = 0

    def around(self, work: Callable[[], Any]) -> Any:
        """Do a step, or die at it."""
        self.seen += 1
        if self.seen == self.step and not self.after:
            raise Killed
        result = work()
        if self.seen == self.step and self.after:
            raise Killed
        return result


@dataclass
class MemoryStore:
    """Keeps what was written; a row with a higher revision hides one with a lower."""

    faults: Faults = field(default_factory=Faults)
    events: dict[tuple[int, str, str], tuple[int, datetime, Event, bool]] = field(default_factory=dict)
    windows: dict[tuple[int, RowKey], tuple[int, Amounts]] = field(default_factory=dict)
    facts: dict[tuple[int, FactKey], tuple[int, FactRow]] = field(default_factory=dict)
    legs: dict[tuple[int, str, str], LegMessage] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    active: list[Claim] = field(default_factory=list)
    letters: dict[str, DeadLetter] = field(default_factory=dict)

    def archive(self, events: Sequence[Archived]) -> None:
        """Write events."""

        def write() -> None:
            for a in events:
                version = payload_version(a.payload) | int(not a.late)
                key = (a.partition, a.event.subject, a.event.id)
                if key not in self.events or version >= self.events[key][0]:
                    stored = event_adapter.validate_json(a.payload)
                    self.events[key] = (version, a.event.time, stored, a.late)

        self.faults.around(write)

    def write(self, outputs: Mapping[int, Output]) -> None:
        """Write figures, facts and legs: three steps, between which the process may die."""
        self.faults.around(lambda: self._write_windows(outputs))
        self.faults.around(lambda: self._write_facts(outputs))
        self.faults.around(lambda: self._write_legs(outputs))

    def _write_windows(self, outputs: Mapping[int, Output]) -> None:
        for partition, output in outputs.items():
            for key, amounts in output.windows.items():
                known = self.windows.get((partition, key))
                if known is None or output.revision >= known[0]:
                    copy = Amounts(dict(amounts.measures), dict(amounts.waits))
                    self.windows[partition, key] = (output.revision, copy)

    def _write_facts(self, outputs: Mapping[int, Output]) -> None:
        for partition, output in outputs.items():
            for row in output.facts:
                key = (partition, (row.day, row.contact_id))
                if key not in self.facts or output.revision >= self.facts[key][0]:
                    self.facts[key] = (output.revision, row)

    def _write_legs(self, outputs: Mapping[int, Output]) -> None:
        for partition, output in outputs.items():
            for message in output.legs:
                key = (partition, message.key, message.leg_id)
                if key not in self.legs or message.revision >= self.legs[key].revision:
                    self.legs[key] = message

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Write dead letters."""
        self.faults.around(lambda: self.letters.update({letter.id: letter for letter in letters}))

    def horizon(self) -> Horizon:
        """Return it, by the watermark of the whole archive."""
        on_time = [at for _, at, _, late in self.events.values() if not late]
        if not on_time:
            return Horizon(BEGINNING)
        frozen = local_day(max(on_time) - timedelta(days=max(WINDOWS_W)) - LATENESS)
        return Horizon(day_start(frozen))

    def claim(self, partitions: Iterable[int]) -> dict[tuple[int, int], Claim]:
        """Take the next epochs."""
        horizon = self.horizon().at
        won = {}
        for partition in partitions:
            for stage in (STAGE_1, STAGE_2):
                taken = [c.epoch for c in self.claims if (c.stage, c.partition) == (stage, partition)]
                won[stage, partition] = Claim(stage, partition, max(taken, default=0) + 1, horizon)
        self.faults.around(lambda: self.claims.extend(won.values()))
        return won

    def activate(self, claims: Iterable[Claim]) -> None:
        """Make claims count."""
        self.faults.around(lambda: self.active.extend(claims))

    def finish(self, claims: Iterable[Claim]) -> None:
        """Only a rebuild asks for that."""

    def archived(self, partition: int, since: datetime) -> Sequence[Event]:
        """Return the events of legs that began in the horizon."""
        began = self.first_seen(partition, self._legs_of(partition))
        return [
            event
            for (p, leg, _), (_, _, event, late) in self.events.items()
            if p == partition and not late and (began[leg] >= since or isinstance(event, SystemRestarted))
        ]

    def _legs_of(self, partition: int) -> set[str]:
        return {leg for p, leg, _ in self.events if p == partition}

    def first_seen(self, partition: int, leg_ids: Collection[str]) -> Mapping[str, datetime]:
        """Return when legs began."""
        first: dict[str, datetime] = {}
        for (p, leg, _), (_, at, _, _) in self.events.items():
            if p == partition and leg in leg_ids:
                first[leg] = min(at, first.get(leg, at))
        return first

    def held(self, partition: int, since: datetime) -> Held:
        """Return stage 2's log and keys."""
        legs = [
            leg_message_adapter.validate_json(leg_message_adapter.dump_json(message))
            for (p, _, _), message in self.legs.items()
            if p == partition and _arrived(message) >= since - REACH
        ]
        rows = {key for p, key in self.windows if p == partition and key.window >= since}
        first_day = local_day(since)
        facts = {key for p, key in self.facts if p == partition and key[0] >= first_day}
        return Held(legs, rows, facts, self._frozen(partition, first_day))

    def _frozen(self, partition: int, until: date) -> Frozen:
        """As the store gives it: from the rows that are in force."""
        contacts: dict[str, ContactFact] = {}
        legs: set[str] = set()
        for (p, (day, contact_id)), (revision, row) in self.facts.items():
            if row.fact is None or not until - REACH <= day < until:
                continue
            if self._counts(p, _noon(day), revision):
                legs |= set(row.fact.legs)
                if p == partition:
                    contacts[contact_id] = row.fact.model_copy(update={"errands": ()})
        return Frozen(contacts, legs)

    def sent(self, partition: int, since: datetime) -> Mapping[str, Mapping[str, str]]:
        """Return what stage 2 has heard of a source partition."""
        known: dict[str, dict[str, str]] = {}
        for (_, key, leg), message in self.legs.items():
            if message.partition == partition and _arrived(message) >= since:
                known.setdefault(leg, {})[key] = digest(message)
        return known

    def visible_rows(self) -> dict[RowKey, tuple[dict[str, int], dict[int, int]]]:
        """Return the figures as the reading view gives them, summed over partitions."""
        total: dict[RowKey, Amounts] = {}
        for (partition, key), (revision, amounts) in self.windows.items():
            if self._counts(partition, key.window, revision):
                total.setdefault(key, Amounts()).merge(amounts)
        return {key: (a.measures, a.waits) for key, a in total.items() if not a.empty}

    def visible_facts(self) -> dict[str, Any]:
        """Return the contacts as the reading view gives them; one that is there twice is an error."""
        found: dict[str, Any] = {}
        for (partition, (day, contact_id)), (revision, row) in self.facts.items():
            if row.fact is not None and self._counts(partition, _noon(day), revision):
                assert contact_id not in found, f"{contact_id} stands in two partitions or on two days"
                found[contact_id] = row.fact
        return found

    def _counts(self, partition: int, at: datetime, revision: int) -> bool:
        owners = [c for c in self.active if (c.stage, c.partition) == (STAGE_2, partition)]
        return epoch_of(revision) >= max((c.epoch for c in owners if c.horizon <= at), default=0)


def _arrived(message: LegMessage) -> datetime:
    return message.leg.arrived_at if isinstance(message, LegState | Sighting) else message.arrived_at


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


@dataclass
class MemoryTopic:
    """A topic: values per partition, and the offsets that are done."""

    name: str
    partitions: int
    logs: dict[int, list[bytes]] = field(default_factory=dict)
    done: dict[int, int] = field(default_factory=dict)

    def append(self, key: str, value: bytes) -> None:
        """Add a value in the partition of its key."""
        self.append_to(partition_for(key, self.partitions), value)

    def append_to(self, partition: int, value: bytes) -> None:
        """Add a value in a partition."""
        self.logs.setdefault(partition, []).append(value)

    def poll(self, largest: int) -> list[Records]:
        """Return what is not done yet, at most so many per partition."""
        batch = []
        for partition, log in sorted(self.logs.items()):
            begin = self.done.get(partition, 0)
            values = log[begin : begin + largest]
            if values:
                offsets = tuple(range(begin, begin + len(values)))
                batch.append(Records(self.name, partition, offsets[0], offsets[-1], tuple(values), offsets))
        return batch

    def mark(self, done: Iterable[Records]) -> None:
        """Note what is done."""
        for records in done:
            self.done[records.partition] = max(self.done.get(records.partition, 0), records.last + 1)
