"""The newsource source: what the lines of its log mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

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
from producers.records import Instant, Key, rejected
from producers.tail import FollowedFile
from schemas import events
from schemas.events import Channel, Event, Slug
from schemas.identity import stable_hash


class NewsourceSettings(SourceSettings):
    """Settings of an instance."""

    path: Path = Path("/var/log/newsource.jsonl")
    """The file to which the system writes a line for everything that happens to a visit."""
    follow: bool = True
    """Go on as the file grows; false reads a finished file to its end."""
    system: Slug = "newsource"
    """The first part of every visit's id. Never change it: the same visits would be counted again."""
    queue: Slug = "koordinaten"
    """The queue of all visitors; a queue of the catalogue."""


class Line(BaseModel):
    """A line: what happened to a visit. Fields that are not named here are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Key
    """Unique to what happened: the same line twice counts once."""
    at: Instant
    visit: Key
    what: str
    telephone: str = ""
    """Becomes a pseudonym, and goes no further."""


def normalise(raw: Raw, settings: NewsourceSettings, context: Context) -> Normalised:
    """Return the event of a line, or why there is none. Raises nothing, whatever the bytes are."""
    try:
        line = Line.model_validate_json(raw.payload)
        return _events(line, raw, settings, context)
    except ValidationError as error:
        return rejected(error)


def _events(line: Line, raw: Raw, settings: NewsourceSettings, context: Context) -> Normalised:
    envelope: dict[str, Any] = {
        "id": stable_hash(settings.system, line.id),
        "source": context.instance,
        "subject": f"{settings.system}:{line.visit}",
        "time": line.at,
    }
    leg: dict[str, Any] = {
        "channel": Channel.VISIT,
        "position": raw.sequence,
        "party": context.pseudonymiser.number(line.telephone),
    }
    event: Event
    match line.what:
        case "ticket taken":
            event = events.Queued(**envelope, data=events.QueuedData(**leg, queue=settings.queue))
        case "called":
            event = events.Answered(**envelope, data=events.AnsweredData(**leg))
        case "no show":
            event = events.NoShow(**envelope, data=events.NoShowData(**leg))
        case "done":
            event = events.Ended(**envelope, data=events.EndedData(**leg))
        case "screen updated":
            return ()
        case _:
            return Rejected(Reason.UNKNOWN_KIND, "what happened is nothing that is known")
    return (event,)


def _reader(settings: NewsourceSettings, context: ReaderContext) -> Reader:  # noqa: ARG001 - the contract's
    return FollowedFile(settings.path, follow=settings.follow)


SOURCE = Source(
    name="newsource",
    channel=Channel.VISIT,
    settings=NewsourceSettings,
    normalise=normalise,
    reader=_reader,
)
