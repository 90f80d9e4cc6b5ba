"""The Asterisk source: hostile lines, and laws that hold for any log."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from producers.conformance import KEY, PARTITIONS, cases_of, check_events, check_leaks
from producers.contract import Broadcast, Context, Raw, ReaderContext, Reason, Rejected
from producers.cursor import CUT
from producers.sources.asterisk.lines import caller_of, second_of, talk_of_transfer
from producers.sources.asterisk.settings import AsteriskSettings
from producers.sources.asterisk.source import SOURCE, normalise
from schemas.catalogue import load_catalogue
from schemas.events import Ended, Event, HandedOver, Queued, SystemRestarted, to_json
from schemas.identity import Pseudonymiser, PseudonymKey

CONTEXT = Context("telephony", Pseudonymiser(KEY), load_catalogue(), PARTITIONS)
SETTINGS = AsteriskSettings()
GOLDEN_LINES = sorted({record.payload for case in cases_of("asterisk") for record in case.records()})
VERBS = [
    *("ENTERQUEUE", "CONNECT", "COMPLETEAGENT", "COMPLETECALLER", "ABANDON", "WRAPUPSTART", "QUEUESTART"),
    *("TRANSFER", "BLINDTRANSFER", "ATTENDEDTRANSFER", "EXITWITHTIMEOUT", "EXITWITHKEY", "EXITEMPTY"),
    *("FULL", "CLOSED", "JOINEMPTY", "PAUSE", "NEW_VERB"),
]
NUMBERS = st.sampled_from(
    [
        "0701740605",
        "+46701740605",
        "0046701740699",
        "070-174 06 10",
        "031-390 06 01",
        "46313900649",
        "084650041",
    ]
)


def events_of(payload: bytes, nth: int = 0, settings: AsteriskSettings = SETTINGS) -> list[Event] | Rejected:
    result = normalise(Raw(payload, "queue_log line 1", nth=nth), settings, CONTEXT)
    if isinstance(result, Rejected):
        return result
    return [item.event if isinstance(item, Broadcast) else item for item in result]


def accepted(payload: bytes, context: Context = CONTEXT) -> list[Event]:
    result = normalise(Raw(payload, "queue_log line 1"), SETTINGS, context)
    assert not isinstance(result, Rejected)
    return [item.event if isinstance(item, Broadcast) else item for item in result]


def said(result: list[Event] | Rejected) -> bytes:
    return result.detail.encode() if isinstance(result, Rejected) else b"\n".join(map(to_json, result))


fields = st.one_of(NUMBERS, st.text(max_size=12), st.integers(-9, 10**7).map(str), st.sampled_from(VERBS))


@st.composite
def log_lines(draw: st.DrawFn) -> bytes:
    """Lines that look right, with anything in their fields."""
    epoch = draw(st.one_of(st.integers(10**9, 10**10 - 1).map(str), st.text(max_size=5)))
    head = [epoch, draw(fields), draw(fields), draw(fields), draw(st.sampled_from(VERBS))]
    return "|".join([*head, *draw(st.lists(fields, max_size=6))]).encode("utf-8", "surrogatepass")


@given(st.one_of(st.binary(max_size=300), log_lines()))
def test_whatever_the_bytes_are_nothing_is_raised_and_nothing_leaks(payload: bytes) -> None:
    result = events_of(payload)
    assert check_leaks([payload], said(result)) == []
    if not isinstance(result, Rejected):
        assert check_events(result, "telephony") == []
        assert len(result) <= 2


@given(st.sampled_from(GOLDEN_LINES), st.data())
def test_mutated_golden_lines_raise_nothing(line: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(line)))
    cut = data.draw(st.integers(0, 5))
    events_of(line[:at] + data.draw(st.binary(max_size=5)) + line[at + cut :])


@given(log_lines(), st.integers(0, 3))
def test_the_same_line_gives_the_same_events_and_another_of_its_equals_other_ids(
    line: bytes, nth: int
) -> None:
    first, again, other = events_of(line, nth), events_of(line, nth), events_of(line, nth + 1)
    assert first == again
    if isinstance(first, Rejected) or isinstance(other, Rejected):
        assert first == other
        return
    ids = [event.id for event in (*first, *other)]
    assert len(set(ids)) == len(ids)


@given(NUMBERS, NUMBERS)
def test_an_id_does_not_depend_on_the_caller(one: str, two: str) -> None:
    """Otherwise the number could be found from the id by trying all numbers."""
    ids = {
        event.id
        for number in (one, two)
        for event in accepted(f"1795510800|1795510799.1|kc|Kim {number}|ENTERQUEUE||{number}|1".encode())
        if isinstance(event, Queued)
    }
    assert len(ids) == 1


def test_no_part_of_a_leg_is_an_unkeyed_hash_of_a_number() -> None:
    line = b"1795510800|0701740605|kc|NONE|ENTERQUEUE||0701740605|1"
    other = Context(
        "telephony", Pseudonymiser(PseudonymKey("k2", b"another secret of tests")), CONTEXT.catalogue, 8
    )
    (mine,), (theirs,) = accepted(line), accepted(line, other)
    assert mine.subject != theirs.subject


@pytest.mark.parametrize("verb", ["TRANSFER", "BLINDTRANSFER", "ATTENDEDTRANSFER"])
def test_a_transfer_hands_over_and_ends_with_the_talk_and_not_the_wait(verb: str) -> None:
    result = events_of(f"1795510800|1795510700.1|kc|Kim|{verb}|3101|internal|17|83|1".encode())
    assert isinstance(result, list)
    passed, ended = result
    assert isinstance(passed, HandedOver)
    assert passed.data.unit == "utbildning"
    assert isinstance(ended, Ended)
    assert (ended.data.talk_ms, ended.data.hold_ms) == (83_000, None)


@pytest.mark.parametrize(
    ("data", "talk"),
    [
        ("3301|internal", None),
        ("3301|internal|12|80", 80),
        ("3301|internal|12|80|1", 80),
        ("3301|500|12|80|1", 80),
        ("BRIDGE|6a1f|12|80|1", 80),
        ("LINK|Local/1;1|Local/1;2|12|80|1", 80),
        ("3301|internal|12|-80|1", None),
        ("3301|internal|12|80|1|", 80),
    ],
)
def test_the_talk_of_a_transfer_is_read_from_the_end(data: str, talk: int | None) -> None:
    assert talk_of_transfer(tuple(data.split("|"))) == talk


@pytest.mark.parametrize(
    ("data", "number"),
    [
        ("|0701740605|1", "0701740605"),
        ("|0701740605", "0701740605"),
        ("https://crm.example/?a|b|0701740605|12", "0701740605"),
        ("|0701740605|1|Kim Exempel", "0701740605"),
        ('|"Kim" <0701740605>|1', "0701740605"),
        ("|46701740605|1", "+46701740605"),
        ("|4601|1", "4601"),
        ("||1", ""),
        ("|Anonymous|1", ""),
        ("", ""),
    ],
)
def test_the_caller_is_what_stands_before_the_position(data: str, number: str) -> None:
    assert caller_of(tuple(data.split("|")), "46") == number


def test_a_restart_goes_to_every_partition() -> None:
    raw = Raw(b"1795510860|NONE|NONE|NONE|QUEUESTART|", "queue_log line 1")
    results = normalise(raw, SETTINGS, CONTEXT)
    assert not isinstance(results, Rejected)
    (result,) = results
    assert isinstance(result, Broadcast)
    assert isinstance(result.event, SystemRestarted)


def test_a_line_that_was_cut_is_rejected() -> None:
    raw = Raw(GOLDEN_LINES[-1], "queue_log line 1", attributes={CUT: "yes"})
    assert normalise(raw, SETTINGS, CONTEXT) == Rejected(Reason.UNREADABLE, "the line is far too long")


@given(st.integers(10**9, 10**10 - 1), st.integers(0, 10**6 - 1))
def test_times_are_exact_to_the_microsecond(epoch: int, micro: int) -> None:
    result = events_of(f"{epoch}.{micro:06}|1795510799.1|kc|NONE|ABANDON|1|1|1".encode())
    assert isinstance(result, list)
    assert result[0].time == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=epoch, microseconds=micro)


def test_the_second_of_a_line_leaves_fractions_out() -> None:
    assert second_of(b"1795510800.25|x") == "1795510800" == second_of(b"1795510800|y")
    assert second_of(b"\xff\x00") is None
    assert second_of(b"x" * 100_000) is None


def test_settings_refuse_what_can_not_be() -> None:
    for wrong in (
        {"queues": {"600": "Växel"}},
        {"own_verbs": {"X": "vanish"}},
        {"callback_keys": ["12"]},
        {"a": 1},
    ):
        with pytest.raises(ValidationError):
            AsteriskSettings.model_validate(wrong)


class FixedClock:
    def now(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC)


def test_the_reader_numbers_identical_lines_of_a_second(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    line = b"1795510800|1795510799.1|kc|NONE|ENTERQUEUE||0701740605|1\n"
    log.write_bytes(line * 2 + line.replace(b"800|", b"801|", 1))
    settings = AsteriskSettings(path=log, follow=False)
    reader = SOURCE.reader(settings, ReaderContext("telephony", FixedClock(), CONTEXT.catalogue))

    async def read() -> list[tuple[int, int]]:
        return [(r.nth, r.sequence) async for batch in reader.batches(None) for r in batch.records]

    assert asyncio.run(read()) == [(0, 0), (1, 1), (0, 0)]


def test_golden_lines_name_only_numbers_that_are_nobodys() -> None:
    for line in GOLDEN_LINES:
        for number in re.findall(rb"(?<![\d.])(?:\+|00)?\d{9,13}(?![\d.])", line.partition(b"|")[2]):
            assert check_leaks([number], number), number
