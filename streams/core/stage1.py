"""Stage 1 of one partition: events in, states of legs out. Pure but for the state that it holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from schemas.events import Event, NoLeg, SystemRestarted, to_json
from schemas.legs import Leg, LegMessage, LegState, Retraction, Sighting, revision
from streams.core.leg import fold_leg, party_keys


def payload_version(payload: bytes) -> int:
    """Return the rank of a payload among those with the same event id (CORRECTIONS 15).

    63 bits of its hash; the lowest bit is left to the archive for *on time*.
    """
    return int.from_bytes(hashlib.sha256(payload).digest()[:8], "big") & ~1


@dataclass(slots=True)
class Stage1:
    """The legs of one partition number over all source topics (CORRECTIONS 19)."""

    partition: int
    epoch: int
    counter: int = 0
    legs: dict[str, dict[str, Event]] = field(default_factory=dict)
    restarts: dict[str, dict[str, datetime]] = field(default_factory=dict)
    lost: dict[str, set[str]] = field(default_factory=dict)
    """Keys of a leg that only payloads named which lost to another with the same event id."""
    conflicts: int = 0

    def apply(self, events: Iterable[Event]) -> list[LegMessage]:
        """Take in events and return what stage 2 must hear.

        Every leg that the events touch is sent on, also where nothing was new: the batch may be the
        second try of one that died half-way (DESIGN, rule 5).
        """
        touched: dict[str, None] = {}
        for event in events:
            touched.update(dict.fromkeys(self._take(event)))
        return [message for leg_id in touched for message in self.messages(leg_id)]

    def restore(self, events: Iterable[Event]) -> None:
        """Take in archived events without sending anything on."""
        for event in events:
            self._take(event)

    def knows(self, event: Event) -> bool:
        """Tell whether just this event is in the state, and so in the archive."""
        if isinstance(event, SystemRestarted):
            return self.restarts.get(event.source, {}).get(event.id) == event.time
        return self.legs.get(event.subject, {}).get(event.id) == event

    def messages(self, leg_id: str) -> list[LegMessage]:
        """Return the leg's state under its key, a sighting under a former one, and retractions elsewhere."""
        events = self.legs[leg_id]
        leg = self.leg(leg_id)
        key = leg.party or leg.leg_id
        sent: list[LegMessage] = [
            LegState(key=key, leg_id=leg_id, partition=self.partition, revision=self._next(), leg=leg)
        ]
        shown = {key}
        if leg.previous_party and leg.previous_party != key:
            shown.add(leg.previous_party)
            sent.append(
                Sighting(
                    key=leg.previous_party,
                    leg_id=leg_id,
                    partition=self.partition,
                    revision=self._next(),
                    leg=leg,
                )
            )
        formerly = party_keys(leg, events.values()) | self.lost.get(leg_id, set())
        return [*sent, *self.retractions(leg, formerly - shown)]

    def retractions(self, leg: Leg, keys: Iterable[str]) -> list[LegMessage]:
        """Return that a leg stands no longer under some keys."""
        return [
            Retraction(
                key=key,
                leg_id=leg.leg_id,
                partition=self.partition,
                revision=self._next(),
                arrived_at=leg.arrived_at,
            )
            for key in sorted(keys)
        ]

    def leg(self, leg_id: str) -> Leg:
        """Return the leg as its events describe it now."""
        restarts = {source: at.values() for source, at in self.restarts.items()}
        return fold_leg(leg_id, self.legs[leg_id].values(), restarts)

    def _take(self, event: Event) -> Sequence[str]:
        """Add one event to the state; return the ids of the legs that it touches."""
        if isinstance(event, SystemRestarted):
            self.restarts.setdefault(event.source, {})[event.id] = event.time
            return self._open_before(event)
        if isinstance(event, NoLeg):
            return ()
        known = self.legs.setdefault(event.subject, {})
        if event.id in known and known[event.id] != event:
            self.conflicts += 1
            rank = {payload_version(to_json(e)): e for e in (known[event.id], event)}
            event = rank[max(rank)]
            leg = fold_leg(event.subject, [event], {})
            self.lost.setdefault(event.subject, set()).update(party_keys(leg, rank.values()))
        known[event.id] = event
        return (event.subject,)

    def _open_before(self, restart: SystemRestarted) -> Sequence[str]:
        """Return the legs that a restart may have cut, or may be the earliest to have cut."""
        return [
            leg_id
            for leg_id, events in self.legs.items()
            if all(e.time <= restart.time for e in events.values() if e.source == restart.source)
            and (leg := self.leg(leg_id)).source == restart.source
            and (leg.ended_at is None or leg.ended_at >= restart.time)
            and (leg.left_at is None or leg.left_at >= restart.time)
        ]

    def _next(self) -> int:
        self.counter += 1
        return revision(self.epoch, self.counter)
