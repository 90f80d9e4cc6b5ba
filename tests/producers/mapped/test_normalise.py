"""A mapping applied to records: what comes out, what is rejected, and that nothing is ever raised."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers import registry
from producers.contract import Context, Raw, Reason, Rejected
from producers.mapped.load import load_mapping
from producers.mapped.normalise import Instance, normalise
from producers.mapped.unmapped import unmapped_fields
from schemas.events import (
    Answered,
    Audience,
    Ended,
    ErrandRegistered,
    Event,
    HandedOver,
    Queued,
    event_adapter,
    to_json,
)
from tests.producers.mapped.mappings import CONTEXT, JSON, TICKETS, applied, mapping

MAPPED = mapping()
SHIPPED = [load_mapping(path) for name in registry.names() if (path := registry.mapping(name)) is not None]
AT = "2026-11-24T08:00:00Z"


def record(**fields: object) -> bytes:
    """Return a record; what is None is left out."""
    full = {"id": "a1", "at": AT, "state": "new", "desk": 1} | fields
    return json.dumps({name: value for name, value in full.items() if value is not None}).encode()


def events(payload: bytes, tables: dict[str, dict[str, Any]] | None = None) -> Sequence[Event]:
    """Return the events of a record that must be accepted."""
    found = applied(MAPPED, payload, tables)
    assert not isinstance(found, Rejected), found
    return [event for event in found if not hasattr(event, "event")]


def rejected(payload: bytes) -> Rejected:
    """Return why a record is rejected."""
    found = applied(MAPPED, payload)
    assert isinstance(found, Rejected), found
    return found


def test_a_record_becomes_an_event() -> None:
    [event] = events(record(phone="070-174 06 05"))
    assert isinstance(event, Queued)
    assert (event.subject, event.data.queue, event.source) == ("tickets:a1", "koordinaten", "tickets")
    assert event.data.party == CONTEXT.pseudonymiser.number("+46701740605")


def test_several_rules_give_several_events() -> None:
    done = events(record(state="done", seconds=12.5, topic="turism"))
    assert [type(event) for event in done] == [Ended, ErrandRegistered]
    assert isinstance(done[0], Ended)
    assert done[0].data.talk_ms == 12_500
    assert len({event.id for event in done}) == 2


@pytest.mark.parametrize(
    ("fields", "reason", "detail"),
    [
        ({"at": None}, Reason.MISSING_FIELD, "event 1: time is missing"),
        ({"at": "soon"}, Reason.BAD_TIME, "event 1: time is not written as iso"),
        ({"id": None}, Reason.MISSING_FIELD, "event 1: leg is missing"),
        ({"id": {"a": 1}}, Reason.MISSING_FIELD, "event 1: leg is missing"),
        ({"id": "två ord"}, Reason.BAD_VALUE, "event 1: leg can't be that (string_pattern_mismatch)"),
        ({"id": "+46 70 174 06 05"}, Reason.BAD_VALUE, "event 1: leg is a telephone number"),
        (
            {"id": "t-0701740605", "phone": "070-174 06 05"},
            Reason.BAD_VALUE,
            "event 1: leg holds the party's number",
        ),
        ({"desk": 2}, Reason.BAD_VALUE, "event 1: queue has a value that [values.queues] does not list"),
        ({"desk": None}, Reason.MISSING_FIELD, "event 1: queue is missing"),
        ({"state": "melted"}, Reason.UNKNOWN_KIND, "no rule applies, and it is not among what is ignored"),
        ({"state": "done", "seconds": -1}, Reason.BAD_VALUE, "event 4: talk_ms is no plausible duration"),
        ({"state": "done", "seconds": "long"}, Reason.BAD_VALUE, "event 4: talk_ms is no duration"),
        (
            {"state": "done", "topic": "kim-exempel"},
            Reason.BAD_VALUE,
            "event 5: topic stands in neither a value table nor the catalogue",
        ),
    ],
)
def test_what_is_wrong_is_said_without_its_value(
    fields: dict[str, object], reason: Reason, detail: str
) -> None:
    assert rejected(record(**fields)) == Rejected(reason, detail)


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (b"{", "no JSON"),
        (b"[1]", "no JSON object"),
        (b'"text"', "no JSON object"),
        (b'{"a": "\xff"}', "not valid UTF-8 or Unicode"),
        (b'{"id": "\\ud800"}', "not valid UTF-8 or Unicode"),
        (b"[" * 100_000, "no JSON"),
        (b'{"id": ' + b"9" * 10_000 + b"}", "no JSON"),
    ],
)
def test_what_is_no_record_is_unreadable(payload: bytes, detail: str) -> None:
    assert rejected(payload) == Rejected(Reason.UNREADABLE, detail)


def test_nothing_comes_of_what_is_ignored_empty_or_skipped() -> None:
    assert events(record(test=True)) == []
    assert events(b"  ") == []
    assert events(record(state="sent on", to="someone")) == []
    assert events(record(state="sent on")) == []


def test_the_centre_itself_is_no_unit() -> None:
    [over] = events(record(state="sent on", to="KC"))
    assert isinstance(over, HandedOver)
    assert over.data.unit is None
    [over] = events(record(state="sent on", to="SOC"))
    assert isinstance(over, HandedOver)
    assert over.data.unit == "omsorg"


def test_an_instances_own_lines_come_before_the_mappings() -> None:
    [event] = events(record(desk=9), {"queues": {"9": "kommuncenter"}})
    assert isinstance(event, Queued)
    assert event.data.queue == "kommuncenter"
    [event] = events(record(desk=1), {"queues": {"*": "kommuncenter"}})
    assert isinstance(event, Queued)
    assert event.data.queue == "koordinaten"


@pytest.mark.parametrize("desk", [1, "1", 1.0, " 1 "])
def test_a_value_is_looked_up_as_text(desk: object) -> None:
    assert len(events(record(desk=desk))) == 1


@pytest.mark.parametrize(
    ("fields", "internal"),
    [
        ({"phone": "2107"}, True),
        ({"mail": "kim@oxelosund.example"}, True),
        ({"phone": "070-174 06 05"}, False),
        ({"mail": "mailto:kim.exempel@example.org"}, False),
    ],
)
def test_a_colleague_is_internal(fields: dict[str, object], internal: bool) -> None:
    [event] = events(record(**fields))
    assert isinstance(event, Queued)
    assert (event.data.audience is Audience.INTERNAL) is internal


@pytest.mark.parametrize(
    "phone",
    ["+46701740605", "tel:+46701740605", "sip:+46701740605@sbc.example", "070-174 06 05", "0046 70 1740605"],
)
def test_a_number_is_one_however_it_is_written(phone: str) -> None:
    [event] = events(record(state="called", phone=phone))
    assert isinstance(event, Answered)
    assert event.data.party == CONTEXT.pseudonymiser.number("+46701740605")


def test_a_repeated_record_has_the_same_id_and_another_time_another() -> None:
    [first], [again] = events(record()), events(record(note="x"))
    [other] = events(record(at="2026-11-24T08:00:01Z"))
    assert first.id == again.id != other.id


def test_an_id_of_the_other_system_is_the_identity() -> None:
    mapped = mapping(TICKETS.replace('leg = "id"', 'leg = "id"\nid = "event"'))
    found = [
        applied(mapped, record(event=event, at=at)) for event, at in [(7, AT), (7, AT[:-2] + "9Z"), (8, AT)]
    ]
    ids = [result[0].id for result in found if isinstance(result, list) and not hasattr(result[0], "event")]
    assert ids[0] == ids[1] != ids[2]
    assert applied(mapped, record()) == Rejected(Reason.MISSING_FIELD, "event 1: id is missing")


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (1500, "ms", 1500),
        ("2", "s", 2000),
        (1.5, "min", 90_000),
        ("0:01:30", "clock", 90_000),
        ("1:30", "clock", 90_000),
        ("1:00:00", "clock", 3_600_000),
    ],
)
def test_durations(value: object, unit: str, expected: int) -> None:
    mapped = mapping(TICKETS.replace('unit = "s"', f'unit = "{unit}"'))
    result = applied(mapped, record(state="done", seconds=value))
    assert isinstance(result, list)
    assert result[0].data.talk_ms == expected


def test_a_type_may_come_from_a_table_and_be_ignored() -> None:
    text = TICKETS.replace('type = "answered"', 'type = { from = "how", values = "how" }') + (
        '\n[values.how]\n"in person" = "answered"\n"never" = "no_show"\n"maybe" = "ignored"\n'
    )
    mapped = mapping(text)
    kinds = {how: applied(mapped, record(state="called", how=how)) for how in ("in person", "never", "maybe")}
    assert [len(found) for found in kinds.values() if isinstance(found, list)] == [1, 1, 0]
    assert applied(mapped, record(state="called", how="twice")) == Rejected(
        Reason.BAD_VALUE, "event 2: type has a value that [values.how] does not list"
    )
    assert applied(mapped, record(state="called")) == Rejected(
        Reason.UNKNOWN_KIND, "event 2: type is missing"
    )


@given(JSON)
def test_any_json_gives_events_or_a_reason(value: object) -> None:
    payload = json.dumps(value).encode()
    for mapped in (MAPPED, *SHIPPED):
        result = applied(mapped, payload)
        if not isinstance(result, Rejected):
            for event in result:
                assert not hasattr(event, "event")
                assert event_adapter.validate_json(to_json(event)) == event


@given(st.binary(max_size=200))
def test_any_bytes_give_events_or_a_reason(payload: bytes) -> None:
    for mapped in (MAPPED, *SHIPPED):
        applied(mapped, payload)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.sampled_from(
                ["070-174 06 05", "+46701740605", "kim.exempel@example.org", "new", "done", "turism", 1, AT]
            )
            for name in ("id", "at", "state", "desk", "to", "topic", "phone", "mail")
        },
    )
)
def test_a_number_or_address_comes_out_wherever_it_stood_as_a_pseudonym_only(fields: dict[str, Any]) -> None:
    result = applied(MAPPED, json.dumps(fields).encode())
    said = repr(result) if isinstance(result, Rejected) else "".join(str(event) for event in result)
    assert "1740605" not in said
    assert "kim.exempel" not in said


def test_normalising_depends_on_the_key_only_by_the_pseudonym() -> None:
    mapped = mapping()
    raw = Raw(record(phone="070-174 06 05"), "line 1")
    again = Context(CONTEXT.instance, CONTEXT.pseudonymiser, CONTEXT.catalogue, 99)
    own = Instance("tickets", {})
    assert normalise(raw, mapped, own, CONTEXT) == normalise(raw, mapped, own, again)


def test_the_fields_that_nobody_maps_are_listed_exactly() -> None:
    payloads = [
        record(note="x", extra={"a": [{"b": 1}], "c": {}}),
        record(to="SOC", phone="1"),
        b"no record",
    ]
    assert unmapped_fields(MAPPED, payloads) == ["extra.a[].b", "extra.c", "note"]
