"""The stream's facts are those of the naive fold, for every history (CORRECTIONS 39)."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.catalogue import load_catalogue
from schemas.clickhouse.tables import CONTACTS
from schemas.events import Event, NoLeg, event_adapter
from schemas.legs import ContactFact
from schemas.timebase import local_day
from streams.core.stage2 import FactRow, Output
from streams.rows import fact_row
from streams.verify import joining, legs, naive
from streams.verify.naive import Row, contacts_of
from tests.histories import KEY, OLD_KEY, START, calls, event, histories, mails, party, registrations
from tests.streams.test_laws import run

CATALOGUE = load_catalogue()
NOT_FACTS = {"partition", "revision", "deleted"}
PRESENT = {OLD_KEY.pseudonym(f"+4670174060{n}"): KEY.pseudonym(f"+4670174060{n}") for n in range(1, 4)}


def row_of(fact: ContactFact) -> Row:
    """Return a fact as it goes to the store, in the shape of the naive fold's rows."""
    values = fact_row(0, FactRow(local_day(fact.arrived_at), fact.contact_id, fact), Output())
    row = {name: frozen(v) for name, v in zip(CONTACTS.columns, values, strict=True) if name not in NOT_FACTS}
    row["legs"] = tuple(sorted(fact.legs))
    return row


def frozen(value: Any) -> object:
    """Return lists as tuples, however deep."""
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def expect_agreement(events: Sequence[Event]) -> dict[str, Row]:
    """The stream's pure functions and the naive fold give the same contacts; return them."""
    stream = {fact_id: row_of(fact) for fact_id, fact in run([events]).facts().items()}
    rows = contacts_of(events, CATALOGUE)
    found = {str(row["contact_id"]): row for row in rows}
    assert len(found) == len(rows), "a contact stands twice"
    assert found == stream
    return found


@st.composite
def rotations(draw: st.DrawFn) -> list[Event]:
    """Mail and calls in whose middle the key changes: before it sources send the old pseudonym, then both."""
    kinds = draw(st.lists(st.sampled_from([calls, mails, mails]), min_size=1, max_size=5))
    events = [e for number, kind in enumerate(kinds) for e in draw(kind(number))]
    at = draw(st.sampled_from(events)).time + timedelta(seconds=draw(st.integers(-60, 60)))
    return [_rekeyed(item, at) for item in events]


def _rekeyed(item: Event, at: datetime) -> Event:
    if isinstance(item, NoLeg) or item.data.party is None:
        return item
    old = item.data.party.previous or item.data.party.current
    said: dict[str, Any] = item.model_dump()
    said["data"]["party"] = {"current": old} if item.time < at else {"current": PRESENT[old], "previous": old}
    return event_adapter.validate_python(said)


@st.composite
def crowds(draw: st.DrawFn) -> list[Event]:
    """One party's calls close upon one another, with gaps in what is known of them, and loose notes."""
    events: list[Event] = []
    at = START
    for number in range(draw(st.integers(1, 5))):
        at += timedelta(seconds=draw(st.sampled_from([0, 20, 55, 90, 400, 610, 700, 3600])))
        events += draw(one_call(number, at))
    for number in range(draw(st.integers(0, 3))):
        noted = START + timedelta(seconds=draw(st.integers(-60, 8000)))
        events += [
            replaced(said, subject=f"desk:n{number}", data={"party": party(1)})
            for said in draw(registrations(f"note:{number}", noted, "telephone"))
        ]
    return events


@st.composite
def one_call(draw: st.DrawFn, number: int, at: datetime) -> list[Event]:
    """A call of the party, any of whose lines may be missing, and a word or none about its errands."""
    leg = f"pbx1:{number}"
    wait, talk = timedelta(seconds=draw(st.integers(0, 30))), draw(st.integers(0, 70))
    after = at + wait + timedelta(seconds=talk)
    base: dict[str, Any] = {"channel": "telephone"}
    places = st.integers(0, 2)
    told = {
        "talk_ms": draw(st.sampled_from([None, talk * 1000])),
        "hold_ms": draw(st.sampled_from([None, 9000])),
    }
    lines = [
        event("contact.answered", leg, at + wait, **base),
        event("contact.ended", leg, after, **base, **told),
        event("contact.handed_over", leg, after, kind="consulted", unit="energi", errand="e1", **base),
        event("contact.wrapped_up", leg, after + timedelta(seconds=5), wrap_up_ms=4000, **base),
        event("contact.abandoned", leg, at + wait, **base),
        event("contact.flowed_out", leg, at + wait, reason="timeout", position=draw(places), **base),
        event("contact.queued", leg, at + wait, queue="koordinaten", position=draw(places), **base),
        event("contact.callback_taken", leg, at + wait, **base),
    ]
    likely = draw(st.sampled_from([[0, 1], [0, 1], [4], [0, 1, 2, 3], [5, 6, 4]]))
    chosen = draw(st.one_of(st.just(likely), st.lists(st.sampled_from(range(8)), unique=True, max_size=4)))
    first = event("contact.queued", leg, at, queue="kommuncenter", party=party(1), **base)
    said = draw(registrations(leg, after, "telephone")) if draw(st.integers(0, 3)) == 0 else []
    return [first, *(lines[index] for index in chosen), *said]


def replaced(item: Event, *, subject: str, data: dict[str, Any]) -> Event:
    """Return an event about another leg, with more to say."""
    said: dict[str, Any] = item.model_dump()
    said["subject"] = subject
    said["data"].update(data)
    return event_adapter.validate_python(said)


@pytest.mark.parametrize(
    "kind",
    [histories(), histories(span=3600), rotations(), crowds()],
    ids=["a fortnight", "an hour", "a change of keys", "one party's calls"],
)
def test_the_stream_and_the_naive_fold_agree_on_every_history(kind: st.SearchStrategy[list[Event]]) -> None:
    @given(kind)
    @settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def agree(events: list[Event]) -> None:
        expect_agreement(events)

    agree()


@pytest.mark.parametrize("module", [naive, joining, legs])
def test_the_naive_fold_shares_no_code_with_the_stream(module: Any) -> None:
    tree = ast.parse(inspect.getsource(module))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [name for name in imported if name.startswith("streams") and "verify" not in name]
    assert "schemas.legs" not in imported
