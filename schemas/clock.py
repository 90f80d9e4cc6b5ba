"""The clock as a port: whoever needs to know the time is given one."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time. Real in production, scaled in the demo, fixed in tests."""

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        ...
