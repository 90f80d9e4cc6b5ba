"""The telephone queue: calls, agents and patience; waits and abandoned calls come out of it.

A discrete-event simulation of one day: first come, first served; the agent who has been idle longest
gets the call.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import count
from uuid import UUID

from producers.simulator.model import Errand, Need
from producers.simulator.population import Customer
from producers.simulator.queue_log import line
from producers.simulator.randomness import stream
from producers.simulator.records import Draft
from producers.simulator.settings import SimulationSettings
from schemas.catalogue import Catalogue

_RING_S = (2.0, 7.0)
_NO_ANSWER_SHARE = 0.02
_NO_ANSWER_MS = 15_000
_WRAP_UP_S = (15.0, 60.0)
_MAXIMUM_WAIT_S = 1200.0
_GRACE_S = 1200.0
_REDIAL_MEAN_S = 300.0
_BLIND_SHARE = 0.6
_UNNAMED_SHARE = 0.08
"""Transfers of which the log says that two calls were joined, and not where the other one went."""
_LATE_CALLS = 1.0
_AWAY_S = 120.0


class _Kind(StrEnum):
    ARRIVE = "arrive"
    GIVE_UP = "give_up"
    ANSWER = "answer"
    NO_ANSWER = "no_answer"
    END = "end"
    FREE = "free"
    BACK = "back"
    SHIFT = "shift"
    CLOSE = "close"


@dataclass(slots=True)
class _Call:
    callid: str
    arrived: float
    customer: Customer
    errands: tuple[Errand, ...]
    caller_id: str
    patience: float
    entered_at: int = 1
    again: bool = False
    rang: float = 0.0
    connected: float | None = None
    agent: int | None = None
    gone: bool = False
    talk: float = 0.0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """A call that an agent took. ``at`` and ``ended`` in seconds since 1970."""

    leg: str
    at: float
    ended: float
    errands: tuple[Errand, ...]


@dataclass(slots=True)
class TelephoneDay:
    """What a day gave: the lines of the log, and the conversations that ended."""

    lines: list[Draft] = field(default_factory=list)
    conversations: list[Conversation] = field(default_factory=list)


class Exchange:
    """The simulated exchange with its queue."""

    def __init__(self, settings: SimulationSettings, catalogue: Catalogue) -> None:
        self._settings = settings
        self._catalogue = catalogue

    def day(self, day: date, needs: Sequence[Need], volume: float) -> TelephoneDay:
        """Return an open day's log. ``needs`` are the calls, ``volume`` the errands that were foreseen."""
        hours = self._catalogue.opening(day)
        if hours is None:
            return TelephoneDay()
        opens, closes = hours[0].timestamp(), hours[1].timestamp()
        run = _Run(self._settings, self._catalogue, day, opens, closes)
        run.staff(_staffing(self._settings, volume))
        for need in needs:
            run.arrive(need.at, need.customer, need.errands)
        run.after_hours()
        run.play()
        return run.result


def _staffing(settings: SimulationSettings, volume: float) -> list[int]:
    """Return the agents on duty in each part of the opening hours, from the load that is foreseen."""
    mean_talk = settings.talk_median_s * math.exp(settings.talk_sigma**2 / 2)
    handling = mean_talk + sum(_WRAP_UP_S) / 2 + sum(_RING_S) / 2
    calls = volume * (settings.telephone_share + settings.internal_share)
    part_s = 8 * 3600 / len(settings.hour_shares)
    loads = [calls * share * handling / part_s for share in settings.hour_shares]
    return [
        min(max(math.ceil(load + 0.75), settings.minimum_agents), settings.maximum_agents) for load in loads
    ]


