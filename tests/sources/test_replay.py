"""A replay finds just what archive and source differ about, whatever that is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kommuncenter.sources.replay import Archived, Kind, Replay, Replayed, differing_fields
from kommuncenter.sources.telling import replay_json, replay_lines
from producers.contract import Batch, Broadcast, Place, Raw, Reason, Rejected
from producers.runner import Rejection
from schemas.events import (
    Abandoned,
    AbandonedData,
    Channel,
    Event,
    Party,
    SystemRestarted,
    SystemRestartedData,
)
from schemas.identity import PseudonymKey

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
QUIET = timedelta(seconds=0.05)


def event(number: int, queue: str = "kommuncenter", position: int = 0, key: str | None = None) -> Event:
    """Return the event of a record; one a minute."""
    party = (
        Party(current=PseudonymKey(key, b"sixteen bytes or more").pseudonym("+46701740605")) if key else None
    )
    return Abandoned(
        id=f"{number:032x}",
        source="telephony",
        subject=f"pbx1:{number}",
        time=START + timedelta(minutes=number),
        data=AbandonedData(channel=Channel.TELEPHONE, queue=queue, position=position, party=party),
    )


@dataclass
class FakeReader:
    """Gives numbers as records, some in a batch, and then says that there is nothing new, or nothing."""

    numbers: Sequence[int]
    per_batch: int = 3
    silent: bool = False
    started: Place | None = None
    closed: bool = False

    async def batches(self, start: Place | None) -> AsyncIterator[Batch]:
        self.started = start
        try:
            for at in range(0, len(self.numbers), self.per_batch):
                behind = min(at + self.per_batch, len(self.numbers))
                records = [Raw(str(n).encode(), f"line {n}") for n in self.numbers[at:behind]]
                yield Batch(str(at), str(behind), records)
            while not self.silent:
                yield Batch("end", "end", ())
            await asyncio.Event().wait()
        finally:
            self.closed = True


def normalise(records: Iterable[Raw]) -> Iterator[Event | Broadcast | Rejection]:
    for record in records:
        number = int(record.payload)
        if number < 0:
            yield Rejection(record, Rejected(Reason.BAD_VALUE, "negative"))
        else:
            yield event(number)


@dataclass
class FakeArchive:
    """Holds events; some of them only arrive after it was asked for them."""

    held: dict[str, Event]
    late: dict[str, Event] = field(default_factory=dict)

    def events(self, instance: str, ids: Sequence[str]) -> Mapping[str, Event]:
        found = {each: self.held[each] for each in ids if each in self.held}
        self.held |= self.late
        return found

    def between(self, instance: str, since: datetime, until: datetime) -> Iterator[Archived]:
        for each in self.held.values():
            if since <= each.time <= until:
                yield Archived(each.id, each.time, each.type, each.subject)


@dataclass
class FakeOutlet:
    sent: list[Event | Broadcast] = field(default_factory=list)
    flushed: int = 0

    def publish(self, instance: str, events: Sequence[Event | Broadcast]) -> None:
        self.sent.extend(events)

    def flush(self) -> None:
        self.flushed = len(self.sent)


def replayed(
    reader: FakeReader,
    archive: FakeArchive,
    *,
    outlet: FakeOutlet | None = None,
    kept_since: datetime | None = None,
    start: Place | None = None,
) -> Replayed:
    replay = Replay(
        instance="telephony",
        reader=reader,
        normalise=normalise,
        archive=archive,
        outlet=outlet,
        kept_since=kept_since,
    )
    return asyncio.run(replay.run(start, QUIET))


def holding(*events: Event) -> FakeArchive:
    return FakeArchive({each.id: each for each in events})


@given(
    st.lists(st.integers(0, 20), unique=True),
    st.sets(st.integers(0, 20)),
    st.sets(st.integers(0, 20)),
    st.integers(1, 7),
)
def test_what_is_missing_additional_and_changed_is_found_and_nothing_else(
    given_numbers: list[int], archived: set[int], changed: set[int], per_batch: int
) -> None:
    held = [event(n, queue="koordinaten" if n in changed else "kommuncenter") for n in archived]
    found = replayed(FakeReader(given_numbers, per_batch), holding(*held))
    span = range(min(given_numbers, default=0), max(given_numbers, default=-1) + 1)
    expected = {
        *((Kind.MISSING, n) for n in set(given_numbers) - archived),
        *((Kind.ADDITIONAL, n) for n in archived - set(given_numbers) if n in span),
        *((Kind.CHANGED, n) for n in archived & set(given_numbers) & changed),
    }
    assert {(each.kind, int(each.id, 16)) for each in found.differences} == expected
    assert len(found.differences) == len(expected)
    assert [each.at for each in found.differences] == sorted(each.at for each in found.differences)
    assert {each.id for each in found.missing if not isinstance(each, Broadcast)} == {
        each.id for each in found.differences if each.kind is Kind.MISSING
    }


def test_what_the_source_gives_is_sent_and_acknowledged_before_it_is_compared() -> None:
    outlet = FakeOutlet()
    found = replayed(FakeReader([1, 2, -1, 3, 4]), holding(), outlet=outlet)
    assert outlet.sent == [event(1), event(2), event(3), event(4)]
    assert outlet.flushed == 4
    assert (found.records, found.events, found.rejected) == (5, 4, 1)
    assert found.place == "5"


def test_it_begins_at_the_place_that_is_told_and_closes_the_reader() -> None:
    reader = FakeReader([1])
    replayed(reader, holding(event(1)), start="here")
    assert reader.started == "here"
    assert reader.closed


def test_a_reader_that_says_nothing_any_more_has_given_all() -> None:
    reader = FakeReader([1, 2], silent=True)
    found = replayed(reader, holding(event(1), event(2)))
    assert found.records == 2
    assert found.differences == []
    assert reader.closed


def test_an_event_that_arrives_meanwhile_is_not_missing() -> None:
    archive = FakeArchive({}, late={event(1).id: event(1)})
    assert replayed(FakeReader([1]), archive).differences == []


def test_what_the_archive_keeps_no_longer_is_not_compared() -> None:
    found = replayed(FakeReader([0, 1, 2, 3]), holding(event(3)), kept_since=event(2).time)
    assert [(each.kind, each.id) for each in found.differences] == [(Kind.MISSING, event(2).id)]
    assert found.expired == 2
    assert found.since == event(2).time


def test_the_place_among_events_of_an_instant_makes_no_difference() -> None:
    assert differing_fields(event(1, position=1), event(1, position=2)) == ()


def test_pseudonyms_differ_only_under_the_same_key() -> None:
    assert differing_fields(event(1, key="k1"), event(1, key="k2")) == ()
    assert differing_fields(event(1, key="k1"), event(1)) == ()
    mine, theirs = event(1, key="k1"), event(1, key="k1")
    other = Party(current="k1:" + "0" * 64)
    theirs = theirs.model_copy(update={"data": theirs.data.model_copy(update={"party": other})})
    assert differing_fields(mine, theirs) == ("data.party",)


def test_a_restart_for_every_partition_is_one_event() -> None:
    restarted = SystemRestarted(
        id="f" * 32,
        source="telephony",
        subject="pbx1:restart",
        time=START,
        data=SystemRestartedData(channel=Channel.TELEPHONE),
    )
    replay = Replay(
        instance="telephony",
        reader=FakeReader([1]),
        normalise=lambda _: iter([Broadcast(restarted)]),
        archive=holding(),
        outlet=None,
        kept_since=None,
    )
    found = asyncio.run(replay.run(None, QUIET))
    assert [(each.kind, each.id) for each in found.differences] == [(Kind.MISSING, restarted.id)]
    assert found.missing == [Broadcast(restarted)]


def test_it_is_told_in_lines_and_as_json() -> None:
    found = replayed(FakeReader([1, 2, 3]), holding(event(1, queue="koordinaten"), event(2, key="k1")))
    lines = list(replay_lines(found, "kc.shadow.telephony", applied=True))
    assert lines == [
        "3 records, 3 events (sent to kc.shadow.telephony), 0 rejected",
        "from 2026-11-23 08:01:00 to 2026-11-23 08:03:00 UTC",
        "  changed    2026-11-23 08:01:00 contact.abandoned pbx1:1 (data.queue)",
        "  missing    2026-11-23 08:03:00 contact.abandoned pbx1:3",
        "1 missing: given by the source, not in the archive",
        "1 changed: in both, but not the same",
        "1 missing events were sent to the instance's own topic",
        "Read to: 3",
    ]
    said = json.loads(replay_json(found))
    assert [(each["kind"], each["fields"]) for each in said["differences"]] == [
        ("changed", ["data.queue"]),
        ("missing", []),
    ]
    assert said["place"] == "3"


def test_a_long_list_of_differences_is_cut_and_counted() -> None:
    lines = list(replay_lines(replayed(FakeReader(range(30)), holding()), None, applied=False))
    assert "  … and 10 more (--json prints all)" in lines
    assert "30 missing: given by the source, not in the archive" in lines
    assert lines[0].startswith("30 records, 30 events (sent nowhere)")


def test_equal_is_said() -> None:
    found = replayed(FakeReader([1]), holding(event(1)))
    assert "The archive holds just what the source gives." in list(replay_lines(found, None, applied=False))


@pytest.mark.parametrize("numbers", [[], [-1]])
def test_nothing_to_compare_compares_nothing(numbers: list[int]) -> None:
    found = replayed(FakeReader(numbers), holding(event(1)))
    assert found.differences == []
    assert found.since is None
