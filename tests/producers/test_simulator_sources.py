"""The sources read all that the simulator writes, scenarios included, and reject nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from producers.contract import Broadcast, Context, Normalised, Raw, Rejected
from producers.simulator import Record, RecordKind, Scenarios, SimulationSettings, simulate
from producers.simulator.settings import Interval, fire_ban, water_leak
from producers.sources.asterisk.settings import AsteriskSettings
from producers.sources.asterisk.source import normalise as read_line
from producers.sources.desk.source import DeskSettings
from producers.sources.desk.source import normalise as read_desk
from producers.sources.mail.settings import MaildirSettings, MailSettings
from producers.sources.mail.source import normalise as read_mail
from schemas.catalogue import UNKNOWN_UNIT, load_catalogue
from schemas.events import (
    Answered,
    ErrandRegistered,
    Event,
    HandedOver,
    NoLeg,
    Queued,
    Received,
    SystemRestarted,
    WrappedUp,
)
from schemas.identity import Pseudonymiser, PseudonymKey

CATALOGUE = load_catalogue()
PSEUDONYMISER = Pseudonymiser(PseudonymKey("t1", b"a secret of the tests"))
MONDAY = date(2026, 3, 23)
"""The week ends with the change to summer time."""


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


EVERYTHING = Scenarios(
    crises=(water_leak(at(24, 9)), fire_ban(at(31, 8))),
    telephony_silent=(Interval(start=at(25, 9), end=at(25, 11)),),
    late_mail=(Interval(start=at(26, 7), end=at(26, 13)),),
    doubled_visits=frozenset({date(2026, 3, 24)}),
    clock_off={date(2026, 3, 26): timedelta(hours=-1)},
    missing_complete={date(2026, 3, 27): 0.5},
    no_transfers=frozenset({date(2026, 3, 30)}),
)


def normalised(record: Record, nth: int) -> Normalised:
    context = Context("simulated", PSEUDONYMISER, CATALOGUE, 4)
    raw = Raw(record.payload, "simulated", nth=nth)
    if record.kind is RecordKind.QUEUE_LOG:
        return read_line(raw, AsteriskSettings(), context)
    if record.kind is RecordKind.VISIT:
        return read_desk(raw, DeskSettings(journal=Path("visits.jsonl")), context)
    folder = {"folder": record.kind.value, "mailbox": "kommun"}
    raw = Raw(record.payload, "simulated", received_at=record.at, attributes=folder)
    return read_mail(raw, MailSettings(maildir=MaildirSettings(path=Path("Maildir"))), context)


def events_of(records: Sequence[Record]) -> Iterator[Event]:
    seen: Counter[bytes] = Counter()
    for record in records:
        found = normalised(record, seen[record.payload])
        seen[record.payload] += 1
        assert not isinstance(found, Rejected), (found, record.payload)
        for event in found:
            yield event.event if isinstance(event, Broadcast) else event


@pytest.fixture(scope="module", params=[Scenarios(), EVERYTHING], ids=["plain", "scenarios"])
def records(request: pytest.FixtureRequest) -> list[Record]:
    configured = SimulationSettings(seed=11, days=14, scenarios=request.param)
    return list(simulate(configured, CATALOGUE, PSEUDONYMISER, MONDAY))


@pytest.fixture(scope="module")
def events(records: list[Record]) -> list[Event]:
    return list(events_of(records))


def test_nothing_is_rejected_and_nothing_is_lost(records: list[Record], events: list[Event]) -> None:
    entered = sum(b"|ENTERQUEUE|" in record.payload for record in records)
    connected = sum(b"|CONNECT|" in record.payload for record in records)
    legs = [event for event in events if not isinstance(event, NoLeg)]
    telephone = [event for event in legs if event.data.channel == "telephone"]
    assert sum(isinstance(event, Queued) for event in telephone) == entered > 1000
    assert sum(isinstance(event, Answered) for event in telephone) == connected
    received = sum(record.kind is RecordKind.INBOX for record in records)
    assert sum(isinstance(event, Received) for event in events) == received > 100
    assert any(isinstance(event, WrappedUp) for event in events)


def test_every_registration_is_about_a_contact_that_came(events: list[Event]) -> None:
    came = {event.subject for event in events if isinstance(event, Queued | Received)}
    registered = [event for event in events if isinstance(event, ErrandRegistered)]
    assert len(registered) > 1000
    assert {event.subject for event in registered} <= came
    assert {event.data.channel for event in registered} == {"telephone", "email", "visit"}
    assert {event.data.topic for event in registered} - {None} <= set(CATALOGUE.topics)


def test_units_of_handovers_are_known(events: list[Event]) -> None:
    units = Counter(
        event.data.unit for event in events if isinstance(event, HandedOver) and event.data.party is None
    )
    assert set(units) - {UNKNOWN_UNIT} <= set(CATALOGUE.units)
    assert units[UNKNOWN_UNIT] < 0.2 * units.total()


def test_hidden_and_internal_callers_are_seen_as_such(events: list[Event]) -> None:
    calls = [event for event in events if isinstance(event, Queued) and event.data.channel == "telephone"]
    hidden = sum(event.data.party is None and event.data.audience is None for event in calls)
    internal = sum(event.data.audience == "internal" for event in calls)
    assert hidden / len(calls) == pytest.approx(0.11, abs=0.03)
    assert internal / len(calls) == pytest.approx(0.07, abs=0.03)


def test_no_event_and_no_line_of_the_desk_holds_a_number_or_an_address(
    records: list[Record], events: list[Event]
) -> None:
    shown = b"\n".join(record.payload for record in records if record.kind is RecordKind.VISIT)
    shown += "\n".join(event.model_dump_json() for event in events).encode()
    for hint in (b"invanare", b"medarbetare", b"467017406", b"07017406", b"post.example"):
        assert hint not in shown


def test_the_restart_is_told_once() -> None:
    configured = SimulationSettings(seed=11, days=4, scenarios=EVERYTHING)
    told = [
        event
        for event in events_of(list(simulate(configured, CATALOGUE, PSEUDONYMISER, MONDAY)))
        if isinstance(event, SystemRestarted)
    ]
    assert [event.time for event in told] == [at(25, 11)]
