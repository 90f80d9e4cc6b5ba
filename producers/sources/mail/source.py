"""The mail source: one mailbox of the centre, over IMAP or from a Maildir. See messages.py for meanings."""

from __future__ import annotations

from producers.contract import Context, Normalised, Raw, Reader, ReaderContext, Source
from producers.sources.mail.headers import Headers
from producers.sources.mail.messages import events_of
from producers.sources.mail.settings import MailSettings
from schemas.events import Channel


def normalise(raw: Raw, settings: MailSettings, context: Context) -> Normalised:
    """Return the events of one message. Total: hostile bytes give a best-effort event or a Rejected.

    ``raw.payload`` is the message or its header block; ``raw.attributes`` has ``folder`` (``inbox`` or
    ``sent``) and ``mailbox``; ``raw.received_at`` is the server's date.
    """
    return events_of(
        Headers.of_message(raw.payload),
        folder=raw.attributes.get("folder"),
        mailbox=raw.attributes.get("mailbox", settings.mailbox),
        received_at=raw.received_at,
        context=context,
    )


def _reader(settings: MailSettings, context: ReaderContext) -> Reader:
    if settings.imap is not None:
        from producers.sources.mail.imap import ImapReader

        return ImapReader(settings, settings.imap)
    if settings.maildir is not None:
        from producers.sources.mail.maildir import MaildirReader

        return MaildirReader(settings, settings.maildir, context.clock)
    raise AssertionError("the settings have one reader")


SOURCE = Source(
    name="mail",
    channel=Channel.EMAIL,
    settings=MailSettings,
    normalise=normalise,
    reader=_reader,
)
