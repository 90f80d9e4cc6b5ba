"""The limits of the definitions, in one place: what DOMAIN leaves settable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from schemas.catalogue import Catalogue
from schemas.measures import WINDOWS_W


@dataclass(frozen=True, slots=True)
class Rules:
    """What classification needs beside the facts. Defaults are DOMAIN's."""

    catalogue: Catalogue
    target: timedelta = timedelta(seconds=60)
    """Service level: answered within this (DOMAIN §2.4)."""
    short_abandon: timedelta = timedelta(seconds=5)
    dropped_talk: timedelta = timedelta(seconds=60)
    """A call cut after at most this much talk may go on in the next one (CORRECTIONS 27)."""
    dropped_gap: timedelta = timedelta(minutes=10)
    redial_gap: timedelta = timedelta(hours=1)
    reopen_within: timedelta = timedelta(days=7)
    """A later message of a thread within this belongs to the same contact (CORRECTIONS 31)."""
    repeat_within: timedelta = timedelta(days=max(WINDOWS_W))
