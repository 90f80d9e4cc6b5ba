"""Turns what the manager interface tells into lines of queue_log: a pure state machine.

The exchange tells the same things in both, with three differences that have to be made up for:

- "abandoned" is said of every caller who was not answered; why follows as the variable QUEUESTATUS, and
  where nothing follows but the end of the channel, the caller hung up;
- a transfer, its target and the end of the agent's part are told apart, in any order;
- an end may name no channel at all, where both were gone already: then the agent's telephone tells the call.

What was missed while there was no connection is told again where later events or the list of those who wait
(QueueStatus) allow it: an answer tells how long the call had waited, an end how long it was talked.
Sources: app_queue.c and stasis_bridges.c of Asterisk 22, and a running one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import structlog

from producers.sources.asterisk_ami.calls import Call, Calls
from producers.sources.asterisk_ami.protocol import UNKNOWN, Message, time_of

_log = structlog.get_logger(__name__)

_WHY_LEFT = {
    "TIMEOUT": "EXITWITHTIMEOUT",
    "LEAVEEMPTY": "LEAVEEMPTY",
    "LEAVEUNAVAIL": "LEAVEUNAVAIL",
    "JOINEMPTY": "JOINEMPTY",
    "JOINUNAVAIL": "JOINUNAVAIL",
    "FULL": "FULL",
    "WITHDRAW": "WITHDRAW",
}
"""QUEUESTATUS -> verb. UNKNOWN and CONTINUE say nothing about the waiting."""

_KEY = re.compile(r"[0-9*#]{1,4}")
"""What a caller may press to leave; where that leads, the dialplan says."""

LOST = "LOST"
"""A verb of ours: a call left its queue while there was no connection. No event: its end is unknown."""

_PRESENTATION = "CALLERID(num-pres)="
_RESTART_TOLERANCE = timedelta(seconds=5)
"""The exchange tells its age in whole seconds, and clocks differ."""


class Translator:
    """Takes messages in the order in which they came, and gives lines (without their ends).

    Restore it with the lines that were written before; then it goes on as if it had never been away.
    """

    def __init__(self) -> None:
        """Know of no call, and of no start of the exchange."""
        self._calls = Calls()
        self._queue_entered: dict[str, str] = {}
        self._started_at: datetime | None = None
        self._told_presentation = False
        self._by_event: dict[str, Callable[[Message, datetime], list[str]]] = {
            "QueueCallerJoin": self._joined,
            "QueueCallerAbandon": self._given_up,
            "QueueCallerLeave": self._left,
            "AgentConnect": self._connected,
            "AgentComplete": self._completed,
            "BlindTransfer": self._blind_transfer,
            "AttendedTransfer": self._attended_transfer,
            "Hold": self._hold,
            "Unhold": self._unhold,
            "Hangup": self._hung_up,
            "Newexten": self._dialplan_step,
            "VarSet": self._variable_set,
        }

    @property
    def waiting(self) -> frozenset[str]:
        """The ids of the calls that wait in a queue, as far as is known."""
        return frozenset(call.callid for call in self._calls if not call.answered)

    def lost(self, callids: Iterable[str], now: datetime) -> list[str]:
        """Take in that calls do not wait any more, and that what became of them was missed."""
        calls = [call for callid in sorted(callids) if (call := self._calls.get(callid)) is not None]
        for call in calls:
            self._calls.remove(call)
        return [_line(now, call.callid, call.queue, "NONE", LOST) for call in calls]

    def feed(self, message: Message) -> list[str]:
        """Return the lines that an event gives, mostly none. Raises ValueError where it has no time."""
        handle = self._by_event.get(message.get("Event", ""))
        if handle is None:
            return []
        at = time_of(message)
        if at is None:
            raise ValueError("the exchange does not say when things happen")
        return handle(message, at)

    def started(self, at: datetime) -> list[str]:
        """Take in when the exchange says that it was started; a later start than known lost all calls."""
        if self._started_at and at <= self._started_at + _RESTART_TOLERANCE:
            return []
        self._started_at = at.replace(microsecond=0)
        self._calls.clear()
        return [_line(self._started_at, "NONE", "NONE", "NONE", "QUEUESTART", "")]

    def waits(self, entry: Message, now: datetime) -> None:
        """Take in a QueueEntry, which says that a call waits, and for how long.

        It does not say whether the caller's number is hidden, so its line waits for the next event.
        """
        callid = entry.get("Uniqueid", "")
        if callid and self._calls.get(callid) is None:
            since = now - timedelta(seconds=_whole(entry.get("Wait")))
            self._calls.add(Call(callid, entry.get("Queue", ""), untold_since=since))

    def restore(self, lines: Iterable[str]) -> None:
        """Take in lines that were written before."""
        for line in lines:
            epoch, callid, queue, agent, verb, *data = [*line.split("|"), "", "", "", ""]
            call = self._calls.get(callid)
            if verb == "QUEUESTART":
                self._started_at = datetime.fromtimestamp(float(epoch), UTC)
                self._calls.clear()
            elif verb == "ENTERQUEUE":
                self._calls.add(Call(callid, queue))
            elif verb == "CONNECT":
                call = call or self._calls.add(Call(callid, queue))
                call.answered, call.agent_channel, call.interface = True, data[1], agent
            elif call is not None:
                self._calls.remove(call)

    # ---- waiting ---------------------------------------------------------------------------------

    def _joined(self, message: Message, at: datetime) -> list[str]:
        callid, queue = message.get("Uniqueid", ""), message.get("Queue", "")
        call = self._calls.add(Call(callid, queue, message.get("Exten", ""), untold_since=at))
        return self._entry(call, message)

    def _entry(self, call: Call, message: Message) -> list[str]:
        """Say that the call of a message entered its queue, where that has not been said."""
        if call.untold_since is None:
            return []
        at, call.untold_since = call.untold_since, None
        fields = ("", self._number(message), str(max(1, _whole(message.get("Position")))))
        return [_line(at, call.callid, call.queue, "NONE", "ENTERQUEUE", *fields)]

    def _known(self, message: Message, at: datetime) -> tuple[Call, list[str]]:
        """Return the call of a message, and its entry; a new one came as long before as it waited."""
        callid = message.get("Uniqueid", "")
        call = self._calls.get(callid)
        if call is None:
            since = at - timedelta(seconds=_whole(message.get("HoldTime")))
            call = self._calls.add(Call(callid, message.get("Queue", ""), untold_since=since))
        return call, self._entry(call, message)

    def _given_up(self, message: Message, at: datetime) -> list[str]:
        call, lines = self._known(message, at)
        call.abandoned_at = at
        return lines

    def _left(self, message: Message, at: datetime) -> list[str]:
        call = self._calls.get(message.get("Uniqueid", ""))
        if call is None or call.answered or call.abandoned_at:
            return []
        call.left_at = at
        return self._left_by_key(call, message)

    def _left_by_key(self, call: Call, message: Message) -> list[str]:
        if call.left_at is None or not call.key:
            return []  # still there, or an answer follows
        self._calls.remove(call)
        gone = _line(call.left_at, call.callid, call.queue, "NONE", "EXITWITHKEY", call.key)
        return [*self._entry(call, message), gone]

    def _variable_set(self, message: Message, at: datetime) -> list[str]:
        verb = _WHY_LEFT.get(message.get("Value", ""))
        if message.get("Variable") != "QUEUESTATUS" or verb is None:
            return []
        callid = message.get("Uniqueid", "")
        call = self._calls.get(callid)
        if call is None:
            return [_line(at, callid, self._queue_entered.pop(callid, ""), "NONE", verb)]
        self._calls.remove(call)
        gone = _line(call.abandoned_at or at, callid, call.queue, "NONE", verb)
        return [*self._entry(call, message), gone]

    def _dialplan_step(self, message: Message, at: datetime) -> list[str]:  # noqa: ARG002 - see _by_event
        callid = message.get("Uniqueid", "")
        if message.get("Application") == "Queue":
            self._queue_entered[callid] = message.get("AppData", "").partition(",")[0]
        else:
            self._queue_entered.pop(callid, None)
        call = self._calls.get(callid)
        if call is None or call.answered:
            return []
        if call.abandoned_at:
            return self._abandoned(call, message)
        exten = message.get("Exten", "")
        if exten != call.exten and _KEY.fullmatch(exten):
            call.key = exten
        return self._left_by_key(call, message)

    def _hung_up(self, message: Message, at: datetime) -> list[str]:
        callid = message.get("Uniqueid", "")
        self._queue_entered.pop(callid, None)
        talking = self._calls.of_channels([callid])
        if talking is not None and talking.answered:
            talking.hung_up = True
        call = self._calls.get(callid)
        if call is None or call.answered:
            return self._transferred(call) if call is not None and call.completed else []
        call.abandoned_at = call.abandoned_at or at
        return self._abandoned(call, message)

    def _abandoned(self, call: Call, message: Message) -> list[str]:
        assert call.abandoned_at is not None
        self._calls.remove(call)
        gone = _line(call.abandoned_at, call.callid, call.queue, "NONE", "ABANDON")
        return [*self._entry(call, message), gone]

    # ---- talking ---------------------------------------------------------------------------------

    def _connected(self, message: Message, at: datetime) -> list[str]:
        call, lines = self._known(message, at)
        call.answered, call.abandoned_at = True, None
        call.agent_channel = message.get("DestUniqueid", "")
        call.interface = message.get("Interface", "")
        return [*lines, self._connect_line(call, at, message.get("HoldTime"))]

    def _connect_line(self, call: Call, at: datetime, waited: str | None) -> str:
        return _line(
            at, call.callid, call.queue, call.interface, "CONNECT", str(_whole(waited)), call.agent_channel
        )

    def _completed(self, message: Message, at: datetime) -> list[str]:
        channels = (message.get("Uniqueid", ""), message.get("DestUniqueid", ""))
        queue, interface = message.get("Queue", ""), message.get("Interface", "")
        call = self._calls.of_channels(channels) or self._calls.of_telephone(queue, interface)
        talk = timedelta(seconds=_whole(message.get("TalkTime")))
        lines: list[str] = []
        if call is None:
            if not channels[0]:
                return []  # neither seen before, nor named
            call, lines = self._known(message, at - talk)
        if not call.answered:
            call.answered, call.interface = True, interface
            lines.append(self._connect_line(call, at - talk, message.get("HoldTime")))
        if call.holding_since:
            self._end_hold(call, at)
        end = (at, str(_whole(message.get("HoldTime"))), str(_whole(message.get("TalkTime"))), interface)
        if message.get("Reason") == "transfer":
            call.completed = end
            return [*lines, *(self._transferred(call) if call.transfer else [])]
        self._calls.remove(call)
        verb = "COMPLETEAGENT" if message.get("Reason") == "agent" else "COMPLETECALLER"
        return [*lines, _line(at, call.callid, call.queue, interface, verb, *end[1:3], "", *_held(call))]

    def _blind_transfer(self, message: Message, at: datetime) -> list[str]:  # noqa: ARG002 - see _by_event
        return self._transfer(
            message,
            ("TransfereeUniqueid", "TransfererUniqueid"),
            ("BLINDTRANSFER", message.get("Extension", ""), message.get("Context", "")),
        )

    def _attended_transfer(self, message: Message, at: datetime) -> list[str]:  # noqa: ARG002
        if message.get("DestType") in {"Threeway", "Fail"}:
            return []
        named = (message.get("TransferTargetCallerIDNum"), message.get("SecondTransfererConnectedLineNum"))
        target = next((number for number in named if number and number != UNKNOWN), "LINK")
        return self._transfer(
            message, ("TransfereeUniqueid", "OrigTransfererUniqueid"), ("ATTENDEDTRANSFER", target, "")
        )

    def _transfer(self, message: Message, channels: tuple[str, str], transfer: tuple[str, ...]) -> list[str]:
        call = self._calls.of_channels(message.get(name, "") for name in channels)
        if call is None or message.get("Result") != "Success":
            return []
        call.transfer = transfer
        return self._transferred(call) if call.completed else []

    def _transferred(self, call: Call) -> list[str]:
        """Say that a call was transferred: the agent is free; where it went may not have been told."""
        assert call.completed is not None
        self._calls.remove(call)
        at, waited, talked, interface = call.completed
        verb, target, context = call.transfer or ("BLINDTRANSFER", "", "")
        fields = (target, context, waited, talked, *_held(call))
        return [_line(at, call.callid, call.queue, interface, verb, *fields)]

    def _hold(self, message: Message, at: datetime) -> list[str]:
        call = self._calls.of_channels([message.get("Uniqueid", "")])
        if call is not None and call.answered and call.holding_since is None:
            call.holding_since = at
        return []

    def _unhold(self, message: Message, at: datetime) -> list[str]:
        call = self._calls.of_channels([message.get("Uniqueid", "")])
        if call is not None and call.holding_since:
            self._end_hold(call, at)
        return []

    @staticmethod
    def _end_hold(call: Call, at: datetime) -> None:
        assert call.holding_since is not None
        call.held_ms += max(0, round((at - call.holding_since) / timedelta(milliseconds=1)))
        call.holding_since = None

    # ---- parts -----------------------------------------------------------------------------------

    def _number(self, message: Message) -> str:
        """Return the caller's number; empty where it is hidden, or where the exchange does not say."""
        number = message.get("CallerIDNum", "")
        said = message.get("ChanVariable", "").split("\n")
        shown = next((v.removeprefix(_PRESENTATION) for v in said if v.startswith(_PRESENTATION)), None)
        if shown is None and not self._told_presentation:
            self._told_presentation = True
            _log.error("callers_not_traceable", reason="channelvars in manager.conf lacks CALLERID(num-pres)")
        return number if number != UNKNOWN and (shown or "").startswith("allowed") else ""


def _held(call: Call) -> tuple[str, ...]:
    return (f"held={call.held_ms}",) if call.held_ms else ()


def _whole(text: str | None) -> int:
    """Return a number of seconds or a position; 0 where there is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 0


def _line(at: datetime, callid: str, queue: str, agent: str, verb: str, *data: str) -> str:
    """Return a line of queue_log; what would end a field or the line becomes an underscore, as there."""
    epoch = f"{int(at.timestamp())}.{at.microsecond:06}"
    fields = (callid or "NONE", queue or "NONE", agent or "NONE", verb, *data)
    clean = ("".join("_" if c == "|" or not c.isprintable() else c for c in field) for field in fields)
    return "|".join((epoch, *clean))
