"""The newsource source: what the lines of its log mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

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
from schemas.events import Audience, Channel, Event, HandoverKind, Slug
from schemas.identity import stable_hash


class NewsourceSettings(SourceSettings):
    """Settings of an instance."""

    path: Path = Path("/var/log/newsource.jsonl")
    """The file to which the system writes a line for everything that happens to a call."""
    follow: bool = True
    """Go on as the file grows; false reads a finished file to its end."""
    system: Slug = "newsource"
    """The first part of every call's id. Never change it: the same calls would be counted again."""
    queues: Mapping[str, Slug] = {}
    """The system's name of a queue -> the catalogue's. Calls in any other queue are in ``queue``."""
    queue: Slug = "kommuncenter"
    """The queue of the catalogue that stands for all that are not listed."""


class Line(BaseModel):
    """A line: what happened to a call. Fields that are not named here are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Key
    """Unique to what happened: the same line twice counts once."""
    at: Instant
    call: Key
    what: str
    queue: str = ""
    caller: str = ""
    """A telephone number; becomes a pseudonym, and goes no further."""
    talk_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = None
    extension: str = ""
    """To whom a call was passed on."""


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
        "subject": f"{settings.system}:{line.call}",
        "time": line.at,
    }
    leg: dict[str, Any] = {
        "channel": Channel.TELEPHONE,
        "position": raw.sequence,
        "party": context.pseudonymiser.number(line.caller),
    }
    queue = settings.queues.get(line.queue, settings.queue)
    event: Event
    match line.what:
        case "queued":
            internal = context.catalogue.internal.number(line.caller)
            leg["audience"] = Audience.INTERNAL if internal else None
            event = events.Queued(**envelope, data=events.QueuedData(**leg, queue=queue))
        case "answered":
            event = events.Answered(**envelope, data=events.AnsweredData(**leg, queue=queue))
        case "gave up":
            event = events.Abandoned(**envelope, data=events.AbandonedData(**leg, queue=queue))
        case "transferred":
            own, unit = context.catalogue.unit_of_extension(line.extension)
            told = events.HandedOverData(**leg, kind=HandoverKind.BLIND, unit=None if own else unit)
            event = events.HandedOver(**envelope, data=told)
        case "ended":
            talk_ms = None if line.talk_seconds is None else line.talk_seconds * 1000
            event = events.Ended(**envelope, data=events.EndedData(**leg, talk_ms=talk_ms))
        case "agent paused":
            return ()
        case _:
            return Rejected(Reason.UNKNOWN_KIND, "what happened is nothing that is known")
    return (event,)


def _reader(settings: NewsourceSettings, context: ReaderContext) -> Reader:  # noqa: ARG001 - the contract's
    return FollowedFile(settings.path, follow=settings.follow)


SOURCE = Source(
    name="newsource",
    channel=Channel.TELEPHONE,
    settings=NewsourceSettings,
    normalise=normalise,
    reader=_reader,
)
