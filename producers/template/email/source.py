"""The newsource source: what the lines of its log mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

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
from schemas.catalogue import UNKNOWN_UNIT
from schemas.events import Audience, Channel, Event, HandoverKind, Slug
from schemas.identity import message_ref, normalise_address, stable_hash


class NewsourceSettings(SourceSettings):
    """Settings of an instance."""

    path: Path = Path("/var/log/newsource.jsonl")
    """The file to which the system writes a line for everything that happens to a message."""
    follow: bool = True
    """Go on as the file grows; false reads a finished file to its end."""
    system: Slug = "newsource"
    """The first part of every message's id. Never change it: the same messages would be counted again."""
    mailbox: Slug = "kommun"
    """The name of the mailbox in events and figures."""


class Line(BaseModel):
    """A line: what happened to a message. Fields that are not named here are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Key
    """Unique to what happened: the same line twice counts once."""
    at: Instant
    message: Annotated[str, StringConstraints(min_length=1, max_length=998)]
    """Its Message-ID; becomes a hash, since it may hold a name."""
    references: tuple[str, ...] = ()
    """The Message-IDs of what it answers, the oldest first."""
    what: str
    sender: str = ""
    recipient: str = ""
    """Addresses; become pseudonyms, and go no further."""


def normalise(raw: Raw, settings: NewsourceSettings, context: Context) -> Normalised:
    """Return the event of a line, or why there is none. Raises nothing, whatever the bytes are."""
    try:
        line = Line.model_validate_json(raw.payload)
        return _events(line, raw, settings, context)
    except ValidationError as error:
        return rejected(error)


def _events(line: Line, raw: Raw, settings: NewsourceSettings, context: Context) -> Normalised:
    message, references = message_ref(line.message), tuple(map(message_ref, line.references))
    envelope: dict[str, Any] = {
        "id": stable_hash(settings.system, line.id),
        "source": context.instance,
        "subject": f"{settings.system}:{message}",
        "time": line.at,
    }
    leg: dict[str, Any] = {"channel": Channel.EMAIL, "position": raw.sequence}
    thread: dict[str, Any] = {"message": message, "references": references}
    event: Event
    match line.what:
        case "received":
            sender = normalise_address(line.sender)
            internal = sender is not None and context.catalogue.internal.address(sender)
            leg["audience"] = Audience.INTERNAL if internal else None
            leg["party"] = context.pseudonymiser.address(line.sender)
            told = events.ReceivedData(**leg, **thread, mailbox=settings.mailbox)
            event = events.Received(**envelope, data=told)
        case "replied":
            leg["party"] = context.pseudonymiser.address(line.recipient)
            sent = events.RepliedData(**leg, **thread, mailbox=settings.mailbox)
            event = events.Replied(**envelope, data=sent)
        case "forwarded":
            unit = context.catalogue.unit_of_address(line.recipient.strip().lower()) or UNKNOWN_UNIT
            passed = events.HandedOverData(**leg, kind=HandoverKind.TICKET, unit=unit)
            event = events.HandedOver(**envelope, data=passed)
        case "opened":
            return ()
        case _:
            return Rejected(Reason.UNKNOWN_KIND, "what happened is nothing that is known")
    return (event,)


def _reader(settings: NewsourceSettings, context: ReaderContext) -> Reader:  # noqa: ARG001 - the contract's
    return FollowedFile(settings.path, follow=settings.follow)


SOURCE = Source(
    name="newsource",
    channel=Channel.EMAIL,
    settings=NewsourceSettings,
    normalise=normalise,
    reader=_reader,
)