class _Run:
    """One day, in order of time."""

    def __init__(
        self, settings: SimulationSettings, catalogue: Catalogue, day: date, opens: float, closes: float
    ) -> None:
        self._settings, self._catalogue = settings, catalogue
        self._opens, self._closes = opens, closes
        self._callers = stream(settings.seed, "callers", day)
        self._talks = stream(settings.seed, "conversations", day)
        self._agents = stream(settings.seed, "agents", day)
        self._events: list[tuple[float, int, _Kind, _Call | int | None]] = []
        self._order = count()
        self._numbers = count(1)
        self._waiting: deque[_Call] = deque()
        self._idle: list[tuple[float, int]] = []
        self._busy: set[int] = set()
        self._on_duty = 0
        self._closed = False
        self.result = TelephoneDay()

    # ---- what is to happen -------------------------------------------------------------------------
    def staff(self, staffing: Sequence[int]) -> None:
        """Plan the agents' shifts, and the closing of the queue."""
        for agent in range(max(staffing)):
            self._log(self._opens - 300 + agent, None, self._agent(agent), "ADDMEMBER", "")
        length = (self._closes - self._opens) / len(staffing)
        for part, agents in enumerate(staffing):
            self._push(self._opens + part * length, _Kind.SHIFT, agents)
        self._push(self._closes + _GRACE_S, _Kind.CLOSE, max(staffing))

    def arrive(
        self, at: float, customer: Customer, errands: tuple[Errand, ...], *, again: bool = False
    ) -> None:
        """Plan a call."""
        patience = self._callers.expovariate(1 / self._settings.patience_mean_s)
        caller_id = customer.caller_id(self._callers)
        callid = f"{int(at)}.{next(self._numbers)}"
        self._push(at, _Kind.ARRIVE, _Call(callid, at, customer, errands, caller_id, patience, again=again))

    def after_hours(self) -> None:
        """Let a few call after closing: the queue, which has no agents then, takes none of them in."""
        if self._callers.random() < _LATE_CALLS / 2:
            at = self._closes + _GRACE_S + self._callers.expovariate(1 / 900.0)
            self._log(at, f"{int(at)}.{next(self._numbers)}", "NONE", "JOINEMPTY")

    def play(self) -> None:
        """Let everything happen."""
        while self._events:
            at, _, kind, subject = heapq.heappop(self._events)
            if isinstance(subject, _Call):
                self._call_event(at, kind, subject)
            elif subject is not None:
                self._agent_event(at, kind, subject)

    def _call_event(self, at: float, kind: _Kind, call: _Call) -> None:
        if kind is _Kind.ARRIVE:
            self._enter(at, call)
        elif kind is _Kind.GIVE_UP:
            self._give_up(at, call)
        elif kind is _Kind.ANSWER:
            self._answer(at, call)
        elif kind is _Kind.NO_ANSWER:
            self._no_answer(at, call)
        else:
            self._end(at, call)

    def _agent_event(self, at: float, kind: _Kind, subject: int) -> None:
        if kind is _Kind.SHIFT:
            self._shift(at, subject)
        elif kind is _Kind.CLOSE:
            self._close(at, subject)
        else:
            if kind is _Kind.BACK:
                self._log(at, None, self._agent(subject), "UNPAUSE", "")
            self._free(at, subject)

    # ---- calls -------------------------------------------------------------------------------------
    def _enter(self, at: float, call: _Call) -> None:
        if self._closed:
            self._log(at, call.callid, "NONE", "JOINEMPTY")
            return
        self._waiting.append(call)
        call.entered_at = len(self._waiting)
        self._log(at, call.callid, "NONE", "ENTERQUEUE", "", call.caller_id, call.entered_at)
        self._push(at + min(call.patience, _MAXIMUM_WAIT_S), _Kind.GIVE_UP, call)
        self._dispatch(at)

    def _give_up(self, at: float, call: _Call) -> None:
        if call.connected is not None or call.gone:
            return
        verb = "ABANDON" if call.patience < _MAXIMUM_WAIT_S else "EXITWITHTIMEOUT"
        self._leave(at, call, verb)
        drawn, pause = self._callers.random(), 20 + self._callers.expovariate(1 / _REDIAL_MEAN_S)
        if drawn < self._settings.redial_share and at + pause < self._closes:
            self.arrive(at + pause, call.customer, call.errands, again=True)

    def _leave(self, at: float, call: _Call, verb: str) -> None:
        call.gone = True
        position = self._waiting.index(call) + 1 if call in self._waiting else 1
        if call in self._waiting:
            self._waiting.remove(call)
        self._log(at, call.callid, "NONE", verb, position, call.entered_at, int(at - call.arrived))
        if call.agent is not None:
            self._free(at, call.agent)
            call.agent = None

    def _answer(self, at: float, call: _Call) -> None:
        if call.gone or call.agent is None:
            return
        call.connected = at
        agent, wait = call.agent, int(at - call.arrived)
        bridged = f"{int(at)}.{next(self._numbers)}"
        self._log(at, call.callid, self._agent(agent), "CONNECT", wait, bridged, int(at - call.rang))
        call.talk = self._talks.lognormvariate(
            math.log(self._settings.talk_median_s), self._settings.talk_sigma
        )
        named = not call.customer.hidden and not call.again and len(call.errands) == 1
        call.cut = self._talks.random() < self._settings.dropped_share and named
        if call.cut:
            call.talk = 5 + 50 * self._talks.random()
        call.talk = min(max(call.talk, 8.0), 3600.0)
        self._push(at + call.talk, _Kind.END, call)

    def _no_answer(self, at: float, call: _Call) -> None:
        if call.gone or call.agent is None:
            return
        agent, call.agent = call.agent, None
        self._log(at, call.callid, self._agent(agent), "RINGNOANSWER", _NO_ANSWER_MS)
        self._log(at, None, self._agent(agent), "PAUSE", "Auto-Pause")
        self._push(at + _AWAY_S, _Kind.BACK, agent)
        self._waiting.appendleft(call)
        self._dispatch(at)

    def _end(self, at: float, call: _Call) -> None:
        agent, connected = call.agent, call.connected
        if agent is None or connected is None:
            return
        self._log_end(at, call, agent, connected)
        if call.cut:
            self.arrive(at + 15 + 200 * self._talks.random(), call.customer, call.errands, again=True)
        else:
            self.result.conversations.append(Conversation(call.callid, connected, at, call.errands))
        wrap_up = self._agents.uniform(*_WRAP_UP_S)
        self._log(at + 1, call.callid, self._agent(agent), "WRAPUPSTART", int(wrap_up))
        self._push(at + 1 + wrap_up, _Kind.FREE, agent)

    def _log_end(self, at: float, call: _Call, agent: int, connected: float) -> None:
        spans = (int(connected - call.arrived), int(at - connected), call.entered_at)
        blind, caller_hangs_up, place = (self._talks.random() for _ in range(3))
        passed = next((errand for errand in call.errands if errand.unit and errand.by_transfer), None)
        if call.cut or passed is None or passed.unit is None:
            verb = "COMPLETECALLER" if caller_hangs_up < 0.7 or call.cut else "COMPLETEAGENT"
            self._log(at, call.callid, self._agent(agent), verb, *spans)
            return
        extension = self._catalogue.units[passed.unit].extensions[0]
        target: tuple[str, str] = (f"{extension}{1 + int(40 * place):02d}", "internal")
        verb = "BLINDTRANSFER" if blind < _BLIND_SHARE else "ATTENDEDTRANSFER"
        if blind >= 1 - _UNNAMED_SHARE:
            target = ("BRIDGE", str(UUID(int=self._talks.getrandbits(128))))
        self._log(at, call.callid, self._agent(agent), verb, *target, *spans)

    # ---- agents ------------------------------------------------------------------------------------
    def _dispatch(self, at: float) -> None:
        while self._waiting and self._idle:
            _, agent = heapq.heappop(self._idle)
            call = self._waiting.popleft()
            self._busy.add(agent)
            call.agent, call.rang = agent, at
            if self._agents.random() < _NO_ANSWER_SHARE:
                self._push(at + _NO_ANSWER_MS / 1000, _Kind.NO_ANSWER, call)
            else:
                self._push(at + self._agents.uniform(*_RING_S), _Kind.ANSWER, call)

    def _free(self, at: float, agent: int) -> None:
        self._busy.discard(agent)
        if agent < self._on_duty:
            heapq.heappush(self._idle, (at, agent))
            self._dispatch(at)
        else:
            self._log(at, None, self._agent(agent), "PAUSE", "e-post")

    def _shift(self, at: float, agents: int) -> None:
        before, self._on_duty = self._on_duty, agents
        for agent in range(before, agents):
            if agent not in self._busy:
                self._log(at, None, self._agent(agent), "UNPAUSE", "")
                heapq.heappush(self._idle, (at, agent))
        for _, agent in [entry for entry in self._idle if entry[1] >= agents]:
            self._log(at, None, self._agent(agent), "PAUSE", "e-post")
        self._idle = [entry for entry in self._idle if entry[1] < agents]
        heapq.heapify(self._idle)
        self._dispatch(at)

    def _close(self, at: float, agents: int) -> None:
        self._closed = True
        for call in list(self._waiting):
            self._leave(at, call, "EXITEMPTY")
        for agent in range(agents):
            self._log(at + 1 + agent, None, self._agent(agent), "REMOVEMEMBER", "")

    # ---- writing -----------------------------------------------------------------------------------
    def _agent(self, agent: int) -> str:
        return f"PJSIP/20{agent + 1:02d}"

    def _push(self, at: float, kind: _Kind, subject: _Call | int) -> None:
        heapq.heappush(self._events, (at, next(self._order), kind, subject))

    def _log(self, at: float, callid: str | None, agent: str, verb: str, *data: object) -> None:
        written = line(at, callid or "NONE", self._settings.queue, agent, verb, *data, leg=callid or "")
        self.result.lines.append(written)
