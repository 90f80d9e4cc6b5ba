"""The naive fold, first half: events -> legs. Written from DOMAIN and CORRECTIONS, apart from the stream.

Nothing here is shared with ``streams.core`` (CORRECTIONS 39): two programs that agree are worth more than
one. Plain rather than fast. All times are aware, all spans whole milliseconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas.events import (
    Abandoned,
    Answered,
    CallbackTaken,
    Ended,
    ErrandRegistered,
    ErrandRegisteredData,
    Event,
    FlowedOut,
    HandedOver,
    Identified,
    NoLeg,
    NoShow,
    Queued,
    Received,
    Replied,
    SystemRestarted,
    WrappedUp,
    order_key,
)

MS = timedelta(milliseconds=1)

OFFERED, REPLY, NOTE = "offered", "reply", "note"
"""What a leg is: something from outside, the centre's mail to it, or only what somebody wrote down of it."""

Restarts = Mapping[str, Sequence[datetime]]
"""Per telephone system: when it restarted, in order."""


@dataclass(frozen=True, slots=True)
class Passing:
    """A handover to a department."""

    at: datetime
    kind: str
    unit: str
    errand: str


@dataclass(frozen=True, slots=True)
class Said:
    """What was last said of an errand, when, and since when its outcome has been said to be that."""

    at: datetime
    data: ErrandRegisteredData
    since: datetime


@dataclass(slots=True)
class NaiveLeg:
    """One call, one mail message or one visit, as its events tell it."""

    leg_id: str
    kind: str
    arrived: datetime
    channel: str = "unknown"
    channel_source: str = "default"
    queue: str = ""
    answered: datetime | None = None
    ended: datetime | None = None
    left: datetime | None = None
    outcome: str = "open"
    reason: str = ""
    handle_ms: int = 0
    talk_ms: int = 0
    audience: str = "unknown"
    automatic: str = ""
    message: str = ""
    references: tuple[str, ...] = ()
    passings: list[Passing] = field(default_factory=list)
    errands: dict[str, Said] = field(default_factory=dict)
    party: str = ""
    former_party: str = ""

    @property
    def order(self) -> tuple[datetime, str]:
        """Legs stand in order of arrival."""
        return (self.arrived, self.leg_id)


def restarts_of(events: Iterable[Event]) -> Restarts:
    """Return when each system restarted; a restart that stands in every partition counts once."""
    found: dict[str, set[datetime]] = defaultdict(set)
    for event in events:
        if isinstance(event, SystemRestarted):
            found[event.source].add(event.time)
    return {source: sorted(times) for source, times in found.items()}


def legs_of(events: Iterable[Event], restarts: Restarts) -> list[NaiveLeg]:
    """Return the legs that events tell of; all events of a leg must be among them, in any order."""
    by_leg: dict[str, dict[str, Event]] = defaultdict(dict)
    for event in events:
        if not isinstance(event, NoLeg):
            by_leg[event.subject][event.id] = event
    return [_leg(name, sorted(told.values(), key=order_key), restarts) for name, told in by_leg.items()]


def _leg(leg_id: str, told: Sequence[Event], restarts: Restarts) -> NaiveLeg:
    leg = NaiveLeg(leg_id, OFFERED, told[0].time)
    _who_and_how(leg, told)
    leg.kind = _kind(leg, told)
    _what_became(leg, told)
    _arrival_and_answer(leg, told)
    if leg.kind == OFFERED and leg.channel == "telephone":
        _lost_in_a_restart(leg, told, restarts)
    _work(leg, told)
    return leg


def _who_and_how(leg: NaiveLeg, told: Sequence[Event]) -> None:
    """Channel, queue and party as first said; internal if anybody says so, else the audience last said."""
    for event in reversed(told):  # so that the first word is the one that stays
        if isinstance(event, NoLeg):
            continue
        by_default = event.data.channel_source == "default"  # gives way to whoever really said it
        if event.data.channel != "unknown" and not (by_default and leg.channel_source != "default"):
            leg.channel = event.data.channel.value
            leg.channel_source = event.data.channel_source.value
        if event.data.party:
            leg.party = event.data.party.current
            leg.former_party = event.data.party.previous or ""
        if isinstance(event, Queued):
            leg.queue = event.data.queue
        if isinstance(event, Received) and event.data.automatic:
            leg.automatic = event.data.automatic.value
    audiences = [e.data.audience.value for e in told if not isinstance(e, NoLeg) and e.data.audience]
    known = [audience for audience in audiences if audience != "unknown"]
    if known:
        leg.audience = "internal" if "internal" in known else known[-1]
    messages = [e.data for e in told if isinstance(e, Received)]
    messages = messages or [e.data for e in told if isinstance(e, Replied)]  # type: ignore[misc]
    if messages:
        leg.message, leg.references = messages[0].message, messages[0].references


