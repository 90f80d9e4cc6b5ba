"""Lines of the desk's journal, in the words of the desk source (``producers.sources.desk.records``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from producers.simulator.model import Errand
from producers.simulator.records import Draft, RecordKind
from producers.sources.desk import records
from producers.sources.desk.records import to_line
from schemas.events import Channel, ErrandOutcome, PerformedBy


@dataclass(frozen=True, slots=True)
class About:
    """Which contact errands are registered for.

    ``leg`` is what the desk calls it: a visit's own id, or the full leg id of a call or mail. ``system_leg``
    is what its own system calls it.
    """

    channel: Channel
    leg: str
    system_leg: str


def instant(at: float) -> datetime:
    """Return seconds since 1970 as an instant in UTC, in whole milliseconds."""
    return datetime.fromtimestamp(round(at, 3), UTC)


def draft(at: float, leg: str, line: records.Line) -> Draft:
    """Return the record that holds a line."""
    return Draft(at, RecordKind.VISIT, to_line(line).rstrip(b"\n"), leg)


def errand_line(about: About, at: float, number: int, errand: Errand, *, done: bool) -> Draft:
    """Return the line about errand ``number`` of a contact, at first (not ``done``) or in the end."""
    line = records.Errand(
        at=instant(at),
        key=f"{about.leg}.e{number}.{'done' if done else 'open'}",
        leg=about.leg,
        channel=about.channel,
        errand=f"e{number}",
        topic=errand.topic,
        level=errand.level if done else None,
        performed_by=_performed_by(errand) if done else None,
        outcome=_outcome(errand) if done else ErrandOutcome.OPEN,
        unit=errand.unit if done else None,
    )
    return draft(at, about.system_leg, line)


def thanks_line(about: About, at: float) -> Draft:
    """Return the line that says that a mail only says thanks."""
    line = records.Errand(
        at=instant(at),
        key=f"{about.leg}.thanks",
        leg=about.leg,
        channel=about.channel,
        outcome=ErrandOutcome.RESOLVED,
        performed_by=PerformedBy.CENTRE,
        thanks=True,
    )
    return draft(at, about.system_leg, line)


def _performed_by(errand: Errand) -> PerformedBy:
    return PerformedBy.CENTRE if errand.solved else PerformedBy.DEPARTMENT


def _outcome(errand: Errand) -> ErrandOutcome:
    return ErrandOutcome.RESOLVED if errand.solved else ErrandOutcome.HANDED_OVER
