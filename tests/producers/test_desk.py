"""What the desk's lines mean, who is waiting, and that the journal survives a crash."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.contract import Broadcast, Context, Normalised, Raw, Reason, Rejected
from producers.sources.desk import form, records
from producers.sources.desk.journal import DeskJournal
from producers.sources.desk.records import Line, line_adapter, to_line
from producers.sources.desk.source import SOURCE, DeskSettings
from producers.sources.desk.visits import DeskState
from schemas.catalogue import load_catalogue
from schemas.events import (
    Answered,
    Audience,
    Channel,
    Ended,
    ErrandOutcome,
    ErrandRegistered,
    Event,
    HandedOver,
    NoLeg,
    NoShow,
    PerformedBy,
    Queued,
    to_json,
)
from schemas.identity import Pseudonymiser, PseudonymKey, stable_hash

AT = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
PSEUDONYMISER = Pseudonymiser(
    PseudonymKey("k2", b"0123456789abcdef"), PseudonymKey("k1", b"abcdef0123456789")
)
CATALOGUE = load_catalogue()
CONTEXT = Context("besok", PSEUDONYMISER, CATALOGUE, partitions=8)
SETTINGS = DeskSettings(journal=Path("visits.jsonl"))
KEY = "0123456789abcdef" * 2
NUMBER = "031-390 06 12"


def normalise(payload: bytes) -> Normalised:
    return SOURCE.normalise(Raw(payload=payload, place="visits.jsonl line 1"), SETTINGS, CONTEXT)


def line(action: str, **more: object) -> bytes:
    said = {"action": action, "at": "2026-11-23T09:30:00+01:00", "key": "k", **more}
    return json.dumps({name: value for name, value in said.items() if value is not ...}).encode()


def event(payload: bytes) -> Event:
    normalised = normalise(payload)
    assert not isinstance(normalised, Rejected), normalised
    (only,) = normalised
    assert not isinstance(only, Broadcast)
    return only


@pytest.mark.parametrize(
    ("action", "more", "kind"),
    [
        ("registered", {}, Queued),
        ("called", {}, Answered),
        ("no_show", {}, NoShow),
        ("finished", {"talk_ms": 1500}, Ended),
        ("handed_over", {"unit": "omsorg"}, HandedOver),
    ],
)
def test_each_action_of_a_visit_is_one_event_about_it(
    action: str, more: dict[str, object], kind: type[Event]
) -> None:
    found = event(line(action, visit="20261123-001", **more))
    assert type(found) is kind
    assert found.subject == "koordinaten:20261123-001"
    assert found.time == AT
    assert found.id == stable_hash("koordinaten", "k", action)
    assert not isinstance(found, NoLeg)
    assert found.data.channel is Channel.VISIT


def test_a_visit_without_a_queue_waits_in_the_desks_own() -> None:
    own, named = event(line("registered", visit="a")), event(line("registered", visit="a", queue="annan"))
    assert isinstance(own, Queued)
    assert isinstance(named, Queued)
    assert (own.data.queue, named.data.queue) == ("koordinaten", "annan")


@pytest.mark.parametrize(
    ("leg", "channel", "subject"),
    [
        ("20261123-001", ..., "koordinaten:20261123-001"),
        ("koordinaten:20261123-001", "visit", "koordinaten:20261123-001"),
        ("vaxel:1764144000.17", "telephone", "vaxel:1764144000.17"),
        ("kommun:0123456789abcdef0123456789abcdef", "email", "kommun:0123456789abcdef0123456789abcdef"),
    ],
)
def test_an_errand_is_about_a_contact_of_any_channel(leg: str, channel: object, subject: str) -> None:
    payload = line(
        "errand", leg=leg, channel=channel, outcome="resolved", topic="turism", level=20, thanks=True
    )
    found = event(payload)
    assert isinstance(found, ErrandRegistered)
    assert found.subject == subject
    assert (found.data.errand, found.data.topic, found.data.level) == ("e1", "turism", 20)
    assert found.data.thanks
    assert found.data.channel.value == (channel if channel is not ... else "visit")


@pytest.mark.parametrize(
    "at",
    [
        "2026-11-23T08:30:00+0000",
        "2026-11-23T08:30:00Z",
        "2026-11-23T09:30:00.000+01:00",
        "20261123T083000+00",
    ],
)
def test_times_are_read_as_systems_write_them(at: str) -> None:
    assert event(line("called", visit="a", at=at)).time == AT


def test_a_colleague_is_internal_and_a_party_comes_as_pseudonyms() -> None:
    party = PSEUDONYMISER.number(NUMBER)
    assert party is not None
    found = event(line("called", visit="a", audience="internal", party=party.model_dump()))
    assert not isinstance(found, Broadcast)
    assert found.data == found.data.model_copy(update={"audience": Audience.INTERNAL, "party": party})


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", Reason.UNREADABLE),
        (b"\xff", Reason.UNREADABLE),
        (b"[" * 5000, Reason.UNREADABLE),
        (b"3", Reason.UNREADABLE),
        (b"{}", Reason.UNKNOWN_KIND),
        (line("jumped", visit="a"), Reason.UNKNOWN_KIND),
        (line("called"), Reason.MISSING_FIELD),
        (line("called", visit="a", key=...), Reason.MISSING_FIELD),
        (line("errand", leg="a"), Reason.MISSING_FIELD),
        (line("called", visit="a", at="2026-11-23T08:30:00"), Reason.BAD_TIME),
        (line("called", visit="a", at="hemligt"), Reason.BAD_TIME),
        (line("called", visit="a", at=1_795_000_000), Reason.BAD_TIME),
        (line("called", visit="a", at="0001-01-01T00:00:00+23:00"), Reason.BAD_TIME),
        (line("called", visit="hemligt namn"), Reason.BAD_VALUE),
        (line("called", visit="a", audience="hemligt"), Reason.BAD_VALUE),
        (line("called", visit="a", party={"current": "+46313900612"}), Reason.BAD_VALUE),
        (line("finished", visit="a", talk_ms=-1), Reason.BAD_VALUE),
        (line("handed_over", visit="a"), Reason.BAD_VALUE),
        (line("handed_over", visit="a", unit="omsorg", centre=True), Reason.BAD_VALUE),
        (line("errand", leg="1764144000.17", channel="telephone", outcome="open"), Reason.BAD_VALUE),
        (line("errand", leg="a" * 195, outcome="open"), Reason.BAD_VALUE),
    ],
)
def test_other_lines_are_rejected_with_a_reason_and_without_their_content(
    payload: bytes, reason: Reason
) -> None:
    rejected = normalise(payload)
    assert isinstance(rejected, Rejected)
    assert rejected.reason is reason
    assert "hemligt" not in rejected.detail
    assert "3900612" not in rejected.detail


def test_an_empty_line_is_of_no_interest() -> None:
    assert normalise(b"  ") == []


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = (
    "action at key visit leg channel errand unit centre kind outcome party audience talk_ms queue topic "
    "level performed_by thanks"
)
fields = st.dictionaries(
    st.sampled_from(NAMES.split()),
    json_values
    | st.sampled_from(["registered", "errand", "handed_over", "a", "k", "2026-11-23T08:30:00Z", "email"]),
)


@settings(deadline=None)
@given(st.binary(max_size=300) | fields.map(lambda said: json.dumps(said).encode()))
def test_nothing_makes_it_raise(payload: bytes) -> None:
    assert normalise(payload) == normalise(payload)


@settings(deadline=None)
@given(
    st.text(alphabet="abcåäö0123456789@.+- ", min_size=1, max_size=12),
    st.sampled_from(["note", "name", "at", "visit"]),
)
def test_what_is_planted_in_a_line_gets_nowhere(text: str, name: str) -> None:
    secret = f"Zyx {text} qwv"
    said = {"action": "called", "at": "2026-11-23T08:30:00Z", "key": "k", "visit": "v", name: secret}
    normalised = normalise(json.dumps(said, ensure_ascii=False).encode())
    shown = (
        normalised.detail
        if isinstance(normalised, Rejected)
        else "".join(to_json(e.event if isinstance(e, Broadcast) else e).decode() for e in normalised)
    )
    assert "Zyx" not in shown
    assert "qwv" not in shown


# ---- the form --------------------------------------------------------------------------------------

GOOD = {"audience": "resident", "topic": "turism", "outcome": "resolved"}


def answers(**changes: str) -> form.Answers:
    checked = form.check({**GOOD, **changes}, CATALOGUE, PSEUDONYMISER)
    assert isinstance(checked, form.Answers), checked
    return checked


def errors(**changes: str) -> form.Errors:
    checked = form.check({**GOOD, **changes}, CATALOGUE, PSEUDONYMISER)
    assert not isinstance(checked, form.Answers)
    return checked


def test_a_number_becomes_pseudonyms_under_both_keys() -> None:
    assert answers(number=NUMBER).party == PSEUDONYMISER.number("+46313900612")
    assert answers(number=" ").party is None


def test_all_that_is_wrong_is_said_at_once_in_the_order_of_the_form() -> None:
    wrong = {
        "audience": "",
        "topic": "x",
        "outcome": "handed_over",
        "unit": "",
        "level": "33",
        "number": "12",
    }
    assert list(errors(**wrong)) == ["audience", "topic", "unit", "level", "number"]
    assert list(errors(audience="", topic="", outcome="")) == ["audience", "topic", "outcome"]


def test_a_unit_counts_only_where_the_errand_was_handed_over() -> None:
    assert answers(unit="omsorg").unit is None
    assert answers(outcome="handed_over", unit="omsorg").unit == "omsorg"


@pytest.mark.parametrize(
    ("outcome", "actions", "performed_by"),
    [
        ("resolved", ["registered", "called", "errand", "finished"], PerformedBy.CENTRE),
        (
            "handed_over",
            ["registered", "called", "handed_over", "errand", "finished"],
            PerformedBy.DEPARTMENT,
        ),
        ("open", ["registered", "called", "errand", "finished"], None),
    ],
)
def test_a_visit_in_one_go_is_a_whole_visit(
    outcome: str, actions: list[str], performed_by: PerformedBy | None
) -> None:
    lines = form.whole_visit(KEY, AT, answers(outcome=outcome, unit="omsorg", number=NUMBER, level="20"))
    assert [one.action for one in lines] == actions
    found = [event(to_line(one)) for one in lines]
    assert {one.subject for one in found} == {f"koordinaten:{KEY}"}
    assert len({one.id for one in found}) == len(found)
    errand = next(one for one in found if isinstance(one, ErrandRegistered))
    assert (errand.data.outcome, errand.data.performed_by) == (ErrandOutcome(outcome), performed_by)
    assert b"390" not in b"".join(map(to_line, lines))


@settings(deadline=None)
@given(
    st.builds(
        records.Errand,
        at=st.timedeltas(timedelta(days=-9000), timedelta(days=9000)).map(lambda span: AT + span),
        key=st.from_regex(r"\A[A-Za-z0-9._-]{1,20}\Z"),
        leg=st.just("a:b"),
        level=st.none() | st.integers(0, 70),
    )
)
def test_lines_come_back_as_they_were_written(written: Line) -> None:
    assert line_adapter.validate_json(to_line(written)) == written


# ---- who is waiting --------------------------------------------------------------------------------


def registered(visit: str, minute: int) -> Line:
    return records.Registered(at=AT + timedelta(minutes=minute), key=f"{visit}.registered", visit=visit)


def test_who_waits_is_who_came_today_and_has_not_gone() -> None:
    state = DeskState()
    yesterday = records.Registered(at=AT - timedelta(days=1), key="y", visit="y")
    state.add([yesterday, registered("b", 2), registered("a", 1), registered("c", 3)])
    state.add([*form.called("a", AT + timedelta(minutes=9)), *form.no_show(state.present["c"], AT)])
    waiting = state.waiting(AT + timedelta(hours=1))
    assert [(visit.visit, visit.number) for visit in waiting] == [("a", 2), ("b", 1)]
    assert [visit.called_at for visit in waiting] == [AT + timedelta(minutes=9), None]


@settings(deadline=None)
@given(st.data())
def test_lines_that_are_doubled_change_nothing_and_who_has_gone_stays_gone(data: st.DataObject) -> None:
    lines = [registered("a", 1), registered("b", 2), *form.called("a", AT)]
    state = DeskState()
    state.add(lines)
    lines += form.ending(state.present["a"], AT, answers(), called=True)
    doubled = data.draw(st.permutations([*lines, *lines]))
    state = DeskState()
    state.add(doubled)
    assert [visit.visit for visit in state.waiting(AT)] == ["b"]


# ---- the journal -----------------------------------------------------------------------------------


def visits(path: Path) -> list[str]:
    return [visit.visit for visit in DeskJournal(path).state().waiting(AT)]


def test_a_journal_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    assert visits(tmp_path / "visits.jsonl") == []


def test_the_same_lines_are_written_once(tmp_path: Path) -> None:
    journal = DeskJournal(tmp_path / "visits.jsonl")
    assert journal.append([registered("a", 1)])
    assert not journal.append([registered("a", 2)])
    assert not DeskJournal(tmp_path / "visits.jsonl").append([registered("a", 3)])
    assert len((tmp_path / "visits.jsonl").read_bytes().splitlines()) == 1
    assert (tmp_path / "visits.jsonl").stat().st_mode & 0o007 == 0


def test_a_kill_between_any_two_bytes_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """For each byte: what was written up to there is kept, and saving again completes the visit."""
    lines = [registered("a", 1), *form.whole_visit(KEY, AT, answers(outcome="handed_over", unit="omsorg"))]
    path = tmp_path / "visits.jsonl"
    first, whole = to_line(lines[0]), b"".join(map(to_line, lines))
    for length in range(len(first), len(whole) + 1):
        path.write_bytes(whole[:length])
        journal = DeskJournal(path)
        torn_is_ignored = journal.state().keys
        assert torn_is_ignored == {one.key for one in lines[: whole[:length].count(b"\n")]}
        journal.append(lines[1:])
        assert journal.state().keys == {one.key for one in lines}
        events_of = [normalise(raw) for raw in path.read_bytes().split(b"\n")]
        found = [one for result in events_of if not isinstance(result, Rejected) for one in result]
        assert len(found) == len(lines)
        assert path.read_bytes().startswith(whole[:length])


def test_other_programs_may_append_and_a_new_file_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "visits.jsonl"
    journal = DeskJournal(path)
    journal.append([registered("a", 1)])
    with path.open("ab") as file:
        file.write(b"nonsense\n" + to_line(registered("b", 2)))
    assert sorted(journal.state().present) == ["a", "b"]
    path.rename(tmp_path / "visits.jsonl.1")
    journal.append([registered("c", 3)])
    assert sorted(journal.state().present) == ["c"]


def test_many_at_once_write_whole_lines_and_each_once(tmp_path: Path) -> None:
    path = tmp_path / "visits.jsonl"
    shared = DeskJournal(path)
    journals = (shared, shared, DeskJournal(path), DeskJournal(path))
    together = threading.Barrier(len(journals))

    def work(own: DeskJournal) -> None:
        for number in range(40):
            together.wait(30)
            own.append([registered(f"v{number}", number)])

    threads = [threading.Thread(target=work, args=(journal,)) for journal in journals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written: list[Any] = [json.loads(one) for one in path.read_bytes().splitlines()]
    assert sorted(one["visit"] for one in written) == sorted(f"v{number}" for number in range(40))
