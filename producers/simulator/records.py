"""What the simulator gives out: one line or one message, and when the real system would write it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class RecordKind(StrEnum):
    """Where a record is written."""

    QUEUE_LOG = "queue_log"
    """A line of Asterisk's queue_log, without its line end."""
    INBOX = "inbox"
    """A message in the centre's inbox."""
    SENT = "sent"
    """A message that the centre sent."""
    VISIT = "visit"
    """A line of the desk's registrations (JSON), without its line end."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record.

    ``at`` (aware, UTC) is the instant of writing, whatever time the payload claims. ``leg`` is the id of
    the call, message or visit that it is about, as the systems know it; empty where there is none.
    ``name`` is the file name of a message, without a folder.
    """

    at: datetime
    kind: RecordKind
    payload: bytes
    leg: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A record before it is put in its place: ``at`` in seconds since 1970 (UTC)."""

    at: float
    kind: RecordKind
    payload: bytes
    leg: str = ""
    name: str = ""

    def record(self) -> Record:
        """Return the record, its time in whole milliseconds."""
        at = datetime.fromtimestamp(round(self.at, 3), UTC)
        return Record(at, self.kind, self.payload, self.leg, self.name)
