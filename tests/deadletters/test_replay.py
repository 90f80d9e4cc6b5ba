"""Replaying: exact, marked only after the acknowledgement, and twice is once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kommuncenter.deadletters.letters import Outcome
from kommuncenter.deadletters.replay import Fate, Normaliser, Replayed, Replayer
from kommuncenter.sealing import sealer, unsealer
from producers import registry
from producers.conformance import Case, cases_of
from producers.contract import Broadcast, Raw, Reason, Rejected
from producers.runner import Rejection, normalise_all
from schemas.deadletter import DeadLetter, LetterKind, Original, Unseal, dead_letter
from schemas.errors import ConfigurationError, RetriableError
from schemas.events import Abandoned, AbandonedData, Channel, Event, to_json
from schemas.identity import stable_hash
from schemas.legs import Retraction, leg_message_adapter
from schemas.topics import DEAD_LETTERS, LEGS
from tests.deadletters.fakes import MemoryLetters, MemoryOutlet
from tests.deadletters.test_sealing import AT, SECRET, keyed

ALL_CASES = [case for name in registry.names() for case in cases_of(name)]
SEAL = sealer(keyed(SECRET))
UNSEAL = unsealer(keyed(SECRET))


class Clock:
    """It is always the same time."""

    def now(self) -> datetime:
        return datetime(2026, 11, 24, 12, tzinfo=UTC)


def letter_of(
    raw: Raw, instance: str = "telephony", *, kept: bool = True, partition: int | None = None
) -> DeadLetter:
    """Return the letter of a record, or with a partition of a message."""
    return dead_letter(
        instance=instance,
        place=raw.place,
        reason="bad_value",
        detail="it was bad",
        original=Original(
            payload=raw.payload,
            nth=raw.nth,
            sequence=raw.sequence,
            received_at=raw.received_at,
            attributes=raw.attributes,
            partition=partition,
        ),
        at=AT,
        kind=LetterKind.RECORD if partition is None else LetterKind.MESSAGE,
        seal=SEAL if kept else lambda _: "",
    )


def abandoned(name: str) -> Event:
    return Abandoned(
        id=stable_hash(name),
        source="telephony",
        subject=f"pbx1:{name.replace(' ', '-')}",
        time=AT,
        data=AbandonedData(channel=Channel.TELEPHONE),
    )


def mended(records: Iterable[Raw]) -> Iterator[Event | Broadcast | Rejection]:
    """``bad`` is still rejected, ``none`` is rightly of no interest, ``twice`` gives two events."""
    for raw in records:
        text = raw.payload.decode()
        if text.startswith("bad"):
            yield Rejection(raw, Rejected(Reason.BAD_TIME, "now its time is bad"))
        elif text.startswith("twice"):
            yield from (abandoned(text), abandoned(text + "again"))
        elif not text.startswith("none"):
            yield abandoned(text)


def normaliser(instance: str) -> Normaliser:
    if instance == "gone":
        raise ConfigurationError("source 'gone': not in [sources]")
    return mended


def replayer(
    letters: MemoryLetters,
    outlet: MemoryOutlet,
    *,
    unseal: Unseal = UNSEAL,
    by: Normaliser | None = None,
) -> Replayer:
    return Replayer(
        letters=letters,
        outlet=outlet,
        unseal=unseal,
        normaliser=(lambda _: by) if by else normaliser,
        clock=Clock(),
    )


def replay_all(letters: MemoryLetters, outlet: MemoryOutlet, *, dry_run: bool = False) -> list[Replayed]:
    ids = [letter.id for letter in letters.letters]
    return list(replayer(letters, outlet).replay(ids, dry_run=dry_run))


MIXED = [
    letter_of(Raw(b"call 1", "line 1")),
    letter_of(Raw(b"bad call", "line 2")),
    letter_of(Raw(b"none", "line 3")),
    letter_of(Raw(b"twice", "line 4")),
    letter_of(Raw(b"call 2", "line 5"), kept=False),
    letter_of(Raw(b"call 3", "line 6"), "gone"),
]
FATES = [Fate.REPLAYED, Fate.REJECTED, Fate.REPLAYED, Fate.REPLAYED, Fate.NOT_KEPT, Fate.HINDERED]


def test_each_letter_has_its_fate_and_those_that_fail_stay_open_with_the_new_reason() -> None:
    letters, outlet = MemoryLetters(MIXED), MemoryOutlet()
    found = replay_all(letters, outlet)
    assert [one.fate for one in found] == FATES
    assert outlet.events == [("telephony", abandoned(name)) for name in ("call 1", "twice", "twiceagain")]
    assert letters.open() == [MIXED[1].id, MIXED[4].id, MIXED[5].id]
    (again,) = [t for t in letters.tries if t.outcome is Outcome.REJECTED]
    assert (again.letter_id, again.reason, again.detail) == (MIXED[1].id, "bad_time", "now its time is bad")
    assert {t.letter_id: t.events for t in letters.tries if t.outcome is Outcome.REPLAYED} == {
        MIXED[0].id: 1,
        MIXED[2].id: 0,
        MIXED[3].id: 2,
    }
    assert "not in [sources]" in found[5].detail


def test_a_dry_run_says_the_same_and_does_nothing() -> None:
    letters, outlet = MemoryLetters(MIXED), MemoryOutlet()
    assert [one.fate for one in replay_all(letters, outlet, dry_run=True)] == FATES
    assert (outlet.events, outlet.messages, outlet.flushes, letters.tries) == ([], [], 0, [])


def test_replayed_twice_it_is_the_same_events() -> None:
    letters, outlet = MemoryLetters(MIXED), MemoryOutlet()
    replay_all(letters, outlet)
    once = {event.id for _, event in outlet.events if not isinstance(event, Broadcast)}
    replay_all(letters, outlet)
    assert {event.id for _, event in outlet.events if not isinstance(event, Broadcast)} == once


def test_under_another_key_nothing_is_marked() -> None:
    letters, outlet = MemoryLetters(MIXED[:2]), MemoryOutlet()
    other = replayer(letters, outlet, unseal=unsealer(keyed("another invented secret")))
    assert {one.fate for one in other.replay([letter.id for letter in MIXED])} == {Fate.HINDERED}
    assert (outlet.events, letters.tries) == ([], [])


@given(st.integers(1, 12), st.sets(st.integers(0, 12)))
@settings(deadline=None)
def test_marked_is_only_what_the_broker_has_acknowledged_and_begun_anew_it_ends(
    count: int, failing: set[int]
) -> None:
    letters = MemoryLetters([letter_of(Raw(b"call %d" % n, f"line {n}")) for n in range(count)])
    outlet = MemoryOutlet(fails=lambda number: number in failing)
    for _ in range(len(failing) + 1):
        with contextlib.suppress(RetriableError):
            list(replayer(letters, outlet).replay(letters.open()))
        sent = {event.id for _, event in outlet.events if not isinstance(event, Broadcast)}
        marked = {t.letter_id for t in letters.tries}
        wanted = {letter.id: stable_hash(f"call {n}") for n, letter in enumerate(letters.letters)}
        assert {wanted[letter_id] for letter_id in marked} <= sent
    assert letters.open() == []
    assert sent == set(wanted.values())


@pytest.mark.parametrize("case", ALL_CASES, ids=lambda case: str(case.name))
def test_a_record_of_any_source_gives_the_events_that_it_gave_when_it_was_read(case: Case) -> None:
    """So time of receipt, number among identical ones, order and attributes all go along."""
    normalise = partial(normalise_all, case.source, case.settings(), case.context())
    for record in case.records():
        letters, outlet = MemoryLetters([letter_of(record, case.source.name)]), MemoryOutlet()
        (one,) = replayer(letters, outlet, by=normalise).replay([letters.letters[0].id])
        direct = list(normalise([record]))
        rejections = [result for result in direct if isinstance(result, Rejection)]
        if rejections:
            why = rejections[0].why
            assert (one.fate, one.reason, one.detail) == (Fate.REJECTED, why.reason, why.detail)
            assert outlet.events == []
        else:
            assert one.fate is Fate.REPLAYED
            assert [event for _, event in outlet.events] == direct


RETRACTION = Retraction(
    kind="retraction",
    key="k1:abc",
    leg_id="pbx1:1",
    partition=0,
    revision=1,
    arrived_at=AT,
)


@pytest.mark.parametrize(
    ("topic", "value", "key"),
    [
        ("kc.events.telephony", to_json(abandoned("call 1")), "pbx1:call-1"),
        (LEGS, leg_message_adapter.dump_json(RETRACTION), "k1:abc"),
        (DEAD_LETTERS, MIXED[0].model_dump_json().encode(), MIXED[0].id),
    ],
)
def test_a_message_goes_to_its_partition_again_as_it_is(topic: str, value: bytes, key: str) -> None:
    letters = MemoryLetters([letter_of(Raw(value, f"{topic} partition 3 offset 7"), topic, partition=3)])
    outlet = MemoryOutlet()
    (one,) = replay_all(letters, outlet)
    assert one.fate is Fate.REPLAYED
    assert outlet.messages == [(topic, 3, key, value)]
    assert letters.open() == []


@pytest.mark.parametrize("topic", ["kc.events.telephony", LEGS, DEAD_LETTERS])
def test_a_message_that_still_is_none_is_not_sent(topic: str) -> None:
    bad = [b"", b"{", b"null", b'{"type":"kommuncenter.contact.queued"}', b"\xff0701740605"]
    letters = MemoryLetters(
        [letter_of(Raw(value, f"{n}"), topic, partition=0) for n, value in enumerate(bad)]
    )
    outlet = MemoryOutlet()
    for one in replay_all(letters, outlet):
        assert one.fate is Fate.REJECTED
        assert "0701740605" not in one.detail
    assert outlet.messages == []
    assert len(letters.open()) == len(bad)


def test_a_message_of_a_topic_that_is_none_of_ours_is_told() -> None:
    letters = MemoryLetters([letter_of(Raw(b"{}", "1"), "kc.other", partition=0)])
    (one,) = replay_all(letters, MemoryOutlet())
    assert (one.fate, one.detail) == (Fate.HINDERED, "topic kc.other: no such topic of ours")
