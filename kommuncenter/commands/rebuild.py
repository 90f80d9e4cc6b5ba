"""``kommuncenter rebuild``: compute days anew from the archive, with what came late."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from kommuncenter.commands.common import logged_settings, out, told
from kommuncenter.verifying import day
from schemas.errors import ConfigurationError


@told
def rebuild(
    since: Annotated[
        str | None,
        typer.Option(
            help="First day to compute anew, such as 2026-11-02. Without it: go on with what is open."
        ),
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the workers.")] = 300.0,
) -> None:
    """Compute all figures from a day on anew, from the archive; events that came late are taken in."""
    from kommuncenter import wiring

    rebuilder = wiring.rebuilder(logged_settings())
    first = day("--since", since)
    if first is not None:
        asked = rebuilder.ask(first)
        out.print(f"Asked for all days from {asked.since} on; {asked.late} late events are taken in.")
    found = rebuilder.open()
    if not found:
        raise ConfigurationError("no rebuild is open; name the first day with --since")
    for asked in found:
        rebuilder.see_through(asked, timedelta(seconds=wait))
        out.print(f"Rebuilt from {asked.since} on. See `kommuncenter verify`.")
