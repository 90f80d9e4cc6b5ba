"""The manager interface's events as lines of queue_log, event by event, without an exchange."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from producers.sources.asterisk_ami.protocol import Message, action, parse, time_of
from producers.sources.asterisk_ami.translator import LOST, Translator

AT = 1_795_895_240
AGENT = "Local/1001@agents/n"


def said(event: str, after: float = 0, **headers: str) -> Message:
    """Return an event that comes so many seconds after the first."""
    return {"Event": event, "Timestamp": f"{AT + after:.6f}", **headers}


def joins(call: str, after: float = 0, number: str = "0701740605", **headers: str) -> Message:
    shown = {"ChanVariable": "CALLERID(num-pres)=allowed", "CallerIDNum": number, "Position": "1"}
    return said("QueueCallerJoin", after, Uniqueid=call, Queue="kommuncenter", **shown, **headers)


def answers(call: str, after: float, agent_channel: str, waited: str = "1") -> Message:
    named = {"Uniqueid": call, "Queue": "kommuncenter", "DestUniqueid": agent_channel}
    return said("AgentConnect", after, Interface=AGENT, HoldTime=waited, **named)


def completes(after: float, reason: str, talked: str, **channels: str) -> Message:
    told = {"Queue": "kommuncenter", "Interface": AGENT, "HoldTime": "1", "TalkTime": talked}
    return said("AgentComplete", after, Reason=reason, **told, **channels)


def heard(*messages: Message, translator: Translator | None = None) -> list[str]:
    """Return what the lines say, without their times."""
    translator = translator or Translator()
    lines = [line for message in messages for line in translator.feed(message)]
    return [line.partition("|")[2] for line in lines]


ENTERED = "1|kommuncenter|NONE|ENTERQUEUE||0701740605|1"


def test_a_call_that_is_answered_and_ends() -> None:
    talk = (joins("1"), answers("1", 1, "9"), completes(61, "caller", "60", Uniqueid="1", DestUniqueid="9"))
    connected, completed = (
        f"1|kommuncenter|{AGENT}|CONNECT|1|9",
        f"1|kommuncenter|{AGENT}|COMPLETECALLER|1|60|",
    )
    assert heard(*talk) == [ENTERED, connected, completed]


def test_an_end_that_names_no_channel_belongs_to_the_call_that_hung_up() -> None:
    """One telephone, two calls at once: not the latest, but the one of which somebody has hung up."""
    two = (joins("1"), joins("2"), answers("1", 1, "91"), answers("2", 1, "92"))
    for gone in ("1", "91"):
        translator = Translator()
        heard(*two, translator=translator)
        ended = heard(said("Hangup", 2, Uniqueid=gone), completes(2, "agent", "1"), translator=translator)
        assert ended == [f"1|kommuncenter|{AGENT}|COMPLETEAGENT|1|1|"]
        moved = {"TransfereeUniqueid": "2", "Result": "Success", "Extension": "3201", "Context": "transfers"}
        passed_on = heard(
            said("BlindTransfer", 3, **moved),
            completes(3, "transfer", "2", Uniqueid="2", DestUniqueid="92"),
            translator=translator,
        )
        assert passed_on == [f"2|kommuncenter|{AGENT}|BLINDTRANSFER|3201|transfers|1|2"]


def test_an_end_that_names_nothing_at_all_of_a_call_that_is_not_known_gives_nothing() -> None:
    assert heard(completes(2, "agent", "1")) == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["target first", "end first"])
def test_a_transfer_is_told_when_both_its_target_and_its_end_are_known(order: tuple[int, int]) -> None:
    moved = {"OrigTransfererUniqueid": "9", "Result": "Success", "TransferTargetCallerIDNum": "3201"}
    parts = (
        said("AttendedTransfer", 30, DestType="Bridge", **moved),
        completes(30, "transfer", "29", Uniqueid="1", DestUniqueid="9"),
    )
    lines = heard(joins("1"), answers("1", 1, "9"), *(parts[at] for at in order))
    assert lines[2:] == [f"1|kommuncenter|{AGENT}|ATTENDEDTRANSFER|3201||1|29"]


def test_a_transfer_that_failed_is_none() -> None:
    talk = (joins("1"), answers("1", 1, "9"))
    failed = said("BlindTransfer", 5, TransfereeUniqueid="1", Result="Fail", Extension="3201", Context="x")
    ended = completes(9, "agent", "8", Uniqueid="1", DestUniqueid="9")
    assert heard(*talk, failed, ended)[2:] == [f"1|kommuncenter|{AGENT}|COMPLETEAGENT|1|8|"]


def test_time_on_hold_is_told_at_the_end_of_the_line() -> None:
    lines = heard(
        joins("1"),
        answers("1", 1, "9"),
        said("Hold", 5, Uniqueid="9"),
        said("Unhold", 7.5, Uniqueid="9"),
        said("Hold", 8, Uniqueid="9"),
        completes(9, "agent", "8", Uniqueid="1", DestUniqueid="9"),
    )
    assert lines[2:] == [f"1|kommuncenter|{AGENT}|COMPLETEAGENT|1|8||held=3500"]


@pytest.mark.parametrize(
    ("status", "verb"),
    [("TIMEOUT", "EXITWITHTIMEOUT"), ("LEAVEEMPTY", "LEAVEEMPTY"), ("WITHDRAW", "WITHDRAW")],
)
def test_given_up_is_said_first_and_why_afterwards(status: str, verb: str) -> None:
    given_up = said("QueueCallerAbandon", 20, Uniqueid="1", Queue="kommuncenter", HoldTime="20")
    why = said("VarSet", 20.5, Uniqueid="1", Variable="QUEUESTATUS", Value=status)
    assert heard(joins("1"), given_up, why) == [ENTERED, f"1|kommuncenter|NONE|{verb}"]
    assert heard(joins("1"), given_up, said("Hangup", 21, Uniqueid="1")) == [
        ENTERED,
        "1|kommuncenter|NONE|ABANDON",
    ]


def test_who_was_not_let_in_is_told_with_the_queue_of_the_dialplan() -> None:
    step = said("Newexten", Uniqueid="7", Application="Queue", AppData="full,t,,,30")
    refused = said("VarSet", 0, Uniqueid="7", Variable="QUEUESTATUS", Value="FULL")
    assert heard(step, refused) == ["7|full|NONE|FULL"]


def test_a_key_leads_out_of_the_queue_in_either_order() -> None:
    left = said("QueueCallerLeave", 3, Uniqueid="1", Queue="kommuncenter")
    step = said("Newexten", 3, Uniqueid="1", Application="Hangup", Exten="5")
    expected = [ENTERED, "1|kommuncenter|NONE|EXITWITHKEY|5"]
    assert heard(joins("1", Exten="kommuncenter-30"), left, step) == expected
    assert heard(joins("1", Exten="kommuncenter-30"), step, left) == expected


@pytest.mark.parametrize(
    "headers",
    [
        {"ChanVariable": "CALLERID(num-pres)=prohib_not_screened", "CallerIDNum": "0701740605"},
        {"ChanVariable": "CALLERID(num-pres)=allowed", "CallerIDNum": "<unknown>"},
        {"CallerIDNum": "0701740605"},
    ],
    ids=["hidden", "unknown", "not told whether it is hidden"],
)
def test_a_number_that_may_be_hidden_is_not_written_down(headers: dict[str, str]) -> None:
    joined = said("QueueCallerJoin", 0, Uniqueid="1", Queue="kommuncenter", Position="2", **headers)
    assert heard(joined) == ["1|kommuncenter|NONE|ENTERQUEUE|||2"]


def test_what_was_missed_is_made_up_for_by_what_comes_later() -> None:
    """An end of a call that was never heard of tells when it came, and when it was answered."""
    translator = Translator()
    lines = translator.feed(completes(100, "caller", "40", Uniqueid="1", DestUniqueid="9"))
    seconds = [float(line.partition("|")[0]) - AT for line in lines]
    verbs = [line.split("|")[4] for line in lines]
    assert (seconds, verbs) == ([59, 60, 100], ["ENTERQUEUE", "CONNECT", "COMPLETECALLER"])


def test_a_translator_that_is_restored_goes_on_as_if_it_had_never_been_away() -> None:
    before, after = (joins("1"), answers("1", 1, "9")), completes(61, "caller", "60", DestUniqueid="9")
    whole = Translator()
    written = [line for message in before for line in whole.feed(message)]
    restored = Translator()
    restored.restore(written)
    assert restored.feed(after) == whole.feed(after) != []


def test_calls_that_wait_no_more_after_a_gap_are_lost_and_not_abandoned() -> None:
    translator = Translator()
    heard(joins("1"), joins("2"), translator=translator)
    assert translator.waiting == {"1", "2"}
    now = datetime.fromtimestamp(AT + 60, UTC)
    (line,) = translator.lost({"2"}, now)
    assert line == f"{AT + 60}.000000|2|kommuncenter|NONE|{LOST}"
    assert translator.waiting == {"1"}


def test_a_start_that_is_known_is_told_once_and_a_later_one_loses_all_calls() -> None:
    translator, at = Translator(), datetime.fromtimestamp(AT, UTC)
    assert len(translator.started(at)) == 1
    heard(joins("1"), translator=translator)
    assert translator.started(at + timedelta(seconds=4)) == []
    assert translator.waiting == {"1"}
    (line,) = translator.started(at + timedelta(minutes=5))
    assert line == f"{AT + 300}.000000|NONE|NONE|NONE|QUEUESTART|"
    assert not translator.waiting


def test_a_field_can_end_neither_itself_nor_the_line() -> None:
    sly = joins("1", number="07017|40605\n1|2|3|4|ABANDON")
    (line,) = Translator().feed(sly)
    assert line.count("|") == 7
    assert "\n" not in line


def test_an_exchange_that_does_not_say_when_is_an_error_and_what_is_of_no_interest_is_not() -> None:
    with pytest.raises(ValueError, match="when things happen"):
        Translator().feed({"Event": "QueueCallerJoin", "Uniqueid": "1"})
    assert Translator().feed({"Event": "PeerStatus"}) == []
    assert Translator().feed({}) == []


def test_messages_are_read_as_they_are_sent() -> None:
    assert parse(b"Event: VarSet\r\nValue: a: b\r\nno header\r\nValue: c\r\n\r\n") == {
        "Event": "VarSet",
        "Value": "a: b\nc",
    }
    assert action("Login", {"Username": "test"}) == b"Action: Login\r\nUsername: test\r\n\r\n"
    with pytest.raises(ValueError, match="line break"):
        action("Login", {"Username": "test\r\nAction: Shutdown"})


@pytest.mark.parametrize("told", ["", "soon", "17958952401.5", "1795895240.x"])
def test_a_time_that_is_none_is_none(told: str) -> None:
    assert time_of({"Timestamp": told}) is None
