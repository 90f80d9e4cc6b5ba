"""A report is delivered at most once unasked, and what can't be known is said: real server, real store."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kommuncenter.database import ClickHouseDatabase
from kommuncenter.delivery.deliver import Deliverer, Outcome
from kommuncenter.delivery.records import (
    ClickHouseDeliveries,
    Delivery,
    Record,
    State,
    Step,
    Which,
    digest_of,
    together,
)
from kommuncenter.delivery.smtp import SmtpMailer
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from schemas.clickhouse.queries import Query
from schemas.errors import ConfigurationError
from tests.delivery.process import LETTER, POINTS, TAKEN_BY_THEN
from tests.delivery.server import Server
from tests.services.clickhouse import clickhouse, migrated

__all__ = ["clickhouse"]

pytestmark = pytest.mark.integration

MONDAY = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
CHIEF, LEADER, NEW = "chef@kommun.example", "ledare@kommun.example", "ny@kommun.example"


@dataclass
class SteppedClock:
    """Goes on by a second with each look."""

    at: datetime = MONDAY

    def now(self) -> datetime:
        """Return the next second."""
        self.at += timedelta(seconds=1)
        return self.at


@dataclass
class MemoryLog:
    """The log in memory. ``meanwhile`` happens once, just after the first step."""

    records: list[Record] = field(default_factory=list)
    meanwhile: Callable[[], object] | None = None

    def add(self, record: Record) -> None:
        """Add a step."""
        self.records.append(record)
        other, self.meanwhile = self.meanwhile, None
        if other is not None:
            other()

    def deliveries(self, delivery: str | None = None) -> Sequence[Delivery]:
        """Return what is known."""
        return together(record for record in self.records if delivery in {None, record.delivery})


@pytest.fixture(scope="module")
def database(clickhouse: EmbeddedClickHouse) -> Iterator[ClickHouseDatabase]:
    with migrated(clickhouse) as found:
        yield found


def deliverer(server: Server, log: MemoryLog | ClickHouseDeliveries, **settings: Any) -> Deliverer:
    """Return a deliverer as a process would make one."""
    chosen = server.settings(**settings)
    return Deliverer(chosen, log, SmtpMailer(chosen), SteppedClock(), first_wait=0.01)


def test_once_and_not_again(server: Server) -> None:
    log = MemoryLog()
    assert deliverer(server, log).deliver(LETTER) is Outcome.SENT
    assert deliverer(server, log).deliver(LETTER) is Outcome.DONE_BEFORE
    assert not deliverer(server, log).due(LETTER.period, LETTER.scope)
    [taken] = server.handler.taken
    assert taken.recipients == [CHIEF, LEADER]
    assert deliverer(server, log).deliver(replace(LETTER, period="2026-W48")) is Outcome.SENT
    assert len(set(server.handler.ids())) == 2


def test_a_server_that_is_busy_is_tried_again(server: Server) -> None:
    log = MemoryLog()
    server.handler.at_mail, server.handler.at_data = ["451 later"], ["452 full"]
    assert deliverer(server, log, attempts=3).deliver(LETTER) is Outcome.SENT
    assert len(server.handler.taken) == 1


def test_a_server_that_stays_busy_is_tried_later_unasked(server: Server) -> None:
    log = MemoryLog()
    server.handler.at_mail = ["451 later"]
    assert deliverer(server, log).deliver(LETTER) is Outcome.NOT_NOW
    assert deliverer(server, log).due(LETTER.period, LETTER.scope)
    assert deliverer(server, log).deliver(LETTER) is Outcome.SENT
    assert len(server.handler.taken) == 1


def test_what_a_person_must_mend_is_not_tried_again_unasked(server: Server) -> None:
    log = MemoryLog()
    server.handler.at_data = ["554 too large"]
    assert deliverer(server, log).deliver(LETTER) is Outcome.FAILED
    assert not deliverer(server, log).due(LETTER.period, LETTER.scope)
    assert deliverer(server, log).deliver(LETTER) is Outcome.FAILED
    [failed] = log.deliveries()
    assert failed.state is State.FAILED
    assert deliverer(server, log).resend(failed, LETTER) is Outcome.SENT
    assert len(server.handler.taken) == 1


def test_a_doubt_stays_until_a_person_resends_under_the_same_id(server: Server) -> None:
    log = MemoryLog()
    server.handler.hang_up = True
    assert deliverer(server, log).deliver(LETTER) is Outcome.IN_DOUBT
    server.handler.hang_up = False
    assert not deliverer(server, log).due(LETTER.period, LETTER.scope)
    assert deliverer(server, log).deliver(LETTER) is Outcome.IN_DOUBT
    [doubted] = log.deliveries()
    assert doubted.state is State.IN_DOUBT
    assert deliverer(server, log).resend(doubted, LETTER) is Outcome.SENT
    assert len(server.handler.taken) == 2
    assert len(set(server.handler.ids())) == 1, "a mail program can tell that it is the same"
    assert log.deliveries()[0].state is State.SENT


def test_two_who_resend_at_once_send_once(server: Server) -> None:
    log = MemoryLog()
    server.handler.hang_up = True
    deliverer(server, log).deliver(LETTER)
    server.handler.hang_up = False
    [doubted] = log.deliveries()
    assert deliverer(server, log).resend(doubted, LETTER) is Outcome.SENT
    assert deliverer(server, log).resend(doubted, LETTER) is Outcome.YIELDED
    assert len(server.handler.taken) == 2


def test_whom_the_server_refuses_is_known_and_can_be_sent_to_alone(server: Server) -> None:
    log = MemoryLog()
    server.handler.refused = {LEADER: "550 unknown"}
    assert deliverer(server, log).deliver(LETTER) is Outcome.SENT
    [sent] = log.deliveries()
    assert (sent.state, sent.missing) == (State.SENT, (digest_of(LEADER),))
    assert log.records[-1].refused == {digest_of(LEADER): 550}
    server.handler.refused = {}
    assert deliverer(server, log).resend(sent, LETTER) is Outcome.SENT
    assert [taken.recipients for taken in server.handler.taken] == [[CHIEF], [LEADER]]
    [sent] = log.deliveries()
    assert sent.missing == ()
    assert deliverer(server, log).resend(sent, LETTER) is Outcome.DONE_BEFORE


def test_new_recipients_get_it_when_asked_and_the_former_not_again(server: Server) -> None:
    log = MemoryLog()
    deliverer(server, log).deliver(LETTER)
    more = {"recipients": (CHIEF, LEADER, NEW)}
    assert not deliverer(server, log, **more).due(LETTER.period, LETTER.scope)
    assert deliverer(server, log, **more).deliver(LETTER) is Outcome.SENT
    assert [taken.recipients for taken in server.handler.taken] == [[CHIEF, LEADER], [NEW]]
    fewer = {"recipients": (LEADER,)}
    assert deliverer(server, log, **fewer).deliver(LETTER) is Outcome.DONE_BEFORE


def test_a_correction_is_a_delivery_of_its_own_on_command(server: Server) -> None:
    log = MemoryLog()
    with pytest.raises(ConfigurationError, match="never sent"):
        deliverer(server, log).deliver(LETTER, correction=True)
    deliverer(server, log).deliver(LETTER)
    assert deliverer(server, log).deliver(LETTER, correction=True) is Outcome.SENT
    assert deliverer(server, log).deliver(LETTER) is Outcome.DONE_BEFORE
    assert [found.which.correction for found in log.deliveries()] == [1, 0]
    assert server.handler.taken[-1].message["Subject"].startswith("Rättad: ")
    assert len(set(server.handler.ids())) == 2


def test_in_test_mode_one_address_gets_it_and_the_real_one_is_still_due(server: Server) -> None:
    log, tester = MemoryLog(), "it@kommun.example"
    assert deliverer(server, log, test_recipient=tester).deliver(LETTER) is Outcome.SENT
    [taken] = server.handler.taken
    assert taken.recipients == [tester]
    assert taken.message["Subject"].startswith("[TEST] ")
    assert deliverer(server, log).due(LETTER.period, LETTER.scope)
    assert deliverer(server, log).deliver(LETTER) is Outcome.SENT


def test_of_two_at_once_at_most_one_sends_and_in_the_end_one_does(server: Server) -> None:
    log = MemoryLog()
    found: list[Outcome] = []
    log.meanwhile = lambda: found.append(deliverer(server, log).deliver(LETTER))
    found.append(deliverer(server, log).deliver(LETTER))
    assert found == [Outcome.IN_DOUBT, Outcome.SENT]
    assert len(server.handler.taken) == 1
    deliverer(server, log).deliver(LETTER)
    assert len(server.handler.taken) == 1


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_it_is_delivered_at_most_once(
    point: str, server: Server, database: ClickHouseDatabase, delivering: subprocess.Popen[str]
) -> None:
    scope = {"period": "2026-W47", "scope": "all"}
    database.command("TRUNCATE TABLE deliveries")
    assert run(delivering, server, database, point) == -signal.SIGKILL
    taken = len(server.handler.taken)
    assert taken == (1 if point in TAKEN_BY_THEN else 0)
    log = ClickHouseDeliveries(database)
    outcome = deliverer(server, log).deliver(LETTER)
    if point == "before the intent":
        assert outcome is Outcome.SENT
    elif point == "after the mark":
        assert outcome is Outcome.DONE_BEFORE
    else:
        assert outcome is Outcome.IN_DOUBT
        assert len(server.handler.taken) == taken, "unasked it is not sent again"
        [doubted] = log.deliveries()
        assert doubted.state is State.IN_DOUBT
        assert deliverer(server, log).resend(doubted, LETTER) is Outcome.SENT
    assert not deliverer(server, log).due(**scope)
    assert len(set(server.handler.ids())) == 1
    assert [found.state for found in log.deliveries()] == [State.SENT]


@pytest.fixture(scope="module")
def delivering() -> Iterator[subprocess.Popen[str]]:
    """What starts a process for each delivery."""
    command = [sys.executable, "-m", "tests.delivery.process"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        yield started
        started.communicate(timeout=60)


def run(delivering: subprocess.Popen[str], server: Server, database: ClickHouseDatabase, point: str) -> int:
    """Deliver in a process of its own; return how it ended."""
    store = database._settings
    told = {
        "point": point,
        "delivery": {**json.loads(server.settings().model_dump_json()), "password": ""},
        "clickhouse": {
            **json.loads(store.model_dump_json()),
            "password": store.password.get_secret_value(),
        },
    }
    assert delivering.stdin is not None
    assert delivering.stdout is not None
    delivering.stdin.write(json.dumps(told) + "\n")
    delivering.stdin.flush()
    return int(delivering.stdout.readline())


def test_the_store_keeps_every_step_and_no_address(server: Server, database: ClickHouseDatabase) -> None:
    database.command("TRUNCATE TABLE deliveries")
    server.handler.refused = {LEADER: "550 unknown"}
    log, memory = ClickHouseDeliveries(database), MemoryLog()
    for kept in (log, memory):
        deliverer(server, kept).deliver(LETTER)
    [stored], [remembered] = log.deliveries(), memory.deliveries()
    assert (stored.which, stored.state, stored.missing) == (
        remembered.which,
        remembered.state,
        remembered.missing,
    )
    [made] = database.rows(Query("SELECT create_table_query FROM system.tables WHERE name = 'deliveries'"))
    assert "fsync_after_insert = 1" in str(made[0])
    told = str(database.rows(Query("SELECT * FROM deliveries")))
    assert "@" not in told
    assert log.deliveries("another") == []


ENDS = [None, Step.YIELDED, Step.FAILED, Step.SENT]
STEPS = st.lists(st.tuples(st.sampled_from(ENDS), st.sets(st.sampled_from("xy"))), max_size=3)


@given(STEPS, st.randoms(use_true_random=False))
def test_what_the_steps_say_in_whatever_order(
    attempts: list[tuple[Step | None, set[str]]], rng: Random
) -> None:
    """Each attempt is intended, and then ends, or (None) does not; one that sends is refused for some."""
    which = Which("2026-W47", "all", ("x", "y"))
    records = []
    for number, (end, refused) in enumerate(attempts):
        records.append(Record(which, str(number), Step.INTENDED, MONDAY))
        if end is not None:
            told = dict.fromkeys(refused, 550) if end is Step.SENT else {}
            records.append(Record(which, str(number), end, MONDAY, told, transient=True))
    rng.shuffle(records)
    got = {who for end, refused in attempts if end is Step.SENT for who in {"x", "y"} - refused}
    found = Delivery(which, tuple(records))
    assert set(found.missing) == {"x", "y"} - got
    if got == {"x", "y"}:
        assert found.state is State.SENT
    elif any(end is None for end, _ in attempts):
        assert found.state is State.IN_DOUBT
    elif any(end is Step.SENT for end, _ in attempts):
        assert found.state is State.SENT
    else:
        assert found.state is State.OPEN
