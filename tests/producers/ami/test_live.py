"""A real exchange with real calls: its log and its manager interface come to the same figures."""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from producers.sources.asterisk_ami.settings import AmiSettings
from schemas.events import FlowOutReason, HandoverKind
from schemas.legs import Leg, LegOutcome
from tests.producers.ami.exchange import (
    Listener,
    apart,
    driving,
    legs_heard,
    legs_of_log,
    listening,
    until,
)
from tests.services.asterisk import Asterisk, asterisk

__all__ = ["asterisk"]

A_SECOND = timedelta(seconds=1.1)
"""The log has whole seconds, cut off; a wait or a talk is the difference of two of them."""


_END = re.compile(r"\|(COMPLETE|ABANDON|EXIT|LEAVE|JOIN|FULL|BLINDTRANSFER)")


def number(which: int) -> str:
    """Return a telephone number that is nobody's."""
    return f"07017406{5 + which:02}"


def settings(exchange: Asterisk, folder: Path, port: int | None = None) -> AmiSettings:
    return AmiSettings(
        port=port or exchange.port,
        secret=SecretStr(exchange.secret),
        spool=folder / "heard.log",
        ping_seconds=1,
        timeout_seconds=5,
    )


def said(leg: Leg) -> tuple[object, ...]:
    """Return what both ways in must say alike."""
    return (leg.outcome, leg.flow_out_reason, leg.queue, [(h.kind, h.unit) for h in leg.handovers])


@pytest.mark.integration
def test_the_log_and_what_is_heard_come_to_the_same(asterisk: Asterisk, tmp_path: Path) -> None:
    listener = Listener(settings(asterisk, tmp_path))

    async def a_day_at_the_centre() -> None:
        async with driving(asterisk) as exchange, listening(listener):
            exchange.call("kommuncenter-30", number(0), gives_up=30)
            exchange.call("kommuncenter-30", number(1), gives_up=30)
            exchange.call("tyst-30", number(2), gives_up=2)
            exchange.call("tyst-2", number(3), gives_up=30)
            exchange.call("tyst-30", number(4), gives_up=30, phone="presses")
            exchange.call("kommuncenter-30", number(5), gives_up=30)
            exchange.call("tyst-2", number(6), gives_up=30, SECOND="kommuncenter")
            exchange.call("kommuncenter-30", number(7), gives_up=30, HIDE="yes")
            exchange.call("full-30", number(8), gives_up=30)
            exchange.hang_up(await exchange.agent_of(number(1)))
            exchange.transfer(await exchange.agent_of(number(5)), "3201")
            for which in (0, 6, 7):
                exchange.hang_up(await exchange.caller_of(number(which), "AgentConnect"))
            full = await exchange.caller_of(number(8), "QueueCallerJoin")
            exchange.call("full-30", number(9), gives_up=30)
            exchange.call("tom-30", number(10), gives_up=30)
            await until(lambda: any("|FULL" in line for line in listener.lines))
            exchange.hang_up(full)
            await until(lambda: ends(asterisk.queue_log.read_text().splitlines()) == 10)
            await until(lambda: ends(listener.lines) == 12)

    try:
        asyncio.run(a_day_at_the_centre())
    finally:  # shown where the test fails
        sys.stdout.write("\n".join(["heard", *listener.lines, "logged", asterisk.queue_log.read_text()]))
    logged, heard = legs_of_log(asterisk), legs_heard(listener)
    refused = {leg: heard.pop(leg) for leg in heard.keys() - logged.keys()}
    # Asterisk's log says nothing of callers whom a queue did not take.
    assert Counter(leg.flow_out_reason for leg in refused.values()) == {
        FlowOutReason.FULL: 1,
        FlowOutReason.EMPTY: 1,
    }
    assert heard.keys() == logged.keys()
    assert {leg: said(heard[leg]) for leg in heard} == {leg: said(logged[leg]) for leg in logged}
    assert Counter(leg.outcome for leg in heard.values()) == {
        LegOutcome.ANSWERED: 5,
        LegOutcome.ABANDONED: 2,
        LegOutcome.FLOWED_OUT: 2,
    }
    handovers = [(h.kind, h.unit) for leg in heard.values() for h in leg.handovers]
    assert handovers == [(HandoverKind.BLIND, "omsorg")]
    hidden = [leg for leg in heard if heard[leg].party is None]
    assert len(hidden) == 1
    # Versions before log-restricted-caller-id write a hidden number into the log all the same.
    assert {leg: heard[leg].party for leg in heard if leg not in hidden} == {
        leg: logged[leg].party for leg in logged if leg not in hidden
    }
    for name, mine in heard.items():
        other = logged[name]
        assert apart(mine.arrived_at, other.arrived_at) < A_SECOND, name
        assert apart(mine.answered_at, other.answered_at) < A_SECOND, name
        assert apart(mine.left_at, other.left_at) < A_SECOND, name
        assert apart(mine.ended_at, other.ended_at) < A_SECOND, name
        # Both are cut off to whole seconds, at slightly different times.
        assert abs(mine.talk_ms - other.talk_ms) <= 1000, name
    assert not listener.gaps


def ends(lines: list[str]) -> int:
    """Return how often a call left a queue or an agent."""
    return sum(_END.search(line) is not None for line in lines)
