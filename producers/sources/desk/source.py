"""The desk source: what the lines of the desk's journal mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from producers.contract import (
    Context,
    Normalised,
    Raw,
    Reader,
    ReaderContext,
    Source,
    SourceSettings,
)
from producers.records import rejected
from producers.sources.desk import records
from producers.sources.desk.records import Line, line_adapter
from producers.tail import FollowedFile
from schemas import events
from schemas.events import Channel, Event, Slug
from schemas.identity import stable_hash


class DeskSettings(SourceSettings):
    """Settings of the desk."""

    journal: Path
    """The file to which the form appends."""
    system: Slug = "koordinaten"
    """Names the desk in the ids of visits."""
    queue: Slug = "koordinaten"
    """The queue of visitors whose line names none."""


def normalise(raw: Raw, settings: DeskSettings, context: Context) -> Normalised:
    """Return the event of one line of the journal. Total: what is no such line is Rejected."""
    if not raw.payload.strip():
        return []
    try:
        line = line_adapter.validate_json(raw.payload)
        return [_event(line, settings, context.instance)]
    except ValidationError as error:
        return rejected(error)


def _event(line: Line, settings: DeskSettings, instance: str) -> Event:
    """Return the event of a line. Raises ValidationError where an id gets too long."""
    about = _About(line, settings, instance)
    if isinstance(line, records.Registered):
        queue = line.queue or settings.queue
        return events.Queued(**about.envelope, data=events.QueuedData(**about.leg, queue=queue))
    if isinstance(line, records.Called):
        return events.Answered(**about.envelope, data=events.AnsweredData(**about.leg))
    if isinstance(line, records.NoShow):
        return events.NoShow(**about.envelope, data=events.NoShowData(**about.leg))
    if isinstance(line, records.Finished):
        return events.Ended(**about.envelope, data=events.EndedData(**about.leg, talk_ms=line.talk_ms))
    if isinstance(line, records.HandedOver):
        said = {"kind": line.kind, "unit": line.unit, "errand": line.errand}
        return events.HandedOver(**about.envelope, data=events.HandedOverData(**about.leg, **said))
    said = line.model_dump(include={"errand", "topic", "level", "performed_by", "outcome", "unit", "thanks"})
    return events.ErrandRegistered(**about.envelope, data=events.ErrandRegisteredData(**about.leg, **said))


class _About:
    """What every event of a line has in common."""

    def __init__(self, line: Line, settings: DeskSettings, instance: str) -> None:
        name = line.leg if isinstance(line, records.Errand) else line.visit
        own = ":" not in name
        self.envelope: dict[str, Any] = {
            "id": stable_hash(settings.system, line.key, line.action),
            "source": instance,
            "subject": f"{settings.system}:{name}" if own else name,
            "time": line.at,
        }
        self.leg: dict[str, Any] = {
            "channel": line.channel if isinstance(line, records.Errand) else Channel.VISIT,
            "party": line.party,
            "audience": line.audience,
        }


def _reader(settings: DeskSettings, context: ReaderContext) -> Reader:
    return FollowedFile(settings.journal, on_gap=context.on_gap)


SOURCE = Source(
    name="desk",
    channel=Channel.VISIT,
    settings=DeskSettings,
    normalise=normalise,
    reader=_reader,
)
