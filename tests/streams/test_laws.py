"""Laws of the stream: order, repetition and batch borders change no contact and no figure."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import load_catalogue
from schemas.events import Event, SystemRestarted, event_adapter, events_adapter, to_json
from schemas.identity import partition_for
from schemas.legs import ContactFact, LegMessage, leg_message_adapter
from schemas.measures import IDENTITY_RIGHT
from streams.core.contributions import Amounts, RowKey
from streams.core.figures import DayKey, day_key
from streams.core.rules import Rules
from streams.core.stage1 import Stage1
from streams.core.stage2 import Frozen, Stage2
from tests.histories import histories, party

RULES = Rules(load_catalogue())
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PARTITIONS = 3


def belonging(batch: Iterable[Event], partition: int) -> list[Event]:
    """Return the events that a partition gets: by key, and a restart in every one."""
    return [
        e
        for e in batch
        if isinstance(e, SystemRestarted) or partition_for(e.subject, PARTITIONS) == partition
    ]


class Pipeline:
    """Both stages over a few partitions, without any transport."""

    def __init__(self) -> None:
        self.ones = [Stage1(partition=p, epoch=1) for p in range(PARTITIONS)]
        self.twos = [Stage2(partition=p, epoch=1, horizon=LONG_AGO, rules=RULES) for p in range(PARTITIONS)]

    def feed(self, batch: Iterable[Event]) -> None:
        """Send a batch through both stages."""
        for one in self.ones:
            mine = [
                e for e in batch if isinstance(e, SystemRestarted) or self._at(e.subject) == one.partition
            ]
            self.send(one.apply(mine))

    def send(self, messages: Sequence[LegMessage]) -> None:
        """Hand messages to stage 2, through JSON as on the topic."""
        for two in self.twos:
            mine = [m for m in messages if self._at(m.key) == two.partition]
            two.apply(leg_message_adapter.validate_json(leg_message_adapter.dump_json(m)) for m in mine)

    def _at(self, key: str) -> int:
        return partition_for(key, PARTITIONS)

    def facts(self) -> dict[str, ContactFact]:
        """All contacts by id; a contact counted in two places would show as a difference in rows."""
        parties = [party for two in self.twos for party in two.parties.values()]
        return {fact.contact_id: fact for party in parties for fact in party.facts.values()}

    def rows(self) -> dict[RowKey, tuple[dict[str, int], dict[int, int]]]:
        """The figures summed over partitions, as a reader sums them."""
        total: dict[RowKey, Amounts] = {}
        for two in self.twos:
            for key, amounts in two.figures.windows.items():
                total.setdefault(key, Amounts()).merge(amounts)
        return {key: (a.measures, a.waits) for key, a in total.items() if not a.empty}


def run(batches: Iterable[Sequence[Event]]) -> Pipeline:
    """Return a pipeline that took in the batches."""
    pipeline = Pipeline()
    for batch in batches:
        pipeline.feed(batch)
    return pipeline


@st.composite
def disturbed(draw: st.DrawFn) -> tuple[list[Event], list[list[Event]]]:
    """A history, and the same shuffled, partly doubled, and cut into batches."""
    events = draw(histories())
    again = draw(st.lists(st.sampled_from(events), max_size=len(events)))
    mixed = draw(st.permutations([*events, *again]))
    cuts = sorted(draw(st.lists(st.integers(0, len(mixed)), max_size=6)))
    edges = [0, *cuts, len(mixed)]
    return events, [mixed[a:b] for a, b in itertools.pairwise(edges)]


@given(disturbed())
@settings(max_examples=150, deadline=None)
def test_order_repetition_and_batches_change_nothing(case: tuple[list[Event], list[list[Event]]]) -> None:
    events, batches = case
    straight, crooked = run([events]), run(batches)
    assert crooked.facts() == straight.facts()
    assert crooked.rows() == straight.rows()


@given(disturbed(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_messages_between_the_stages_may_repeat_and_come_late(
    case: tuple[list[Event], list[list[Event]]], rng: random.Random
) -> None:
    """At least once, from stage 1 to stage 2: old states come again after newer ones."""
    events, batches = case
    straight, crooked = run([events]), Pipeline()
    sent: list[LegMessage] = []
    for batch in batches:
        for one in crooked.ones:
            sent += one.apply(belonging(batch, one.partition))
        crooked.send(rng.sample(sent, k=min(3, len(sent))))
    rng.shuffle(sent)
    crooked.send(sent)
    assert crooked.facts() == straight.facts()
    assert crooked.rows() == straight.rows()


@given(histories())
@settings(max_examples=100, deadline=None)
def test_every_cohort_keeps_its_identity(events: list[Event]) -> None:
    """offered = answered + abandoned + short + flowed out + callback + no-show + open (CORRECTIONS 22)."""
    for measures, _ in run([events]).rows().values():
        assert measures.get("offered", 0) == sum(measures.get(name, 0) for name in IDENTITY_RIGHT)


@given(histories())
@settings(max_examples=60, deadline=None)
def test_days_are_the_sums_of_their_windows(events: list[Event]) -> None:
    for two in run([events]).twos:
        expected: dict[DayKey, Amounts] = {}
        for key, amounts in two.figures.windows.items():
            expected.setdefault(day_key(key), Amounts()).merge(amounts)
        assert two.figures.days == {key: a for key, a in expected.items() if not a.empty}


@given(histories(), st.integers(0, 10_000))
@settings(max_examples=80, deadline=None)
def test_a_new_owner_writes_what_the_old_one_would_have(events: list[Event], cut: int) -> None:
    """State restored from the logs goes on as if nothing had happened, and hands out every row."""
    cut %= len(events) + 1
    whole, half = run([events]), run([events[:cut]])
    heirs = Pipeline()
    for old, new in zip(half.ones, heirs.ones, strict=True):
        archived = [e for leg in old.legs.values() for e in leg.values()]
        new.epoch = 2
        new.restore(events_adapter.validate_json(b"[" + b",".join(map(to_json, archived)) + b"]"))
        new.restarts = {name: dict(at) for name, at in old.restarts.items()}
    for old_two, new_two in zip(half.twos, heirs.twos, strict=True):
        new_two.epoch = 2
        new_two.restore((m for party in old_two.parties.values() for m in party.legs.values()), Frozen())
        everything = new_two.everything(old_two.figures.windows, [])
        assert {k: a.measures for k, a in everything.windows.items()} == {
            k: a.measures for k, a in old_two.figures.windows.items()
        }
    heirs.feed(events[cut:])
    heirs.feed(events)
    assert heirs.facts() == whole.facts()
    assert heirs.rows() == whole.rows()


def test_a_new_owner_writes_zeros_and_tombstones_for_what_the_state_does_not_give() -> None:
    two = Stage2(partition=0, epoch=3, horizon=LONG_AGO, rules=RULES)
    orphan = RowKey(datetime(2026, 11, 2, 9, 0, tzinfo=UTC), "telephone", "", "", "")
    output = two.everything([orphan], [(datetime(2026, 11, 2, tzinfo=UTC).date(), "pbx1:9")])
    assert output.windows[orphan].empty
    assert [row.fact for row in output.facts] == [None]
    assert output.revision >> 40 == 3


def test_an_id_conflict_is_won_by_the_same_payload_in_any_order() -> None:
    """CORRECTIONS 15: the greater hash wins, and the conflict is counted."""
    base = {
        "type": "kommuncenter.contact.queued",
        "id": "0" * 32,
        "source": "pbx1",
        "subject": "pbx1:1",
        "time": "2026-11-02T09:00:00Z",
    }
    one, other = (
        event_adapter.validate_python({**base, "data": {"channel": "telephone", "queue": queue}})
        for queue in ("kommuncenter", "koordinaten")
    )
    legs = []
    for order in ([one, other], [other, one]):
        stage = Stage1(partition=0, epoch=1)
        stage.apply(order)
        assert stage.conflicts == 1
        legs.append(stage.leg("pbx1:1"))
    assert legs[0] == legs[1]


@given(histories(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_payload_that_lost_leaves_nothing_under_its_party(events: list[Event], data: st.DataObject) -> None:
    """CORRECTIONS 15: the same ids again, of other parties, in any order and any batches."""
    again = [
        _of_another_party(e) for e in data.draw(st.lists(st.sampled_from(events), min_size=1, max_size=4))
    ]
    straight = run([[*events, *again]])
    mixed = data.draw(st.permutations([*events, *again]))
    cut = data.draw(st.integers(0, len(mixed)))
    crooked = run([mixed[:cut], mixed[cut:]])
    assert crooked.facts() == straight.facts()
    assert crooked.rows() == straight.rows()


def _of_another_party(item: Event) -> Event:
    if isinstance(item, SystemRestarted):
        return item
    said = item.model_dump()
    return event_adapter.validate_python({**said, "data": {**said["data"], "party": party(7)}})


def test_a_leg_without_events_is_an_error() -> None:
    from streams.core.leg import fold_leg

    with pytest.raises(ValueError, match="no events"):
        fold_leg("pbx1:1", [])
