"""Waiting for the workers: what verify and rebuild have in common."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

Lag = Callable[[], int]
"""Tells how many records the worker has not done yet. Raises RetriableError while the broker is away."""


def behind(lag: Lag) -> str:
    """Return how far the worker is behind, for people; empty where it is through."""
    records = lag()
    return f"the worker is {records} records behind" if records else ""


def still_pending(look: Callable[[], str], wait: timedelta) -> str:
    """Look again and again until nothing is pending, or ``wait`` has passed; return what is pending then."""
    deadline = time.monotonic() + wait.total_seconds()
    while (pending := look()) and time.monotonic() < deadline:
        time.sleep(0.2)  # between two looks
    return pending
