"""The Asterisk source: what each line of queue_log means (DOMAIN §3).

Fields of each verb: Asterisk's documentation, "Queue Logs", and app_queue.c, which writes them. The caller's
number becomes a pseudonym and is in no event and no rejection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from producers.contract import Broadcast, Context, Normalised, Raw, Reason, Rejected, Source
from producers.cursor import CUT
from producers.sources.asterisk.lines import (
    LogLine,
    caller_of,
    leg_id,
    own_slug,
    parse,
    seconds,
    talk_of_transfer,
    without_hold,
)
from producers.sources.asterisk.reader import reader
from producers.sources.asterisk.settings import AsteriskSettings, ExchangeSettings
from schemas.catalogue import UNKNOWN_UNIT
from schemas.events import (
    Abandoned,
    AbandonedData,
    Answered,
    AnsweredData,
    Audience,
    CallbackTaken,
    CallbackTakenData,
    Channel,
    Ended,
    EndedData,
    Event,
    FlowedOut,
    FlowedOutData,
    FlowOutReason,
    HandedOver,
    HandedOverData,
    HandoverKind,
    Queued,
    QueuedData,
    SystemRestarted,
    SystemRestartedData,
    WrappedUp,
    WrappedUpData,
)
from schemas.identity import stable_hash

_UNNAMED_TARGETS: Final = frozenset({"BRIDGE", "APP", "LINK", "THREEWAY"})
"""How ATTENDEDTRANSFER says by what means calls were joined; it then names no extension."""

_FLOW_OUTS: Final = {
    "EXITWITHTIMEOUT": FlowOutReason.TIMEOUT,
    "EXITEMPTY": FlowOutReason.EMPTY,
    "LEAVEEMPTY": FlowOutReason.EMPTY,
    "JOINEMPTY": FlowOutReason.EMPTY,
    "LEAVEUNAVAIL": FlowOutReason.EMPTY,
    "JOINUNAVAIL": FlowOutReason.EMPTY,
    "FULL": FlowOutReason.FULL,
    "CLOSED": FlowOutReason.CLOSED,
    "WITHDRAW": FlowOutReason.WITHDRAWN,  # taken out of the queue by the centre's own system
}

_NO_INTEREST: Final = frozenset(
    {
        *("ADDMEMBER", "REMOVEMEMBER", "PENALTY", "RINGINUSE", "CONFIGRELOAD"),
        *("PAUSE", "UNPAUSE", "PAUSEALL", "UNPAUSEALL", "HOLD", "UNHOLD"),
        *("AGENTLOGIN", "AGENTLOGOFF", "AGENTCALLBACKLOGIN", "AGENTCALLBACKLOGOFF", "AGENTDUMP"),
        *("RINGNOANSWER", "RINGCANCELED", "SYSCOMPAT", "DID", "INFO", "OUTCALL"),
        *("CALLERONHOLD", "CALLEROFFHOLD", "CALLSTATUS"),
    }
)
"""About agents or the exchange; SYSCOMPAT is followed by ABANDON; outgoing calls are dropped."""

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class _Call:
    """A line about a call, with all that its events need."""

    line: LogLine
    raw: Raw
    settings: ExchangeSettings
    context: Context

    @property
    def queue(self) -> str | None:
        listed = self.settings.queues.get(self.line.queue)
        return listed or own_slug(self.line.queue, self.context.pseudonymiser.current)

    def event(self, kind: Callable[..., E], data: Callable[..., Any], /, **values: object) -> E:
        """Return an event about this call, made of its data's class and values."""
        name = kind.model_fields["type"].default  # type: ignore[attr-defined]
        key = self.context.pseudonymiser.current
        subject = leg_id(self.settings.system, self.line.callid, key)
        return kind(
            id=_event_id(subject, self.line, self.raw.nth, own_slug(self.line.queue, key), name),
            source=self.context.instance,
            subject=subject,
            time=self.line.time,
            data=data(channel=Channel.TELEPHONE, position=self.raw.sequence, **values),
        )


def normalise(raw: Raw, settings: AsteriskSettings, context: Context) -> Normalised:
    """Return the events of one line, none where it is of no interest, or why it can't be used. Total."""
    return normalise_line(raw, settings, settings.own_verbs, context)


def normalise_line(
    raw: Raw, settings: ExchangeSettings, own_verbs: Mapping[str, str], context: Context
) -> Normalised:
    """Return what a line says that is in the form of queue_log, wherever it comes from. Total."""
    if CUT in raw.attributes:
        return Rejected(Reason.UNREADABLE, "the line is far too long")
    line = parse(raw.payload, VERBS)
    if isinstance(line, Rejected):
        return line
    if line.verb == "QUEUESTART":
        return (Broadcast(_restarted(line, raw, settings, context)),)
    own = own_verbs.get(line.verb)
    if own is None and line.verb not in VERBS:
        return Rejected(Reason.UNKNOWN_KIND, "the verb is not known; see own_verbs in the settings")
    if own == "ignore" or line.verb in _NO_INTEREST or not line.about_a_call:
        return ()
    call = _Call(line, raw, settings, context)
    return _callback(call) if own == "callback" else _BY_VERB[line.verb](call)


