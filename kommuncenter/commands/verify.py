"""``kommuncenter verify``: prove the figures, once or every night."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

import structlog
import typer

from kommuncenter.commands.common import err, logged_settings, out, told
from kommuncenter.settings import Settings
from schemas.errors import KommuncenterError, RetriableError
from streams.verify.compare import Verification

log = structlog.get_logger(__name__)


@told
def verify(
    since: Annotated[
        str | None, typer.Option(help="First day, such as 2026-11-16; default: all kept.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Last day, included.")] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for a worker that is behind.")] = 30.0,
    daily: Annotated[
        str | None, typer.Option(help="Run every day at a local time, such as 03:15, until stopped.")
    ] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Prove the figures: recompute them from contacts, contacts from events, and tell what differs.

    What was found is recorded in the store, where the alarm and the operations board look.
    """
    from kommuncenter import verifying, wiring

    settings = logged_settings()
    verifier, chosen = wiring.verifier(settings), verifying.days(since, until)

    def once() -> Verification:
        return verifier.verify(*chosen, timedelta(seconds=wait))

    if daily is not None:
        every_day(settings, daily, once)
    found = _recorded(settings, once)
    if json:
        sys.stdout.write(verifying.as_json(found))
    else:
        verifying.show(found, out)
    if not found.equal:
        raise typer.Exit(1)


def _recorded(settings: Settings, once: Callable[[], Verification]) -> Verification:
    """Verify, record what was found, and return it; a store that takes no record is told of, no more."""
    from kommuncenter import wiring
    from streams.verify.record import Run

    begun = time.monotonic()
    found = once()
    took = timedelta(seconds=time.monotonic() - begun)
    try:
        wiring.verifications(settings).record(Run(wiring.clock(settings).now(), found, took))
    except KommuncenterError as error:
        err.print(f"kommuncenter: not recorded: {error}", markup=False, highlight=False)
    return found


def every_day(settings: Settings, daily: str, once: Callable[[], Verification]) -> None:
    """Verify every day at a local time; does not return.

    A run that can't compare, since the worker or the store is away, is logged, and the next is tomorrow's:
    that none was recorded is an alarm of its own.
    """
    from kommuncenter import wiring
    from kommuncenter.schedule import clock_time_of, next_daily, wait_until

    at, clock = clock_time_of("--daily", daily), wiring.clock(settings)
    while True:
        due = next_daily(clock.now(), at)
        log.info("verify_waits", until=due.isoformat())
        wait_until(due, clock)
        try:
            found = _recorded(settings, once)
            level = log.info if found.equal else log.error
            level("verified", since=str(found.since), equal=found.equal, differing=found.differing)
        except RetriableError as error:
            log.error("verify_failed", reason=str(error))
