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
    Reason,
    Rejected,
    Source,
    SourceSettings,
)
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
        return _rejected(error)


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
        errand = isinstance(line, records.Errand)
        name = line.leg if isinstance(line, records.Errand) else line.visit
        own = not errand or ":" not in name
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


def _rejected(error: ValidationError) -> Rejected:
    """Say what is wrong with a line by the names of fields only, never by what stood in them."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    kind = first["type"]
    field = next((part for part in reversed(first["loc"]) if isinstance(part, str)), "")
    if kind == "json_invalid":
        return Rejected(Reason.UNREADABLE, "no JSON")
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return Rejected(Reason.UNKNOWN_KIND, "no known action")
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        return Rejected(Reason.UNREADABLE, "no JSON object")
    if kind == "missing":
        return Rejected(Reason.MISSING_FIELD, f"{field} is missing")
    if field == "at":
        return Rejected(Reason.BAD_TIME, "at is no ISO 8601 time with a zone")
    return Rejected(Reason.BAD_VALUE, f"{field or 'the line'} has a value that is not allowed ({kind})")


def _reader(settings: DeskSettings, context: ReaderContext) -> Reader:
    return FollowedFile(settings.journal, on_gap=context.on_gap)


SOURCE = Source(
    name="desk",
    channel=Channel.VISIT,
    settings=DeskSettings,
    normalise=normalise,
    reader=_reader,
)