def _event_id(subject: str, line: LogLine, nth: int, queue: str | None, name: str) -> str:
    """Return an id that depends on the line alone, and on which of its equals it is (CORRECTIONS 15).

    Only of those parts of the line that the event shows anyway: from a hash of all of it the caller's number
    could be found by trying all numbers, and the agent's name by trying all agents. The queue is the
    exchange's own name for it, so that a change of the settings changes no id.
    """
    return stable_hash(subject, line.time.isoformat(), queue or "", line.verb, str(nth), name)


def _restarted(line: LogLine, raw: Raw, settings: ExchangeSettings, context: Context) -> Event:
    subject = f"{settings.system}:restart"
    return SystemRestarted(
        id=_event_id(subject, line, raw.nth, None, "kommuncenter.system.restarted"),
        source=context.instance,
        subject=subject,
        time=line.time,
        data=SystemRestartedData(channel=Channel.TELEPHONE, position=raw.sequence),
    )


def _queued(call: _Call) -> Normalised:
    number = caller_of(call.line.data, call.settings.country_code)
    internal = bool(number) and call.context.catalogue.internal.number(number)
    return (
        call.event(
            Queued,
            QueuedData,
            queue=call.queue or "none",
            party=call.context.pseudonymiser.number(number),
            audience=Audience.INTERNAL if internal else None,
        ),
    )


def _answered(call: _Call) -> Normalised:
    return (call.event(Answered, AnsweredData, queue=call.queue),)


def _abandoned(call: _Call) -> Normalised:
    return (call.event(Abandoned, AbandonedData, queue=call.queue),)


def _flowed_out(call: _Call) -> Normalised:
    reason = _FLOW_OUTS[call.line.verb]
    return (call.event(FlowedOut, FlowedOutData, queue=call.queue, reason=reason),)


def _left_by_key(call: _Call) -> Normalised:
    if call.line.data and call.line.data[0].strip() in call.settings.callback_keys:
        return _callback(call)
    return (call.event(FlowedOut, FlowedOutData, queue=call.queue, reason=FlowOutReason.KEY),)


def _callback(call: _Call) -> Normalised:
    return (call.event(CallbackTaken, CallbackTakenData, queue=call.queue),)


def _ended(call: _Call) -> Normalised:
    """COMPLETE…: holdtime|calltime[|position]. Its hold time is the wait in the queue, not time on hold."""
    data, held = without_hold(call.line.data)
    talk = seconds(data, 1)
    return talk if isinstance(talk, Rejected) else (_end(call, talk, held),)


def _end(call: _Call, talk: int | None, held_ms: int | None) -> Event:
    """The exchange counts time on hold as talk."""
    talk_ms = None if talk is None else max(0, talk * 1000 - (held_ms or 0))
    return call.event(Ended, EndedData, talk_ms=talk_ms, hold_ms=held_ms)


def _handed_over(call: _Call) -> Normalised:
    """A transfer also ends the agent's part: no COMPLETE… follows it."""
    kind = HandoverKind.CONSULTED if call.line.verb == "ATTENDEDTRANSFER" else HandoverKind.BLIND
    data, held = without_hold(call.line.data)
    return (
        call.event(HandedOver, HandedOverData, kind=kind, unit=_unit(call)),
        _end(call, talk_of_transfer(data), held),
    )


def _unit(call: _Call) -> str | None:
    """Return the receiving unit; None for the centre itself."""
    target = call.line.data[0].strip() if call.line.data else ""
    if call.line.verb == "ATTENDEDTRANSFER" and target in _UNNAMED_TARGETS:
        return UNKNOWN_UNIT
    if target in call.settings.queues:
        return None
    own, unit = call.context.catalogue.unit_of_extension(target.partition("@")[0])
    return None if own else unit


def _wrapped_up(call: _Call) -> Normalised:
    spent = seconds(call.line.data, 0)
    if isinstance(spent, Rejected):
        return spent
    return () if spent is None else (call.event(WrappedUp, WrappedUpData, wrap_up_ms=spent * 1000),)


_BY_VERB: Final[dict[str, Callable[[_Call], Normalised]]] = {
    "ENTERQUEUE": _queued,
    "CONNECT": _answered,
    "ABANDON": _abandoned,
    "EXITWITHKEY": _left_by_key,
    "COMPLETEAGENT": _ended,
    "COMPLETECALLER": _ended,
    "TRANSFER": _handed_over,
    "BLINDTRANSFER": _handed_over,
    "ATTENDEDTRANSFER": _handed_over,
    "WRAPUPSTART": _wrapped_up,
    **dict.fromkeys(_FLOW_OUTS, _flowed_out),
}
VERBS: Final = frozenset({*_BY_VERB, *_NO_INTEREST, "QUEUESTART"})
"""All verbs that are known; README has their layouts."""


SOURCE = Source(
    name="asterisk",
    channel=Channel.TELEPHONE,
    settings=AsteriskSettings,
    normalise=normalise,
    reader=reader,
)
