"""What is known of the calls that are in an exchange's queues, or were answered out of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

REMEMBERED = 5000
"""Calls beyond this number are forgotten, the oldest first: those whose end was never told."""


@dataclass(slots=True)
class Call:
    """A call that is in a queue, or was answered out of it. Times are UTC."""

    callid: str
    queue: str
    exten: str = ""
    """Where in the dialplan it was when it came to the queue."""
    key: str = ""
    """The key that led it elsewhere in the dialplan; then it leaves the queue, or has left it …"""
    left_at: datetime | None = None
    """… at this time: versions of Asterisk differ in what they tell first."""
    untold_since: datetime | None = None
    """When it came to the queue, where no line says so yet."""
    answered: bool = False
    abandoned_at: datetime | None = None
    """When the exchange gave it up; why, it tells next."""
    agent_channel: str = ""
    interface: str = ""
    """The agent's telephone: the exchange may name no more than that when the call ends."""
    hung_up: bool = False
    """Whether the caller or the agent has; then the exchange may not know their channels any more."""
    holding_since: datetime | None = None
    held_ms: int = 0
    transfer: tuple[str, ...] = ()
    """Verb and target of a transfer that the exchange has told, until it tells that the agent is free."""
    completed: tuple[datetime, str, str, str] | None = None
    """Time, wait, talk and agent of an end by transfer whose target has not been told yet."""


class Calls:
    """Calls by their id, and by the channel and the telephone of the agent who has them."""

    def __init__(self) -> None:
        """Know of no call."""
        self._calls: dict[str, Call] = {}

    def __iter__(self) -> Iterator[Call]:
        """Yield the calls, the oldest first."""
        return iter(self._calls.values())

    def get(self, callid: str) -> Call | None:
        """Return the call of that id."""
        return self._calls.get(callid)

    def add(self, call: Call) -> Call:
        """Remember a call, and return it."""
        self._calls[call.callid] = call
        if len(self._calls) > REMEMBERED:
            del self._calls[next(iter(self._calls))]
        return call

    def remove(self, call: Call) -> None:
        """Forget a call."""
        self._calls.pop(call.callid, None)

    def clear(self) -> None:
        """Forget all calls."""
        self._calls.clear()

    def of_channels(self, channels: Iterable[str]) -> Call | None:
        """Return the call whose caller or agent has one of these channels."""
        wanted = {channel for channel in channels if channel}
        return next((c for c in self if c.callid in wanted or c.agent_channel in wanted), None)

    def of_telephone(self, queue: str, interface: str) -> Call | None:
        """Return the call out of the queue that was answered at a telephone: one that has ended, if any.

        Of several the latest.
        """
        found = [c for c in self if c.answered and (c.queue, c.interface) == (queue, interface)]
        ended = [call for call in found if call.hung_up]
        return (ended or found)[-1] if interface and found else None
