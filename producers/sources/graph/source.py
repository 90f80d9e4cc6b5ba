"""The Graph source: mailboxes of Exchange Online. What a message means stands with the mail source."""

from __future__ import annotations

from pydantic import ValidationError

from producers.contract import Context, Normalised, Raw, Reader, ReaderContext, Reason, Rejected, Source
from producers.sources.graph.messages import message_adapter
from producers.sources.graph.settings import GraphSettings
from producers.sources.mail.messages import events_of
from schemas.events import Channel


def normalise(raw: Raw, settings: GraphSettings, context: Context) -> Normalised:
    """Return the events of one message. Total: hostile bytes give a best-effort event or a Rejected.

    ``raw.payload`` is Graph's JSON of the message, whole or as the reader keeps it; ``raw.attributes`` has
    ``folder`` (``inbox`` or ``sent``) and, where there are several mailboxes, ``mailbox``.
    """
    try:
        message = message_adapter.validate_json(raw.payload)
    except ValidationError as error:
        return _rejected(error)
    if message.is_draft:
        return []
    return events_of(
        message.headers,
        folder=raw.attributes.get("folder"),
        mailbox=raw.attributes.get("mailbox", next(iter(settings.mailboxes))),
        received_at=message.received_at,
        context=context,
    )


def _rejected(error: ValidationError) -> Rejected:
    """Say what is wrong by the names of fields only, never by what stood in them."""
    first = error.errors()[0]
    field = next((part for part in first["loc"] if isinstance(part, str)), None)
    if field is None:
        return Rejected(Reason.UNREADABLE, "no JSON object")
    if first["type"] == "missing":
        return Rejected(Reason.MISSING_FIELD, f"{field} is missing, or a part of it")
    return Rejected(Reason.BAD_VALUE, f"{field} has a value of another form")


def _reader(settings: GraphSettings, context: ReaderContext) -> Reader:
    from producers.sources.graph.reader import GraphReader

    return GraphReader(settings, context.clock)


SOURCE = Source(
    name="graph",
    channel=Channel.EMAIL,
    settings=GraphSettings,
    normalise=normalise,
    reader=_reader,
)
