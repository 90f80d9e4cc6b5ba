"""What is said of dead letters: enough to act upon, and nothing of the record but where asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kommuncenter.deadletters import telling
from kommuncenter.deadletters.letters import Group, Outcome, Stored, Try
from kommuncenter.deadletters.replay import Fate, Message, Replayed
from producers.contract import Raw
from schemas.deadletter import MOST_SEALED_BYTES, DeadLetter, LetterKind, Original
from schemas.topics import LEGS
from tests.deadletters.test_replay import abandoned, letter_of
from tests.deadletters.test_sealing import AT

PERSONAL = b"1795507260|1795507260.1|kommuncenter|NONE|NYTTVERB||0701740605|kim@example.org"
LETTER = letter_of(Raw(PERSONAL, "queue_log line 17", attributes={"mailbox": "kim@example.org"}))
LATER = AT + timedelta(days=3)
TRIES = [
    Try(LETTER.id, LATER, Outcome.REJECTED, 0, "bad_time", "no time"),
    Try(LETTER.id, LATER + timedelta(hours=1), Outcome.REPLAYED, 2),
]
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def text(lines: Iterable[str]) -> str:
    return "\n".join(lines)


def summed(found: Iterable[Replayed], frozen: datetime = LONG_AGO, *, dry_run: bool = False) -> str:
    summary = telling.Summary(frozen, Path("var"))
    for one in found:
        summary.add(one)
    return text(summary.lines(dry_run=dry_run))


def test_nothing_of_a_record_is_said_unless_asked_for() -> None:
    stored = Stored(LETTER, True, LATER)
    group = Group("telephony", "bad_time", "no time", 2, 1, AT, LATER, LETTER.id)
    said = text(
        [
            *telling.letter_lines([stored]),
            telling.letters_json([stored]),
            *telling.group_lines([group]),
            telling.groups_json([group]),
            *telling.shown(stored, TRIES, 30),
            *(summed([Replayed(LETTER, fate)]) for fate in Fate),
        ]
    )
    for secret in ("0701740605", "1740605", "kim", "example.org", "1795507260", LETTER.sealed):
        assert secret not in said
    assert said.count(LETTER.id) > 4
    asked = text(telling.record_lines(Original(payload=PERSONAL, attributes={"mailbox": "kim@example.org"})))
    assert PERSONAL.decode() in asked
    assert "mailbox   kim@example.org" in asked


def test_groups_are_two_lines_and_a_sum() -> None:
    group = Group("telephony", "bad_time", "no time", 2, 1, AT, LATER, LETTER.id)
    single = Group("mail", "unreadable", "no headers", 1, 1, AT, AT, "0" * 32)
    assert list(telling.group_lines([group, single])) == [
        "telephony  bad_time  no time",
        f"  2 letters, 1 kept; found 2026-11-24 10:00:00 to 2026-11-27 10:00:00; such as {LETTER.id}",
        "mail  unreadable  no headers",
        f"  1 letter, all kept; found 2026-11-24 10:00:00 to 2026-11-24 10:00:00; such as {'0' * 32}",
        "3 letters in 2 groups.",
    ]
    assert list(telling.group_lines([])) == list(telling.letter_lines([])) == ["No dead letter."]


def test_one_by_one_it_says_what_is_gone_and_what_is_done() -> None:
    lines = telling.letter_lines([Stored(LETTER, True, None), Stored(LETTER, False, LATER)])
    told = f"{LETTER.id}  2026-11-24 10:00:00  telephony  bad_value  queue_log line 17"
    assert list(lines) == [told, f"{told}  (not kept)  (replayed)", "2 letters."]


def test_json_has_all_but_the_record() -> None:
    (found,) = json.loads(telling.letters_json([Stored(LETTER, True, LATER)]))
    assert found["id"] == LETTER.id
    assert found["place"] == "queue_log line 17"
    assert found["kept"] is True
    assert found["replayed_at"] == "2026-11-27T09:00:00+00:00"
    assert "sealed" not in found


def test_a_letter_is_shown_with_its_tries() -> None:
    said = text(telling.shown(Stored(LETTER, True, LATER), TRIES, 30))
    assert "record    kept, sealed, until 2026-12-24" in said
    assert "state     replayed 2026-11-27 10:00:00" in said
    assert "tried     2026-11-27 10:00:00: rejected again: bad_time: no time" in said
    assert "tried     2026-11-27 11:00:00: replayed as 2 events" in said


@pytest.mark.parametrize(
    ("kept", "size", "days", "said"),
    [
        (True, 100, None, "record    kept, sealed"),
        (False, 100, 30, "not kept: dropped by policy, or older than 30 days"),
        (False, 100, None, "not kept: dropped"),
        (False, MOST_SEALED_BYTES + 1, 30, "not kept: it is larger than 256 KiB"),
    ],
)
def test_why_a_record_is_not_there(kept: bool, size: int, days: int | None, said: str) -> None:
    letter = LETTER.model_copy(update={"size": size})
    assert said in text(telling.shown(Stored(letter, kept, None), [], days))


def test_a_replay_is_summed_up_by_instance_and_fate() -> None:
    event = abandoned("call")
    message = letter_of(Raw(b"{}", "kc.legs partition 0 offset 7"), LEGS, partition=0)
    found = [
        Replayed(LETTER, Fate.REPLAYED, events=[event], times=[event.time]),
        Replayed(LETTER, Fate.REPLAYED, events=[event, event], times=[event.time, event.time]),
        Replayed(LETTER, Fate.REJECTED, "bad_time", "no time"),
        Replayed(LETTER, Fate.HINDERED, detail="the key is another"),
        Replayed(message, Fate.REPLAYED, message=Message(LEGS, 0, "k", b"{}")),
    ]
    assert summed(found).splitlines() == [
        "kc.legs: 1 replayed as 1 message",
        "telephony: 1 can't be replayed: the key is another",
        "telephony: 1 rejected again: bad_time: no time",
        "telephony: 2 replayed as 3 events",
    ]
    assert "telephony: 2 would be replayed as 3 events" in summed(found, dry_run=True)
    assert summed(found, dry_run=True).endswith("Dry run: nothing was sent, and nothing was marked.")
    assert summed([]) == "No dead letter."


def test_what_is_left_decides_the_exit_status() -> None:
    summary = telling.Summary(LONG_AGO, Path("var"))
    assert summary.all_replayed
    summary.add(Replayed(LETTER, Fate.REPLAYED))
    assert summary.all_replayed
    summary.add(Replayed(LETTER, Fate.NOT_KEPT))
    assert not summary.all_replayed


def test_events_that_may_come_too_late_are_counted() -> None:
    limit = datetime(2026, 11, 23, 23, tzinfo=UTC)  # midnight in Sweden
    before, after = limit - timedelta(seconds=1), limit
    found = [Replayed(LETTER, Fate.REPLAYED, times=[before, after, before - timedelta(days=3)])]
    assert summed(found, limit).splitlines()[1] == (
        "2 events from before 2026-11-24, perhaps too late for days that are frozen: what is late counts "
        "after `kommuncenter rebuild --since 2026-11-20`."
    )
    assert "late" not in summed([Replayed(LETTER, Fate.REPLAYED, times=[after])], limit)


@pytest.mark.parametrize(
    ("instance", "kind", "said"),
    [
        (
            "telephony",
            LetterKind.RECORD,
            "from queue_log line 17 on: `KC_STATE_DIR=var/again kommuncenter source run telephony`",
        ),
        ("kc.events.telephony", LetterKind.MESSAGE, "kommuncenter source run telephony`"),
        (LEGS, LetterKind.MESSAGE, "Start the worker and the sources again"),
    ],
)
def test_what_was_dropped_is_read_again_and_it_says_how(instance: str, kind: LetterKind, said: str) -> None:
    letter = LETTER.model_copy(update={"instance": instance, "kind": kind})
    assert said in summed([Replayed(letter, Fate.NOT_KEPT)])
    assert f"{instance}: 1 without their record. " in summed([Replayed(letter, Fate.NOT_KEPT)])


@given(st.binary())
def test_no_record_steers_the_terminal(payload: bytes) -> None:
    for line in telling.record_lines(Original(payload=payload)):
        assert all(character.isprintable() or character == "\t" for character in line)


def test_what_a_terminal_would_obey_is_written_out() -> None:
    assert telling.plain("röd \x1b[31m\u202egnp.exe\r\n\x9b") == "röd \\x1b[31m\\u202egnp.exe\\r\\n\\x9b"


def test_a_place_may_hold_anything() -> None:
    hostile = DeadLetter.model_validate({**LETTER.model_dump(), "place": "\x1b]0;owned\x07", "detail": "\r"})
    for line in (
        *telling.letter_lines([Stored(hostile, True, None)]),
        *telling.shown(Stored(hostile, True, None), [], 30),
    ):
        assert line.isprintable()
