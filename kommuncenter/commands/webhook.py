"""``kommuncenter source webhook``: receive what other systems send."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from kommuncenter.commands.common import logged_settings, told


@told
def webhook(
    instances: Annotated[list[str], typer.Argument(help="Configured instances of webhook sources.")],
) -> None:
    """Receive webhooks, and publish their events, until stopped."""
    from kommuncenter import webhooks, wiring

    settings = logged_settings()
    doors = [webhooks.door(settings, instance) for instance in dict.fromkeys(instances)]
    wiring.create_topics(settings)
    asyncio.run(webhooks.serve(settings, doors))
