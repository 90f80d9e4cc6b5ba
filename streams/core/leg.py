"""Stage 1's fold: the set of a leg's events -> the leg. Neither order nor repetition matters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from schemas.events import (
    Abandoned,
    Answered,
    Audience,
    Automatic,
    CallbackTaken,
    Channel,
    Ended,
    ErrandRegistered,
    Event,
    FlowedOut,
    FlowOutReason,
    HandedOver,
    LegData,
    NoLeg,
    NoShow,
    Party,
    Provenance,
    Queued,
    Received,
    Replied,
    WrappedUp,
    order_key,
)
from schemas.legs import Leg, LegErrand, LegHandover, LegKind, LegOutcome
from schemas.timebase import to_ms

_LEFT = {
    Abandoned: LegOutcome.ABANDONED,
    FlowedOut: LegOutcome.FLOWED_OUT,
    CallbackTaken: LegOutcome.CALLBACK_TAKEN,
}


_SPOKEN_WITH = frozenset({LegOutcome.ANSWERED, LegOutcome.CALLBACK_TAKEN})
"""Where an answer, or the call back, came to anything; a visitor may be called and not come."""

Restarts = Mapping[str, Collection[datetime]]
"""Per source: the instants at which it lost the calls that were open."""


def fold_leg(leg_id: str, events: Iterable[Event], restarts: Restarts | None = None) -> Leg:
    """Return the leg that a non-empty set of events describes.

    The result is a pure function of the set and of the restarts. Raises ValueError where there is no event.
    """
    ordered = sorted((e for e in events if not isinstance(e, NoLeg)), key=order_key)
    if not ordered:
        raise ValueError(f"leg {leg_id}: no events")
    ended_at = _last(ordered, Ended)
    outcome, left_at, reason = _outcome(ordered)
    answered_at = _answered_at(ordered) if outcome in _SPOKEN_WITH else None
    arrived_at = _arrived_at(ordered)
    kind = _kind(ordered)
    source = _source(ordered)
    lost_at = _lost_at([e.time for e in ordered if e.source == source], (restarts or {}).get(source, ()))
    if lost_at and kind is LegKind.INBOUND and _channel(ordered) is Channel.TELEPHONE:
        if outcome is LegOutcome.OPEN:
            outcome, left_at, reason = LegOutcome.FLOWED_OUT, lost_at, FlowOutReason.RESTART
        elif outcome is LegOutcome.ANSWERED and ended_at is None:
            ended_at = lost_at
    hold_ms = sum(e.data.hold_ms or 0 for e in ordered if isinstance(e, Ended))
    party = next((e.data.party for e in ordered if e.data.party), None)
    received = next((e for e in ordered if isinstance(e, Received)), None)
    message = received or next((e for e in ordered if isinstance(e, Replied)), None)
    return Leg(
        leg_id=leg_id,
        source=source,
        kind=kind,
        channel=_channel(ordered),
        channel_source=_channel_source(ordered),
        arrived_at=arrived_at,
        queue=next((e.data.queue for e in ordered if isinstance(e, Queued)), None),
        answered_at=answered_at,
        ended_at=ended_at,
        left_at=left_at,
        outcome=outcome,
        flow_out_reason=reason,
        talk_ms=_talk_ms(ordered, answered_at, ended_at, hold_ms),
        hold_ms=hold_ms,
        wrap_up_ms=sum(e.data.wrap_up_ms for e in ordered if isinstance(e, WrappedUp)),
        audience=_audience(ordered),
        automatic=_automatic(ordered),
        message=message.data.message if message else None,
        references=message.data.references if message else (),
        handovers=_handovers(ordered),
        errands=_errands(ordered),
        party=party.current if party else None,
        previous_party=party.previous if party else None,
    )


def party_keys(leg: Leg, events: Iterable[Event]) -> set[str]:
    """Return every key under which any subset of the events could have been sent to stage 2.

    A subset is what an earlier batch, or an owner that died, may have known. Hence the leg's own id
    (its key while no party is known) whenever some event names no party.
    """
    keys: set[str] = set()
    for event in events:
        party: Party | None = getattr(event.data, "party", None)
        keys.update({party.current, party.previous or party.current} if party else {leg.leg_id})
    return keys


def _kind(ordered: Sequence[Event]) -> LegKind:
    if any(isinstance(e, Replied) for e in ordered):
        return LegKind.REPLY
    if _channel(ordered) is Channel.EMAIL:
        return LegKind.INBOUND if any(isinstance(e, Received) for e in ordered) else LegKind.REGISTRATION
    only_registered = all(isinstance(e, ErrandRegistered) or e.type.endswith("identified") for e in ordered)
    return LegKind.REGISTRATION if only_registered else LegKind.INBOUND


def _channel(ordered: Sequence[Event]) -> Channel:
    """Return the first channel that is known; a leg keeps it (DOMAIN §2.1)."""
    named = _naming_channel(ordered)
    return named.channel if named else Channel.UNKNOWN


def _channel_source(ordered: Sequence[Event]) -> Provenance:
    named = _naming_channel(ordered)
    return named.channel_source if named else Provenance.DEFAULT


def _naming_channel(ordered: Sequence[Event]) -> LegData | None:
    """Return the first word on the channel; one that a system filled in gives way to any other (§2.2)."""
    known = [e.data for e in ordered if not isinstance(e, NoLeg) and e.data.channel is not Channel.UNKNOWN]
    said = (data for data in known if data.channel_source is not Provenance.DEFAULT)
    return next(said, known[0] if known else None)


def _arrived_at(ordered: Sequence[Event]) -> datetime:
    """Return the first entry into a queue or mailbox; without one, the first event.

    Some versions stamp CONNECT before ENTERQUEUE: the answer does not move the arrival.
    """
    entries = [e.time for e in ordered if isinstance(e, Queued | Received | Replied)]
    return min(entries) if entries else ordered[0].time


def _outcome(ordered: Sequence[Event]) -> tuple[LegOutcome, datetime | None, FlowOutReason | None]:
    """Return what became of the leg, when it left the queue without an answer, and why.

    Who chose to be called back has left the queue; the call back is no answer in it. Who stands in a queue
    again, after flowing out of one or not coming when called, waits again.
    """
    outcome, left_at, reason = LegOutcome.OPEN, None, None
    for event in ordered:
        if _is_answer(event):
            if outcome is not LegOutcome.CALLBACK_TAKEN:
                outcome, left_at, reason = LegOutcome.ANSWERED, None, None
        elif isinstance(event, NoShow):
            outcome, left_at, reason = LegOutcome.NO_SHOW, event.time, None
        elif isinstance(event, Queued) and outcome in {LegOutcome.FLOWED_OUT, LegOutcome.NO_SHOW}:
            outcome, left_at, reason = LegOutcome.OPEN, None, None
        elif isinstance(event, FlowedOut) and _queued_after(event, ordered):
            continue
        elif type(event) in _LEFT and outcome is not LegOutcome.ANSWERED:
            outcome, left_at = _LEFT[type(event)], event.time
            reason = event.data.reason if isinstance(event, FlowedOut) else None
    return outcome, left_at, reason


def _is_answer(event: Event) -> bool:
    """Tell whether an event is an answer, or can only follow on one."""
    if isinstance(event, HandedOver):
        return event.data.channel is not Channel.EMAIL
    return isinstance(event, Answered | Ended)


def _queued_after(left: FlowedOut, ordered: Sequence[Event]) -> bool:
    """Tell whether the source says that the call entered a queue later on in the same instant."""
    return any(
        isinstance(event, Queued)
        and (event.time, event.source) == (left.time, left.source)
        and event.data.position > left.data.position
        for event in ordered
    )


def _answered_at(ordered: Sequence[Event]) -> datetime | None:
    """Return the first answer; where only the end is known, the end less the talk."""
    for event in ordered:
        if isinstance(event, Answered):
            return event.time
    for event in ordered:
        if isinstance(event, Ended):
            return event.time - timedelta(milliseconds=event.data.talk_ms or 0)
        if isinstance(event, HandedOver) and event.data.channel is not Channel.EMAIL:
            return event.time
    return None


def _last(ordered: Sequence[Event], kind: type[Ended]) -> datetime | None:
    return max((e.time for e in ordered if isinstance(e, kind)), default=None)


def _source(ordered: Sequence[Event]) -> str:
    """Return the system that carried the leg, which is not the one where somebody registered its errands."""
    carried = (e.source for e in ordered if not isinstance(e, ErrandRegistered))
    return next(carried, ordered[0].source)


def _lost_at(seen: Sequence[datetime], restarts: Collection[datetime]) -> datetime | None:
    """Return the first restart after which the system said nothing more of the leg."""
    return min((at for at in restarts if at >= seen[-1]), default=None)


def _talk_ms(
    ordered: Sequence[Event], answered: datetime | None, ended: datetime | None, hold_ms: int
) -> int:
    """Return the talk that was measured; where none was, the time from answer to end less the hold."""
    said = [e.data.talk_ms for e in ordered if isinstance(e, Ended) and e.data.talk_ms is not None]
    if said:
        return sum(said)
    return max(0, to_ms(ended - answered) - hold_ms) if answered and ended else 0


def _audience(ordered: Sequence[Event]) -> Audience:
    """Return internal if any event says so, else the last that is known."""
    said = [
        e.data.audience
        for e in ordered
        if not isinstance(e, NoLeg) and e.data.audience not in {None, Audience.UNKNOWN}
    ]
    if Audience.INTERNAL in said:
        return Audience.INTERNAL
    return (said[-1] or Audience.UNKNOWN) if said else Audience.UNKNOWN


def _automatic(ordered: Sequence[Event]) -> Automatic | None:
    kinds = (e.data.automatic for e in ordered if isinstance(e, Received) and e.data.automatic)
    return next(kinds, None)


def _handovers(ordered: Sequence[Event]) -> tuple[LegHandover, ...]:
    """Return the passings to departments; from the centre to itself is none."""
    return tuple(
        LegHandover(at=e.time, kind=e.data.kind, unit=e.data.unit, errand=e.data.errand)
        for e in ordered
        if isinstance(e, HandedOver) and e.data.unit is not None
    )


def _errands(ordered: Sequence[Event]) -> tuple[LegErrand, ...]:
    """Return each errand as last said, in order of their names."""
    latest: dict[str, ErrandRegistered] = {}
    since: dict[str, datetime] = {}
    for said in ordered:
        if isinstance(said, ErrandRegistered):
            known = latest.get(said.data.errand)
            if known is None or known.data.outcome is not said.data.outcome:
                since[said.data.errand] = said.time
            latest[said.data.errand] = said
    return tuple(
        LegErrand(
            errand=name,
            at=event.time,
            topic=event.data.topic,
            level=event.data.level,
            performed_by=event.data.performed_by,
            outcome=event.data.outcome,
            outcome_source=event.data.outcome_source,
            unit=event.data.unit,
            thanks=event.data.thanks,
            since=since[name],
        )
        for name, event in sorted(latest.items())
    )