def _kind(leg: NaiveLeg, told: Sequence[Event]) -> str:
    if any(isinstance(event, Replied) for event in told):
        return REPLY
    if leg.channel == "email":
        return OFFERED if any(isinstance(event, Received) for event in told) else NOTE
    return NOTE if all(isinstance(event, ErrandRegistered | Identified) for event in told) else OFFERED


def _what_became(leg: NaiveLeg, told: Sequence[Event]) -> None:
    """An answer stands, whatever else is said; only a visitor who does not come when called takes it back.

    A call back is no answer in the queue that the caller has left (DOMAIN §2, CORRECTIONS 34).
    """
    for event in told:
        if _answers(event):
            if leg.outcome != "callback_taken":
                leg.outcome, leg.left, leg.reason = "answered", None, ""
        elif isinstance(event, NoShow):
            leg.outcome, leg.left, leg.reason = "no_show", event.time, ""
        elif isinstance(event, Queued) and leg.outcome in {"flowed_out", "no_show"}:
            leg.outcome, leg.left, leg.reason = "open", None, ""  # it waits again, perhaps in another queue
        elif isinstance(event, FlowedOut) and any(
            isinstance(entry, Queued)
            and entry.source == event.source
            and entry.time == event.time
            and entry.data.position > event.data.position
            for entry in told
        ):
            pass  # within the same second the log goes on with another queue
        elif leg.outcome != "answered" and isinstance(event, Abandoned | CallbackTaken | FlowedOut):
            leg.left, leg.reason = event.time, ""
            if isinstance(event, FlowedOut):
                leg.outcome, leg.reason = "flowed_out", event.data.reason.value
            else:
                leg.outcome = "abandoned" if isinstance(event, Abandoned) else "callback_taken"


def _answers(event: Event) -> bool:
    """An answer, or what can only follow on one."""
    if isinstance(event, HandedOver):
        return event.data.channel != "email"
    return isinstance(event, Answered | Ended)


def _arrival_and_answer(leg: NaiveLeg, told: Sequence[Event]) -> None:
    """Arrival is the first entry into a queue or mailbox, else the first event (DOMAIN §2.4)."""
    entries = [event.time for event in told if isinstance(event, Queued | Received | Replied)]
    leg.arrived = min(entries, default=leg.arrived)
    leg.ended = max((event.time for event in told if isinstance(event, Ended)), default=None)
    answers = [event.time for event in told if isinstance(event, Answered)]
    after = [event for event in told if _answers(event)]
    if answers:
        leg.answered = answers[0]
    elif after:  # the answer itself is missing: the end less the talk, or the moment of passing on
        talk = after[0].data.talk_ms or 0 if isinstance(after[0], Ended) else 0
        leg.answered = after[0].time - talk * MS
    if leg.outcome not in {"answered", "callback_taken"}:
        leg.answered = None  # called, but did not come


def _lost_in_a_restart(leg: NaiveLeg, told: Sequence[Event], restarts: Restarts) -> None:
    """A system that restarts loses the calls of which it says nothing more (DOMAIN §3, CORRECTIONS 16)."""
    carriers = [event.source for event in told if not isinstance(event, ErrandRegistered)]
    source = carriers[0] if carriers else told[0].source
    last_word = max(event.time for event in told if event.source == source)
    after = [at for at in restarts.get(source, ()) if at >= last_word]
    if not after:
        return
    if leg.outcome == "open":
        leg.outcome, leg.left, leg.reason = "flowed_out", after[0], "restart"
    elif leg.outcome == "answered" and leg.ended is None:
        leg.ended = after[0]


def _work(leg: NaiveLeg, told: Sequence[Event]) -> None:
    """Talk, hold and wrap-up; passings to departments; and the last word on each errand."""
    talks = [e.data.talk_ms for e in told if isinstance(e, Ended) and e.data.talk_ms is not None]
    hold = sum(e.data.hold_ms or 0 for e in told if isinstance(e, Ended))
    wrap_up = sum(e.data.wrap_up_ms for e in told if isinstance(e, WrappedUp))
    if talks:
        leg.talk_ms = sum(talks)
    elif leg.answered and leg.ended:
        leg.talk_ms = max(0, (leg.ended - leg.answered) // MS - hold)  # hold is not counted twice
    leg.handle_ms = leg.talk_ms + hold + wrap_up
    for event in told:
        if isinstance(event, HandedOver) and event.data.unit is not None:
            said = event.data
            leg.passings.append(Passing(event.time, said.kind.value, event.data.unit, said.errand or ""))
        elif isinstance(event, ErrandRegistered):
            before = leg.errands.get(event.data.errand)
            same = before is not None and before.data.outcome == event.data.outcome
            since = before.since if before is not None and same else event.time
            leg.errands[event.data.errand] = Said(event.time, event.data, since)
