"""Dead letters in the real store: what is open, what was tried, what expires, and how much is too much."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from kommuncenter.database import ClickHouseDatabase, apply_retention
from kommuncenter.deadletters.letters import IDS_PER_QUESTION, Group, Letters, Outcome, Try
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from kommuncenter.settings import RetentionSettings
from producers.contract import Raw
from schemas.clickhouse.letters import Chosen
from schemas.clickhouse.queries import Between, Query, dead_letters_query, rejected_share_query
from schemas.deadletter import DeadLetter
from schemas.events import to_json
from streams.ports import Archived
from streams.sink import ClickHouseStore
from tests.deadletters.test_replay import abandoned, letter_of
from tests.deadletters.test_sealing import AT
from tests.services.clickhouse import clickhouse, migrated

__all__ = ["clickhouse"]

pytestmark = pytest.mark.integration

MINUTE = timedelta(minutes=1)


class Clock:
    """Shows what it is set to."""

    def __init__(self, now: datetime) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def database(clickhouse: EmbeddedClickHouse) -> Iterator[ClickHouseDatabase]:
    """A migrated, empty database of its own."""
    with migrated(clickhouse) as stored:
        yield stored


def found(line: str, instance: str = "telephony", at: datetime = AT, **more: object) -> DeadLetter:
    partition = 0 if instance.startswith("kc.") else None
    made = letter_of(Raw(line.encode(), f"place of {line}"), instance, partition=partition)
    return made.model_copy(update={"at": at, **more})


def bury(database: ClickHouseDatabase, *letters: DeadLetter) -> None:
    """Write letters as the worker does, and some of them twice."""
    store = ClickHouseStore(database, Clock(AT))
    store.bury(letters)
    store.bury(letters[:1])


def ids_of(letters: Letters, chosen: Chosen) -> list[str]:
    return [one.letter.id for one in letters.find(chosen)]


def test_letters_come_back_as_they_were_and_their_records_only_where_asked_for(
    database: ClickHouseDatabase,
) -> None:
    written = [found(f"line {n}", at=AT + n * MINUTE) for n in range(IDS_PER_QUESTION + 3)]
    bury(database, *written)
    letters = Letters(database)
    assert [one.letter for one in letters.find(Chosen())] == [
        letter.model_copy(update={"sealed": ""}) for letter in written
    ]
    assert all(one.kept for one in letters.find(Chosen()))
    pieces = list(letters.with_records([letter.id for letter in written]))
    assert [len(piece) for piece in pieces] == [IDS_PER_QUESTION, 3]
    assert [one.letter for piece in pieces for one in piece] == written


def test_letters_are_grouped_by_cause_and_chosen_by_instance_reason_and_time(
    database: ClickHouseDatabase,
) -> None:
    a, b, c, d = (
        found("a"),
        found("b", at=AT + MINUTE, sealed=""),
        found("c", "mail", AT + 2 * MINUTE),
        found("d", at=AT + 3 * MINUTE, reason="bad_time", detail="no time"),
    )
    bury(database, a, b, c, d)
    letters = Letters(database)
    assert letters.groups(Chosen()) == [
        Group("telephony", "bad_value", "it was bad", 2, 1, AT, AT + MINUTE, b.id),
        Group("mail", "bad_value", "it was bad", 1, 1, c.at, c.at, c.id),
        Group("telephony", "bad_time", "no time", 1, 1, d.at, d.at, d.id),
    ]
    assert ids_of(letters, Chosen(instance="telephony")) == [a.id, b.id, d.id]
    assert ids_of(letters, Chosen(instance="telephony", reason="bad_time")) == [d.id]
    assert ids_of(letters, Chosen(since=b.at, until=d.at)) == [b.id, c.id]
    assert ids_of(letters, Chosen(ids=[c.id, "0" * 32])) == [c.id]
    assert ids_of(letters, Chosen(ids=[])) == []


def test_what_has_been_replayed_is_open_no_longer_whatever_comes_after(database: ClickHouseDatabase) -> None:
    a, b = found("a"), found("b")
    bury(database, a, b)
    letters = Letters(database)
    done = Try(a.id, AT + MINUTE, Outcome.REPLAYED, 2)
    failed = Try(b.id, AT + MINUTE, Outcome.REJECTED, 0, "bad_time", "no time")
    letters.record([done, failed])
    letters.record([])
    (left,) = letters.find(Chosen())
    assert (left.letter.id, left.letter.reason, left.letter.detail) == (b.id, "bad_time", "no time")
    assert letters.tries(a.id) == [done]
    assert letters.tries(b.id) == [failed]
    # Its source is read again by an older program, or somebody replays it with one.
    bury(database, a.model_copy(update={"at": AT + 5 * MINUTE}))
    letters.record([Try(a.id, AT + 6 * MINUTE, Outcome.REJECTED, 0, "bad_value", "old")])
    assert ids_of(letters, Chosen()) == [b.id]
    (replayed,) = letters.find(Chosen(ids=[a.id]))
    assert replayed.replayed_at == AT + MINUTE
    assert set(ids_of(letters, Chosen(replayed=True))) == {a.id, b.id}


def test_found_once_more_after_a_try_it_has_the_reason_of_the_finder(database: ClickHouseDatabase) -> None:
    a = found("a")
    bury(database, a)
    letters = Letters(database)
    letters.record([Try(a.id, AT + MINUTE, Outcome.REJECTED, 0, "bad_time", "no time")])
    bury(database, a.model_copy(update={"at": AT + 2 * MINUTE, "reason": "unreadable"}))
    (one,) = letters.find(Chosen())
    assert one.letter.reason == "unreadable"


def test_readers_count_open_letters_only(database: ClickHouseDatabase) -> None:
    bury(database, found("a"), found("b"), found("c", "mail"))
    Letters(database).record([Try(found("b").id, AT + MINUTE, Outcome.REPLAYED, 1)])
    counted = database.rows(dead_letters_query(Between(AT, AT + MINUTE)))
    assert [tuple(row) for row in counted] == [("mail", "bad_value", 1), ("telephony", "bad_value", 1)]


def test_the_record_expires_before_its_letter(database: ClickHouseDatabase) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    days = {"fresh": 29, "old": 31, "ancient": 800}
    for name, age in days.items():
        bury(database, found(name, at=now - timedelta(days=age)))
    apply_retention(database, RetentionSettings())
    database.command("OPTIMIZE TABLE dead_letters FINAL")
    kept = {one.letter.place: one.kept for one in Letters(database).find(Chosen())}
    assert kept == {"place of fresh": True, "place of old": False}


def test_a_letter_from_before_this_migration_says_what_it_is(database: ClickHouseDatabase) -> None:
    columns = "id, instance, place, reason, detail, sha256, size, at"
    for number, instance in enumerate(("telephony", "kc.events.telephony")):
        values = (
            f"repeat('{number}', 32), '{instance}', '', '', '', repeat('0', 64), 1, '2026-11-24 09:00:00'"
        )
        database.command(f"INSERT INTO dead_letters ({columns}) VALUES ({values})")
    kinds = {one.letter.instance: (one.letter.kind, one.kept) for one in Letters(database).find(Chosen())}
    assert kinds == {"telephony": ("record", False), "kc.events.telephony": ("message", False)}


def test_the_share_of_bad_input_is_that_of_what_ought_to_have_become_events(
    database: ClickHouseDatabase,
) -> None:
    clock = Clock(AT + MINUTE)
    store = ClickHouseStore(database, clock)
    events = [abandoned(f"call{n}") for n in range(9)]
    # A restart of the exchange goes to every partition, and a batch may be archived twice.
    for partition in (0, 1):
        store.archive([Archived(partition, event, to_json(event), False) for event in events])
    clock.time = AT - MINUTE
    earlier = abandoned("earlier")
    store.archive([Archived(0, earlier, to_json(earlier), False)])
    letters = [found("a"), found("b", "kc.events.telephony"), found("c", at=AT - MINUTE), found("d", "mail")]
    bury(database, *letters)
    bury(database, found("e"))
    Letters(database).record([Try(found("e").id, AT + MINUTE, Outcome.REPLAYED, 1)])
    rows = database.rows(rejected_share_query(Between(AT, AT + timedelta(hours=1))))
    assert [tuple(row) for row in rows] == [("mail", 1, 0, 1.0), ("telephony", 2, 9, pytest.approx(2 / 11))]


def test_the_frozen_day_is_that_of_the_active_owners(database: ClickHouseDatabase) -> None:
    letters, store = Letters(database), ClickHouseStore(database, Clock(AT))
    assert letters.frozen_before() == datetime(1970, 1, 1, tzinfo=UTC)
    claims = store.claim([0, 1]).values()
    assert letters.frozen_before() == datetime(1970, 1, 1, tzinfo=UTC)
    store.activate(claims)
    (horizon,) = {claim.horizon for claim in claims}
    assert letters.frozen_before() == horizon
    assert database.rows(Query("SELECT count() FROM epochs WHERE state = 'active'"))[0][0] == 4
